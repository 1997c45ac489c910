"""`entrypoint status` gets past what protects the port, and gives the token to nobody else."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from entrypoint.asking import Asker, is_local
from entrypoint.plan.kept import sealed
from entrypoint.plan.model import Protection
from entrypoint.probe import Question
from entrypoint.serve.access import Guard
from entrypoint.serve.http import Server
from entrypoint.serve.messages import Request, Response
from entrypoint.status import parse_look
from entrypoint.system.log import Log
from entrypoint.values import Secret
from lab import certificates
from lab.needs import need
from lab.net import wait_until

TOKEN = "correct-horse-battery"
ASKED: list[Request] = []


def answer(request: Request) -> Response:
    return Response(200, b"here it is\n")


class Noting(Guard):
    """A guard that notes who asked for what."""

    def refusal(self, request: Request) -> Response | None:
        ASKED.append(request)
        return super().refusal(request)


@pytest.fixture
def serve() -> Iterator[Callable[[Protection], Question]]:
    ASKED.clear()
    with ExitStack() as stack:

        def start(protection: Protection) -> Question:
            guard = Noting(Log(2))
            guard.configure(sealed(protection, os.urandom(32)))
            guard.start()
            if protection.certificate:
                wait_until(guard.channel, 60, "TLS")
            listener = socket.create_server(("127.0.0.1", 0))
            server = Server(listener, answer, lambda error: None, guard)
            server.start()
            stack.callback(server.stop)
            return Question("/status", "127.0.0.1", listener.getsockname()[1], 20.0, True)

        yield start


@pytest.fixture
def protected(tmp_path: Path) -> Protection:
    pair = certificates.make(need("openssl"), tmp_path / "tls")
    return Protection(Secret(TOKEN), "", str(pair.certificate), str(pair.key))


def tokens() -> list[str]:
    return [request.header("authorization") for request in ASKED]


@pytest.mark.parametrize("source", ["variable", "file", "named"])
def test_the_token_comes_from_where_the_settings_have_it(
    serve: Callable[[Protection], Question], tmp_path: Path, source: str
) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    environment = {
        "variable": {"ENTRYPOINT_TOKEN": TOKEN},
        "file": {"ENTRYPOINT_TOKEN_FILE": str(file)},
        "named": {},
    }[source]
    asker = Asker(environment, str(file) if source == "named" else "")
    assert asker.ask(serve(Protection(Secret(TOKEN))), 1000) == (200, "here it is\n")
    assert tokens() == ["", f"Bearer {TOKEN}"], "only to whoever asks for it"


def test_tls_is_spoken_where_it_is_asked_for_and_remembered(
    serve: Callable[[Protection], Question], protected: Protection
) -> None:
    question, asker = serve(protected), Asker({"ENTRYPOINT_TOKEN": TOKEN})
    assert asker.ask(question, 1000) == asker.ask(question, 1000) == (200, "here it is\n")
    assert [(request.secure, bool(request.header("authorization"))) for request in ASKED] == [
        (False, False),
        (True, False),
        (True, True),
        (True, True),
    ], "the token never came in the clear"


def test_a_token_that_changed_is_read_again(
    serve: Callable[[Protection], Question], tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("an-older-token-of-ours")
    question, asker = serve(Protection(Secret(TOKEN))), Asker({}, str(file))
    assert asker.ask(question, 1000)[0] == 401
    file.write_text(TOKEN)
    assert asker.ask(question, 1000)[0] == 200


def test_without_the_token_it_asks_no_more_than_it_has_to(
    serve: Callable[[Protection], Question],
) -> None:
    question = serve(Protection(Secret(TOKEN)))
    assert Asker({}).ask(question, 1000)[0] == 401
    assert Asker({"ENTRYPOINT_TOKEN": "wrong-wrong-wrong-wrong"}).ask(question, 1000)[0] == 401
    assert len(ASKED) == 3


def test_a_server_that_is_not_known_does_not_get_it(
    serve: Callable[[Protection], Question], tmp_path: Path
) -> None:
    question = serve(Protection(Secret(TOKEN)))
    asker = Asker({"ENTRYPOINT_TOKEN": TOKEN}, knows_it=False)
    assert asker.ask(question, 1000)[0] == 401
    assert tokens() == [""]
    (tmp_path / "token").write_text(TOKEN)
    assert Asker({}, str(tmp_path / "token"), knows_it=False).ask(question, 1000)[0] == 200


@pytest.mark.parametrize(
    ("words", "environment", "knows"),
    [
        ([], {}, True),
        ([], {"ENTRYPOINT_LISTEN": "10.0.0.5:9404"}, True),
        (["--address", "127.0.0.1:1"], {}, True),
        (["--address", "localhost:1"], {}, True),
        (["--address", "10.0.0.5:1"], {}, False),
        (["--address", "127.evil.example:1"], {}, False),
    ],
)
def test_which_server_is_known(words: list[str], environment: dict[str, str], knows: bool) -> None:
    assert parse_look(words, environment, False).knows_it is knows


def test_what_is_local() -> None:
    assert [is_local(host) for host in ("127.0.0.1", "::1", "localhost", "10.0.0.1", "a")] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_a_token_of_two_lines_is_no_second_header(
    serve: Callable[[Protection], Question], tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("one\r\nX-Other: two")
    question = serve(Protection(Secret(TOKEN)))
    assert Asker({}, str(tmp_path / "token")).ask(question, 1000)[0] == 401
    assert [request.header("x-other") for request in ASKED] == [""]


def test_the_verb_says_what_to_do_without_a_token(
    serve: Callable[[Protection], Question], tmp_path: Path
) -> None:
    question = serve(Protection(Secret(TOKEN)))
    (tmp_path / "token").write_text(TOKEN)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "entrypoint", "status", *words]
        command += ["--address", f"127.0.0.1:{question.port}"]
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": ":".join(sys.path)}
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    without = run()
    assert (without.returncode, without.stdout) == (1, "")
    assert "asks for a bearer token" in without.stderr and "--token-file" in without.stderr
    done = run("--token-file", str(tmp_path / "token"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "here it is\n", "")
