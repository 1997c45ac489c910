"""What each path answers: probes in the style of Kubernetes' own components, metrics, the status.

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

    from entrypoint.lifecycle.status import Status

    Judge: TypeAlias = Callable[[Snapshot, float], Verdict]

PROBES: Final[Mapping[str, Judge]] = {"livez": livez, "readyz": readyz, "startupz": startupz}

ENDPOINTS: Final = (
    ("/livez", "would a restart help: is java there, are the liveness checks ok"),
    ("/readyz", "may requests come: running, and every readiness check ok"),
    ("/startupz", "has it started: ok for good once it has been running"),
    ("/metrics", "numbers for Prometheus, as text or OpenMetrics"),
    ("/status", "all of this page as JSON; ?output=text for people, as entrypoint status shows it"),
    ("/", "the status: a page for browsers, text for everybody else"),
)
"""Path and meaning: shown by the status page, and the source of docs/reference/endpoints.md."""


def is_probe(path: str) -> bool:
    """Tell whether a path is a probe, or one item of a probe: those need no token and no TLS."""
    return path[1:].partition("/")[0] in PROBES


def answer(
    request: Request,
    snapshot: Callable[[], Snapshot],
    metrics: Callable[[str], tuple[bytes, str]],
    status: Callable[[], Status],
    clock: Callable[[], float] = time.monotonic,
) -> Response:
    """Return the response to a GET or HEAD; 404 for what is not there.

    `snapshot` returns the latest one; `metrics` takes an Accept header and returns a body and its
    content type; `status` returns what the status page shows.
    """
    if request.path in {"/", "/status"}:
        return _status(request, status())
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


def _status(request: Request, status: Status) -> Response:
    """Return the status as page, text or JSON: imported on the first request, for people are rare."""
    if request.path == "/" and _wants_html(request.header("accept")):
        from entrypoint.serve.page import HEADERS, page  # noqa: PLC0415

        text = page(status, ENDPOINTS, refresh="off" not in request.values("refresh"))
        return Response(200, text.encode(errors="replace"), "text/html; charset=utf-8", HEADERS)
    if request.path == "/status" and "text" not in request.values("output"):
        from entrypoint.serve.document import status_document, to_json  # noqa: PLC0415

        return Response(200, f"{to_json(status_document(status))}\n".encode(), "application/json")
    from entrypoint.serve.status_text import WIDTH, status_text  # noqa: PLC0415

    colour = bool(request.values("colour"))
    asked = (text for text in request.values("width") if text.isdecimal() and len(text) < 6)
    width = next(map(int, asked), WIDTH)
    text = status_text(status, colour, min(max(width, 60), 400))
    if request.path == "/":
        text = "\n".join((text, *(f"{path:<14} {meaning}" for path, meaning in ENDPOINTS), ""))
    return Response(200, text.encode(errors="replace"), headers=(("Vary", "Accept"),))


def _wants_html(accept: str) -> bool:
    """Tell a browser, which names text/html, from curl, which takes anything."""
    ranges = (one.partition(";")[0].strip().lower() for one in accept.split(","))
    return "text/html" in ranges
