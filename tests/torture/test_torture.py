"""Random runs of the real entrypoint, judged one by one: the regressions first, then seeds.

ENTRYPOINT_TORTURE_SECONDS (default 20) is for how long, ENTRYPOINT_TORTURE_SEED (default 1) the first seed. A
run that breaks an invariant is told with its seed, its case and the command that repeats it.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

from torture.cases import Case, Sent, draw
from torture.invariants import broken
from torture.run import regressions, tell
from torture.world import Seen, Tools, perform

SECONDS = float(os.environ.get("ENTRYPOINT_TORTURE_SECONDS") or 20)
SEED = int(os.environ.get("ENTRYPOINT_TORTURE_SEED") or 1)
NUMBERS = itertools.count()


def run(case: Case, tools: Tools) -> tuple[Seen, list[str]]:
    """Carry a case out, and judge it."""
    number = next(NUMBERS)
    seen = perform(case, tools, number)
    shutil.rmtree(tools.folder / f"run-{number}", ignore_errors=True)
    return seen, broken(seen)


@pytest.mark.parametrize(("was", "case"), regressions(), ids=[was for was, _ in regressions()])
def test_what_once_broke_an_invariant_keeps_them_all(was: str, case: Case, tools: Tools) -> None:
    seen, wrong = run(case, tools)
    if seen.impossible:
        pytest.skip(seen.impossible)
    assert not wrong, tell(seen, wrong)


@pytest.mark.timeout(SECONDS + 120)
def test_every_run_keeps_the_invariants(tools: Tools) -> None:
    until = time.monotonic() + SECONDS
    runs = 0
    for seed in itertools.count(SEED):
        seen, wrong = run(draw(seed), tools)
        assert not wrong, tell(seen, wrong)
        runs += not seen.impossible
        if time.monotonic() >= until:
            break
    print(f"{runs} runs from seed {SEED}")
    assert runs


def test_a_seed_is_the_same_case_for_ever() -> None:
    for seed in range(200):
        case = draw(seed)
        assert draw(seed) == case
        assert Case.of(json.loads(case.to_json())) == case


MUTANTS = {
    "one_orphan_at_a_time": (Case(1, "plain", part="listen orphans=40"), "no zombie stays"),
    "loses_a_signal": (Case(2, signals=(Sent("listens", 20, "us", 10),)), "no signal is lost"),
    "deaf_to_the_first_term": (
        Case(9, "plain", ladder=(), part="obeys=ignore", signals=(Sent("blocked", 0, "us", 15),)),
        "no signal is lost: not the one that asks",
    ),
    "untrue_exit_code": (Case(3, part="listen exit=3"), "the model allows what happened"),
    "no_message": (Case(4), "a termination message is there"),
    "leaves_a_daemon": (
        Case(5, pid1=False, part="listen daemon=session exit=1"),
        "nothing outlives us",
    ),
    "never_gives_up": (Case(6, part="obeys=ignore listen"), "the stop is bounded"),
    "prints_a_traceback": (Case(7), "never a traceback"),
    "another_phase": (Case(8), "the model allows what happened"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_product_that_is_wrong_is_found_out(name: str, tools: Tools, tmp_path: Path) -> None:
    """The judge judges: each of these mistakes breaks the invariant that it should."""
    case, invariant = MUTANTS[name]
    shutil.copy(Path(__file__).parent / "mutants" / f"{name}.py", tmp_path / "sitecustomize.py")
    _, wrong = run(case, replace(tools, before=str(tmp_path), limit=5.0))
    assert any(line.startswith(invariant) for line in wrong), wrong
