"""Plain mode: a correct init for any program, with no profile, in the manner of tini and dumb-init.

Here: its switches and its story. Nothing is imported that is not needed before the program's exec: that
is why the switches are parsed by hand and the lifecycle is imported after the spawn.
"""

from __future__ import annotations

import os

from entrypoint.errors import EXIT_USAGE, Problem, ProblemsError
from entrypoint.records import record, replace
from entrypoint.system import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrypoint.lifecycle.policy import Policy

SWITCHES: tuple[tuple[str, str, str, str], ...] = (
    ("-g", "--group", "", "send signals to the program's whole process group (the default)"),
    ("-c", "--single-child", "", "send signals to the program alone"),
    ("-s", "--subreaper", "", "adopt orphans; done anyway when we are not PID 1"),
    ("-p", "--parent-death", "SIGNAL", "receive this signal when our own parent dies"),
    (
        "-r",
        "--rewrite",
        "FROM:TO",
        "pass on signal TO in place of FROM; TO 0 swallows it (repeatable)",
    ),
    ("-e", "--remap-exit", "FROM:TO", "answer exit code TO in place of FROM (repeatable)"),
    ("-t", "--grace", "DURATION", "KILL what is left so long after TERM; default: never"),
)
"""Short, long, value, help: the source of the help text and of docs/reference/cli.md."""


@record
class Options:
    """The switches of plain mode, parsed; signals and codes as numbers, durations in seconds."""

    command: tuple[str, ...]
    to_group: bool = True
    subreaper: bool = False
    parent_death: int = 0
    rewrite: tuple[tuple[int, int], ...] = ()
    remap: tuple[tuple[int, int], ...] = ()
    grace: float | None = None


def run(argv: Sequence[str], mask: set[int]) -> tuple[int, str]:
    """Run a program as its init; return our exit code and one line about its end."""
    options = parse(argv)
    _join_family(options)
    name = options.command[0]
    try:
        pid, error = process.spawn(name, options.command, os.environ, mask), None
    except OSError as failure:
        pid, error = 0, failure

    from entrypoint import supervisor  # noqa: PLC0415 - the program already runs by now
    from entrypoint.lifecycle.machine import State  # noqa: PLC0415
    from entrypoint.system.cgroup import oom_kill_count  # noqa: PLC0415

    if error is not None:
        from entrypoint.system.spawn_problem import spawn_problem  # noqa: PLC0415

        raise ProblemsError(spawn_problem(name, error))

    class Kernel(supervisor.Observer):
        def oom_kills(self) -> int | None:
            return oom_kill_count()

    loop = supervisor.Supervisor(mask, Kernel(), State("starting", _policy(options)))
    loop.adopt(pid)
    return loop.run(), loop.summary


def _policy(options: Options) -> Policy:
    from entrypoint.lifecycle.policy import Policy  # noqa: PLC0415 - see run
    from entrypoint.plan.model import StopStep  # noqa: PLC0415

    ladder = (
        (StopStep("TERM", options.grace), StopStep("KILL", 1.0))
        if options.grace is not None
        else ()
    )
    return Policy(
        name=os.path.basename(options.command[0]),
        stop=ladder,
        expects_exit=True,
        stop_is_success=False,
        guards_quit=False,
        to_group=options.to_group,
        rewrite=options.rewrite,
        remap=options.remap,
    )


def _join_family(options: Options) -> None:
    adopts = options.subreaper or os.getpid() != 1
    if adopts or options.parent_death:
        from entrypoint.system import prctl  # noqa: PLC0415 - PID 1 has no use for it

        if options.parent_death:
            prctl.die_with_parent(options.parent_death)
        if adopts:
            prctl.become_subreaper()


def parse(argv: Sequence[str]) -> Options:
    """Return the options of `run --exec [switches] -- command`; ProblemsError for a wrong one."""
    words = list(argv)
    options = Options(())
    while words and words[0].startswith("-"):
        word = words.pop(0)
        if word == "--":
            break
        if word == "--exec":
            continue
        for switch in _apart(word):
            options = _switch(options, switch, words)
    if not words:
        raise _usage("no command to run", "entrypoint run --exec [switches] -- command [arguments]")
    return replace(options, command=tuple(words))


def _apart(word: str) -> tuple[str, ...]:
    """Return combined short switches one by one: -gs as -g -s, -gt5s as -g -t=5s."""
    found: list[str] = []
    letters = word[1:]
    if word.startswith("--") or len(letters) < 2:
        return (word,)
    while letters:
        name, letters = f"-{letters[0]}", letters[1:]
        takes_value = any(name == switch[0] and switch[2] for switch in SWITCHES)
        if letters and (takes_value or letters.startswith("=")):
            name, letters = f"{name}={letters.removeprefix('=')}", ""
        found.append(name)
    return tuple(found)


def _switch(options: Options, word: str, words: list[str]) -> Options:
    name, equals, value = word.partition("=")
    known = next((switch for switch in SWITCHES if name in switch[:2]), None)
    if known is None or (equals and not known[2]):
        raise _usage(f"unknown switch {word}", " ".join(switch[1] for switch in SWITCHES))
    if known[2] and not equals:
        if not words:
            raise _usage(f"switch {word} needs a value", f"{known[1]} {known[2]}")
        value = words.pop(0)
    try:
        return _apply(options, known[1], value)
    except ValueError as error:
        raise _usage(f"wrong value for {known[1]}: {value}", str(error)) from None


def _apply(options: Options, name: str, value: str) -> Options:
    from entrypoint.lifecycle import signals  # noqa: PLC0415 - only with switches
    from entrypoint.values import parse_duration  # noqa: PLC0415

    match name:
        case "--single-child":
            return replace(options, to_group=False)
        case "--subreaper":
            return replace(options, subreaper=True)
        case "--parent-death":
            return replace(options, parent_death=signals.number(value))
        case "--rewrite":
            old, _, new = value.partition(":")
            pair = (signals.number(old), 0 if new == "0" else signals.number(new))
            return replace(options, rewrite=(*options.rewrite, pair))
        case "--remap-exit":
            old, _, new = value.partition(":")
            return replace(
                options, remap=(*options.remap, (_exit_code(old), _exit_code(new or "0")))
            )
        case "--grace":
            return replace(options, grace=parse_duration(value))
        case _:
            return options


def _exit_code(text: str) -> int:
    if not text.isdecimal() or int(text) > 255:
        raise ValueError("exit codes from 0 to 255, for example 143:0")
    return int(text)


def _usage(what: str, expected: str) -> ProblemsError:
    details = (("expected", expected), ("fix", "see entrypoint run --help"))
    return ProblemsError(Problem("usage", what, details, EXIT_USAGE))
