"""What can be wrong with a registration at otter's manager, told so that it can be mended."""

from __future__ import annotations

from entrypoint.errors import EXIT_CONFIG, EXIT_DEPENDENCY, Problem, ProblemsError
from entrypoint.integrations.protocol import TryAgainError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrypoint.integrations.otter_pages import Answer
    from entrypoint.integrations.otter_rows import Row

__all__ = ["Problem"]


def bad_name(name: str) -> Problem:
    """Return the problem of a name that the manager would not take."""
    details = (
        ("where", "node.name, OTTER_NODE_NAME, by default the host name"),
        ("value", name[:100]),
        ("expected", "4 to 64 characters: otter refuses others"),
        ("fix", "set OTTER_NODE_NAME"),
    )
    what = "the node's name is too short or too long for otter"
    return Problem("registration-name", what, details)


def wrong_password(url: str, user: str) -> Problem:
    """Return the problem of a login that was refused."""
    details = (
        ("where", f"{url}/login.htm"),
        ("value", f"user {user[:60]}, password as given"),
        ("expected", "the name and password of an administrator of the manager"),
        (
            "fix",
            "correct OTTER_MANAGER_USER, OTTER_MANAGER_PASSWORD or OTTER_MANAGER_PASSWORD_FILE",
        ),
    )
    return Problem("registration-login", "the manager refuses our login", details)


def not_understood(page: str, answer: Answer) -> TryAgainError:
    """Return what to do about a page that is not otter's: try it three times, it may be a proxy's."""
    what = f"the manager's page /{page} is not what we know"
    detail = f"/{page} is not the page we know ({_seen(answer)})"
    return TryAgainError(detail, _unknown(page, what, answer), attempts=3)


def not_in_the_list(page: str, name: str, answer: Answer) -> Problem:
    """Return the problem of a ZooKeeper cluster that was created and is not to be seen: never try again."""
    what = f'the ZooKeeper cluster "{name[:60]}" that was just created is not on /{page}'
    return _unknown(page, what, answer)


def _unknown(page: str, what: str, answer: Answer) -> Problem:
    details = (
        ("where", f"/{page}"),
        ("says", _seen(answer)),
        ("expected", "the pages of otter manager 4.2.18"),
        ("fix", "check OTTER_MANAGER_URL; with another otter, create the row by hand and set OTTER_NID"),
    )  # fmt: skip
    return Problem("registration-not-understood", what, details, EXIT_DEPENDENCY)


def _seen(answer: Answer) -> str:
    leads = f", leads to {answer.leads_to[:40]}" if answer.leads_to else ""
    return f"{answer.status}{leads}, {len(answer.text)} characters"


def refused(page: str, messages: Sequence[str]) -> TryAgainError:
    """Return what to do about a form that was shown again: somebody else may have been a moment faster."""
    details = (
        ("where", f"/{page}"),
        ("says", "\n".join(messages)[:1000]),
        ("fix", "correct what the manager names: node.name, node.address or the ports"),
    )
    what = "the manager refuses what we want to register"
    problem = Problem("registration-refused", what, details, EXIT_CONFIG)
    return TryAgainError(f"/{page} refuses: {'; '.join(messages)[:200]}", problem, attempts=3)


def check_accepted(answer: Answer, page: str) -> None:
    """Return where a form was accepted: that leads to a list. A refused one is shown again with a reason."""
    if answer.leads_to == "forbidden":
        raise ProblemsError(forbidden(page))
    if answer.leads_to in {"error", "login"}:
        # The token of the form was used up, or the manager was restarted meanwhile.
        raise TryAgainError(f"/{page} did not take the form: its token is no longer good")
    if answer.leads_to:
        return
    messages = answer.page.messages
    if answer.status == 200 and messages:
        raise refused(page, messages)
    raise not_understood(page, answer)


def forbidden(page: str) -> Problem:
    """Return the problem of a user who may not do it."""
    details = (
        ("where", f"/{page}"),
        ("expected", "OTTER_MANAGER_USER to be an administrator (ADMIN) of the manager"),
        ("fix", "give it that right in the manager's list of users, or name another user"),
    )
    return Problem("registration-forbidden", "our user may not register nodes", details)


def two_rows(name: str, numbers: Sequence[int]) -> Problem:
    """Return the problem of a name that several nodes have."""
    shown = ", ".join(map(str, sorted(numbers)))
    details = (
        ("where", f"the manager's node list: nodes {shown}"),
        ("expected", "one row of our name: which of them are we?"),
        ("fix", "remove the ones that are not used, or set OTTER_NID to ours"),
    )
    what = f'the manager has {len(numbers)} nodes with the name "{name[:64]}"'
    return Problem("registration-ambiguous", what, details)


def other_nid(nid: str, row: Row) -> Problem:
    """Return the problem of a fixed nid where the row of our name has another one."""
    details = (
        ("where", "nid, OTTER_NID"),
        ("value", nid),
        ("expected", f"{row.nid}, the number of the manager's node {row.name}"),
        ("fix", "unset OTTER_NID, or set OTTER_NODE_NAME to the name of the node that is meant"),
    )
    return Problem("registration-nid", f"node {row.name} has nid {row.nid}, not {nid}", details)


def stolen(nid: str, owner: Row, name: str) -> Problem:
    """Return the problem of a fixed nid that is somebody else's."""
    details = (
        ("where", "nid, OTTER_NID"),
        ("value", f"{nid}, for the name {name[:64]}"),
        ("expected", f"a nid that is ours: {nid} is the node {owner.name} at {owner.address}:{owner.port}"),
        ("fix", f"set OTTER_NODE_NAME={owner.name} if that is us, or unset OTTER_NID to get one"),
    )  # fmt: skip
    return Problem("registration-nid", f'nid {nid} belongs to the node "{owner.name}"', details)


def no_such_nid(nid: str, name: str) -> Problem:
    """Return the problem of a fixed nid that the manager does not have."""
    details = (
        ("where", "nid, OTTER_NID"),
        ("value", f"{nid}, for the name {name[:64]}"),
        ("expected", "a number of the manager's node list: the manager gives them out itself"),
        ("fix", "unset OTTER_NID (and OTTER_NID_OFFSET) to get one, or create the node by hand first"),
    )  # fmt: skip
    return Problem("registration-nid", f"the manager has no node {nid}", details)


def in_use(row: Row) -> Problem:
    """Return the problem of a row under which somebody else runs."""
    details = (
        ("where", f"the manager's node list: node {row.nid} ({row.name}) at {row.address}:{row.port}"),
        ("expected", "no running node of our name: two would share one nid"),
        ("fix", "end the other one, or give this one a name of its own with OTTER_NODE_NAME"),
    )  # fmt: skip
    what = f"node {row.nid} is in use: the manager shows {row.name} as started"
    return Problem("registration-in-use", what, details, EXIT_DEPENDENCY)


def no_cluster(name: str) -> Problem:
    """Return the problem of a manager that has no ZooKeeper cluster for the node."""
    wanted = f' with the name "{name[:60]}"' if name else ""
    details = (
        ("where", "the manager's list of ZooKeeper clusters"),
        ("expected", "a cluster there, or zookeeper.servers to create it from"),
        ("fix", "set OTTER_ZOOKEEPER_SERVERS"),
    )
    return Problem(
        "registration-no-cluster", f"the manager has no ZooKeeper cluster{wanted}", details
    )


def address_taken(owner: Row | None, address: str, port: int) -> Problem:
    """Return the problem of an insert that otter ignores in silence."""
    whose = f"node {owner.nid} ({owner.name})" if owner else "another node, perhaps"
    details = (
        ("where", "node.address and node.port, OTTER_NODE_ADDRESS and OTTER_NODE_PORT"),
        ("value", f"{address}:{port}"),
        ("expected", f"an address and port of our own: {whose} is registered under them"),
        ("fix", "give this node another address or port, or remove the row that is not used"),
    )
    what = f"the manager has made no row for {address}:{port}"
    return Problem("registration-address", what, details)
