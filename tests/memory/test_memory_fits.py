"""A slice of the memory matrix: what we say that fits is not killed, in real memory cgroups.

The whole matrix (all JDKs and limits, Kafka, ZooKeeper) is `memory.matrix`; its last run is
docs/reference/memory-validation.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from lab.needs import need
from memory import box, subjects

WHY_NOT = box.problem()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "a memory cgroup can be made")


@pytest.fixture(scope="module")
def classpath(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return subjects.compile_filler(tmp_path_factory.mktemp("filler"), need("javac"))


@pytest.mark.parametrize("limit", [256, 512, 1024])
@pytest.mark.parametrize("jdk", [8, 25])
def test_a_program_that_fills_everything_is_not_killed(
    jdk: int, limit: int, classpath: Path, tmp_path: Path
) -> None:
    home = need(f"jdk{jdk}")
    subject = subjects.filler(tmp_path, classpath, limit, known=True, seconds=2, compiled=200)
    outcome = subjects.try_in_box(subject, jdk, home, limit, tmp_path)
    assert outcome.heap > 0, outcome.said
    assert "filled heap=" in outcome.said
    assert (outcome.exit_code, outcome.oom_kills) == (0, 0), outcome.said
    assert outcome.by_choice <= 0.15 * limit


def test_the_box_kills_what_does_not_fit(java: Path, classpath: Path, tmp_path: Path) -> None:
    """Without it the tests above would prove nothing."""
    subject = subjects.filler(tmp_path, classpath, 256, known=True, seconds=3)
    environment: Mapping[str, str] = {
        "ENTRYPOINT_MEMORY_OVERCOMMIT": "true",
        "JAVA_OPTIONS": "-Xmx300m -Xms300m -XX:+AlwaysPreTouch",
    }
    greedy = replace(subject, environment={**subject.environment, **environment})
    outcome = subjects.try_in_box(greedy, 17, java, 256, tmp_path)
    assert outcome.oom_kills == 1
    assert outcome.exit_code == 137
    assert subjects.failures([outcome]) != []


def test_what_cannot_fit_is_refused_before_java_starts(
    java: Path, classpath: Path, tmp_path: Path
) -> None:
    subject = subjects.filler(tmp_path, classpath, 256, known=True, seconds=3)
    outcome = subjects.try_in_box(subject, 17, java, 128, tmp_path)
    assert outcome.refused.startswith("fix       raise the memory limit to")
    assert outcome.peak == 0
