"""Asking one check once: from a `CheckPlan` to a `CheckResult`, whatever the peer does.

Here: which kind asks what, and the promise that a check ends, never raises, and tells no secret.
"""

from __future__ import annotations

from entrypoint.system.checks.result import (
    DETAIL_LIMIT,
    CheckFailed,
    CheckResult,
    Deadline,
    SaidNo,
    describe_os_error,
)
from entrypoint.values import one_line, reveal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from entrypoint.plan.model import CheckPlan
    from entrypoint.system.checks.zookeeper import ZooKeeperSession

SESSION_MS: Final = 30_000


class Kept:
    """What one check keeps between askings: its ZooKeeper session, if it needs one."""

    __slots__ = ("session",)

    def __init__(self) -> None:
        self.session: ZooKeeperSession | None = None

    def close(self, seconds: float = 1.0) -> None:
        """End the session at the server, waiting for its answer `seconds` at most."""
        if self.session is not None:
            self.session.close(Deadline(seconds))
            self.session = None


def run(check: CheckPlan, kept: Kept) -> CheckResult:
    """Ask once and return what came; ends within `check.timeout`, never raises.

    The only thing with no bound is the kernel itself, for the `file` check on a hung network mount.
    """
    deadline = Deadline(check.timeout)
    said_no = False
    try:
        _ask(check, kept, deadline)
    except CheckFailed as failure:
        detail, said_no = failure.detail, isinstance(failure, SaidNo)
    except TimeoutError:
        detail = f"no answer in {deadline}"
    except OSError as error:
        detail = describe_os_error(error)
    except ValueError as error:
        detail = f"cannot ask: expected {error}"
    except Exception as error:  # noqa: BLE001 - a check's thread must outlive our own mistakes
        detail = f"cannot ask: {type(error).__name__}"
    else:
        return CheckResult(True, "ok", deadline.elapsed())
    return CheckResult(False, one_line(detail, DETAIL_LIMIT), deadline.elapsed(), said_no)


def _ask(check: CheckPlan, kept: Kept, deadline: Deadline) -> None:
    """Ask in the way of the check's kind. Each kind is imported when it is first asked."""
    match check.kind:
        case "tcp":
            from entrypoint.system.checks.tcp import ask_tcp  # noqa: PLC0415

            ask_tcp(_text(check, "address"), deadline)
        case "http":
            from entrypoint.system.checks.http import ask_http  # noqa: PLC0415

            ask_http(
                _text(check, "url"),
                deadline,
                status=_text(check, "status", "200"),
                wanted=_text(check, "contains"),
                verify=_text(check, "verify", "true").lower() != "false",
            )
        case "mysql":
            from entrypoint.system.checks.mysql import ask_mysql  # noqa: PLC0415

            url, user, table = (_text(check, name) for name in ("url", "user", "table"))
            ask_mysql(url, user, check.argument("password") or "", table, deadline)
        case "zookeeper":
            _ask_zookeeper(check, kept, deadline)
        case "file":
            from entrypoint.system.checks.file import ask_file  # noqa: PLC0415

            ask_file(_text(check, "path"), _text(check, "contains"))
        case kind:
            raise CheckFailed(f"no such kind of check: {kind}")


def _ask_zookeeper(check: CheckPlan, kept: Kept, deadline: Deadline) -> None:
    from entrypoint.system.checks import zookeeper  # noqa: PLC0415

    ensemble = zookeeper.parse_servers(_text(check, "servers"))
    path = _text(check, "path")
    if not path:
        zookeeper.ask_serving(ensemble, deadline)
        return
    if kept.session is None:
        # Several intervals long, so that the next asking finds the session alive.
        timeout_ms = max(SESSION_MS, round(check.interval * 4000))
        kept.session = zookeeper.ZooKeeperSession(ensemble, timeout_ms)
    zookeeper.ask_node(kept.session, path, _text(check, "expect", "present"), deadline)


def _text(check: CheckPlan, name: str, default: str = "") -> str:
    value = check.argument(name)
    return reveal(value) if value else default
