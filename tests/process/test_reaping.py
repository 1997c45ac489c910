"""Orphans: all of them are reaped, at once, without a cap, and without memory for each."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest
from harness import Launcher, actor, process_state, status_field, until

ORPHANS = 5000


def test_five_thousand_orphans_are_reaped_and_counted(entrypoint: Launcher) -> None:
    run = entrypoint.profile(actor("orphans", "100"))
    run.says("orphans done")
    until(lambda: reaped(entrypoint) == 100, "the first hundred are reaped")
    before = resident(run.pid)
    for _ in range(2):  # the metric is there before the second storm, so that its memory is too
        reaped(entrypoint)
    assert run.stop() == 0

    run = entrypoint.profile(actor("orphans", str(ORPHANS)))
    run.says("orphans done")
    until(lambda: reaped(entrypoint) == ORPHANS, "all are reaped")
    assert not [pid for pid in children(run.pid) if process_state(pid) == "Z"]
    assert resident(run.pid) < before + 2048, "memory grows with every orphan"
    assert run.stop() == 0
    assert f"orphans-reaped={ORPHANS}" in run.stderr


def test_plain_mode_reaps_as_well(entrypoint: Launcher) -> None:
    run = entrypoint.plain(actor("orphans", "500"))
    run.says("orphans done")
    until(lambda: len(children(run.pid)) == 1, "only the child is left")
    assert run.stop() == 143


def test_orphans_of_an_inherited_child_do_not_end_us(pid1: Launcher) -> None:
    """A process that was our child before we were entrypoint ends: that is not the end of java."""
    run = pid1.plain(
        ("sh", "-c", "sleep 0.5; exit 7"), before=("sh", "-c", 'sleep 0.1 & exec "$@"', "sh")
    )
    assert run.wait() == 7


def reaped(launcher: Launcher) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{launcher.port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return float(
        next(
            (line for line in lines if line.startswith("entrypoint_orphans_reaped_total")), "x 0"
        ).split()[1]
    )


def resident(pid: int) -> int:
    """Return the resident memory of a process in kB."""
    return int(status_field(Path(f"/proc/{pid}/status").read_text(), "VmRSS").split()[0])


def children(pid: int) -> list[int]:
    return [
        int(word)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for word in (task / "children").read_text().split()
    ]


@pytest.mark.parametrize("switches", [(), ("--subreaper",)])
def test_a_subreaper_adopts_even_without_being_asked(
    subreaper: Launcher, switches: tuple[str, ...]
) -> None:
    """The daemon's parent ends: without a subreaper the machine's init would adopt it."""
    run = subreaper.plain(("sh", "-c", "(sleep 1000 & echo orphan); exec sleep 2000"), *switches)
    run.says("orphan")
    orphan = run.child("sleep\x001000")
    until(lambda: orphan in children(run.pid), "the orphan is adopted")
    assert run.stop() == 143
    run.gone()
