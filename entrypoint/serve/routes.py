"""What each path answers: probes in the style of Kubernetes' own components, metrics, an index.

Here: from a request and a snapshot to a response. No sockets, no decision about health (that is
`lifecycle.health`), no metric (that is `metrics`).
"""

from __future__ import annotations

import time

from entrypoint.lifecycle.health import Item, Snapshot, Verdict, livez, readyz, startupz
from entrypoint.serve.messages import Request, Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Final, TypeAlias

    Judge: TypeAlias = Callable[[Snapshot, float], Verdict]

PROBES: Final[Mapping[str, Judge]] = {"livez": livez, "readyz": readyz, "startupz": startupz}

ENDPOINTS: Final = (
    ("/livez", "would a restart help: is java there, are the liveness checks ok"),
    ("/readyz", "may requests come: running, and every readiness check ok"),
    ("/startupz", "has it started: ok for good once it has been running"),
    ("/metrics", "numbers for Prometheus, as text or OpenMetrics"),
)
"""Path and meaning: the index page, and the source of docs/reference/endpoints.md."""


def answer(
    request: Request,
    snapshot: Callable[[], Snapshot],
    metrics: Callable[[str], tuple[bytes, str]],
    clock: Callable[[], float] = time.monotonic,
) -> Response:
    """Return the response to a GET or HEAD; 404 for what is not there.

    `snapshot` returns the latest one; `metrics` takes an Accept header and returns a body and its
    content type.
    """
    if request.path == "/":
        return Response(200, _index(snapshot()).encode())
    if request.path == "/metrics":
        body, content_type = metrics(request.header("accept"))
        return Response(200, body, content_type)
    probe, _, single = request.path[1:].partition("/")
    judge = PROBES.get(probe)
    if judge is None:
        return _not_found(path for path, _ in ENDPOINTS)
    verdict = judge(snapshot(), clock())
    if single:
        items = tuple(item for item in verdict.items if item.name == single)
        if not items:
            return _not_found(f"/{probe}/{item.name}" for item in verdict.items)
        verdict = Verdict(all(item.ok for item in items), items)
    return _probe(probe, verdict, request)


def _probe(probe: str, verdict: Verdict, request: Request) -> Response:
    """Say `ok`, or with ?verbose or on failure one line an item; ?exclude=NAME leaves items out."""
    excluded = request.values("exclude")
    failed = any(not item.ok and item.name not in excluded for item in verdict.items)
    if not failed and not request.values("verbose"):
        return Response(200, b"ok")
    lines = [_line(item, item.name in excluded) for item in verdict.items]
    unknown = [name for name in excluded if all(name != item.name for item in verdict.items)]
    if unknown:
        lines.append(f"warn: cannot be excluded, not there: {', '.join(map(ascii, unknown))}")
    lines.append(f"{probe} check {'failed' if failed else 'passed'}\n")
    return Response(503 if failed else 200, "\n".join(lines).encode())


def _line(item: Item, excluded: bool) -> str:
    if excluded:
        return f"[+]{item.name} excluded: {item.text}"
    return f"[{'+' if item.ok else '-'}]{item.name} {item.text}"


def _not_found(paths: Iterable[str]) -> Response:
    lines = ("not found, try:", *(f"  {path}" for path in paths))
    return Response(404, "\n".join((*lines, "")).encode())


def _index(snapshot: Snapshot) -> str:
    lines = [f"entrypoint {snapshot.version}  {snapshot.name}  {snapshot.phase}", ""]
    lines += [f"{path:<11} {meaning}" for path, meaning in ENDPOINTS]
    lines += [
        "",
        "?verbose lists every check, ?exclude=NAME leaves one out, /readyz/NAME asks one.",
    ]
    return "\n".join((*lines, ""))
