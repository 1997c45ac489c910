"""A diagnosis of a live JVM: its threads, heap, flags and largest classes, asked for and kept.

Here: asking by the attach protocol within a time, and writing the answers to a folder of their own below the
folder of evidence. A JVM that is stopped or hung only costs the time; it is never sent a QUIT that would
kill it. What is asked and what it means is in `jvm.diagnosis`.
"""

from __future__ import annotations

import os
import time

from entrypoint.jvm.diagnosis import QUESTIONS, deadlocks
from entrypoint.records import record
from entrypoint.system import attach
from entrypoint.system.evidence import tidy
from entrypoint.system.procfs import read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from entrypoint.jvm.diagnosis import Question

SHARE: Final = 0.6
"""Of what is left of the time, what one question may take: the next ones get theirs."""
PAUSE: Final = 0.05
NAMES: Final = 5
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@record
class Report:
    """What a JVM said: answers by file name, why the others are missing, and where the files are.

    `signalled` tells that it got a QUIT without opening its socket: then its threads are on its own
    output. `folder` is "" where nothing was written, and `remarks` say why.
    """

    answers: Mapping[str, str]
    missing: Mapping[str, str]
    signalled: bool = False
    folder: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def deadlocks(self) -> tuple[str, ...]:
        """Each deadlock in a line."""
        return deadlocks(self.answers.get("threads.txt", ""))

    @property
    def reason(self) -> str:
        """Why something is missing, once."""
        return next(iter(self.missing.values()), "")


def state_of(pid: int) -> str:
    """Return the letter of a process's state (R, S, D, T, t, Z), or "" when it is gone."""
    return read_text(f"/proc/{pid}/stat").rpartition(")")[2][1:2]


def waited(pid: int) -> float | None:
    """Return the seconds that all threads of a process were ready and had no CPU; None: not told."""
    total = 0
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            # CPU time, time on a run queue (both in ns), slices. A thread may be gone by now.
            fields = read_text(f"/proc/{pid}/task/{task}/schedstat").split()
            total += int(fields[1]) if len(fields) == 3 else 0
    except (OSError, ValueError):
        return None
    return total / 1e9 or None


def ask(pid: int, seconds: float) -> Report:
    """Ask a JVM everything, in at most so many seconds (and a moment); never raises."""
    deadline = time.monotonic() + seconds
    if state_of(pid) in {"T", "t"}:
        # A QUIT would wait for it, and kill or litter whenever somebody continues it.
        return _nothing("java is stopped (SIGSTOP, or a debugger)")
    jvm = None
    while jvm is None:
        try:
            jvm = attach.attach(pid, max(0.01, (deadline - time.monotonic()) * SHARE))
        except attach.AttachError as error:
            # Somebody else may just be attaching, or the JVM start: a moment later it goes.
            if error.signalled or time.monotonic() + PAUSE >= deadline or not _may_pass(error):
                return _nothing(error.reason, error.signalled)
            time.sleep(PAUSE)
    answers, missing = {}, {}
    for question in QUESTIONS:
        try:
            answers[question.file] = _answer(jvm, question, deadline)
        except attach.AttachError as error:
            missing[question.file] = error.reason
    return Report(answers, missing)


def _may_pass(error: attach.AttachError) -> bool:
    return "somebody else attaches" in error.reason


def _answer(jvm: attach.Attach, question: Question, deadline: float) -> str:
    left = deadline - time.monotonic()
    if left <= 0:
        raise attach.AttachError("no time left")
    last = question == QUESTIONS[-1]
    return jvm.jcmd(question.command, left if last else left * SHARE, question.limit)


def _nothing(reason: str, signalled: bool = False) -> Report:
    return Report({}, {question.file: reason for question in QUESTIONS}, signalled)


def keep(report: Report, folder: str, budget: int) -> Report:
    """Write the answers to a new folder named by the time, and make room; never raises.

    Returns the report with that folder, or with a remark that says why there is none.
    """
    if not report.answers or not folder:
        return report
    files = dict(report.answers)
    if report.missing:
        files["missing.txt"] = "".join(f"{n}: {why}\n" for n, why in report.missing.items())
    try:
        os.makedirs(folder, mode=0o755, exist_ok=True)
        above = os.open(folder, _FOLDER)
    except OSError as error:
        return _unwritten(report, f"cannot write to {folder}: {error.strerror}")
    try:
        name = _write(above, files)
    except OSError as error:
        return _unwritten(report, f"cannot write to {folder}: {error.strerror}")
    finally:
        os.close(above)
    remarks = tidy(folder, budget) if budget else ()
    return Report(
        report.answers, report.missing, report.signalled, os.path.join(folder, name), remarks
    )


def _unwritten(report: Report, remark: str) -> Report:
    return Report(report.answers, report.missing, report.signalled, "", (remark,))


def _write(above: int, files: Mapping[str, str]) -> str:
    """Make the folder and its files, and return its name; two in one second get different ones."""
    name = ""
    for later in range(NAMES):
        name = time.strftime("%Y-%m-%dT%H-%M-%SZ", time.gmtime(time.time() + later))
        try:
            os.mkdir(name, 0o755, dir_fd=above)
            break
        except FileExistsError:
            if later == NAMES - 1:
                raise
    folder = os.open(name, _FOLDER, dir_fd=above)
    try:
        for file, text in files.items():
            descriptor = os.open(file, _FILE, 0o600, dir_fd=folder)
            try:
                data = text.encode("utf-8", "replace")
                while data:
                    data = data[os.write(descriptor, data) :]
            finally:
                os.close(descriptor)
    finally:
        os.close(folder)
    return name
