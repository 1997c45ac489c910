from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from entrypoint import probe
from entrypoint.probe import Question, main, parse_question
from entrypoint.serve.http import Server
from entrypoint.serve.messages import Request, Response


def answer(request: Request) -> Response:
    assert request.query == (("verbose", ""),)
    assert request.close
    match request.path:
        case "/livez":
            return Response(200, b"[+]phase running\nlivez check passed\n")
        case "/readyz":
            return Response(503, b"[-]phase waiting\nreadyz check failed\n")
    return Response(404, b"not found\n")


@pytest.fixture
def address() -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    errors: list[Exception] = []
    server = Server(listener, answer, errors.append)
    port = listener.getsockname()[1]
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop()
    assert errors == []


@pytest.fixture
def raw() -> Iterator[Callable[[bytes], str]]:
    """A server that takes one client, sends these bytes and ends; None keeps it waiting."""
    with ExitStack() as stack:

        def start(data: bytes) -> str:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

            def run() -> None:
                client, _ = listener.accept()
                with client:
                    client.recv(4096)
                    client.sendall(data)

            thread = threading.Thread(target=run)
            thread.start()
            stack.callback(thread.join)
            return f"127.0.0.1:{listener.getsockname()[1]}"

        yield start


Output = pytest.CaptureFixture[str]


def test_yes_is_0_and_silent(address: str, capsys: Output) -> None:
    assert main(["live", "--address", address]) == 0
    assert capsys.readouterr() == ("", "")


def test_yes_with_verbose_lists_everything(address: str, capsys: Output) -> None:
    assert main(["live", "--verbose", f"--address={address}"]) == 0
    assert capsys.readouterr().out == "[+]phase running\nlivez check passed\n"


def test_no_is_1_and_says_why(address: str, capsys: Output) -> None:
    assert main(["ready", "--address", address]) == 1
    assert capsys.readouterr().out == "[-]phase waiting\nreadyz check failed\n"


def test_another_server_is_no(address: str, capsys: Output) -> None:
    assert main(["startup", "--address", address]) == 1
    assert capsys.readouterr().out == "unexpected status 404\n"


def test_nobody_there_is_no(capsys: Output) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert main(["live", "--address", f"127.0.0.1:{port}"]) == 1
    assert capsys.readouterr().out == f"no answer from 127.0.0.1:{port}: Connection refused\n"


def test_silence_is_no_after_the_timeout(capsys: Output) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert main(["live", "--timeout", "50ms", "--address", f"127.0.0.1:{port}"]) == 1
    assert capsys.readouterr().out == f"no answer from 127.0.0.1:{port}: timed out\n"


def test_the_timeout_is_for_everything_together(capsys: Output) -> None:
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            client, _ = listener.accept()
            with client:
                while not stop.wait(0.01):
                    try:
                        client.sendall(b"H")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        where = f"127.0.0.1:{listener.getsockname()[1]}"
        assert main(["live", "--timeout=0.2s", "--address", where]) == 1
        stop.set()
        thread.join()
    assert capsys.readouterr().out.endswith(": timed out\n")


@pytest.mark.parametrize(
    "data",
    [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\r\n\r\n"],
)
def test_what_is_not_http_is_no(raw: Callable[[bytes], str], data: bytes, capsys: Output) -> None:
    assert main(["live", "--address", raw(data)]) == 1
    assert "not HTTP" in capsys.readouterr().out


def test_an_endless_answer_is_no(raw: Callable[[bytes], str], capsys: Output) -> None:
    data = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_000
    assert main(["live", "--address", raw(data)]) == 1
    assert "too long" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ([], "say which: live, ready or startup"),
        (["alive"], "unknown argument 'alive'"),
        (["live", "ready"], "unknown argument 'ready'"),
        (["live", "--quiet"], "unknown argument '--quiet'"),
        (["live", "--timeout"], "--timeout needs a value"),
        (["live", "--timeout", "soon"], "--timeout is 'soon', expected a duration"),
        (["live", "--timeout=0s"], "--timeout has to be more than 0"),
        (["live", "--address=nowhere"], "--address is 'nowhere', expected an address"),
    ],
)
def test_wrong_usage_is_64(argv: list[str], says: str, capsys: Output) -> None:
    assert main(argv) == 64
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"entrypoint: probe: {says}")
    assert probe.USAGE in err


def test_help(capsys: Output) -> None:
    assert main(["--help"]) == 0
    assert capsys.readouterr().out == probe.USAGE


@pytest.mark.parametrize(
    ("listen", "host", "port"),
    [
        (None, "127.0.0.1", 9404),
        ("", "127.0.0.1", 9404),
        ("0.0.0.0:1234", "127.0.0.1", 1234),
        (":1234", "127.0.0.1", 1234),
        ("[::]:1234", "::1", 1234),
        ("10.1.2.3:1234", "10.1.2.3", 1234),
    ],
)
def test_where_it_asks(listen: str | None, host: str, port: int) -> None:
    environment = {} if listen is None else {"ENTRYPOINT_LISTEN": listen}
    assert parse_question(["ready"], environment) == Question(
        "/readyz?verbose", host, port, 2.0, False
    )


def test_the_argument_wins_over_the_environment() -> None:
    question = parse_question(["live", "--address", "a:1", "-v"], {"ENTRYPOINT_LISTEN": "b:2"})
    assert (question.host, question.verbose) == ("a", True)


def test_a_bad_variable_is_named() -> None:
    with pytest.raises(ValueError, match="ENTRYPOINT_LISTEN is 'x', expected an address"):
        parse_question(["live"], {"ENTRYPOINT_LISTEN": "x"})


@pytest.mark.parametrize("url", ["http://shop:hunter2@pod:9404/", "hunter2@pod:x", "a@hunter2@x"])
def test_a_url_where_an_address_belongs_is_told_without_its_password(url: str) -> None:
    for argv, environment in (
        (["live", "--address", url], {}),
        (["live"], {"ENTRYPOINT_LISTEN": url}),
    ):
        with pytest.raises(ValueError, match="expected an address") as caught:
            parse_question(argv, environment)
        assert repr(url.rpartition("@")[2]) in str(caught.value)
        assert "hunter2" not in str(caught.value)


def test_it_imports_almost_nothing() -> None:
    script = (
        "import sys; before = set(sys.modules); import entrypoint.probe\n"
        "print(' '.join(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=True,
    )
    ours = {"entrypoint", "entrypoint.errors", "entrypoint.probe", "entrypoint.records"}
    loaded = {name for name in done.stdout.decode().split() if name != "entrypoint.values"}
    assert ours < loaded
    os_and_its_parts = {"_collections_abc", "_stat", "abc", "_abc", "genericpath", "os", "os.path"}
    # `errno` is built in; from 3.14 on posixpath imports it.
    allowed = ours | os_and_its_parts | {"posixpath", "stat", "errno", "__future__", "_socket"}
    assert loaded <= allowed
