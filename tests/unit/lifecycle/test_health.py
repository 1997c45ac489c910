from __future__ import annotations

import pytest

from entrypoint.lifecycle.health import (
    PHASES,
    CheckStatus,
    GateStatus,
    Item,
    Snapshot,
    Verdict,
    is_lost,
    livez,
    observe,
    readyz,
    startupz,
)
from entrypoint.records import replace

HTTP = CheckStatus("http-8080", "http://127.0.0.1:8080/", ("readiness",), 3)
LIVE = CheckStatus("alive", "tcp", ("liveness",), 3)
SESSION = CheckStatus(
    "session", "zk/7", ("readiness", "liveness"), 3, stale_after=22.0, lost_after=60.0
)


def snapshot(phase: str = "running", **changes: object) -> Snapshot:
    reached = PHASES[: PHASES.index(phase) + 1]
    base = Snapshot(
        phase=phase,
        phase_since=100.0,
        phase_history=tuple((name, 1000.0 + i) for i, name in enumerate(reached)),
        name="otter-node",
        digest="4be1",
        version="1.0.0",
        started=1000.0,
        started_monotonic=0.0,
        child_pid=42,
        child_alive=True,
    )
    return replace(base, **changes)


def answers(status: CheckStatus, *results: bool) -> CheckStatus:
    for number, result in enumerate(results, 1):
        status = observe(status, result, "" if result else "500", 0.012, 100.0 + number)
    return status


def asked(status: CheckStatus, *answers: str, every: float = 5.0) -> CheckStatus:
    """Return the status after answers that came so often: "yes", "no", or what went wrong."""
    start = 100.0 if status.answered is None else status.answered
    for number, answer in enumerate(answers, 1):
        no, at = answer == "no", start + number * every
        text = "no /otter/node/7" if no else answer
        status = observe(status, answer == "yes", text, 0.002, at, said_no=no)
    return status


def item(verdict: Verdict, name: str) -> Item:
    (found,) = [item for item in verdict.items if item.name == name]
    return found


class TestObserve:
    def test_a_check_is_unknown_before_its_first_answer(self) -> None:
        assert HTTP.ok is None

    def test_a_check_that_never_passed_fails_at_the_first_wrong_answer(self) -> None:
        status = answers(HTTP, False)
        assert (status.ok, status.since, status.passed_once) == (False, 101.0, False)

    def test_a_check_that_passed_fails_only_at_its_threshold(self) -> None:
        assert answers(HTTP, True, False, False).ok is True
        assert answers(HTTP, True, False, False, False).ok is False

    def test_one_good_answer_begins_the_row_again(self) -> None:
        assert answers(HTTP, True, False, False, True, False, False).ok is True

    def test_a_failed_check_is_ok_again_at_once(self) -> None:
        status = answers(HTTP, True, False, False, False, True)
        assert (status.ok, status.failures_in_a_row, status.since) == (True, 0, 105.0)

    def test_since_moves_only_when_the_result_changes(self) -> None:
        assert answers(HTTP, True, True, True).since == 101.0
        assert answers(HTTP, True, False, False, False, False, False).since == 104.0

    def test_a_check_that_failed_stays_failed_below_the_threshold(self) -> None:
        assert answers(HTTP, False, False).ok is False

    def test_counts(self) -> None:
        status = answers(HTTP, False, True, False, False, False, True)
        assert (status.runs, status.failed_runs, status.changes) == (6, 4, 3)
        assert status.passed_once

    def test_the_first_answer_is_no_change(self) -> None:
        assert answers(HTTP, True).changes == 0


class TestStartupz:
    @pytest.mark.parametrize("phase", PHASES[: PHASES.index("running")])
    def test_not_before_running(self, phase: str) -> None:
        assert not startupz(snapshot(phase), 0.0).ok

    @pytest.mark.parametrize("phase", PHASES[PHASES.index("running") :])
    def test_for_good_after_running(self, phase: str) -> None:
        assert startupz(snapshot(phase), 0.0).ok

    def test_a_stop_before_running_is_no_start(self) -> None:
        history = (("preparing", 1.0), ("waiting", 2.0), ("stopping", 3.0))
        assert not startupz(snapshot("stopping", phase_history=history), 0.0).ok

    def test_startup_checks_are_listed_until_it_runs(self) -> None:
        check = replace(HTTP, roles=("startup",))
        before = startupz(snapshot("starting", checks=(check,)), 0.0)
        assert item(before, "http-8080") == Item("http-8080", False, "not asked yet")
        assert len(startupz(snapshot("running", checks=(check,)), 0.0).items) == 1


class TestReadyz:
    @pytest.mark.parametrize("phase", [phase for phase in PHASES if phase != "running"])
    def test_only_while_running(self, phase: str) -> None:
        checks = (answers(HTTP, True),)
        verdict = readyz(snapshot(phase, checks=checks), 102.0)
        assert not verdict.ok
        assert item(verdict, "phase") == Item("phase", False, phase)
        assert readyz(snapshot("running", checks=checks), 102.0).ok

    def test_a_check_that_was_never_asked_is_not_ready(self) -> None:
        assert not readyz(snapshot(checks=(HTTP,)), 0.0).ok

    def test_a_failed_readiness_check_is_not_ready(self) -> None:
        failed = answers(HTTP, True, False, False, False)
        verdict = readyz(snapshot(checks=(failed,)), 145.0)
        assert item(verdict, "http-8080").text == "failed: 500 after 12ms (3 in a row), since 41s"
        assert not verdict.ok

    def test_more_wrong_answers_than_the_threshold_are_a_row_without_an_end(self) -> None:
        for count, row in (
            (1, "(1 of 3)"),
            (2, "(2 of 3)"),
            (3, "(3 in a row)"),
            (12, "(12 in a row)"),
        ):
            verdict = readyz(snapshot(checks=(answers(HTTP, True, *[False] * count),)), 145.0)
            assert row in item(verdict, "http-8080").text

    def test_a_tolerated_wrong_answer_is_ready_and_shown(self) -> None:
        verdict = readyz(snapshot(checks=(answers(HTTP, True, False),)), 145.0)
        assert verdict.ok
        assert item(verdict, "http-8080").text == "ok for now: 500 after 12ms (1 of 3)"

    def test_checks_of_other_roles_do_not_count(self) -> None:
        assert readyz(snapshot(checks=(answers(LIVE, False),)), 0.0).ok

    def test_gates_do_not_count(self) -> None:
        gates = (GateStatus("mysql", "db:3306", "timed-out"),)
        assert readyz(snapshot(gates=gates), 0.0).ok

    def test_a_dead_child_is_not_ready(self) -> None:
        verdict = readyz(snapshot(child_alive=False), 0.0)
        assert item(verdict, "child") == Item("child", False, "pid 42 has ended")

    def test_an_old_answer_is_no_answer(self) -> None:
        status = replace(answers(HTTP, True), stale_after=30.0)
        assert readyz(snapshot(checks=(status,)), 131.0).ok
        verdict = readyz(snapshot(checks=(status,)), 141.0)
        assert item(verdict, "http-8080").text == "no answer for 40s"
        assert not verdict.ok

    def test_what_a_dependency_says_cannot_add_lines(self) -> None:
        status = observe(HTTP, False, "bad\n[+]http-8080 ok\r\x1b[2J" + "x" * 999, 0.1, 0.0)
        text = item(readyz(snapshot(checks=(status,)), 0.0), "http-8080").text
        assert text.isprintable()
        assert len(text) < 400


class TestLivez:
    @pytest.mark.parametrize("phase", [p for p in PHASES if p not in {"starting", "running"}])
    def test_a_restart_never_helps_before_start_and_while_stopping(self, phase: str) -> None:
        failed = answers(LIVE, False, False, False)
        gone = snapshot(phase, child_pid=None, child_alive=False, checks=(failed,))
        assert livez(gone, 0.0).ok

    @pytest.mark.parametrize("phase", ["starting", "running"])
    def test_a_zombie_is_dead(self, phase: str) -> None:
        assert livez(snapshot(phase), 0.0).ok
        assert not livez(snapshot(phase, child_alive=False), 0.0).ok

    def test_no_child_is_fine_only_before_it_is_spawned(self) -> None:
        assert livez(snapshot("starting", child_pid=None, child_alive=False), 0.0).ok
        assert not livez(snapshot("running", child_pid=None, child_alive=False), 0.0).ok

    def test_a_failed_liveness_check_fails(self) -> None:
        failed = answers(LIVE, True, False, False, False)
        assert not livez(snapshot(checks=(failed,)), 200.0).ok

    def test_a_liveness_check_needs_its_whole_row_even_when_it_never_passed(self) -> None:
        assert livez(snapshot(checks=(answers(LIVE, False, False),)), 0.0).ok
        assert not livez(snapshot(checks=(answers(LIVE, False, False, False),)), 0.0).ok

    def test_liveness_checks_do_not_count_while_starting(self) -> None:
        failed = answers(LIVE, False, False, False)
        assert livez(snapshot("starting", checks=(failed,)), 0.0).ok

    def test_readiness_and_gates_never_restart(self) -> None:
        failed = answers(HTTP, True, False, False, False)
        gates = (GateStatus("mysql", "db:3306", "timed-out"),)
        assert livez(snapshot(checks=(failed,), gates=gates), 0.0).ok

    def test_a_stale_liveness_check_is_our_bug_and_no_reason_to_restart_java(self) -> None:
        status = replace(answers(LIVE, True), stale_after=1.0)
        assert livez(snapshot(checks=(status,)), 999.0).ok


class TestLost:
    """What was there and is denied: `lost_after` is 60 s, asked every 5 s."""

    LOST = ("yes", *["no"] * 13)

    def says(self, status: CheckStatus) -> tuple[bool, str]:
        now = status.answered or 0.0
        found = item(livez(snapshot(checks=(status,)), now), "session")
        return found.ok, found.text

    def test_fails_when_the_peer_has_said_no_for_so_long(self) -> None:
        early = asked(SESSION, *self.LOST[:-1])
        assert self.says(early) == (True, "no /otter/node/7 for 55s, lost after 1m")
        lost = asked(SESSION, *self.LOST)
        assert self.says(lost) == (False, "no /otter/node/7 for 1m, lost after 1m")
        assert is_lost(lost)
        assert not is_lost(early)

    def test_is_well_at_once_when_it_is_back(self) -> None:
        assert self.says(asked(SESSION, *self.LOST, "yes")) == (True, "ok 2ms")

    @pytest.mark.parametrize("answer", ["refused", "no answer in 2s", "session expired"])
    def test_no_answer_never_fails_however_long(self, answer: str) -> None:
        silent = asked(SESSION, "yes", *[answer] * 500)
        assert self.says(silent) == (True, f"cannot tell: {answer}")
        assert not readyz(snapshot(checks=(silent,)), silent.answered or 0.0).ok

    def test_no_answer_begins_it_anew(self) -> None:
        once = asked(SESSION, "yes", *["no"] * 12, "refused", *["no"] * 12)
        assert self.says(once) == (True, "no /otter/node/7 for 55s, lost after 1m")

    def test_no_answer_takes_it_back(self) -> None:
        assert self.says(asked(SESSION, *self.LOST, "refused")) == (True, "cannot tell: refused")

    def test_what_was_never_there_cannot_be_lost(self) -> None:
        never = asked(SESSION, *["no"] * 50)
        assert self.says(never) == (True, "never passed: no /otter/node/7")

    def test_a_time_in_which_nobody_asked_does_not_count(self) -> None:
        """A container that was frozen for minutes: java had no chance to come back either."""
        before = asked(SESSION, "yes", "no")
        thawed = asked(before, "no", every=300.0)
        assert self.says(thawed) == (True, "no /otter/node/7 for 0ms, lost after 1m")
        assert self.says(asked(thawed, *["no"] * 12))[0] is False

    @pytest.mark.parametrize("phase", [phase for phase in PHASES if phase != "running"])
    def test_counts_in_phase_running_alone(self, phase: str) -> None:
        lost = asked(SESSION, *self.LOST)
        assert "session" not in [
            one.name for one in livez(snapshot(phase, checks=(lost,)), 0.0).items
        ]

    def test_without_the_role_it_is_of_readiness_alone(self) -> None:
        lost = asked(replace(SESSION, roles=("readiness",)), *self.LOST)
        assert livez(snapshot(checks=(lost,)), 0.0).ok


def test_readyz_says_what_is_waited_for_before_the_start() -> None:
    gates = (
        GateStatus("db", "db:1", "passed"),
        GateStatus("zk", "zk:1", "waiting", 2, 5.0, "connection\nrefused"),
        GateStatus("registration", "http://m", "waiting", 0, 3.0, registers=True),
    )
    verdict = readyz(snapshot(phase="waiting", gates=gates), 100.0)
    assert not verdict.ok
    assert [(item.name, item.ok, item.text) for item in verdict.items[1:]] == [
        ("zk", False, "waiting for 5s: connection refused"),
        ("registration", False, "registering for 3s"),
    ]
    running = readyz(snapshot(phase="running", gates=gates), 100.0)
    assert [item.name for item in running.items] == ["phase"]
