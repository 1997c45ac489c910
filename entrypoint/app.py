"""The story of PID 1, in one module: prepare in a helper, then start java, watch it and tell.

Here: what happens in which order. How to prepare is `prepare`, what happens next is `lifecycle.machine`, how
it is done is `supervisor`. Large imports come late or in the helper: java does not wait for them, and their
memory is the helper's.
"""

from __future__ import annotations

import os
import sys
import time

from entrypoint import VERBS
from entrypoint.errors import EXIT_INTERNAL, ProblemsError, cause, format_details, format_problems
from entrypoint.lifecycle import signals
from entrypoint.system import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

TERMINATION_LOG = "/dev/termination-log"


def start(argv: Sequence[str], mask: set[int]) -> NoReturn:
    """Run what the command line asks for, and end the process with its exit code.

    The end is `os._exit`: a thread that hangs in a name look-up or a stuck pipe must not keep us.
    """
    code = EXIT_INTERNAL
    # A verb in a shell of a running container must not overwrite what the container has to say.
    runs = not argv or not (argv[0] in VERBS or argv[0] in {"-h", "--help", "--version"})
    try:
        code = _run(list(argv), mask) if runs else _answer(list(argv), mask)
    except ProblemsError as error:
        code = error.exit_code
        _leave_nothing(runs)
        _write_error(format_problems(error.problems))
        if runs:
            _tell_kubernetes(error.problems[0].what, code, details=format_details(error.problems))
    except BaseException as error:  # noqa: BLE001 - the last line of defence: say it, and the code
        _leave_nothing(runs)
        if os.environ.get("ENTRYPOINT_DEBUG") or "--debug" in argv:
            import traceback  # noqa: PLC0415

            traceback.print_exc()
        what = f"{cause(error)} (ENTRYPOINT_DEBUG=1 shows where)"
        _write_error(f"entrypoint: {what}\n")
        if runs:
            _tell_kubernetes(what, code)
    finally:
        os._exit(code)


def _leave_nothing(runs: bool) -> None:
    """End what we started, where we cannot go on: as PID 1 the kernel would do so, elsewhere nobody."""
    if not runs:
        return
    try:
        process.sweep(signals.KILL, 0)
    except Exception:  # noqa: BLE001 - what went wrong before is what is to be told
        return


def _answer(argv: list[str], mask: set[int]) -> int:
    process.set_mask(mask)
    _open_streams()
    if argv[0] == "status":
        from entrypoint import status  # noqa: PLC0415

        return status.main(argv[1:])
    process.end_when_asked()
    if argv[0] != "probe":
        from entrypoint import cli  # noqa: PLC0415

        return cli.main(argv)
    from entrypoint import probe  # noqa: PLC0415

    code = probe.main(argv[1:])
    try:
        sys.stdout.flush()  # os._exit does not
    except OSError:
        return code
    return code


def _open_streams() -> None:
    """Let a verb whose output was closed say it to nobody: Python has None for such a stream."""
    process.undo_inherited()
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="replace")
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="replace")


def _run(argv: list[str], mask: set[int]) -> int:
    ours = argv[: argv.index("--")] if "--" in argv else argv
    process.undo_inherited()
    if argv and argv[0] == "run":
        argv, ours = argv[1:], ours[1:]
    if "--exec" in ours and not {"-h", "--help"} & set(ours):
        from entrypoint import plain  # noqa: PLC0415

        code, summary = plain.run(argv, mask)
        _tell_kubernetes(summary, code)
        return code
    return _run_profile(argv, mask)


def _run_profile(argv: list[str], mask: set[int]) -> int:
    """Fork the helper before anything large is imported, then get ready for java while it works."""
    began = time.monotonic()
    try:
        read_end, write_end = os.pipe()
        helper = process.fork_child(lambda: _help(argv, read_end, write_end))
    except OSError as error:
        from entrypoint.system.spawn_problem import spawn_problem  # noqa: PLC0415

        raise ProblemsError(spawn_problem("the helper process", error)) from None
    os.close(write_end)

    from entrypoint.engine import Engine  # noqa: PLC0415

    engine = Engine(mask, helper, read_end, began)
    if os.getpid() != 1:
        from entrypoint.system import prctl  # noqa: PLC0415 - PID 1 adopts them anyway

        if not prctl.become_subreaper():
            engine.log.warning(
                "Orphans of java are not adopted: not PID 1, and no subreaper", pid=os.getpid()
            )
    try:
        engine.start()
    except RuntimeError as error:  # "can't start new thread": a pids limit that is too tight
        from entrypoint.system.spawn_problem import thread_problem  # noqa: PLC0415

        raise ProblemsError(thread_problem(error)) from None
    code = engine.supervisor.run()
    summary = engine.supervisor.summary
    # First: what comes after touches disks that may hang, and must not change what java answered.
    _tell_kubernetes(summary, code, engine.termination_log)
    try:
        engine.finish(code)
    except Exception as error:  # noqa: BLE001 - java's own exit code stands, whatever our bug
        engine.failed(error)
        engine.log.flush(1.0)
    if engine.details:
        _tell_kubernetes(summary, code, engine.termination_log, engine.details)
    return code


def _help(argv: list[str], read_end: int, write_end: int) -> int:
    import gc  # noqa: PLC0415

    from entrypoint.system import core_file  # noqa: PLC0415

    # Looking for garbage among what is only being imported takes 3 ms, and finds none.
    gc.disable()
    os.close(read_end)
    core_file.leave_none()
    try:
        from entrypoint import prepare  # noqa: PLC0415

        return prepare.main(argv, write_end)
    except Exception as error:  # what prepare could not tell over the pipe
        if os.environ.get("ENTRYPOINT_DEBUG") or "--debug" in argv:
            raise
        _write_error(f"entrypoint: the preparation: {cause(error)}\n")
        return EXIT_INTERNAL


def _tell_kubernetes(summary: str, code: int, path: str | None = None, details: str = "") -> None:
    try:
        from entrypoint.system.termination import write_termination_message  # noqa: PLC0415
    except Exception:  # noqa: BLE001 - without a descriptor or memory: the exit code is still to be told
        return
    path = path or os.environ.get("ENTRYPOINT_TERMINATION_LOG") or TERMINATION_LOG
    if summary:
        write_termination_message(path, f"entrypoint: {summary} [exit {code}]\n{details}")


def _write_error(text: str) -> None:
    process.write_in_time(2, text, 1.0)
