from __future__ import annotations

import os
import pty
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from entrypoint.serve.http import Server
from entrypoint.serve.messages import Request, Response
from entrypoint.status import main, parse_look
from lab.net import free_port

ASKED: list[Request] = []


def answer(request: Request) -> Response:
    ASKED.append(request)
    if request.path != "/status":
        return Response(404, b"not found\n")
    if request.values("output") == ("text",):
        return Response(200, "otter-0   ✓ RUNNING, ready\nlast line\n".encode())
    return Response(200, b'{"state": "RUNNING, ready"}\n', "application/json")


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    ASKED.clear()
    listener = socket.create_server(("127.0.0.1", 0))
    errors: list[Exception] = []
    server = Server(listener, answer, errors.append)
    found = f"127.0.0.1:{listener.getsockname()[1]}"
    monkeypatch.setenv("ENTRYPOINT_LISTEN", found)
    server.start()
    yield found
    server.stop()
    assert errors == []


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "entrypoint", "status", *words]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, encoding="utf-8"
    )


@pytest.mark.usefixtures("address")
def test_it_shows_what_the_server_says() -> None:
    done = run()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "otter-0   ✓ RUNNING, ready\nlast line\n"
    (request,) = ASKED
    assert request.values("width") == ("100",)
    assert request.values("colour") == ()


@pytest.mark.usefixtures("address")
@pytest.mark.parametrize("words", [("-o", "json"), ("--output=json",), ("--output", "json")])
def test_json_for_programs(words: tuple[str, ...]) -> None:
    assert run(*words).stdout == '{"state": "RUNNING, ready"}\n'


def test_nobody_there_is_said_with_what_to_do() -> None:
    address = f"127.0.0.1:{free_port()}"
    done = run("--address", address)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"entrypoint: no status from {address}: Connection refused\n")
    assert "kubectl exec POD -- entrypoint status" in done.stderr


def test_another_program_is_told_from_ours(
    address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Server(
        socket.create_server(("127.0.0.1", 0)), lambda _: Response(404, b""), lambda _: None
    )
    server.start()
    port = server._listener.getsockname()[1]
    assert main(["--address", f"127.0.0.1:{port}"]) == 1
    server.stop()
    assert "it answers 404: another program, or an older one" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--interval"], "--interval needs a value"),
        (["--interval", "0"], "--interval has to be more than 0"),
        (["--timeout", "soon"], "--timeout is 'soon', expected a duration"),
        (["--output", "xml"], "--output is 'xml', expected text or json"),
        (["--address", "nowhere"], "--address is 'nowhere', expected an address"),
        (["now"], "unknown argument 'now'"),
    ],
)
def test_wrong_words(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 64
    assert says in capsys.readouterr().err


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "usage: entrypoint status" in capsys.readouterr().out


def test_a_wrong_variable_is_named() -> None:
    with pytest.raises(ValueError, match="ENTRYPOINT_LISTEN is 'x', expected an address"):
        parse_look([], {"ENTRYPOINT_LISTEN": "x"}, colour=False)


def test_a_server_that_listens_everywhere_is_asked_over_loopback() -> None:
    question = parse_look([], {"ENTRYPOINT_LISTEN": "0.0.0.0:9404"}, colour=True).question
    assert (question.host, question.port) == ("127.0.0.1", 9404)
    assert "colour=1" in question.path


@pytest.mark.usefixtures("address")
def test_watching_a_pipe_repeats_until_it_is_interrupted() -> None:
    command = [sys.executable, "-m", "entrypoint", "status", "--watch", "--interval", "50ms"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        seen = [process.stdout.readline() for _ in range(5)]
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert process.stderr.read() == b""
    assert seen[1:4] == [b"last line\n", b"\n", seen[0]]


@pytest.mark.usefixtures("address")
def test_a_reader_that_goes_away_ends_it_quietly() -> None:
    shell = f"{sys.executable} -m entrypoint status --watch --interval 10ms | head -n 1"
    done = subprocess.run(
        ["sh", "-c", shell], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.startswith("otter-0")
    assert done.stderr == ""


def read_until(fd: int, condition: Callable[[bytes], bool]) -> bytes:
    seen = b""
    while not condition(seen):
        readable, _, _ = select.select([fd], [], [], 60)
        assert readable, seen
        seen += os.read(fd, 4096)
    return seen


@pytest.mark.usefixtures("address")
def test_watching_on_a_terminal_draws_in_place_in_colour() -> None:
    controller, terminal = pty.openpty()
    command = [sys.executable, "-m", "entrypoint", "status", "--watch", "--interval", "50ms"]
    environment = os.environ | {"TERM": "xterm", "NO_COLOR": ""}
    with subprocess.Popen(command, stdout=terminal, stderr=terminal, env=environment) as process:
        os.close(terminal)
        seen = read_until(controller, lambda text: text.count(b"\033[H") >= 3)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    os.close(controller)
    assert seen.count(b"\033[2J") == 1
    assert b"RUNNING, ready\033[K\r\n" in seen
    assert ASKED[0].values("colour") == ("1",)
