"""The port with a token and with TLS, of a real entrypoint: who is answered, and what a rotation takes."""

from __future__ import annotations

import http.client
import ssl
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from harness import REPOSITORY, Launcher, Run, actor, until

from lab import certificates
from lab.certificates import KeyPair
from lab.needs import need
from lab.net import accepts

TOKEN = "correct-horse-battery"
OTHER = "staple-correct-battery"


@pytest.fixture
def pair(tmp_path: Path) -> KeyPair:
    return certificates.make(need("openssl"), tmp_path / "tls")


@pytest.fixture
def token(tmp_path: Path) -> Path:
    file = tmp_path / "secret" / "token"
    file.parent.mkdir()
    file.write_text(TOKEN)
    return file


def settings(pair: KeyPair | None = None, token: Path | None = None) -> dict[str, str]:
    found = {} if token is None else {"ENTRYPOINT_TOKEN_FILE": str(token)}
    if pair is None:
        return found
    names = ("ENTRYPOINT_TLS_CERT_FILE", "ENTRYPOINT_TLS_KEY_FILE")
    return found | dict(zip(names, map(str, pair), strict=True))


def ask(
    launcher: Launcher,
    path: str,
    root: Path | None = None,
    token: str = "",
    method: str = "GET",
) -> tuple[int, str]:
    """Ask as Prometheus does: with a root it is TLS, and the server's name is looked at."""
    connection = http.client.HTTPConnection("127.0.0.1", launcher.port, timeout=60)
    connection.connect()
    if root is not None:
        context = ssl.create_default_context(cafile=str(root))
        connection.sock = context.wrap_socket(connection.sock, server_hostname=certificates.NAME)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    body = answer.read().decode()
    assert (answer.getheader("WWW-Authenticate") is not None) is (answer.status == 401)
    connection.close()
    return answer.status, body


def verb(
    launcher: Launcher, *words: str, env: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a verb beside it, as kubectl exec does."""
    return subprocess.run(
        [sys.executable, "-m", "entrypoint", *words],
        env=launcher.environment | {"PYTHONPATH": str(REPOSITORY), "LC_ALL": "C.UTF-8"} | env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def start(launcher: Launcher, env: Mapping[str, str]) -> Run:
    run = launcher.profile(actor("report"), env=env)
    run.says("to=running")
    return run


def test_everything_but_the_probes_needs_token_and_tls(
    entrypoint: Launcher, pair: KeyPair, token: Path
) -> None:
    env = settings(pair, token)
    run = start(entrypoint, env)
    root = pair.certificate

    def by_tls() -> bool:
        try:
            return ask(entrypoint, "/livez", root)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    until(by_tls, "TLS")
    for method in ("GET", "HEAD"):
        for path in ("/livez", "/readyz", "/startupz", "/livez/phase"):
            assert ask(entrypoint, path, method=method)[0] == 200
            assert ask(entrypoint, path, root, method=method)[0] == 200
        for path in ("/", "/metrics", "/status", "/status?output=text", "/nothing"):
            assert ask(entrypoint, path, method=method)[0] == 403
            assert ask(entrypoint, path, token=TOKEN, method=method)[0] == 403
            assert ask(entrypoint, path, root, method=method)[0] == 401
            assert ask(entrypoint, path, root, OTHER, method=method)[0] == 401
            expected = 404 if path == "/nothing" else 200
            assert ask(entrypoint, path, root, TOKEN, method=method)[0] == expected
    assert "entrypoint_info" in ask(entrypoint, "/metrics", root, TOKEN)[1]

    done = verb(entrypoint, "status", env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert "RUNNING, ready" in done.stdout
    assert verb(entrypoint, "probe", "ready", env=env).returncode == 0
    assert verb(entrypoint, "probe", "live", env={}).returncode == 0

    run.stop()
    assert TOKEN not in run.stdout + run.stderr + run.termination_message + done.stdout


def test_a_token_alone(subreaper: Launcher, token: Path) -> None:
    run = start(subreaper, settings(token=token))
    assert ask(subreaper, "/metrics")[0] == 401
    assert ask(subreaper, "/metrics", token=TOKEN)[0] == 200
    assert ask(subreaper, "/livez")[0] == 200
    assert "libssl" not in Path(f"/proc/{run.pid}/maps").read_text(), "6 MB for nothing"
    watch = subprocess.Popen(
        [sys.executable, "-m", "entrypoint", "status", "--watch", "--interval", "100ms"],
        env=subreaper.environment | {"LC_ALL": "C.UTF-8"} | settings(token=token),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert watch.stdout is not None
    seen = ""
    while seen.count("RUNNING, ready") < 2:
        seen += watch.stdout.readline()
    watch.kill()
    watch.wait(60)
    watch.stdout.close()
    assert "RUNNING, ready" in verb(subreaper, "status", env={"ENTRYPOINT_TOKEN": TOKEN}).stdout
    refused = verb(subreaper, "status", env={})
    assert refused.returncode == 1 and "bearer token" in refused.stderr


def test_a_rotated_token_and_certificate_are_taken_while_java_runs(
    subreaper: Launcher, pair: KeyPair, token: Path, tmp_path: Path
) -> None:
    """With `stop` for a change of the configuration: a new token is none."""
    run = start(subreaper, settings(pair, token) | {"ENTRYPOINT_ON_CHANGE": "stop"})
    after = certificates.make(need("openssl"), tmp_path / "new")
    token.write_text(OTHER)
    for old, new in zip(pair, after, strict=True):
        new.replace(old)

    def taken() -> bool:
        try:
            return ask(subreaper, "/status", pair.certificate, OTHER)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    until(taken, "the new token by the new certificate")
    assert ask(subreaper, "/status", pair.certificate, TOKEN)[0] == 401
    pair.certificate.write_text("no certificate")
    token.write_text("no token")
    run.says("New certificate not taken, the old one stays")
    run.says("New token not taken, the old one stays")
    document = ask(subreaper, "/status?output=json", None)[0]
    assert document == 403, "TLS is still asked for"
    assert verb(subreaper, "status", env={"ENTRYPOINT_TOKEN": OTHER}).returncode == 0
    assert not run.ended()
    said = run.stdout + run.stderr
    assert OTHER not in said and "Configuration changed" not in said


@pytest.mark.parametrize(
    ("wrong", "says"),
    [("certificate", "no such file"), ("key", "does not belong"), ("token", "token-weak")],
)
def test_what_is_wrong_at_the_start_is_told_before_java(
    subreaper: Launcher, pair: KeyPair, token: Path, tmp_path: Path, wrong: str, says: str
) -> None:
    if wrong == "certificate":
        pair.certificate.unlink()
    elif wrong == "key":
        certificates.make(need("openssl"), tmp_path / "other").key.replace(pair.key)
    else:
        token.write_text("hunter2")
    run = subreaper.profile(actor("report"), env=settings(pair, token))
    assert run.wait() == 78
    assert says in run.stderr + run.stdout
    assert "Spawned java" not in run.stderr + run.stdout
    assert run.termination_message
    assert "hunter2" not in run.stderr + run.stdout + run.termination_message


def test_while_the_plan_is_made_probes_alone_are_answered(subreaper: Launcher) -> None:
    """Who may ask for more is not known yet; here a java that does not tell its version holds it up."""
    home = subreaper.pretend_java(("sleep", "60"))
    (home / "release").unlink()
    (subreaper.folder / "home").mkdir()
    run = subreaper.start(["run", "jvm"], env={"JAVA_HOME": str(home), "APP_MAIN": "x"})
    until(lambda: accepts(subreaper.port), "the port")
    assert ask(subreaper, "/livez")[0] == 200
    assert ask(subreaper, "/startupz")[0] == 503
    for path in ("/metrics", "/status", "/", "/nothing"):
        status, body = ask(subreaper, path)
        assert (status, body) == (503, "not yet: the plan is being made\n")
    said = verb(subreaper, "status", env={})
    assert said.returncode == 1 and "the plan is being made" in said.stderr
    run.stop()
