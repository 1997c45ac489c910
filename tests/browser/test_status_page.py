"""The status page in a real browser: what is in its DOM, that its policy holds, and pictures of it.

The pictures go to the test's own folder, or to the one that $ENTRYPOINT_SCREENSHOTS names: look at them
after every change to the page. Two of them are in docs/images.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from html import unescape
from pathlib import Path

import pytest

from entrypoint.lifecycle.gauges import gauges
from entrypoint.lifecycle.health import CheckStatus
from entrypoint.lifecycle.status import Status
from entrypoint.records import replace
from entrypoint.serve.http import Server
from entrypoint.serve.messages import Request, Response
from entrypoint.serve.page import TITLES
from entrypoint.serve.routes import answer
from lab.browser import photograph, visit
from lab.needs import need
from statuses import NOW, status

HOSTILE = (
    '</td></table></svg></style><script>document.title="owned"</script>'
    '<img src=x onerror="document.title=1">'
)
SHAPES = {
    "light": (1200, 1960, False),
    "dark": (1200, 1960, True),
    "light-narrow": (500, 3000, False),
    "dark-narrow": (500, 3000, True),
}


@pytest.fixture(scope="module")
def chromium() -> Path:
    return need("chromium")


@pytest.fixture
def serve() -> Iterator[Callable[[Status], str]]:
    """Serve a status as PID 1 does, headers and all, and return the page's address."""
    with ExitStack() as stack:

        def start(one: Status, change: Callable[[Response], Response] = lambda same: same) -> str:
            def respond(request: Request) -> Response:
                return change(
                    answer(request, lambda: one.snapshot, lambda _: (b"", ""), lambda: one)
                )

            listener = socket.create_server(("127.0.0.1", 0))
            port = listener.getsockname()[1]
            server = Server(listener, respond, lambda error: None)
            server.start()
            stack.callback(server.stop)
            return f"http://127.0.0.1:{port}/?refresh=off"

        yield start


def words(dom: str) -> str:
    """Return what a person reads of a DOM."""
    body = re.sub(r"<style>.*?</style>", "", dom, flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


def test_the_facts_are_in_the_dom(chromium: Path, serve: Callable[[Status], str]) -> None:
    look = visit(chromium, serve(status()))
    text = words(look.dom)
    for fact in (
        "otter-node-3 ✗ RUNNING, not ready",
        "up 5h47m restarts of this container 2 (last: exit 137 oom-killed, 6h ago)",
        "running 5h45m from 00:15:00Z",
        "java pid 42 the last hour",
        "zookeeper-session zk:2181/otter/node/7 ✗ failed no /otter/node/7 after 2ms (3 in a row)",
        "manager manager:1099 ✓ ok 1ms startup, readiness 5h46m",
        "✓ passed 6 attempts 5.3s",
        "java was killed by the kernel: out of memory (137), at 2026-11-24 00:00:00Z",
        "com.alibaba.otter.node.deployer.OtterLauncher",
        "/metrics numbers for Prometheus",
        "as of 2026-11-24 06:00:00Z",
    ):
        assert fact in text, fact
    for gauge in gauges(status().sample, status().series):
        assert f"{TITLES[gauge.name]} {gauge.value} " in text
        assert gauge.peak in text
    assert look.dom.count('role="img"') == 5
    assert look.console == ()


def test_the_policy_lets_the_style_in_and_a_changed_one_out(
    chromium: Path, serve: Callable[..., str]
) -> None:
    def spoil(response: Response) -> Response:
        return replace(response, body=response.body.replace(b"<style>", b"<style> "))

    assert visit(chromium, serve(status())).console == ()
    refused = visit(chromium, serve(status(), spoil)).console
    assert any("Content Security Policy" in line for line in refused)


def test_a_hostile_answer_stays_text(chromium: Path, serve: Callable[[Status], str]) -> None:
    check = CheckStatus(
        HOSTILE, HOSTILE, ("readiness",), 3, ok=False, detail=HOSTILE, seconds=1, answered=NOW
    )
    one = status()
    one = replace(
        one,
        host=HOSTILE,
        plan=HOSTILE,
        remarks=(HOSTILE,),
        snapshot=replace(one.snapshot, checks=(check,)),
    )
    look = visit(chromium, serve(one))
    assert look.console == ()
    assert "<script" not in look.dom
    assert "<img" not in look.dom
    assert 'document.title="owned"' in words(look.dom)
    assert look.dom.count('role="img"') == 5


def test_a_page_without_numbers_yet(chromium: Path, serve: Callable[[Status], str]) -> None:
    young = replace(status(), sample=None, series=None, plan="")
    text = words(visit(chromium, serve(young)).dom)
    assert "No numbers yet" in text
    assert "Plan" not in text.split("Facts")[1].split("Endpoints")[0]


@pytest.mark.parametrize("shape", SHAPES)
def test_pictures(
    shape: str, chromium: Path, serve: Callable[[Status], str], tmp_path: Path
) -> None:
    width, height, dark = SHAPES[shape]
    folder = Path(os.environ.get("ENTRYPOINT_SCREENSHOTS") or tmp_path)
    picture = folder / f"status-{shape}.png"
    url = serve(status(ready=dark))
    assert photograph(chromium, url, picture, width=width, height=height, dark=dark) == (
        width,
        height,
    )
    # A page without its style, or an error page, is a tenth of this.
    assert picture.stat().st_size > 60_000
