from __future__ import annotations

import pytest

from entrypoint.lifecycle import status as words
from entrypoint.lifecycle.gauges import gauges, round_up
from entrypoint.lifecycle.health import ExitInfo, GateStatus, Snapshot, readyz
from entrypoint.lifecycle.history import NAMES, JvmSample
from entrypoint.lifecycle.pressure import Episode, Pressure, Signs
from entrypoint.lifecycle.previous import Run
from entrypoint.lifecycle.status import Status
from entrypoint.records import replace
from statuses import MIB, NOW, TIME, status


def changed(one: Status, **changes: object) -> Status:
    return replace(one, snapshot=replace(one.snapshot, **changes))


def test_the_headline() -> None:
    head = words.headline(status())
    assert (head.name, head.state, head.mark) == ("otter-node-3", "RUNNING, not ready", "bad")
    assert head.up == "up 5h47m"
    assert head.restarts == "restarts of this container 2 (last: exit 137 oom-killed, 6h ago)"
    assert words.headline(status(ready=True)).state == "RUNNING, ready"
    assert words.headline(status(ready=True)).mark == "good"


@pytest.mark.parametrize("phase", ["preparing", "waiting", "starting", "draining", "stopping"])
def test_a_phase_that_passes_is_no_alarm(phase: str) -> None:
    head = words.headline(changed(status(), phase=phase))
    assert (head.state, head.mark) == (f"{phase.upper()}, not ready", "wait")


def test_the_headline_after_the_end() -> None:
    head = words.headline(changed(status(), phase="exited", exit=ExitInfo(3, 3, "x")))
    assert (head.state, head.mark) == ("EXITED with 3", "bad")


def test_the_last_death_in_full() -> None:
    assert words.last_death(status()) == (
        "java was killed by the kernel: out of memory (137), at 2026-11-24 00:00:00Z, "
        "after 5h56m [exit 137]"
    )
    assert words.last_death(changed(status(), previous=None)) == ""


def test_a_run_that_never_said_how_it_ended_was_killed_with_us() -> None:
    dead = changed(status(), previous=Run(2, TIME - 500), restarts=2)
    assert "(last: killed together with entrypoint)" in words.headline(dead).restarts
    assert words.last_death(dead).startswith("killed before it could say why")


def test_the_timeline() -> None:
    steps = [(step.phase, step.took, step.current) for step in words.timeline(status())]
    assert steps == [
        ("preparing", "93ms", False),
        ("waiting", "2m26s", False),
        ("starting", "3.8s", False),
        ("running", "5h45m", True),
    ]
    assert words.timeline(status())[0].began == "00:12:30Z"


def test_a_clock_that_was_set_back_makes_no_negative_time() -> None:
    history = (("preparing", TIME), ("starting", TIME - 3600))
    steps = words.timeline(changed(status(), phase_history=history))
    assert steps[0].took == "0ms"


def test_failed_checks_come_first() -> None:
    rows = words.checks(status())
    assert [(row.name, row.mark) for row in rows] == [
        ("zookeeper-session", "bad"),
        ("manager", "good"),
        ("port-2088", "good"),
    ]
    assert (rows[0].state, rows[0].says, rows[0].since) == (
        "failed", "no /otter/node/7 after 2ms (3 in a row)", "12s",
    )  # fmt: skip
    assert [row.says for row in rows[1:]] == ["1ms", "<1ms"]


def test_every_state_of_a_check_has_a_word() -> None:
    (_, check, _) = status().snapshot.checks
    cases = {
        "not asked yet": replace(check, ok=None, answered=None, seconds=None),
        "ok for now": replace(check, ok=True, failures_in_a_row=1),
        "silent": replace(check, ok=True, failures_in_a_row=0, answered=NOW - 60),
        "ok": replace(check, ok=True, failures_in_a_row=0),
    }
    for word, one in cases.items():
        (row,) = words.checks(changed(status(), checks=(one,)))
        assert row.state == word


def test_a_check_is_told_as_a_probe_tells_it() -> None:
    """In one way: the row of wrong answers, and how long the last one took."""
    one = status()
    (_, check, _) = one.snapshot.checks
    for changes in ({}, {"failures_in_a_row": 12}, {"ok": True, "failures_in_a_row": 2}):
        checks = (replace(check, seconds=0.0001, **changes),)
        (row,) = words.checks(changed(one, checks=checks))
        probe = readyz(replace(one.snapshot, checks=checks), NOW).items[-1].text
        assert probe.startswith(f"{row.state}: {row.says}")
        assert "after <1ms" in row.says


def test_the_words_of_a_dependency_stay_on_one_line() -> None:
    (_, check, _) = status().snapshot.checks
    (row,) = words.checks(changed(status(), checks=(replace(check, detail="a\r\n\x1b[2Jb"),)))
    assert row.says == "a [2Jb after 2ms (3 in a row)"


@pytest.mark.parametrize(
    ("gate", "state", "says"),
    [
        (GateStatus("a", "t", "passed", 6, 5.3), "passed", "6 attempts"),
        (GateStatus("a", "t", "waiting", 1, 5.3, "refused"), "waiting", "refused (1 attempt)"),
        (GateStatus("a", "t", "timed-out", 9, 120, "refused"), "gave up", "refused (9 attempts)"),
    ],
)
def test_every_state_of_a_gate_has_a_word(gate: GateStatus, state: str, says: str) -> None:
    (row,) = words.gates(changed(status(), gates=(gate,)))
    assert (row.state, row.says) == (state, says)


def test_java_that_gets_nowhere_is_told() -> None:
    one = status()
    assert words.trouble(one) == ""
    hangs = Pressure(hang=Episode(3, one.now - 42, 1), signs=Signs("T"))
    assert words.trouble(changed(one, pressure=hangs)) == "java hangs: stopped, since 42s"
    both = replace(hangs, thrash=Episode(6, one.now - 60, 1))
    told = words.trouble(changed(one, pressure=both))
    assert told.startswith("java thrashes: full collections that free nothing, since 1m")
    assert told.endswith("; java hangs: stopped, since 42s")
    assert words.trouble(changed(one, pressure=both, child_alive=False)) == ""


def test_java_before_and_after() -> None:
    assert words.java(status()) == "java pid 42"
    assert words.java(changed(status(), child_alive=False)) == "java pid 42 has ended"
    assert words.java(changed(status(), child_pid=None)) == "java is not started yet"


def test_the_gauges_in_the_order_of_the_terminal() -> None:
    one = status()
    found = {gauge.name: gauge for gauge in gauges(one.sample, one.series)}
    assert list(found) == ["heap", "gc", "threads", "cpu", "rss"]
    assert found["heap"].value.endswith("/300 MiB")
    assert found["rss"].value == "486/512 MiB"
    assert found["rss"].aside == "container 495 MiB"
    assert found["gc"].aside == "1 full GC"
    assert len(found["heap"].marks) == 1


def test_what_is_not_known_has_no_gauge() -> None:
    one = status()
    assert one.series is not None
    nothing = dict.fromkeys(NAMES, (None, None))
    assert gauges(one.sample, nothing) == ()
    only = gauges(JvmSample(NOW, threads=5), nothing | {"threads": (None, 5.0)})
    assert [gauge.name for gauge in only] == ["threads"]
    assert gauges(None, None) == ()


def test_without_a_limit_the_scale_is_a_round_number_above_the_peak() -> None:
    series = dict.fromkeys(NAMES, (None,)) | {"heap": (90.0 * MIB,)}
    (gauge,) = gauges(JvmSample(NOW, heap_used=90.0 * MIB), series)
    assert (gauge.value, gauge.scale, gauge.limit) == ("90 MiB", "100 MiB", None)


def test_a_large_heap_is_told_in_gibibytes() -> None:
    series = dict.fromkeys(NAMES, (None,)) | {"heap": (5.0 * 1024 * MIB,)}
    (gauge,) = gauges(
        JvmSample(NOW, heap_used=5.0 * 1024 * MIB, heap_max=31.0 * 1024 * MIB), series
    )
    assert (gauge.value, gauge.scale) == ("5.0/31.0 GiB", "31.0 GiB")


@pytest.mark.parametrize(
    ("value", "scale"),
    [
        (0, 1),
        (0.05, 0.05),
        (0.126, 0.2),
        (0.59, 1),
        (1, 1),
        (10, 10),
        (127, 200),
        (230, 250),
        (999, 1000),
    ],
)
def test_round_up(value: float, scale: float) -> None:
    assert round_up(value) == pytest.approx(scale)


def test_counted() -> None:
    assert dict(words.counted(status())) == {
        "orphans reaped": "3",
        "signals received": "SIGHUP 1",
        "OOM kills": "1",
        "log lines dropped": "0",
    }
    unknown = replace(status().snapshot.counters, oom_kills=None)
    assert "OOM kills" not in dict(words.counted(changed(status(), counters=unknown)))


def test_what_the_graphs_show() -> None:
    assert words.span_words(status()) == "the last hour"
    assert (
        words.span_words(replace(status(), series={"heap": (None,) * 60})) == "the last 10 minutes"
    )


def test_the_very_first_moment() -> None:
    snapshot = Snapshot("preparing", NOW, (("preparing", TIME),), "", "", "1.0.0", TIME, NOW)
    first = Status(snapshot, "otter-0", NOW, TIME)
    assert words.headline(first).restarts == "no restart of this container"
    assert words.checks(first) == words.gates(first) == ()
