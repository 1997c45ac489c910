"""A short process beside java: its task, its words, its bounds. A thread that reaps plays the main loop."""

from __future__ import annotations

import os
import resource
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from forked import in_child

from entrypoint.plan.model import Registration
from entrypoint.system import companion, errand, process
from entrypoint.system.expected import Expected
from entrypoint.values import Secret
from lab.net import free_port, wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    import pytest

PASSWORD = "hunter2-hunter2"


def asked(url: str, integration: str = "otter") -> Registration:
    arguments: tuple[tuple[str, str | Secret], ...] = (
        ("url", url),
        ("user", "admin"),
        ("password", Secret(PASSWORD)),
        ("name", "otter-0"),
        ("host", "otter-0"),
        ("nid", "7"),
        ("servers", f"127.0.0.1:{free_port()}"),
    )
    return Registration(integration, url, arguments)


class Loop:
    """Reaps what it expects, as the main loop does, and sees what was started."""

    def __init__(self, look: Callable[[int], object] = lambda _: None) -> None:
        self.pid = 0
        self.look = look

    def expect(self, spawn: Callable[[], int]) -> Expected:
        self.pid = pid = spawn()
        expected = Expected(pid)
        self.look(pid)

        def reap() -> None:
            _, status = os.waitpid(pid, 0)
            code = os.waitstatus_to_exitcode(status)
            expected.end(None if code < 0 else code)

        threading.Thread(target=reap, daemon=True).start()
        return expected


def test_what_it_could_not_do_is_told_without_the_password() -> None:
    told = errand.run("leave", asked(f"http://127.0.0.1:{free_port()}"), 30, set(), Loop().expect)
    assert not told.done
    assert "refused" in told.says
    assert PASSWORD not in told.says


def test_the_task_is_on_no_command_line_and_in_no_environment() -> None:
    seen: list[bytes] = []

    def read(pid: int, name: str) -> bytes:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read()

    def look(pid: int) -> None:
        # It is there a moment after the exec that posix_spawn waits for.
        wait_until(lambda: read(pid, "cmdline"), 30, "the process has its command line")
        seen.extend((read(pid, "cmdline"), read(pid, "environ")))

    errand.run("resume", asked(f"http://127.0.0.1:{free_port()}"), 30, set(), Loop(look).expect)
    assert b"entrypoint.integrations" in seen[0]
    assert PASSWORD.encode() not in b"".join(seen)


def test_one_that_hangs_is_ended_by_its_time() -> None:
    loop = Loop(lambda pid: os.kill(pid, signal.SIGSTOP))
    told = errand.run("leave", asked("http://127.0.0.1:1"), 0.3, set(), loop.expect)
    assert told == errand.Told(False, "not done in 0.3s")


def test_one_that_is_killed_is_told() -> None:
    loop = Loop(lambda pid: os.kill(pid, signal.SIGKILL))
    told = errand.run("leave", asked("http://127.0.0.1:1"), 30, set(), loop.expect)
    assert told == errand.Told(False, "was ended")


def test_a_bug_in_it_is_told_by_its_type_alone() -> None:
    # A module that is no integration.
    told = errand.run("leave", asked("http://127.0.0.1:1", "html"), 30, set(), Loop().expect)
    assert told == errand.Told(False, "a bug of entrypoint: AttributeError")


def test_a_process_that_cannot_be_had_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    told = errand.run("leave", asked("http://127.0.0.1:1"), 30, set(), Loop().expect)
    assert told == errand.Told(False, "no such file or directory")


def test_it_gets_its_task_where_the_kernel_cannot_be_told_to_end_it_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(companion, "open", refuse, raising=False)
    told = errand.run("leave", asked("http://127.0.0.1:1", "html"), 30, set(), Loop().expect)
    assert told == errand.Told(False, "a bug of entrypoint: AttributeError")


def test_no_descriptor_is_left_behind() -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        errand.run("leave", asked(f"http://127.0.0.1:{free_port()}"), 30, set(), Loop().expect)
    assert len(os.listdir("/proc/self/fd")) == before


def test_no_descriptor_is_left_behind_where_there_are_too_few() -> None:
    def fill() -> list[int]:
        taken = []
        with suppress(OSError):
            while True:
                taken.append(os.dup(0))
        return taken

    def story() -> tuple[str, int]:
        # More than the tests before this one have left open.
        most = max(int(name) for name in os.listdir("/proc/self/fd")) + 10
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        for descriptor in fill()[-3:]:
            os.close(descriptor)
        heard = companion.run(companion.Task(("-c", ""), hears=1), 30, set(), Loop().expect)
        return heard.problem, len(fill())

    assert in_child(story) == ("too many open files", 3)


def test_no_signal_is_sent_to_a_pid_that_was_reaped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sent: list[tuple[object, ...]] = []
    monkeypatch.setattr(process, "send", lambda *words, **_: sent.append(words))
    # It leaves behind a process that keeps the pipe open, until the file is gone.
    file = tmp_path / "here"
    file.touch()
    leaves = (
        "import os, time\n"
        f"if not os.fork():\n while os.path.exists({str(file)!r}): time.sleep(0.05)\n"
    )
    loop = Loop()
    expected: list[Expected] = []

    def expect(spawn: Callable[[], int]) -> Expected:
        expected.append(loop.expect(spawn))
        wait_until(lambda: expected[0].has_ended, 30, "it has ended")
        return expected[0]

    heard = companion.run(companion.Task(("-c", leaves), hears=1), 0.1, set(), expect)
    file.unlink()
    assert heard == companion.Heard(late=True) and not sent


def test_one_that_closes_its_pipe_and_goes_on_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(companion, "REAP_SECONDS", 0.1)
    expected: list[Expected] = []

    def expect(spawn: Callable[[], int]) -> Expected:
        expected.append(loop.expect(spawn))
        return expected[0]

    loop, goes_on = Loop(), "import os, time; os.close(1); time.sleep(600)"
    heard = companion.run(companion.Task(("-c", goes_on), hears=1), 30, set(), expect)
    assert heard == companion.Heard(late=True)
    wait_until(lambda: expected[0].has_ended, 30, "it was ended")
    assert expected[0].killed
