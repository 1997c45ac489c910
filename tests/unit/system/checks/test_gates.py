from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from itertools import pairwise

import pytest

from entrypoint.errors import EXIT_DEPENDENCY, format_problem
from entrypoint.plan.model import CheckPlan
from entrypoint.system.checks.gates import (
    GateProgress,
    milestone_at,
    run_gates,
    timeout_problem,
    wait_for_gate,
)
from entrypoint.system.checks.result import CheckResult
from entrypoint.system.checks.run import Kept
from entrypoint.values import Secret


class Time:
    """A clock that moves only when somebody sleeps, or when an answer takes time."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def gate(**changes: object) -> CheckPlan:
    values = {"name": "db", "kind": "tcp", "target": "db:3306", "arguments": (), "roles": ("gate",)}
    return CheckPlan(**values | changes)  # type: ignore[arg-type]


class Peer:
    """Answers in the order given, the last one for ever; an answer takes `took` of the clock."""

    def __init__(self, time: Time, *details: str, took: float = 0.0) -> None:
        self.time = time
        self.details = list(details)
        self.took = took
        self.timeouts: list[float] = []

    def ask(self, check: CheckPlan, kept: Kept) -> CheckResult:
        self.timeouts.append(check.timeout)
        self.time.now += min(self.took, check.timeout)
        detail = self.details.pop(0) if len(self.details) > 1 else self.details[0]
        return CheckResult(detail == "ok", detail, self.took)


def wait(peer: Peer, plan: CheckPlan) -> list[GateProgress]:
    told: list[GateProgress] = []
    wait_for_gate(
        plan, told.append, clock=peer.time.clock, sleep=peer.time.sleep, ask=peer.ask, seed=3
    )
    return told


def test_a_gate_that_passes_at_once_never_sleeps() -> None:
    time = Time()
    (told,) = wait(Peer(time, "ok"), gate())
    assert (told.status, told.attempts, told.detail) == ("passed", 1, "ok")
    assert time.slept == []


def test_a_gate_waits_until_it_passes() -> None:
    told = wait(Peer(Time(), "refused", "refused", "not up yet", "ok"), gate())
    assert [(one.status, one.attempts) for one in told] == [
        ("waiting", 1),
        ("waiting", 2),
        ("waiting", 3),
        ("passed", 4),
    ]


def test_a_gate_times_out_at_its_at_most_and_not_later() -> None:
    time = Time()
    told = wait(Peer(time, "refused"), gate(at_most=60.0))
    assert told[-1].status == "timed-out"
    assert told[-1].detail == "refused"
    assert told[-1].seconds == pytest.approx(60.0)
    assert time.now == pytest.approx(160.0)


def test_a_slow_answer_is_cut_to_what_is_left() -> None:
    time = Time()
    peer = Peer(time, "no answer", took=99.0)
    wait(peer, gate(at_most=5.0, timeout=2.0))
    assert time.now == pytest.approx(105.0)
    assert peer.timeouts[0] == 2.0
    assert peer.timeouts[-1] < 2.0


def test_a_gate_is_asked_once_even_with_no_time() -> None:
    (first, last) = wait(Peer(Time(), "refused"), gate(at_most=0.0))
    assert (first.attempts, last.status, last.attempts) == (1, "timed-out", 1)


def test_the_pauses_grow_to_a_ceiling() -> None:
    time = Time()
    wait(Peer(time, "refused"), gate(at_most=300.0))
    assert max(time.slept[:2]) < 0.5
    assert 4.0 < max(time.slept) <= 5.0


def test_the_zookeeper_session_of_a_gate_is_closed_at_its_end() -> None:
    seen: list[Kept] = []

    class Session:
        closed = False

        def close(self, deadline: object) -> None:
            self.closed = True

    session = Session()

    def ask(check: CheckPlan, kept: Kept) -> CheckResult:
        kept.session = session  # type: ignore[assignment]
        seen.append(kept)
        return CheckResult(len(seen) > 1, "x", 0.0)

    time = Time()
    wait_for_gate(gate(), lambda _: None, clock=time.clock, sleep=time.sleep, ask=ask)
    assert session.closed
    assert seen[0] is seen[1]


def test_milestones() -> None:
    times = [milestone_at(n) for n in range(8)]
    assert times == [1.0, 5.0, 15.0, 30.0, 60.0, 90.0, 120.0, 150.0]


def test_no_gates_pass_at_once() -> None:
    assert run_gates((), pytest.fail) == ()


def test_all_gates_wait_at_the_same_time() -> None:
    """Each gate's answer needs the other gate to be asked: in turn they would never pass."""
    barrier = threading.Barrier(2)

    def ask(check: CheckPlan, kept: Kept) -> CheckResult:
        barrier.wait(20)
        return CheckResult(True, "ok", 0.0)

    assert run_gates((gate(), gate(name="zk")), lambda _: None, ask=ask) == ()


def test_progress_is_told_on_the_calling_thread_and_only_on_change() -> None:
    told: list[GateProgress] = []
    threads = set()
    answers = ["refused", "refused", "refused", "not up yet", "ok"]

    def ask(check: CheckPlan, kept: Kept) -> CheckResult:
        detail = answers.pop(0)
        return CheckResult(detail == "ok", detail, 0.0)

    def report(progress: GateProgress) -> None:
        told.append(progress)
        threads.add(threading.get_ident())

    # The clock stands still: no milestone is ever reached.
    assert run_gates((gate(),), report, clock=lambda: 0.0, sleep=lambda _: None, ask=ask) == ()
    assert [(one.status, one.detail, one.attempts) for one in told] == [
        ("waiting", "", 0),
        ("waiting", "refused", 1),
        ("waiting", "not up yet", 4),
        ("passed", "ok", 5),
    ]
    assert threads == {threading.get_ident()}


def test_a_gate_that_still_waits_is_told_again_at_milestones() -> None:
    """The answer comes only after three milestones were told: without them this would hang."""
    told: list[GateProgress] = []
    go = threading.Event()
    now = [0.0]

    def clock() -> float:
        now[0] += 20.0
        return now[0]

    def report(progress: GateProgress) -> None:
        told.append(progress)
        if len(told) == 4:
            go.set()

    def ask(check: CheckPlan, kept: Kept) -> CheckResult:
        go.wait(60)
        return CheckResult(True, "ok", 0.0)

    assert run_gates((gate(),), report, clock=clock, ask=ask) == ()
    assert [one.status for one in told[:4]] == ["waiting"] * 4
    assert all(a.seconds < b.seconds for a, b in pairwise(told[:4]))
    assert told[-1].status == "passed"


def test_every_gate_that_times_out_is_a_problem(refused: str) -> None:
    problems = run_gates(
        (
            gate(arguments=(("address", refused),), target=refused, at_most=0.1),
            gate(
                name="zk",
                kind="zookeeper",
                target="zk",
                arguments=(("servers", refused),),
                at_most=0.1,
            ),
        ),
        lambda _: None,
    )
    assert [problem.id for problem in problems] == ["gate-timeout", "gate-timeout"]
    assert {problem.exit_code for problem in problems} == {EXIT_DEPENDENCY}
    assert problems[0].what == 'dependency "db" did not come within 100ms: refused'


def test_a_dependency_that_comes_later_is_waited_for() -> None:
    told: list[GateProgress] = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = "{}:{}".format(*listener.getsockname())

        def report(progress: GateProgress) -> None:
            told.append(progress)
            if progress.detail == "refused":
                listener.listen()

        plan = gate(arguments=(("address", address),), target=address, at_most=60.0)
        assert run_gates((plan,), report) == ()
    assert "refused" in [one.detail for one in told]
    assert told[-1].status == "passed"


@pytest.mark.parametrize(
    ("kind", "arguments", "detail", "words"),
    [
        ("tcp", {}, "refused", "bring db:3306 up"),
        ("tcp", {}, "unknown host db", "correct the host name"),
        ("mysql", {"table": "CHANNEL"}, "access denied for otter", "correct user and password"),
        ("mysql", {}, "no table CHANNEL in otter", "load its schema"),
        ("zookeeper", {"path": "/n/7", "expect": "absent"}, "/n/7 still there", "whoever else"),
        ("http", {"status": "204"}, "500 after 1ms", "status 204"),
        ("zookeeper", {"path": "/n/7"}, "no /n/7", "/n/7 is there"),
        ("zookeeper", {}, "refused", "a server that serves requests"),
        ("file", {}, "no such file", "the file is there"),
    ],
)
def test_the_problem_says_what_to_do(
    kind: str, arguments: dict[str, str], detail: str, words: str
) -> None:
    plan = gate(kind=kind, arguments=(*arguments.items(), ("password", Secret("geheim"))))
    text = format_problem(
        timeout_problem(plan, GateProgress("db", "db:3306", "timed-out", 57, 120.0, detail))
    )
    assert words in text
    assert f"{detail} (last of 57 attempts)" in text
    assert "within 2m" in text
    assert "geheim" not in text


def test_one_gate_of_many_that_passes_is_no_problem(
    actor: Callable[..., object], refused: str
) -> None:
    server = actor(lambda client: None)
    problems = run_gates(
        (
            gate(name="up", arguments=(("address", server.address),)),  # type: ignore[attr-defined]
            gate(name="down", arguments=(("address", refused),), at_most=0.05),
        ),
        lambda _: None,
    )
    assert len(problems) == 1
    assert '"down"' in problems[0].what
