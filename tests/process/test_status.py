"""The status of a real JVM: seen from another process, and remembered by the next run of the container."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from harness import REPOSITORY, Launcher, Run, actor, until

from lab.needs import need
from lab.net import free_port

SECRET = "hunter2-and-a-half"


@pytest.fixture
def zookeeper() -> Path:
    return need("zookeeper")


def start(launcher: Launcher, home: Path, java: Path) -> Run:
    data = launcher.folder / "data"
    data.mkdir(exist_ok=True)
    return launcher.start(
        ["run", "zookeeper"],
        env={
            "JAVA_HOME": str(java),
            "ENTRYPOINT_HOME": str(home),
            "ZOO_CLIENT_PORT": str(free_port()),
            "ZOO_DATA_DIR": str(data),
        },
    )


def get(launcher: Launcher, path: str, accept: str = "*/*") -> str:
    request = urllib.request.Request(
        f"http://127.0.0.1:{launcher.port}{path}", headers={"Accept": accept}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read().decode()


def look(launcher: Launcher, *words: str) -> str:
    """Run `entrypoint status` beside it, as kubectl exec does."""
    command = [sys.executable, "-m", "entrypoint", "status", *words]
    environment = launcher.environment | {"PYTHONPATH": str(REPOSITORY), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_real_jvm_from_its_first_minute_to_its_next_life(
    entrypoint: Launcher, zookeeper: Path, java: Path
) -> None:
    run = start(entrypoint, zookeeper, java)
    run.says("to=running")

    def numbers() -> dict[str, object]:
        found = json.loads(get(entrypoint, "/status"))["java"]
        return {name: found[name] for name in ("heap-used", "gc-seconds", "threads", "rss")}

    # The first sample comes two seconds after the spawn.
    until(lambda: None not in numbers().values(), "the first sample")
    document = json.loads(look(entrypoint, "--output", "json"))
    assert document["state"] == "RUNNING, ready"
    assert document["java"]["alive"] is True
    assert 1 << 20 < document["java"]["heap-used"] <= document["java"]["heap-max"]
    assert 20 << 20 < document["java"]["rss"] < 4 << 30
    assert 5 < document["java"]["threads"] < 500
    assert document["java"]["history"]["heap"][-1] is not None
    assert document["restarts"] == 0
    assert document["last-death"] is None
    assert "Command (in" in document["plan"]["text"]
    assert str(java) in document["plan"]["text"]

    text = look(entrypoint)
    assert "✓ RUNNING, ready" in text.splitlines()[0]
    for word in ("heap ", "gc ", "threads ", "cpu ", "rss ", "✓ srvr", "plan ", "last 10 minutes"):
        assert word in text, word
    assert get(entrypoint, "/").startswith(text.splitlines()[0].split(" ")[0])
    page = get(entrypoint, "/", "text/html,*/*;q=0.8")
    assert page.startswith("<!doctype html>")
    assert page.count('role="img"') == 5
    assert "Command (in" in page

    assert run.stop() == 0
    again = start(entrypoint, zookeeper, java)
    again.says("to=running")
    text = look(entrypoint)
    assert "restarts of this container 1 (last: exit 0, " in text
    assert "last death     java exited with 143 after SIGTERM" in text


def test_a_death_is_remembered_with_its_code(pid1: Launcher) -> None:
    run = pid1.profile(actor("report"))
    run.says("ready")
    run.send(signal.SIGKILL, run.child("actor.py"))
    assert run.wait() == 137
    pid1.profile(actor("report")).says("ready")
    until(lambda: "restarts of this container 1" in look(pid1), "the run before")
    assert "(last: exit 137, " in look(pid1)


def test_a_java_that_ends_at_once_counts_as_a_run_too(pid1: Launcher) -> None:
    for _ in range(3):
        assert pid1.profile(("sh", "-c", "exit 3")).wait() == 3
    pid1.profile(actor("report")).says("ready")
    until(lambda: "restarts of this container 3" in look(pid1), "the runs before")
    assert "(last: exit 3, " in look(pid1)


def test_a_run_that_was_killed_whole_is_remembered_too(pid1: Launcher) -> None:
    run = pid1.profile(actor("report"))
    run.says("ready")
    until((pid1.folder / "run" / "last-run").exists, "the note of this run")
    run.send(signal.SIGKILL)
    run.wait()
    run.gone()
    pid1.profile(actor("report")).says("ready")
    until(lambda: "(last: killed together with entrypoint)" in look(pid1), "the run before")


def test_while_it_waits_the_status_says_for_what(pid1: Launcher) -> None:
    port = free_port()
    overlay = f"""\
gates:
  database:
    tcp: {{address: "127.0.0.1:{port}"}}
    at-most: 60s
"""
    pid1.profile(actor("report"), overlay).says("Waiting for=")
    until(lambda: "WAITING, not ready" in look(pid1), "the phase")
    until(lambda: "Command (in" in json.loads(look(pid1, "-o", "json"))["plan"]["text"], "a plan")
    text = look(pid1)
    assert "java is not started yet" in text
    assert "… database  waiting" in text


def test_a_secret_is_on_no_page(pid1: Launcher) -> None:
    overlay = """\
settings:
  database.url:
    env: DATABASE_URL
    type: text
    description: A database
  database.password:
    env: DATABASE_PASSWORD
    type: text
    secret: true
    description: Its password
gates:
  database:
    mysql: {url: "{database.url}", user: root, password: "{database.password}"}
    at-most: 60s
java:
  properties:
    url: "{database.url}"
"""
    url = f"jdbc:mysql://127.0.0.1:{free_port()}/shop?user=root&password={SECRET}"
    run = pid1.profile(
        actor("report"), overlay, env={"DATABASE_URL": url, "DATABASE_PASSWORD": SECRET}
    )
    run.says("Waiting for=")
    until(lambda: json.loads(get(pid1, "/status"))["plan"]["text"], "the plan")
    assert "mysql" in get(pid1, "/status")
    for path, accept in (("/", "text/html"), ("/", "*/*"), ("/status", "*/*")):
        assert SECRET not in get(pid1, path, accept), path
