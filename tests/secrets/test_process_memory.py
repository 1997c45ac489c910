"""Memory: what PID 1 still knows while java runs, what its helper knew, and who leaves a core file."""

from __future__ import annotations

import base64
import resource
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from canaries import ALLOWED, Hunt, canary
from process_memory import end_by_a_fault, readable, words
from shop import Shop

from process.harness import PYTHON, Launcher, Run, actor, until

SEGV = 139
UNLIMITED = resource.RLIM_INFINITY
KEPT = ALLOWED["memory"]
WITH_CORES = ("sh", "-c", 'ulimit -S -c unlimited && exec "$@"', "sh")
pytestmark = pytest.mark.skipif(
    resource.getrlimit(resource.RLIMIT_CORE)[1] != UNLIMITED,
    reason="the hard limit for core files is low here: nothing could be told from there being none",
)


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[Launcher]:
    """Starts runs below processes that leave no core files of their own: `unshare` ends as its child did."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, before[1]))
    found = Launcher(tmp_path, as_pid1=True)
    yield found
    found.clean_up()
    resource.setrlimit(resource.RLIMIT_CORE, before)


@pytest.fixture
def shop(launcher: Launcher) -> Shop:
    found = Shop(launcher)
    found.cores = "unlimited"
    return found


def started(shop: Shop, **env: str) -> Run:
    """Start it, and wait until it has read all that it reads again while java runs."""
    run = shop.run(**env)
    run.says("to=running")
    shop.speaks_tls()
    until(lambda: b"entrypoint_config_files" in shop.ask("/metrics"), "a look at the files")
    return run


def known(shop: Shop, memory: Iterable[bytes]) -> set[str]:
    """Return the names of the canaries in memory; of the TLS key it is the number that counts.

    OpenSSL leaves the text of a key lying about for some time, or not.
    """
    found: set[str] = set()
    number = private_number(shop.pair.key)
    for data in memory:
        found |= shop.hunt.found(words(data)) - {"tls key"}
        if number in data or number[::-1] in data:
            found.add("tls key")
    return found


def private_number(key: Path) -> bytes:
    """Return the secret of an elliptic key: in PKCS #8 the first string of 32 bytes."""
    data = base64.b64decode("".join(key.read_text().splitlines()[1:-1]))
    return data.partition(b"\x04\x20")[2][:32]


def core_limit(pid: int) -> tuple[int, int]:
    return resource.prlimit(pid, resource.RLIMIT_CORE)


def cores(run: Run) -> list[Path]:
    """Return the core files that a run has left."""
    return [path for path in run.folder.rglob("core*") if path.is_file()]


@pytest.mark.parametrize("coding", ["ascii", "utf-16-le", "utf-32-le"])
def test_text_of_every_width_is_seen(coding: str) -> None:
    data = bytes(8) + canary("variable").encode(coding) + b"\xff"
    assert Hunt({"it": canary("variable")}).found(words(data)) == {"it"}


def test_what_pid_1_knows_while_java_runs(shop: Shop) -> None:
    run = started(shop)
    assert known(shop, readable(run.pid)) == KEPT
    assert run.processes() == [run.child("example.Main")], "nobody else is left who knows it"


def test_what_pid_1_knows_that_asks_a_real_jvm(launcher: Launcher, java: Path, hog: Path) -> None:
    shop = Shop(launcher, java)
    run = started(shop, APP_MAIN="Hog", APP_CLASSPATH=str(hog))
    until(lambda: b"jvm_memory_used_bytes{" in shop.ask("/metrics"), "java's own figures")
    done = shop.verb_beside("diagnose", "--pid", str(run.child("Hog")))
    assert done.returncode == 0, done.stderr
    assert known(shop, readable(run.pid)) == KEPT


def test_pid_1_leaves_no_core_file_and_java_has_the_limit_that_we_got(shop: Shop) -> None:
    run = started(shop)
    assert core_limit(run.child("example.Main")) == (UNLIMITED, UNLIMITED)
    assert core_limit(run.pid) == (1, UNLIMITED)
    end_by_a_fault(run.pid)
    assert run.wait() == SEGV
    assert cores(run) == []


def test_a_core_file_that_somebody_wants_has_no_more_in_it(shop: Shop) -> None:
    pattern = Path("/proc/sys/kernel/core_pattern").read_text().strip()
    if not pattern.startswith("core"):
        pytest.skip(f"core files do not stay in the working directory here: {pattern}")
    run = started(shop)
    resource.prlimit(run.pid, resource.RLIMIT_CORE, (UNLIMITED, UNLIMITED))
    end_by_a_fault(run.pid)
    assert run.wait() == SEGV
    (core,) = cores(run)
    assert known(shop, [core.read_bytes()]) == KEPT


PROFILE = """\
profile: shop
extends: jvm
description: a shop
settings:
  gate.word: {{env: GATE_WORD, secret: true, description: a}}
  check.word: {{env: CHECK_WORD, secret: true, description: a}}
  java.word: {{env: JAVA_WORD, secret: true, description: a}}
environment: {{SHOP_WORD: "{{java.word}}"}}
gates:
  door: {{file: {{path: {folder}/door, contains: "{{gate.word}}"}}, at-most: 60s}}
checks:
  word: {{file: {{path: {folder}/word, contains: "{{check.word}}"}}, for: [readiness]}}
"""
FILES = {
    "gate": "GATE_WORD_FILE",
    "check": "CHECK_WORD_FILE",
    "java": "JAVA_WORD_FILE",
    "token": "ENTRYPOINT_TOKEN_FILE",
}


def test_what_only_the_helper_needs_is_gone_with_it(launcher: Launcher) -> None:
    """From files, so that none of it stands in our environment."""
    folder = launcher.folder
    texts = {name: canary(f"by a file: {name}") for name in FILES}
    for name, text in texts.items():
        (folder / name).write_text(text)
    (folder / "shop.yaml").write_text(PROFILE.format(folder=folder))
    (folder / "home").mkdir()
    hunt = Hunt(texts)

    def knows(pid: int) -> set[str]:
        return {name for data in readable(pid) for name in hunt.found(words(data))}

    run = launcher.start(
        ["run", str(folder / "shop.yaml")],
        env={
            "JAVA_HOME": str(launcher.pretend_java(actor("report"))),
            "APP_MAIN": "example.Main",
            **{variable: str(folder / name) for name, variable in FILES.items()},
        },
        before=WITH_CORES,
    )
    run.says("Waiting")
    (helper,) = run.processes()
    assert knows(helper) == set(FILES), "this search finds nothing"
    assert core_limit(helper) == (1, UNLIMITED)
    asked_or_given_while_java_runs = {"check", "java"}
    assert knows(run.pid) == asked_or_given_while_java_runs
    (folder / "door").write_text(texts["gate"])
    run.says("to=running")
    until(lambda: helper not in run.processes(), "the helper's end")
    assert knows(run.pid) == asked_or_given_while_java_runs


PROGRAM = "import signal; print('ready', flush=True); signal.pause()"


def test_plain_mode_knows_its_environment_and_lets_the_limit_be(launcher: Launcher) -> None:
    texts = {name: canary(name) for name in ("variable", "argument")}
    run = launcher.start(
        ["run", "--exec", "--", *PYTHON, "-c", PROGRAM, texts["argument"]],
        env={"SHOP_VARIABLE": texts["variable"]},
        before=WITH_CORES,
    )
    run.says("ready")
    program = run.child(texts["argument"])
    assert core_limit(run.pid) == core_limit(program) == (UNLIMITED, UNLIMITED)
    hunt = Hunt(texts)
    assert {name for data in readable(run.pid) for name in hunt.found(words(data))} == set(texts)
