from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from check_actors import Actor

from entrypoint.system.checks.http import parse_http_url, parse_statuses, shown_location
from entrypoint.system.checks.result import CheckResult

Says = Callable[[bytes], Actor]
Ask = Callable[..., CheckResult]


def answer(status: str, *headers: str, body: str = "") -> bytes:
    return "\r\n".join((f"HTTP/1.1 {status}", *headers, "", body)).encode()


def test_200_is_ok(says: Says, ask: Ask) -> None:
    result = ask("http", url=f"http://{says(answer('200 OK')).address}/ok.htm")
    assert (result.ok, result.detail) == (True, "ok")


def test_what_is_sent_is_one_plain_get(actor: Callable[..., Actor], ask: Ask) -> None:
    seen: list[bytes] = []

    def talk(client: socket.socket) -> None:
        seen.append(client.recv(65536))
        client.sendall(answer("200 OK"))

    server = actor(talk)
    assert ask("http", url=f"http://{server.address}/a/b.htm?x=1&y=2#part").ok
    lines = seen[0].decode().split("\r\n")
    assert lines[0] == "GET /a/b.htm?x=1&y=2 HTTP/1.1"
    assert f"Host: {server.address}" in lines
    assert "Connection: close" in lines


def test_a_redirect_is_not_followed(actor: Callable[..., Actor], ask: Ask) -> None:
    asked: list[bytes] = []

    def talk(client: socket.socket) -> None:
        request = client.recv(65536)
        asked.append(request.split()[1])
        fooling = b"forbidden" in request
        client.sendall(answer("200 OK" if fooling else "302 Found", "Location: /forbidden.htm"))

    result = ask("http", url=f"http://{actor(talk).address}/ok.htm")
    assert not result.ok
    assert result.detail == "302 to /forbidden.htm, redirects are not followed"
    assert asked == [b"/ok.htm"]


def test_a_redirect_that_is_asked_for_is_ok(says: Says, ask: Ask) -> None:
    server = says(answer("302 Found", "Location: /login.htm"))
    assert ask("http", url=f"http://{server.address}/", status="200,302").ok


def test_a_wrong_status_says_which(says: Says, ask: Ask) -> None:
    result = ask("http", url=f"http://{says(answer('500 Oops')).address}/channel_list.htm")
    assert not result.ok
    assert result.detail == "500"


def test_a_live_jetty_with_a_dead_application(says: Says, ask: Ask) -> None:
    assert ask("http", url=f"http://{says(answer('503 No')).address}/").detail == "503"


@pytest.mark.parametrize(
    ("contains", "ok"), [("server is ok!", True), ("/^server .* ok!$/", True), ("sorry", False)]
)
def test_contains(says: Says, ask: Ask, contains: str, ok: bool) -> None:
    server = says(answer("200 OK", body="server is ok!"))
    result = ask("http", url=f"http://{server.address}/", contains=contains)
    assert result.ok is ok
    if not ok:
        assert result.detail == '200, but no "sorry" in its body'


def test_only_an_answer_says_no(says: Says, ask: Ask, refused: str) -> None:
    url = f"http://{says(answer('503 No', body='sorry')).address}/"
    assert ask("http", url=url).said_no
    assert ask("http", url=url, status="503", contains="fine").said_no
    assert not ask("http", url=url, status="503").said_no
    for address in (refused, says(b"").address, says(b"SSH-2.0\r\n").address):
        result = ask("http", url=f"http://{address}/")
        assert (result.ok, result.said_no) == (False, False), result


def test_refused(refused: str, ask: Ask) -> None:
    assert ask("http", url=f"http://{refused}/").detail == "refused"


def test_closed_without_an_answer(says: Says, ask: Ask) -> None:
    assert ask("http", url=f"http://{says(b'').address}/").detail == "closed without an answer"


def test_garbage(says: Says, ask: Ask) -> None:
    server = says(b"\x00\xff\x1b[31m\n" * 100)
    assert ask("http", url=f"http://{server.address}/").detail == "not an HTTP answer"


def test_a_head_without_end(says: Says, ask: Ask) -> None:
    server = says(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000)
    assert ask("http", url=f"http://{server.address}/").detail == "the answer's head is too long"


def test_a_slow_drip_does_not_extend_the_time(drips: Says, ask: Ask) -> None:
    # Whole after some 4 s: a time-out for each read would end with ok.
    server = drips(answer("200 OK", "X: " + "y" * 200))
    result = ask("http", 0.3, url=f"http://{server.address}/")
    assert result.detail == "no answer in 300ms"


def test_a_slow_drip_of_the_body(drips: Says, ask: Ask) -> None:
    server = drips(answer("200 OK", body="x" * 300 + "wanted"), pause=0.01)
    result = ask("http", 0.5, url=f"http://{server.address}/", contains="wanted")
    assert result.detail == "no answer in 500ms"


def test_silence(actor: Callable[..., Actor], ask: Ask) -> None:
    server = actor(lambda client: server.ended.wait(20))
    assert ask("http", 0.2, url=f"http://{server.address}/").detail == "no answer in 200ms"


def test_ipv6(actor: Callable[..., Actor], ask: Ask) -> None:
    server = actor(lambda client: client.sendall(answer("200 OK")), socket.AF_INET6)
    assert ask("http", url=f"http://{server.address}/").ok


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("http://h", "h", 80, "/"),
        ("https://h", "h", 443, "/"),
        ("HTTP://h:8080?x", "h", 8080, "/?x"),
        ("http://[::1]:8080/a#b", "::1", 8080, "/a"),
    ],
)
def test_url(url: str, host: str, port: int, path: str) -> None:
    parsed = parse_http_url(url)
    assert (parsed.host, parsed.port, parsed.path) == (host, port, path)


@pytest.mark.parametrize(
    "url",
    ["", "h:80", "ftp://h/", "http://", "http:///x", "http://u:p@h/", "http://h/a b",
     "http://h/\r\nX: y", "http://h/é", "http://h:0/"],
)  # fmt: skip
def test_url_refused(url: str, ask: Ask) -> None:
    with pytest.raises(ValueError, match=r"a URL|an address"):
        parse_http_url(url)
    assert ask("http", url=url).detail.startswith("cannot ask: expected ")


@pytest.mark.parametrize("text", ["", "20", "2xx", "200,,204", "²00"])
def test_status_refused(text: str) -> None:
    with pytest.raises(ValueError, match="status codes"):
        parse_statuses(text)


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("/forbidden.htm", "/forbidden.htm"),
        ("http://h:8080/login.htm?token=geheim", "/login.htm"),
        ("/x;jsessionid=geheim", "/x"),
        ("https://h", "/"),
        ("/\x1b[31mred", "/ [31mred"),
    ],
)
def test_a_location_is_shown_without_what_may_be_secret(location: str, shown: str) -> None:
    assert shown_location(location) == shown


@pytest.fixture
def tls(actor: Callable[..., Actor], tmp_path: Path) -> Actor:
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)

    def talk(client: socket.socket) -> None:
        with context.wrap_socket(client, server_side=True) as secured:
            secured.recv(65536)
            secured.sendall(answer("200 OK", body="over tls"))

    return actor(talk)


def test_https_without_verifying(tls: Actor, ask: Ask) -> None:
    url = f"https://{tls.address}/"
    assert ask("http", url=url, verify="false", contains="over tls").detail == "ok"


def test_https_verifies_by_default(tls: Actor, ask: Ask) -> None:
    result = ask("http", url=f"https://{tls.address}/")
    assert not result.ok
    assert result.detail.startswith("certificate refused: self")


def test_https_to_a_plain_port(says: Says, ask: Ask) -> None:
    result = ask("http", url=f"https://{says(answer('400 Bad')).address}/", verify="false")
    assert result.detail.startswith("no tls: ")


def test_a_silent_tls_handshake(actor: Callable[..., Actor], ask: Ask) -> None:
    server = actor(lambda client: server.ended.wait(20))
    result = ask("http", 0.2, url=f"https://{server.address}/")
    assert result.detail == "no TLS handshake in 200ms"
