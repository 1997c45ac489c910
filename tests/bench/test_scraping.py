"""The parts of the comparison that figures depend on: CPU of a process, families, scrapes in turn."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))

import scraping

BODY = """\
# TYPE a_seconds summary
a_seconds_count{gc="x y"} 1
a_seconds_sum{gc="x y"} 2.0
# TYPE b_total counter
b_total 3
# TYPE c_count gauge
c_count 4
"""


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/metrics" else 404)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_families_are_counted_once_whatever_samples_they_have() -> None:
    assert scraping.families(BODY) == {"a_seconds", "b_total", "c_count"}


def test_the_cpu_clock_is_that_of_the_process() -> None:
    before = scraping.cpu_seconds(os.getpid())
    while scraping.cpu_seconds(os.getpid()) < before + 0.02:
        pass
    times = os.times()
    own = times.user + times.system
    assert abs(scraping.cpu_seconds(os.getpid()) - own) < 0.5
    with pytest.raises(OSError, match="Invalid"):
        scraping.cpu_seconds(2**22 - 1)


def test_scrapes_are_counted_and_the_connection_is_kept(port: int) -> None:
    target = scraping.Target(port, (os.getpid(),))
    scraping.in_turn([target], batches=3, batch=4)
    assert (len(target.seconds), len(target.cpu)) == (12, 3)
    assert target.series == 4
    client = target._client
    target.scrape()
    assert target._client is client
    target.close()


def test_a_server_that_does_not_answer_is_told_as_such() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        target = scraping.Target(silent.getsockname()[1], ())
        with pytest.raises(OSError, match="no answer"):
            target.scrape(0.05)
