from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.serve.messages import BadRequestError, Request, Response, encode, parse_head

HOST = b"\r\nHost: pod"


def status_of(head: bytes) -> int:
    with pytest.raises(BadRequestError) as raised:
        parse_head(head)
    return raised.value.response.status


class TestParse:
    def test_a_kubelet_probe(self) -> None:
        request = parse_head(
            b"GET /readyz?verbose&exclude=a%20b HTTP/1.1\r\nHost: 10.0.0.1:9404\r\n"
            b"User-Agent: kube-probe/1.34\r\nAccept: */*\r\nConnection: close"
        )
        assert request.path == "/readyz"
        assert request.values("verbose") == ("",)
        assert request.values("exclude") == ("a b",)
        assert request.values("other") == ()
        assert request.header("user-agent") == "kube-probe/1.34"
        assert request.close

    @pytest.mark.parametrize(
        ("version", "connection", "close"),
        [
            (b"1.1", b"", False),
            (b"1.1", b"\r\nConnection: Close", True),
            (b"1.1", b"\r\nConnection: te, close", True),
            (b"1.0", b"", True),
            (b"1.0", b"\r\nConnection: Keep-Alive", False),
        ],
    )
    def test_keep_alive(self, version: bytes, connection: bytes, close: bool) -> None:
        assert parse_head(b"GET / HTTP/" + version + HOST + connection).close is close

    def test_http_1_0_needs_no_host(self) -> None:
        assert parse_head(b"GET / HTTP/1.0") == Request("GET", "/", close=True)

    def test_the_absolute_form_is_accepted(self) -> None:
        assert parse_head(b"GET http://pod:9404/livez?a HTTP/1.1" + HOST).path == "/livez"
        assert parse_head(b"GET http://pod:9404 HTTP/1.1" + HOST).path == "/"

    def test_repeated_headers_are_joined(self) -> None:
        head = b"GET / HTTP/1.1" + HOST + b"\r\nAccept: a\r\naccept:b "
        assert parse_head(head).header("accept") == "a, b"

    @pytest.mark.parametrize(
        "line",
        [
            b"",
            b"\x16\x03\x01\x02\x00\x01\x00",
            b"GET",
            b"GET /",
            b"GET  / HTTP/1.1",
            b"GET / HTTP/1.1 ",
            b"G@T / HTTP/1.1",
            b"GET / FTP/1.1",
            b"GET livez HTTP/1.1",
            b"GET * HTTP/1.1",
            b"GET https://x/ HTTP/1.1",
            b"GET /%zz HTTP/1.1",
            b"GET /%2 HTTP/1.1",
            b"GET /%ff HTTP/1.1",
            b"GET /\xff HTTP/1.1",
            b"GET /?%ff HTTP/1.1",
        ],
    )
    def test_bad_request_lines(self, line: bytes) -> None:
        assert status_of(line + HOST) == 400

    @pytest.mark.parametrize(
        "headers",
        [
            b"",
            b"\r\nHost: a\r\nHost: b",
            HOST + b"\r\nno colon",
            HOST + b"\r\n: empty",
            HOST + b"\r\nSpaced : a",
            HOST + b"\r\n folded: a",
            HOST + b"\r\nX: a\x00b",
            HOST + b"\r\nX: a\nb",
            HOST + b"\r\nX: a\rb",
        ],
    )
    def test_bad_headers(self, headers: bytes) -> None:
        assert status_of(b"GET / HTTP/1.1" + headers) == 400

    @pytest.mark.parametrize("version", [b"HTTP/2.0", b"HTTP/1.2", b"HTTP/"])
    def test_other_versions(self, version: bytes) -> None:
        assert status_of(b"GET / " + version + HOST) == 505

    @pytest.mark.parametrize("method", [b"POST", b"PUT", b"DELETE", b"OPTIONS", b"get", b"X-Y"])
    def test_other_methods(self, method: bytes) -> None:
        with pytest.raises(BadRequestError) as raised:
            parse_head(method + b" / HTTP/1.1" + HOST + b"\r\nContent-Length: 5")
        assert raised.value.response.status == 405
        assert ("Allow", "GET, HEAD") in raised.value.response.headers

    @pytest.mark.parametrize(
        "header", [b"Content-Length: 1", b"Content-Length: -0", b"Transfer-Encoding: chunked"]
    )
    def test_a_body_is_refused(self, header: bytes) -> None:
        assert status_of(b"GET / HTTP/1.1" + HOST + b"\r\n" + header) == 413

    def test_an_empty_body_is_none(self) -> None:
        assert parse_head(b"GET / HTTP/1.1" + HOST + b"\r\nContent-Length: 0").path == "/"

    @given(st.binary(max_size=400))
    def test_any_bytes_are_a_request_or_a_refusal(self, head: bytes) -> None:
        with contextlib.suppress(BadRequestError):
            parse_head(head)

    @given(st.text(st.characters(codec="utf-8"), max_size=50))
    def test_a_percent_encoded_path_comes_back(self, text: str) -> None:
        raw = "".join(f"%{byte:02X}" for byte in text.encode()).encode()
        assert parse_head(b"GET /" + raw + b" HTTP/1.1" + HOST).path == f"/{text}"


class TestEncode:
    def test_the_whole_answer(self) -> None:
        data = encode(Response(200, b"ok"), False, True, "Tue, 24 Nov 2026 08:00:00 GMT")
        assert data == (
            b"HTTP/1.1 200 OK\r\nDate: Tue, 24 Nov 2026 08:00:00 GMT\r\n"
            b"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\n"
            b"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
            b"Connection: close\r\n\r\nok"
        )

    def test_head_has_the_length_and_no_body(self) -> None:
        data = encode(Response(200, b"ok"), True, False, "")
        assert b"Content-Length: 2\r\n" in data
        assert data.endswith(b"Connection: keep-alive\r\n\r\n")

    def test_a_value_cannot_start_a_header(self) -> None:
        data = encode(Response(200, b"", "text/plain\r\nSet-Cookie: a"), False, False, "")
        assert b"\r\nSet-Cookie" not in data
