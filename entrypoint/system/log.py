"""Our own log: lines on standard error that never hold up PID 1.

Here: `Log`. A full pipe at our standard error wedges programs that write to it from their main loop. So a
thread writes, from a short queue; what does not fit is dropped and counted, and the count is logged when
lines flow again. The descriptor itself is java's too: it is never made non-blocking.
"""

from __future__ import annotations

import os
import time
from _json import encode_basestring_ascii as quote
from collections import deque
from threading import Condition, Thread

from entrypoint.errors import format_problems, refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrypoint.errors import Problem

LEVELS = ("debug", "info", "warning", "error")
QUEUE_LINES = 512


class Log:
    """Writes `time [entrypoint] level Message key=value` lines, or the same as JSON objects."""

    def __init__(self, descriptor: int = 2, form: str = "text", level: str = "info") -> None:
        self.form = form
        self.level = level
        self.dropped = 0
        self._descriptor = descriptor
        self._lines: deque[str] = deque()
        self._told = 0
        self._writing = False
        self._changed = Condition()
        self._thread: Thread | None = None

    def configure(self, form: str, level: str) -> None:
        """Use another format ("text" or "json") and level from the next line on."""
        self.form, self.level = form, level

    def debug(self, message: str, **fields: object) -> None:
        """Log what only a developer of a profile wants to read."""
        self._log("debug", message, fields)

    def info(self, message: str, **fields: object) -> None:
        """Log a step of the story."""
        self._log("info", message, fields)

    def warning(self, message: str, **fields: object) -> None:
        """Log what an operator should look at in working hours."""
        self._log("warning", message, fields)

    def error(self, message: str, **fields: object) -> None:
        """Log what ends the container, or should."""
        self._log("error", message, fields)

    def failure(self, when: str, error: BaseException) -> None:
        """Log what the system refused us, or a bug of ours by its type: its text may hold a value."""
        refused = refusal(error)
        if refused:
            self.error(f"The system refused{when}", says=refused)
        else:
            self.error(f"A bug of entrypoint{when}", error=type(error).__name__)

    def problems(self, problems: tuple[Problem, ...]) -> None:
        """Log problems in full: as the text that the verbs print, or as one JSON object each."""
        if self.form == "json":
            for problem in problems:
                self.error(problem.what, problem=problem.id, **dict(problem.details))
        elif problems:
            self._put(format_problems(problems))

    def flush(self, seconds: float) -> None:
        """Wait until all lines are written, at most so long."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while self._lines or self._writing:
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    return

    def _log(self, level: str, message: str, fields: dict[str, object]) -> None:
        if LEVELS.index(level) < LEVELS.index(self.level):
            return
        self._put(format_line(time.time(), self.form, level, message, fields))

    def _put(self, line: str) -> None:
        with self._changed:
            if self._thread is None:
                thread = Thread(target=self._write_all, name="log", daemon=True)
                try:
                    thread.start()
                except (
                    RuntimeError
                ):  # a pids limit that is too tight now; the next line tries again
                    self.dropped += 1
                    return
                self._thread = thread
            if len(self._lines) >= QUEUE_LINES:
                self.dropped += 1
                return
            self._lines.append(line)
            self._changed.notify_all()

    def _write_all(self) -> None:
        while True:
            with self._changed:
                self._writing = False
                self._changed.notify_all()
                while not self._lines:
                    self._changed.wait()
                line = self._lines.popleft()
                lost, self._told = self.dropped - self._told, self.dropped
                self._writing = True
            if lost:
                fields: dict[str, object] = {"lines": lost}
                line += format_line(time.time(), self.form, "warning", "Dropped log lines", fields)
            try:
                _write(self._descriptor, line.encode("utf-8", "replace"))
            except OSError:
                with self._changed:
                    self.dropped += 1


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def format_line(now: float, form: str, level: str, message: str, fields: dict[str, object]) -> str:
    """Return one log line with its newline; field names use `-` where Python has `_`."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03d}Z"
    named = [(name.replace("_", "-").strip("-"), value) for name, value in fields.items()]
    if form == "json":
        pairs = [
            ("time", stamp),
            ("source", "entrypoint"),
            ("level", level),
            ("message", message),
            *named,
        ]
        return "{" + ", ".join(f"{quote(name)}: {_json(value)}" for name, value in pairs) + "}\n"
    text = "".join(f" {name}={_field(value)}" for name, value in named)
    return f"{stamp} [entrypoint] {level} {message}{text}\n"


def _json(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return str(value) if isinstance(value, int | float) else quote(str(value))


def _field(value: object) -> str:
    """Return a value as it is, or quoted where spaces, quotes or control characters need it."""
    text = str(value)
    if text and text.isprintable() and not any(c in text for c in ' "='):
        return text
    quoted = "".join(c if c.isprintable() else quote(c)[1:-1] for c in text.replace("\\", "\\\\"))
    return '"' + quoted.replace('"', '\\"') + '"'
