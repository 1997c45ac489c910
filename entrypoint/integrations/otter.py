"""Registering a node with otter's manager, by the manager's own pages.

Here: the order of steps, and what is never done. Rules, each learnt from otter's source or the real manager:

- A node is found by its exact name. The manager inserts nothing, and says so to nobody, where the name, or
  address and port together, are there already: so we look again after every insert.
- A row that shows as started is not touched: the manager forbids it, and somebody runs under it, or ran a
  moment ago. We wait for its session to end: a node started before that would hang for ever.
- A fixed nid is only ever used with the name that it has. We never take a row that belongs to another name.
- What was given is written; what was not is kept as the row has it.

Every step leads to the same end from whatever the step before left, so it may be interrupted anywhere.
"""

from __future__ import annotations

import time

from entrypoint.errors import ProblemsError
from entrypoint.integrations import otter_problems as problems
from entrypoint.integrations.otter_clusters import choose, create
from entrypoint.integrations.otter_pages import REQUEST_SECONDS, Pages
from entrypoint.integrations.otter_rows import NODE_FIELDS, Row, nodes, wanted_fields
from entrypoint.integrations.protocol import Progress, TryAgainError, gave_up
from entrypoint.lifecycle.events import Registered
from entrypoint.records import record
from entrypoint.settings.masking import mask_url
from entrypoint.system.checks.backoff import Backoff
from entrypoint.values import reveal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from entrypoint.integrations.html import Form
    from entrypoint.integrations.otter_pages import Answer
    from entrypoint.integrations.protocol import Tell
    from entrypoint.plan.model import Registration

SHORTEST_NAME: Final = 4
LONGEST_NAME: Final = 64
MOVED: Final = frozenset({301, 308})
"""A proxy's redirects, mostly to https: otter's own are 302, and one to the login means a wrong password."""
MOST_PAGES: Final = 500
MOST_ROWS: Final = 20_000
LONGEST_PORT: Final = 5


@record
class Wish:
    """What this node wants to be in the manager; "" where nothing was given."""

    url: str
    user: str
    password: str
    name: str
    host: str
    nid: str = ""
    address: str = ""
    external: str = ""
    port: str = ""
    download_port: str = ""
    mbean_port: str = ""
    cluster: str = ""
    servers: str = ""

    @staticmethod
    def of(asked: Registration) -> Wish:
        """Return what the plan asks for."""
        return Wish(**{name.replace("-", "_"): reveal(value) for name, value in asked.arguments})


def register(
    asked: Registration,
    tell: Tell,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> Registered:
    """Find or create our row in the manager and return its number, address and ports.

    Raises ProblemsError: at once for what will not change, and after `at_most` for what might have; a manager
    that is slow gets one request's time more, not one for each of its pages.
    """
    wish, backoff, started = Wish.of(asked), Backoff(), clock()
    if not SHORTEST_NAME <= len(wish.name) <= LONGEST_NAME:
        raise ProblemsError(problems.bad_name(wish.name))
    attempts = in_a_row = 0
    while True:
        attempts += 1
        # At least one request's time: the last attempt is there to say what is wrong.
        left = max(asked.at_most - (clock() - started), REQUEST_SECONDS)
        try:
            return attempt(wish, Pages(wish.url, left), sleep)
        except TryAgainError as error:
            progress = Progress(attempts, clock() - started, error.detail)
            # Of those alone: a manager that was away for a while before is no reason to try less often.
            in_a_row = in_a_row + 1 if error.attempts else 0
            if progress.seconds >= asked.at_most or (error.attempts and in_a_row >= error.attempts):
                raise ProblemsError(error.problem or gave_up(asked, progress)) from None
            tell(progress)
            sleep(max(0.0, min(backoff.next(), asked.at_most - progress.seconds)))


def attempt(wish: Wish, pages: Pages, sleep: Callable[[float], object] = time.sleep) -> Registered:
    """Go through all steps once; raises TryAgainError or ProblemsError."""
    log_in(pages, wish)
    row, how = _own_row(pages, wish), "found"
    if row is None:
        _create(pages, wish, sleep)
        row, how = _own_row(pages, wish), "created"
        if row is None:
            raise ProblemsError(_why_no_row(pages, wish))
    if row.started:
        shown = f"node {row.nid} ({row.name}) is still started there"
        raise TryAgainError(f"{shown}: its session has to end first", problems.in_use(row))
    form = _edit_form(pages, row)
    changed = wanted_fields(form, wish, choose(pages, wish, form, sleep))
    if changed != form.fields:
        problems.check_accepted(pages.post_multipart("editNode.htm", changed), "editNode.htm")
        form = _edit_form(pages, row)
        how = "updated" if how == "found" else how
    return _registered(row, form, how, wish)


def log_in(pages: Pages, wish: Wish) -> None:
    """Log in; raises ProblemsError where name or password are wrong."""
    fields = {"action": "user_action", "event_submit_do_login": "1"}
    given = {"_fm.l._0.n": wish.user, "_fm.l._0.p": wish.password}
    answer = pages.post("login.htm", fields | given)
    if answer.status in MOVED:
        raise problems.not_understood("login.htm", answer)
    if answer.leads_to and answer.leads_to not in {"login", "error"}:
        return
    if answer.leads_to == "login" or answer.page.password:
        raise ProblemsError(problems.wrong_password(mask_url(wish.url), wish.user))
    raise problems.not_understood("login.htm", answer)


def find(pages: Pages, text: str) -> list[Row]:
    """Return every row whose name, number or address has the text in it: the search is for parts."""
    found: dict[int, Row] = {}
    for number in range(1, MOST_PAGES):
        answer = pages.get("node_list.htm", {"searchKey": text, "pageIndex": str(number)})
        rows = nodes(answer.page)
        if answer.status != 200 or not (rows or "addnode" in answer.text.replace("_", "").lower()):
            raise problems.not_understood("node_list.htm", answer)
        # Past its end the list shows its last page again.
        new = [row for row in rows if row.nid not in found]
        if not new:
            break
        if len(found) > MOST_ROWS:
            raise problems.not_understood("node_list.htm", answer)
        found |= {row.nid: row for row in new}
    return list(found.values())


def _own_row(pages: Pages, wish: Wish) -> Row | None:
    """Return the row with our name; with a fixed nid that row, if it has our name."""
    named = [row for row in find(pages, wish.name) if row.name == wish.name]
    if len(named) > 1:
        raise ProblemsError(problems.two_rows(wish.name, [row.nid for row in named]))
    if not wish.nid:
        return named[0] if named else None
    if named and str(named[0].nid) != wish.nid:
        raise ProblemsError(problems.other_nid(wish.nid, named[0]))
    if named:
        return named[0]
    owner = next((row for row in find(pages, wish.nid) if str(row.nid) == wish.nid), None)
    if owner is not None:
        raise ProblemsError(problems.stolen(wish.nid, owner, wish.name))
    raise ProblemsError(problems.no_such_nid(wish.nid, wish.name))


def _create(pages: Pages, wish: Wish, sleep: Callable[[float], object]) -> None:
    answer = pages.get("addNode.htm")
    if answer.leads_to == "addzookeeper":
        create(pages, wish, sleep)
        answer = pages.get("addNode.htm")
    form = _form(answer, "addNode.htm")
    fields = wanted_fields(form, wish, choose(pages, wish, form, sleep), new=True)
    answer = pages.post_multipart("addNode.htm", fields)
    problems.check_accepted(answer, "addNode.htm")


def _edit_form(pages: Pages, row: Row) -> Form:
    answer = pages.get("editNode.htm", {"nodeId": str(row.nid)})
    if answer.leads_to == "forbidden":
        detail = f"the manager does not let us edit node {row.nid}: it has just been started"
        raise TryAgainError(detail, problems.forbidden("editNode.htm"))
    return _form(answer, "editNode.htm")


def _form(answer: Answer, page: str) -> Form:
    if answer.leads_to in {"login", "forbidden"}:
        raise ProblemsError(problems.forbidden(page))
    form = answer.page.form
    if answer.status != 200 or not form.fields.keys() >= NODE_FIELDS:
        raise problems.not_understood(page, answer)
    return form


def _why_no_row(pages: Pages, wish: Wish) -> problems.Problem:
    address = wish.address or wish.host
    port = int(wish.port or "2088")
    for row in find(pages, address):
        if (row.address, row.port) == (address, port):
            return problems.address_taken(row, address, port)
    return problems.address_taken(None, address, port)


def _registered(row: Row, form: Form, how: str, wish: Wish) -> Registered:
    address, port = form.fields["_fm.n._0.ip"], form.fields["_fm.n._0.p"]
    ports = int(port) if port.isdecimal() and len(port) <= LONGEST_PORT else 0
    values = (
        ("nid", str(row.nid)),
        ("node.address", address),
        ("node.port", port),
        ("node.download-port", form.fields["_fm.no._0.d"] or str(ports + 1)),
        ("node.mbean-port", form.fields["_fm.no._0.m"] or str(ports + 2)),
    )
    shown = f"{address}:{port}"
    said = (("node", row.name), ("nid", str(row.nid)), ("address", shown), ("row", how))
    return Registered(values, f"node list of {mask_url(wish.url)}", said)


def leave(asked: Registration) -> str:
    """Remember in ZooKeeper which channels of this node run now."""
    from entrypoint.integrations import otter_channels  # noqa: PLC0415 - only at the stop

    return otter_channels.remember(Wish.of(asked))


def resume(asked: Registration) -> str:
    """Start the channels of this node that ran when it stopped and that otter has paused since."""
    from entrypoint.integrations import otter_channels  # noqa: PLC0415 - only when ready

    return otter_channels.resume(Wish.of(asked))
