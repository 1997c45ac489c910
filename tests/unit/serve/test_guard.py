"""Who is answered, and how a new token or certificate is taken."""

from __future__ import annotations

import os
from pathlib import Path
from pickle import dumps

import pytest

from entrypoint.plan.kept import sealed
from entrypoint.plan.model import Protection
from entrypoint.serve.access import Guard
from entrypoint.serve.messages import Request, Response
from entrypoint.serve.routes import ENDPOINTS, PROBES
from entrypoint.system.log import Log
from entrypoint.values import Secret
from lab import certificates
from lab.certificates import KeyPair
from lab.needs import need
from lab.net import wait_until

TOKEN = "correct-horse-battery"
OTHER = "staple-correct-battery"
GUARDED = ("/", "/metrics", "/status", "/livezz", "//livez", "/favicon.ico", "/metrics/livez", "")


class Lab:
    """A guard, and what it has logged."""

    def __init__(self, protection: Protection | None) -> None:
        self._reader, writer = os.pipe()
        os.set_blocking(self._reader, False)
        self.log = Log(writer)
        self.guard = Guard(self.log)
        if protection is not None:
            self.guard.configure(sealed(protection, os.urandom(32)))

    def ask(
        self, path: str, authorization: str | None = None, secure: bool = False
    ) -> Response | None:
        headers = () if authorization is None else (("authorization", authorization),)
        return self.guard.refusal(Request("GET", path, headers=headers, secure=secure))

    def takes(self, token: str) -> bool:
        return self.ask("/metrics", f"Bearer {token}") is None

    def said(self) -> str:
        self.log.flush(60)
        try:
            return os.read(self._reader, 1 << 20).decode()
        except BlockingIOError:
            return ""


def with_token(**more: str) -> Lab:
    return Lab(Protection(Secret(TOKEN), **more))


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> tuple[KeyPair, KeyPair]:
    openssl, folder = need("openssl"), tmp_path_factory.mktemp("keys")
    return certificates.make(openssl, folder / "a"), certificates.make(openssl, folder / "b")


@pytest.mark.parametrize(
    "protection", [None, Protection(Secret(TOKEN)), Protection(None, "", "/c", "/k")]
)
@pytest.mark.parametrize("probe", PROBES)
def test_probes_are_for_everybody(protection: Protection | None, probe: str) -> None:
    lab = Lab(protection)
    assert lab.ask(f"/{probe}") is lab.ask(f"/{probe}/phase") is None


def test_every_endpoint_is_a_probe_or_guarded() -> None:
    lab = with_token()
    open_ones = {path for path, _ in ENDPOINTS if lab.ask(path) is None}
    assert open_ones == {f"/{name}" for name in PROBES}


def test_without_token_and_tls_everybody_may_ask() -> None:
    lab = Lab(Protection())
    assert all(lab.ask(path) is None for path in GUARDED)


@pytest.mark.parametrize("path", GUARDED)
def test_before_the_plan_is_known_nobody_knows_who_may_ask(path: str) -> None:
    answer = Lab(None).ask(path)
    assert answer is not None and answer.status == 503
    assert ("Retry-After", "1") in answer.headers


@pytest.mark.parametrize("path", GUARDED)
@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN} x",
        f"Bearer {TOKEN}, Bearer {TOKEN}",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer\t{TOKEN}",
        "Bearer \xe9\xff" + "x" * 20,
        "Bearer " + "x" * 7000,
    ],
)
def test_whoever_lacks_the_token_is_told_so(path: str, given: str | None) -> None:
    answer = with_token().ask(path, given)
    assert answer is not None and answer.status == 401
    ((name, challenge),) = answer.headers
    assert name == "WWW-Authenticate" and challenge.startswith('Bearer realm="entrypoint"')
    assert (', error="invalid_token"' in challenge) == (
        given in {"Bearer", "Bearer "} or (given or "").startswith("Bearer ")
    )
    assert TOKEN.encode() not in answer.body


@pytest.mark.parametrize("given", [f"Bearer {TOKEN}", f"bearer {TOKEN}", f"BEARER   {TOKEN} "])
def test_whoever_has_it_is_answered(given: str) -> None:
    assert all(with_token().ask(path, given) is None for path in GUARDED)


def test_a_query_is_no_place_for_a_token() -> None:
    lab = with_token()
    request = Request("GET", "/metrics", query=(("token", TOKEN), ("access_token", TOKEN)))
    assert lab.guard.refusal(request) is not None


@pytest.mark.parametrize("path", GUARDED)
def test_with_tls_what_comes_plainly_is_refused_whatever_it_brings(path: str) -> None:
    lab = with_token(certificate="/c", key="/k")
    answer = lab.ask(path, f"Bearer {TOKEN}")
    assert answer is not None and answer.status == 403 and answer.body.startswith(b"use https")
    assert lab.ask(path, f"Bearer {TOKEN}", secure=True) is None
    refused = lab.ask(path, secure=True)
    assert refused is not None and refused.status == 401


def test_the_guard_does_not_keep_the_token() -> None:
    lab = with_token()
    assert TOKEN.encode() not in dumps(lab.guard._protection)
    assert TOKEN.encode() not in dumps(lab.guard._token)
    assert with_token().guard._token != lab.guard._token, "a digest that can be looked up"


def test_a_token_that_came_without_its_digest_lets_nobody_in() -> None:
    lab = Lab(None)
    lab.guard.configure(Protection(Secret(TOKEN)))
    assert not lab.takes(TOKEN)


class TestRotation:
    def start(self, file: Path, text: str = TOKEN) -> Lab:
        file.write_text(text)
        lab = with_token(token_file=str(file))
        lab.guard.look()
        assert lab.said() == ""
        return lab

    def test_a_new_token_is_taken_and_the_old_one_is_not_any_more(self, tmp_path: Path) -> None:
        file = tmp_path / "token"
        lab = self.start(file)
        file.write_text(f"{OTHER}\n")
        lab.guard.look()
        assert lab.takes(OTHER) and not lab.takes(TOKEN)
        said = lab.said()
        assert "New token taken" in said and OTHER not in said and TOKEN not in said

    def test_one_that_changed_before_the_first_look_is_taken(self, tmp_path: Path) -> None:
        file = tmp_path / "token"
        file.write_text(OTHER)
        lab = with_token(token_file=str(file))
        lab.guard.look()
        assert lab.takes(OTHER)

    def test_as_kubelet_swaps_it(self, tmp_path: Path) -> None:
        for name, text in (("one", TOKEN), ("two", OTHER)):
            (tmp_path / name).mkdir()
            (tmp_path / name / "token").write_text(text)
        (tmp_path / "data").symlink_to("one")
        (tmp_path / "token").symlink_to("data/token")
        lab = with_token(token_file=str(tmp_path / "token"))
        lab.guard.look()
        assert lab.takes(TOKEN)
        (tmp_path / "new").symlink_to("two")
        (tmp_path / "new").rename(tmp_path / "data")
        lab.guard.look()
        assert lab.takes(OTHER)

    @pytest.mark.parametrize(
        "text", ["", "short", "with a blank in it", "x" * 513, "é" * 20, "two\nlines" * 3]
    )
    def test_one_that_is_none_is_told_once_and_the_old_one_stays(
        self, tmp_path: Path, text: str
    ) -> None:
        file = tmp_path / "token"
        lab = self.start(file)
        file.write_text(text)
        lab.guard.look()
        lab.guard.look()
        assert lab.takes(TOKEN)
        said = lab.said()
        assert said.count("New token not taken") == 1
        assert not text or text.splitlines()[0] not in said

    def test_a_file_that_is_gone_leaves_the_old_one(self, tmp_path: Path) -> None:
        file = tmp_path / "token"
        lab = self.start(file)
        file.unlink()
        lab.guard.look()
        assert lab.takes(TOKEN) and "no such file" in lab.said()

    def test_without_a_file_nothing_is_looked_at(self) -> None:
        lab = with_token()
        lab.guard.look()
        assert lab.guard._looks is None and lab.said() == ""


class TestCertificate:
    def start(self, folder: Path, pair: KeyPair) -> Lab:
        self.put(folder, pair)
        lab = Lab(Protection(None, "", str(folder / "tls.crt"), str(folder / "tls.key")))
        assert lab.guard.channel() is None, "OpenSSL is not loaded before it is asked for"
        lab.guard.start()
        wait_until(lab.guard.channel, 60, "TLS")
        lab.guard.look()
        assert lab.said() == ""
        return lab

    def put(self, folder: Path, pair: KeyPair) -> None:
        folder.mkdir(exist_ok=True)
        for path in pair:
            (folder / path.name).write_bytes(path.read_bytes())

    def test_a_new_pair_is_taken(self, tmp_path: Path, pairs: tuple[KeyPair, KeyPair]) -> None:
        lab = self.start(tmp_path / "tls", pairs[0])
        before = lab.guard._context
        lab.guard.look()
        assert lab.guard._context is before
        self.put(tmp_path / "tls", pairs[1])
        lab.guard.look()
        assert lab.guard._context is not before
        assert "New certificate taken" in lab.said()

    def test_a_bad_pair_is_told_once_and_the_old_one_stays(
        self, tmp_path: Path, pairs: tuple[KeyPair, KeyPair]
    ) -> None:
        lab = self.start(tmp_path / "tls", pairs[0])
        before = lab.guard._context
        self.put(tmp_path / "tls", KeyPair(pairs[1].certificate, pairs[0].key))
        lab.guard.look()
        lab.guard.look()
        assert lab.guard._context is before
        said = lab.said()
        assert said.count("New certificate not taken, the old one stays") == 1
        assert "the key does not belong" in said
        self.put(tmp_path / "tls", pairs[1])
        lab.guard.look()
        assert lab.guard._context is not before, "the second half came later"

    def test_where_there_was_none_it_is_taken_when_it_comes(
        self, tmp_path: Path, pairs: tuple[KeyPair, KeyPair]
    ) -> None:
        folder = tmp_path / "tls"
        lab = Lab(Protection(None, "", str(folder / "tls.crt"), str(folder / "tls.key")))
        lab.guard.look()
        assert lab.guard.channel() is None and "No TLS" in lab.said()
        self.put(folder, pairs[0])
        lab.guard.look()
        assert lab.guard.channel() is not None

    def test_without_one_openssl_is_not_loaded(self) -> None:
        lab = with_token()
        lab.guard.start()
        assert lab.guard.channel() is None
