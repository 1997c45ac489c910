"""The verb `entrypoint diagnose`: asks the JVM of this container what it does, now.

Here: finding java, and showing the answers. Asking and keeping is `system.diagnosis`.
"""

from __future__ import annotations

import os
import sys
import time

from entrypoint.errors import EXIT_OK, EXIT_USAGE, Problem, ProblemsError
from entrypoint.jvm.diagnosis import summary
from entrypoint.serve.document import to_json
from entrypoint.system import diagnosis
from entrypoint.system.procfs import read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

SECONDS: Final = 10.0
BUDGET: Final = 0
EXIT_NO_ANSWER: Final = 1


def diagnose(pid: int | None, out: str | None, output: str) -> int:
    """Show a diagnosis and return the exit code: 0 answered, 1 no answer.

    Without `pid` java is the child of PID 1. With `out` the answers go to a new folder below it.
    Raises ProblemsError where there is no such process.
    """
    number = find_java() if pid is None else pid
    report = diagnosis.keep(diagnosis.ask(number, SECONDS), out or "", BUDGET)
    text = _json(number, report) if output == "json" else _text(number, report)
    sys.stdout.write(text)
    sys.stdout.flush()
    return EXIT_OK if report.answers else EXIT_NO_ANSWER


def find_java(parent: int = 1) -> int:
    """Return the pid of the java that runs as a child of a process; raises ProblemsError."""
    children = read_text(f"/proc/{parent}/task/{parent}/children").split()
    found = [int(child) for child in children if _is_java(child)]
    if len(found) == 1:
        return found[0]
    looked = f"the children of pid {parent}: {', '.join(children) or 'none'}"
    what = "more than one java runs" if found else "no java runs"
    details = (("looked at", looked), ("fix", "name the process: --pid N"))
    raise ProblemsError(Problem("no-java-runs", what, details, EXIT_USAGE))


def _is_java(pid: str) -> bool:
    first = read_text(f"/proc/{pid}/cmdline").split("\0")[0]
    return os.path.basename(first) == "java"


def _json(pid: int, report: diagnosis.Report) -> str:
    document = {
        "pid": pid,
        "time": round(time.time(), 3),
        "deadlocks": list(report.deadlocks),
        "answers": dict(report.answers),
        "missing": dict(report.missing),
        "folder": report.folder or None,
        "remarks": list(report.remarks),
    }
    return to_json(document) + "\n"


def _text(pid: int, report: diagnosis.Report) -> str:
    lines = [f"java pid {pid}"]
    lines += [f"  {label:<9} {text}" for label, text in summary(report.answers)]
    lines += [f"  {'missing':<9} {file}: {why}" for file, why in report.missing.items()]
    lines += [f"  {'note':<9} {remark}" for remark in report.remarks]
    if report.folder:
        lines.append(f"  {'files':<9} {report.folder}/{{{','.join(report.answers)}}}")
    else:
        for file, answer in report.answers.items():
            lines += ["", f"==== {file}", answer.rstrip("\n")]
    return "\n".join(lines) + "\n"
