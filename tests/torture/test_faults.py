"""The fault layer does what it is told: in Python alone, after the signals are blocked, and no more often."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab import faults
from lab.needs import need

BEGIN = "import os, signal, sys, time\nsignal.pthread_sigmask(signal.SIG_BLOCK, {15})\n"


@pytest.fixture(scope="module")
def layer() -> Path:
    need("cc")
    found = faults.layer()
    assert isinstance(found, Path), found
    return found


def say(layer: Path, rules: str, code: str) -> str:
    """Return what a Python program prints under the layer."""
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", code],
        env={"PATH": os.environ["PATH"], "LD_PRELOAD": str(layer), "FAULTS": rules},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout.strip()


TRY = """
def attempt(work):
    try:
        work()
        return "done"
    except OSError as error:
        return str(error.errno)
"""
CALLS = {
    "write": "os.write(os.open('{file}', os.O_WRONLY), b'abc')",
    "read": "os.read(os.open('{file}', os.O_RDONLY), 3)",
    "open": "os.open('{file}', os.O_RDONLY)",
    "fork": "os.fork() or os._exit(0)",
    "spawn": "os.posix_spawn('/bin/true', ['true'], os.environ)",
    "socket": "__import__('_socket').socket()",
    "pipe": "os.pipe()",
    "rename": "os.rename('{file}', '{file}')",
    "mkdir": "os.mkdir('{file}.d')",
    "truncate": "os.ftruncate(os.open('{file}', os.O_WRONLY), 1)",
    "sync": "os.fsync(os.open('{file}', os.O_WRONLY))",
    "chdir": "os.chdir('/')",
}


@pytest.mark.parametrize("call", CALLS)
def test_a_call_fails_once_it_is_told_to(layer: Path, tmp_path: Path, call: str) -> None:
    (tmp_path / "file").write_text("abc")
    code = CALLS[call].format(file=tmp_path / "file")
    tried = f"{BEGIN}{TRY}print(*(attempt(lambda: {code}) for _ in range(4)))"
    if call == "mkdir":
        tried = tried.replace(".d'", ".' + str(len(os.listdir('" + str(tmp_path) + "')))")
    words = say(layer, f"{call}:5:1:2", tried)
    assert words.split() == ["done", "5", "5", "done"]


def test_the_path_decides_and_the_boot_is_spared(layer: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_text("abc")
    code = (
        f"import os, signal\n{TRY}"
        f"reads = lambda name: attempt(lambda: os.open('{tmp_path}/' + name, os.O_RDONLY))\n"
        "print(reads('one'))\nsignal.pthread_sigmask(signal.SIG_BLOCK, {15})\n"
        "print(reads('one'), reads('two'))"
    )
    assert say(layer, "open:13:0:0:/one", code).split() == ["done", "13", "done"]


def test_a_short_write_writes_one_byte(layer: Path, tmp_path: Path) -> None:
    code = f"{BEGIN}print(os.write(os.open('{tmp_path}/x', os.O_WRONLY | os.O_CREAT), b'abc'))"
    assert say(layer, f"write:short:0:0:{tmp_path}", code) == "1"


def test_the_wall_clock_jumps_and_the_monotonic_one_does_not(layer: Path) -> None:
    code = (
        f"{BEGIN}walls = [time.time() for _ in range(4)]\n"
        "began = time.monotonic()\n"
        "print(max(walls) - min(walls) > 3600, 0 <= time.monotonic() - began < 3600)"
    )
    assert say(layer, "clock:jump:0:0", code) == "True True"


def test_memory_that_cannot_be_had_is_a_memory_error(layer: Path) -> None:
    code = (
        f"{BEGIN}try:\n    bytearray(5_000_000)\n    os.write(1, b'had')\n"
        "except MemoryError:\n    os.write(1, b'refused')\nos._exit(0)"
    )
    assert say(layer, "memory:12:0:0", code) == "refused"
    assert say(layer, "memory:12:1000000:0", code) == "had"


def test_what_python_starts_is_spared(layer: Path, tmp_path: Path) -> None:
    code = f"{BEGIN}sys.stdout.flush()\nos.execv('/bin/sh', ['sh', '-c', 'echo x > {tmp_path}/y; echo fine'])"
    assert say(layer, "write:5:0:0", code) == "fine"
