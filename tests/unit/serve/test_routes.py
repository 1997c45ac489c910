from __future__ import annotations

import json

import pytest

from entrypoint.lifecycle.health import CheckStatus, Snapshot, observe
from entrypoint.lifecycle.status import Status
from entrypoint.records import replace
from entrypoint.serve.messages import Request, Response
from entrypoint.serve.routes import ENDPOINTS, answer

NOW = 1000.0


def check(name: str, *results: tuple[bool, str, float, float]) -> CheckStatus:
    status = CheckStatus(name, "target", ("readiness",), 3)
    for ok, detail, seconds, at in results:
        status = observe(status, ok, detail, seconds, at)
    return status


BAD = check(
    "channel-list",
    (True, "", 0.01, 900.0),
    (False, "500", 0.01, 939.0),
    (False, "500", 0.01, 949.0),
    (False, "500", 0.015, 959.0),
)
RUNNING = Snapshot(
    phase="running",
    phase_since=900.0,
    phase_history=(("preparing", 1.0), ("starting", 2.0), ("running", 3.0)),
    name="otter-manager",
    digest="9f3c",
    version="1.0.0",
    started=1.0,
    started_monotonic=0.0,
    child_pid=42,
    child_alive=True,
    checks=(
        check("http-8080", (True, "", 0.012, 950.0)),
        BAD,
        check("zookeeper", (True, "", 0.001, 950.0)),
    ),
)
HEALTHY = replace(RUNNING, checks=(RUNNING.checks[0], RUNNING.checks[2]))
PREPARING = replace(
    RUNNING,
    phase="preparing",
    phase_history=(("preparing", 1.0),),
    child_pid=None,
    child_alive=False,
    checks=(),
)


def get(target: str, snapshot: Snapshot = HEALTHY, accept: str = "application/x") -> Response:
    path, _, query = target.partition("?")
    pairs = tuple((n, v) for n, _, v in (pair.partition("=") for pair in query.split("&") if pair))
    request = Request("GET", path, pairs, (("accept", accept),))
    return answer(
        request,
        lambda: snapshot,
        lambda accept: (accept.encode(), "text/x"),
        lambda: Status(snapshot, "otter-0", NOW, 1_795_500_000.0),
        lambda: NOW,
    )


def test_the_verbose_text_of_a_failure() -> None:
    response = get("/readyz?verbose", RUNNING)
    assert response.status == 503
    assert response.body.decode() == (
        "[+]phase running\n"
        "[+]http-8080 ok 12ms\n"
        "[-]channel-list failed: 500 after 15ms (3 in a row), since 41s\n"
        "[+]zookeeper ok 1ms\n"
        "readyz check failed\n"
    )


def test_a_failure_is_verbose_without_asking() -> None:
    assert get("/readyz", RUNNING) == get("/readyz?verbose", RUNNING)


def test_success_is_ok_alone() -> None:
    assert get("/readyz") == Response(200, b"ok")


def test_the_verbose_text_of_success() -> None:
    assert get("/livez?verbose").body.decode() == (
        "[+]phase running\n[+]child pid 42\nlivez check passed\n"
    )


@pytest.mark.parametrize(("probe", "status"), [("livez", 200), ("readyz", 503), ("startupz", 503)])
def test_while_preparing(probe: str, status: int) -> None:
    response = get(f"/{probe}?verbose", PREPARING)
    assert response.status == status
    sign, end = ("+", "passed") if status == 200 else ("-", "failed")
    assert response.body.decode() == f"[{sign}]phase preparing\n{probe} check {end}\n"


def test_an_excluded_check_does_not_count_and_is_named() -> None:
    assert get("/readyz?exclude=channel-list", RUNNING) == Response(200, b"ok")
    body = get("/readyz?verbose&exclude=channel-list", RUNNING).body.decode()
    assert "[+]channel-list excluded: failed: 500 after" in body
    assert body.endswith("readyz check passed\n")


def test_several_can_be_excluded() -> None:
    assert get("/readyz?exclude=phase&exclude=channel-list", RUNNING).status == 200


def test_an_unknown_exclusion_is_said_and_changes_nothing() -> None:
    response = get("/readyz?exclude=nothing%0d", RUNNING)
    assert response.status == 503
    assert b"warn: cannot be excluded, not there: 'nothing%0d'\n" in response.body


def test_a_single_check_by_path() -> None:
    assert get("/readyz/zookeeper", RUNNING) == Response(200, b"ok")
    assert get("/readyz/zookeeper?verbose", RUNNING).body == (
        b"[+]zookeeper ok 1ms\nreadyz check passed\n"
    )
    failed = get("/readyz/channel-list", RUNNING)
    assert failed.status == 503
    assert failed.body == (
        b"[-]channel-list failed: 500 after 15ms (3 in a row), since 41s\nreadyz check failed\n"
    )


def test_an_unknown_single_check_names_those_there_are() -> None:
    response = get("/readyz/kafka", RUNNING)
    assert response.status == 404
    assert b"  /readyz/channel-list\n" in response.body


@pytest.mark.parametrize("path", ["/favicon.ico", "/healthz", "/readyzz", "/Livez", "//livez"])
def test_everything_else_is_not_found(path: str) -> None:
    assert get(path).status == 404


def test_a_trailing_slash_is_the_probe_itself() -> None:
    assert get("/readyz/") == Response(200, b"ok")


def test_metrics_pass_on_the_accept_header() -> None:
    assert get("/metrics") == Response(200, b"application/x", "text/x")


def test_the_index_names_every_endpoint_and_the_phase() -> None:
    body = get("/").body.decode()
    assert body.startswith("otter-0        ✓ RUNNING, ready   up 16m40s")
    for path, meaning in ENDPOINTS:
        assert path in body
        assert meaning in body
        assert get(path).status == 200


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("text/html", True),
        ("application/json, TEXT/HTML ;q=0.5", True),
        ("*/*", False),
        ("", False),
        ("text/plain", False),
        ("text/htmlx", False),
    ],
)
def test_browsers_get_a_page_and_everybody_else_text(accept: str, html: bool) -> None:
    response = get("/", accept=accept)
    kind = "text/html; charset=utf-8" if html else "text/plain; charset=utf-8"
    assert response.content_type == kind
    assert response.body.startswith(b"<!doctype html>") is html
    assert ("Vary", "Accept") in response.headers


def test_the_page_has_a_policy_that_forbids_everything_but_its_style() -> None:
    policy = dict(get("/", accept="text/html").headers)["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def test_the_page_asks_again_unless_the_reader_stops_it() -> None:
    assert b"http-equiv" in get("/", accept="text/html").body
    assert b"http-equiv" not in get("/?refresh=off", accept="text/html").body


def test_the_status_is_json_or_text() -> None:
    response = get("/status", accept="text/html")
    assert response.content_type == "application/json"
    assert json.loads(response.body)["state"] == "RUNNING, ready"
    text = get("/status?output=text")
    assert text.content_type == "text/plain; charset=utf-8"
    assert text.body.startswith(b"otter-0 ")
    assert b"\033" not in text.body
    assert b"\033[1m" in get("/status?output=text&colour=1").body


@pytest.mark.parametrize("width", ["0", "59", "x", "", "9" * 4999, "\u0664\u0664", "-1"])
def test_any_width_is_fine(width: str) -> None:
    assert get(f"/status?output=text&width={width}").status == 200


def test_a_terminal_as_wide_as_one_asks_for() -> None:
    wide = get("/status?output=text&width=200", RUNNING).body.decode()
    assert len(wide.splitlines()) < len(get("/status?output=text", RUNNING).body.splitlines()) + 1
