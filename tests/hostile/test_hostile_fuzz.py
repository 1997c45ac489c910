"""Every fuzzer, each in a process of its own; and the inputs that were findings, made small.

CI runs the same inputs each time. ENTRYPOINT_FUZZ_SECONDS=600 gives each fuzzer so many seconds, and
ENTRYPOINT_FUZZ_SEED another seed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import fuzz_targets
import fuzzing
import pytest
from bounded import bounded

SECONDS = float(os.environ.get("ENTRYPOINT_FUZZ_SECONDS", "0"))
SEED = int(os.environ.get("ENTRYPOINT_FUZZ_SEED", "1"))
PROGRAM = Path(__file__).with_name("fuzz.py")
REGRESSIONS = sorted(path for path in fuzzing.REGRESSIONS.glob("*/*") if path.is_file())


@pytest.mark.timeout(max(300, SECONDS * 2 + 120))
@pytest.mark.parametrize("name", sorted(fuzz_targets.TARGETS))
def test_nothing_is_found(name: str, tmp_path: Path) -> None:
    words = [sys.executable, str(PROGRAM), name, "--seed", str(SEED), "--keep", str(tmp_path)]
    if SECONDS:
        words += ["--seconds", str(SECONDS)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (
        f"{done.stdout[-5000:]}{done.stderr[-3000:]}\n"
        f"again: python tests/hostile/fuzz.py {name} --seed {SEED} --input NUMBER\n"
        f"what ended the process (code {done.returncode}), if it did: {tmp_path}/{name}.now"
    )
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["inputs"] >= (1 if SECONDS else fuzz_targets.TARGETS[name].count)
    assert report["megabytes"] < fuzzing.MEMORY >> 20
    print(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("path", REGRESSIONS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_was_found_once_stays_mended(path: Path) -> None:
    target = fuzz_targets.TARGETS[path.parent.name]
    data = path.read_bytes()
    assert bounded(lambda: fuzzing.judge(target, data)) == ""


def test_an_input_is_the_same_each_time() -> None:
    for target in fuzz_targets.TARGETS.values():
        assert [fuzzing.make(target, 3, n) for n in range(20)] == [
            fuzzing.make(target, 3, n) for n in range(20)
        ]
        assert len({fuzzing.make(target, 3, n) for n in range(60)}) > 20


@pytest.mark.parametrize(
    ("name", "data"),
    [("raises", b"1"), ("shows", b"2"), ("drives", b"3"), ("undocumented", b"4"), ("eats", b"5")],
)
def test_the_oracle_finds_what_it_is_for(name: str, data: bytes) -> None:
    """A fuzzer that finds nothing has to be one that could."""
    from entrypoint.errors import Problem, ProblemsError

    def take(data: bytes) -> str:
        match data:
            case b"1":
                return str(1 / 0)
            case b"2":
                return fuzzing.CANARY.upper()
            case b"3":
                return "a\x1b]0;b"
            case b"4":
                raise ProblemsError(Problem("not-in-the-docs", "wrong", (("fix", "none"),)))
            case _:
                return "x" * (4 << 30)

    target = fuzzing.Target("oracle", (b"",), take)
    assert bounded(lambda: fuzzing.judge(target, data))
    assert fuzzing.judge(fuzzing.Target("oracle", (b"",), lambda _: "fine"), b"") == ""
