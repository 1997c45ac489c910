"""Run one command to its end: bounded in time, its output in the error when it fails."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.cache import LabError

OUTPUT_KEPT = 2000
# Options from the caller's environment would change every JVM of the lab.
JVM_VARIABLES = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH")


def say(text: str) -> None:
    """Print one line of progress."""
    print(f"lab: {text}", file=sys.stderr, flush=True)


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return our environment without what changes a JVM, plus `extra`."""
    kept = {name: value for name, value in os.environ.items() if name not in JVM_VARIABLES}
    return kept | {"LC_ALL": "C.UTF-8"} | dict(extra or {})


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    text: str | None = None,
    timeout: float = 300,
    attempts: int = 1,
) -> str:
    """Return the command's standard output; `text` is its standard input.

    Raises LabError with the end of its output when it fails `attempts` times, cannot be started,
    or takes longer than `timeout` seconds.
    """
    command = [str(word) for word in argv]
    reason = ""
    for _ in range(attempts):
        try:
            done = subprocess.run(
                command,
                cwd=cwd,
                env=environment(env),
                input=text,
                stdin=subprocess.DEVNULL if text is None else None,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            reason = f"no end after {timeout:g} s"
            continue
        except OSError as error:
            raise LabError(f"{command[0]}: {error.strerror}") from error
        if done.returncode == 0:
            return done.stdout
        output = (done.stdout + done.stderr).strip()[-OUTPUT_KEPT:]
        reason = f"exit {done.returncode}: {output}"
    shown = " ".join(command)
    raise LabError(f"{shown[:200]}: {reason}")
