"""The status as JSON: the same facts as the page and the terminal show, under stable names.

Here: from the status to mappings and lists, and a small encoder: `json` imports `re`, which costs PID 1
more than the whole status. Keys are kebab-case; sizes are bytes, times seconds; null is "not known".
"""

from __future__ import annotations

from _json import encode_basestring_ascii as quote

from entrypoint.lifecycle import status as words
from entrypoint.lifecycle.health import livez, readyz, startupz

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrypoint.lifecycle.history import Series
    from entrypoint.lifecycle.previous import Run
    from entrypoint.lifecycle.status import Row, Status


def status_document(status: Status) -> dict[str, object]:
    """Return the status as JSON-like data."""
    snapshot, head = status.snapshot, words.headline(status)
    return {
        "host": status.host,
        "state": head.state,
        "phase": snapshot.phase,
        "live": livez(snapshot, status.now).ok,
        "ready": readyz(snapshot, status.now).ok,
        "started": startupz(snapshot, status.now).ok,
        "time": round(status.time, 3),
        "up-seconds": round(max(0.0, status.now - snapshot.started_monotonic), 3),
        "restarts": snapshot.restarts,
        "last-death": _run(snapshot.previous, words.last_death(status)),
        "exit": None
        if snapshot.exit is None
        else {
            "child-code": snapshot.exit.child_code,
            "code": snapshot.exit.answer,
            "cause": snapshot.exit.cause,
        },
        "phases": [{"phase": phase, "began": began} for phase, began in snapshot.phase_history],
        "java": _java(status),
        "checks": [_row(row) for row in words.checks(status)],
        "gates": [_row(row) for row in words.gates(status)],
        "counters": {
            "orphans-reaped": snapshot.counters.orphans_reaped,
            "signals": dict(snapshot.counters.signals_forwarded),
            "oom-kills": snapshot.counters.oom_kills,
            "log-lines-dropped": snapshot.counters.log_lines_dropped,
        },
        "notes": list(status.remarks),
        "plan": {"profile": snapshot.name, "digest": snapshot.digest, "text": status.plan},
        "config": _config(status),
        "version": snapshot.version,
    }


def _config(status: Status) -> dict[str, object] | None:
    config = status.snapshot.config
    if config is None or not config.looked:
        return None
    return {
        "changed": bool(config.changes),
        "says": words.config(status),
        "files": [
            {"path": one.path, "how": one.how, "since": round(one.since, 3)} for one in config.found
        ],
        "refused": config.verdict or None,
    }


def _java(status: Status) -> dict[str, object]:
    sample, series = status.sample, status.series or {}
    return {
        "pid": status.snapshot.child_pid,
        "alive": status.snapshot.child_alive,
        "trouble": words.trouble(status) or None,
        "heap-used": None if sample is None else sample.heap_used,
        "heap-max": None if sample is None else sample.heap_max,
        "gc-seconds": None if sample is None else sample.gc_seconds,
        "full-gcs": None if sample is None else sample.full_gcs,
        "threads": None if sample is None else sample.threads,
        "cpu-seconds": None if sample is None else sample.cpu_seconds,
        "rss": None if sample is None else sample.rss,
        "container-memory-used": None if sample is None else sample.memory_used,
        "container-memory-limit": None if sample is None else sample.memory_limit,
        "history": {
            "seconds-between": status.resolution,
            **{name.replace("_", "-"): _series(values) for name, values in series.items()},
        },
    }


def _series(values: Series) -> list[float | None]:
    # The ring keeps seven digits; what follows them is noise.
    return [None if value is None else float(f"{value:.7g}") for value in values]


def _row(row: Row) -> dict[str, object]:
    return {
        "name": row.name,
        "target": row.target,
        "ok": {"good": True, "bad": False, "wait": None}[row.mark],
        "state": row.state,
        "says": row.says,
        "since": row.since,
        **({"roles": row.roles.split(", ")} if row.roles else {}),
    }


def _run(run: Run | None, words_: str) -> dict[str, object] | None:
    if run is None:
        return None
    return {"began": run.began, "ended": run.ended, "code": run.code, "says": words_}


def to_json(value: object) -> str:
    """Return JSON-like data as JSON in ASCII; what JSON has no word for (NaN, infinity) is null."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _number(value)
        case dict():
            return _object(value)
        case list() | tuple():
            return f"[{', '.join(map(to_json, value))}]"
        case _:
            return str(quote(str(value)))


def _number(value: float) -> str:
    if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - NaN
        return "null"
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    # Without the noise of the last digits; rounded up, the largest number would be none any more.
    rounded = f"{value:.15g}"
    return repr(value) if float(rounded) in (float("inf"), float("-inf")) else rounded


def _object(value: Mapping[object, object]) -> str:
    pairs = (f"{quote(str(name))}: {to_json(one)}" for name, one in value.items())
    return f"{{{', '.join(pairs)}}}"
