"""Carries out one case: sets its scene, starts entrypoint, sends the signals at their moments, and looks.

Here: `perform`, which returns what was seen and judges nothing (that is `invariants.py`). Every run
has a mark in its environment; what is signalled is a process of the run, held by a pidfd or unreaped.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from lab import faults
from lab.cache import LabError, Missing
from lab.net import free_port
from process import control_group
from process.harness import MARK, REPOSITORY, blocks, process_state
from torture.cases import CONT, INT, KILL, TERM, Case, Sent

HERE = Path(__file__).parent
LIMIT = 30.0
"""Seconds after which a run that should have ended long ago hangs."""
STEP = 0.002
STOPPING = {int(one) for one in (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)}
OUTSIDE = {
    "run full": "run",
    "run read-only": "run",
    "message full": "message",
    "message read-only": "message",
}
MEMORY = 128 << 20


@dataclass
class Seen:
    """What was seen of a run."""

    case: Case
    code: int = 0
    """As Popen tells it: negative for a signal."""
    log: str = ""
    output: str = ""
    message: str = ""
    message_size: int = 0
    trace: list[str] = field(default_factory=list)
    sent: list[tuple[Sent, bool]] = field(default_factory=list)
    """What was sent, and whether we had blocked signals before it was."""
    lost: list[int] = field(default_factory=list)
    """Signals that should have reached java and did not."""
    zombies: int = 0
    left: list[str] = field(default_factory=list)
    hung: str = ""
    impossible: str = ""
    """Why this machine cannot set the scene."""


@dataclass(frozen=True)
class Tools:
    """What the runs of one session share, made once."""

    folder: Path
    stage: Path
    layer: Path
    jdk: Path
    actor: Path
    port: int
    real: Path | None = None
    """JAVA_HOME of a real JDK, and below `folder` the classes for it."""
    limit: float = LIMIT
    before: str = ""
    """A folder before ours on Python's path: with a mutant of the product, for the tests of the tests."""

    @staticmethod
    def make(folder: Path, real: Path | None = None) -> Tools:
        """Compile the programs, and make a JDK whose java is the actor."""
        made = [
            faults.compiled(HERE / "stage.c"),
            faults.layer(),
            faults.compiled(HERE / "actor.c"),
        ]
        for one in made:
            if isinstance(one, Missing):
                raise LabError(str(one))
        stage, layer, actor = (Path(str(one)) for one in made)
        jdk = folder / "jdk"
        (jdk / "bin").mkdir(parents=True)
        (jdk / "release").write_text('JAVA_VERSION="17.0.1"\nIMPLEMENTOR="an actor"\n')
        (jdk / "bin" / "java").write_bytes(actor.read_bytes())
        (jdk / "bin" / "java").chmod(0o755)
        if real is not None:
            source = HERE.parent / "process" / "Actor.java"
            javac = ["javac", "-nowarn", "-XDignore.symbol.file", "-d", str(folder / "classes")]
            subprocess.run([*javac, str(source)], check=True, capture_output=True)
        return Tools(folder, stage, layer, jdk, actor, free_port(), real)


def perform(case: Case, tools: Tools, number: int = 0) -> Seen:
    """Carry out a case in a folder of its own and return what was seen."""
    folder = tools.folder / f"run-{number}"
    seen = Seen(case)
    with ExitStack() as scene:
        try:
            group = scene.enter_context(_group(case))
        except ImpossibleError as error:
            seen.impossible = str(error)
            return seen
        for name in ("run", "message", "home"):
            (folder / name).mkdir(parents=True)
        performance = Performance(case, tools, folder, seen)
        scene.callback(performance.clean_up)
        performance.start(group)
        performance.play()
        performance.look()
    return seen


class ImpossibleError(Exception):
    """This machine cannot set the scene of a case."""


@contextmanager
def _group(case: Case) -> Iterator[tuple[str, ...]]:
    limits = {"processes": ("pids", case.amount), "out of memory": ("memory", MEMORY)}
    if case.fault not in limits:
        yield ()
        return
    controller, limit = limits[case.fault]
    # pytest's skip is no Exception, and there is no pytest where this runs from the command line.
    if control_group.parent_of(controller) is None:
        raise ImpossibleError(f"no control group with a {controller} limit can be made here")
    with control_group.limited(controller, limit) as command:
        yield command


class Performance:
    """One run under way."""

    def __init__(self, case: Case, tools: Tools, folder: Path, seen: Seen) -> None:
        self._case = case
        self._tools = tools
        self._folder = folder
        self._seen = seen
        self._mark = f"{os.getpid()}-{folder.name}-{case.seed}-{time.monotonic_ns()}"
        self._process: subprocess.Popen[bytes]
        self._pid = 0
        self._java = -1
        self._moments: dict[str, float] = {}
        self._due = list(case.signals)
        self._asked = False
        self._stuck = False
        self._reached: set[int] = set()
        self._freezer: Path | None = None

    # ---- the scene ----

    def start(self, group: tuple[str, ...]) -> None:
        case, folder = self._case, self._folder
        words = ["pidns"] if case.pid1 else []
        if case.fault in OUTSIDE:
            size = "size=16k" if case.fault == "run full" else "size=4k,nr_inodes=1"
            options = "ro" if case.fault.endswith("read-only") else size
            words.append(f"tmpfs={folder / OUTSIDE[case.fault]},{options}")
        words += {
            "descriptors": [f"files={case.amount}"],
            "output full": ["full"],
            "output closed": ["closed"],
            "signals ignored": ["ignored"],
            "signals blocked": ["blocked"],
        }.get(case.fault, [])
        command = [str(self._tools.stage), *words, "--", *group, sys.executable, "-m", "entrypoint"]
        with (folder / "out").open("wb") as out, (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*command, *self._words()],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                cwd=folder,
            )
        self._pid = self._process.pid
        if case.pid1:
            self._until(lambda: _children(self._process.pid))
            self._pid = next(iter(_children(self._process.pid)), self._process.pid)
        self._moments["start"] = time.monotonic()

    def _words(self) -> list[str]:
        case = self._case
        if case.mode == "plain":
            grace = ["--grace", f"{int(case.ladder[0][1] * 1000)}ms"] if case.ladder else []
            return ["run", "--exec", *grace, "--", str(self._tools.actor)]
        overlay = self._folder / "overlay.yaml"
        overlay.write_text(self._overlay())
        return ["run", "jvm", "--overlay", str(overlay)]

    def _overlay(self) -> str:
        case, folder = self._case, self._folder
        rungs = []
        for action, seconds in case.ladder:
            wait = f"{int(seconds * 1000)}ms"
            if action == "drain":
                rungs.append(f"{{drain: {wait}}}")
            elif action == "thread-dump":
                rungs.append(f"{{thread-dump: true, wait: {wait}}}")
            else:
                rungs.append(f"{{signal: {action}, wait: {wait}}}")
        lines = [f"stop: [{', '.join(rungs)}]"]
        if case.gate is not None:
            most = "200ms" if case.gate < 0 else "1h"
            lines.append(f"gates: {{gate: {{file: {{path: {folder}/gate}}, at-most: {most}}}}}")
        if case.check is not None:
            check = f"file: {{path: {folder}/up}}, for: [startup], interval: 50ms"
            lines.append(f"checks: {{up: {{{check}}}}}")
        if case.fault == "run full":
            (folder / "big").write_bytes(b"x" * case.amount)
            lines.append(f"files: {{big: {{copy: {folder}/big, target: '{{run}}/big'}}}}")
        if case.mode == "java" and "ignore" in case.part:
            lines.append("java: {arguments: [stubborn]}")
        return "\n".join(lines) + "\n"

    def _environment(self) -> dict[str, str]:
        case, folder, tools = self._case, self._folder, self._tools
        variables = {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": f"{tools.before}:{REPOSITORY}" if tools.before else str(REPOSITORY),
            "PYTHONDONTWRITEBYTECODE": "1",
            "ENTRYPOINT_TERMINATION_LOG": str(folder / "message" / "log"),
            "ENTRYPOINT_RUN_DIR": str(folder / "run"),
            "ENTRYPOINT_HOME": str(folder / "home"),
            "ENTRYPOINT_LISTEN": f"127.0.0.1:{tools.port}" if case.seed % 3 else "off",
            "JAVA_HOME": str(tools.jdk),
            "APP_MAIN": "Actor",
            "ENTRYPOINT_MEMORY_OVERCOMMIT": "true",
            "TORTURE_TRACE": str(folder / "trace"),
            "TORTURE_PART": case.part,
            MARK: self._mark,
        }
        if case.mode == "java":
            variables |= {
                "JAVA_HOME": str(tools.real),
                "APP_CLASSPATH": str(tools.folder / "classes"),
                "JAVA_OPTIONS": "-Xmx32m -XX:TieredStopAtLevel=1",
            }
        if case.rules:
            places = {"run": folder / "run", "message": folder / "message", "home": folder / "home"}
            rules = case.rules.format(**{name: str(path) for name, path in places.items()})
            variables |= {"LD_PRELOAD": str(tools.layer), "FAULTS": rules}
        return variables

    # ---- the play ----

    def play(self) -> None:
        """Send everything at its moment, then ask for the end, until entrypoint has ended."""
        case = self._case
        target = "begun" if case.mode == "plain" or not self._has_log() else "running"
        if case.fault == "processes" or "thread:" in case.rules:
            # A check that gets no thread is never asked, and java runs all the same.
            target = "begun"
        if case.mode == "java":
            target = "listens"
        if not self._until(lambda: target in self._moments or self._asked or self._stuck):
            return
        pause = time.monotonic() + self._length() / 1000
        self._until(lambda: self._asked or time.monotonic() >= pause)
        if not self._ended() and not self._asked:
            self._settle()
        if case.fault == "frozen":
            self._freeze()
        if not self._ended() and not self._asked:
            # Only then: one request that was heard has to be enough.
            self._send(Sent("final", 0, "us", TERM))
        if case.fault == "frozen":
            self._until(lambda: "[exit" in self._read("message/log"))
            self._thaw()
        if case.mode == "plain" and not case.ladder:
            # As tini does, it only forwards: what ends java is somebody else.
            patience = time.monotonic() + 0.1
            self._until(lambda: time.monotonic() >= patience)
            if not self._ended():
                self._send(Sent("final", 0, "java", KILL))
        if not self._until(lambda: False) and not self._ended():
            self._seen.hung = self._seen.hung or "no end"

    def _until(self, condition: object) -> bool:
        """Turn the world until the condition holds or entrypoint has ended; False after the limit."""
        assert callable(condition)
        deadline = time.monotonic() + self._tools.limit
        while not self._ended():
            self._turn()
            if condition():
                return True
            if time.monotonic() > deadline:
                self._seen.hung = self._describe()
                return False
            time.sleep(STEP)
        return True

    def _turn(self) -> None:
        """See which moments have come; send what is due; let gate and check pass in their time."""
        now = time.monotonic()
        if len(self._moments) > 0:
            self._see(now)
            self._pass("gate", self._case.gate, "waiting", now)
            self._pass("up", self._case.check, "begun", now)
        for sent in list(self._due):
            since = self._moments.get(sent.moment)
            if since is not None and now >= since + sent.delay / 1000:
                self._due.remove(sent)
                self._send(sent)

    def _see(self, now: float) -> None:
        trace, log = self._read("trace"), self._read("log")
        signs = {
            "waiting": "to=waiting" in log,
            "begun": "begin" in trace,
            "listens": "ready" in trace or "java is ready" in self._read("out"),
            "running": "to=running" in log,
            "asked": self._asked or "to=draining" in log or "to=stopping" in log,
            "killing": "to=killing" in log,
            "ended": "end " in trace,
        }
        if self._case.mode == "java":
            signs["begun"] = "Spawned java" in log
        if "blocked" not in self._moments and blocks(self._pid, signal.SIGTERM):
            self._moments["blocked"] = now
        if self._java < 0 and signs["begun"]:
            self._hold_java()
        for name, came in signs.items():
            if came:
                self._moments.setdefault(name, now)

    def _pass(self, name: str, wanted: int | None, since: str, now: float) -> None:
        if wanted is None or wanted < 0:
            return
        # Where the log cannot tell, for want of a thread or of a place: a second after the start.
        began = self._moments.get(since, self._moments["start"] + 1)
        if now >= began + wanted / 1000:
            (self._folder / name).touch()

    def _hold_java(self) -> None:
        wanted = {"java", self._tools.actor.name[:15]}
        for pid in _children(self._pid):
            with suppress(OSError):
                if Path(f"/proc/{pid}/comm").read_text().strip() in wanted:
                    self._java = os.pidfd_open(pid)
                    return

    def _send(self, sent: Sent) -> None:
        if self._ended():
            return
        heard = blocks(self._pid, signal.SIGTERM) or "blocked" in self._moments
        with suppress(ProcessLookupError):
            if sent.to == "us":
                if sent.number in {TERM, INT} and heard:
                    self._asked = True
                elif heard and "ready" in self._read("trace") and not self._asked:
                    self._reached.add(sent.number)
                os.kill(self._pid, sent.number)
            elif sent.to == "helper":
                if not self._send_to_helper(sent.number):
                    return
            elif self._java >= 0:
                signal.pidfd_send_signal(self._java, sent.number)
            else:
                return
        self._seen.sent.append((sent, heard))

    def _send_to_helper(self, number: int) -> bool:
        """Signal the process that prepares: a Python among the children, and not yet reaped or not at all."""
        for pid in _children(self._pid):
            if "python" in _bytes(f"/proc/{pid}/comm").decode():
                with suppress(OSError):
                    held = os.pidfd_open(pid)
                    try:
                        # Looked at again: the number may have passed to somebody else in between.
                        if pid in _children(self._pid):
                            signal.pidfd_send_signal(held, number)
                            self._stuck = self._stuck or number == signal.SIGSTOP
                            return True
                    finally:
                        os.close(held)
        return False

    def _settle(self) -> None:
        """Nothing was asked to end: what was forwarded has come, and no zombie of ours stays."""
        runs = not {"stop", "traced"} & set(self._case.part.split())
        reached = self._reached - {CONT, int(signal.SIGSTOP)}
        if any(sent.number == CONT for sent in self._case.signals):
            # The kernel drops what stops a process and is still pending, when a CONT is sent.
            reached -= STOPPING
        if runs and self._case.mode != "java" and reached:
            self._until(
                lambda: self._asked or "end " in self._read("trace") or not self._missing(reached)
            )
            if not self._ended() and not self._asked and "end " not in self._read("trace"):
                self._seen.lost = sorted(self._missing(reached))
            if self._seen.lost:
                self._seen.hung = ""
        if not self._until(lambda: not self._zombies() or self._asked):
            self._seen.zombies, self._seen.hung = len(self._zombies()), ""

    def _missing(self, reached: set[int]) -> set[int]:
        got = self._read("trace").splitlines()
        return {number for number in reached if f"got {number}" not in got}

    def _zombies(self) -> list[int]:
        # A leader whose other threads go on is one in name only.
        return [
            pid
            for pid in _children(self._pid)
            if process_state(pid) == "Z" and len(_tasks(pid)) == 1
        ]

    def _length(self) -> int:
        """Return the milliseconds that the part takes to its end, about."""
        pairs = [word.partition("=") for word in self._case.part.split()]
        return 20 + sum(int(value) for name, _, value in pairs if name == "sleep")

    def _has_log(self) -> bool:
        return (
            self._case.fault not in {"output full", "output closed"} and self._case.mode != "plain"
        )

    # ---- freezing ----

    def _freeze(self) -> None:
        first, second = Path("/sys/fs/cgroup/freezer"), Path("/sys/fs/cgroup/cgroup.controllers")
        parent = first if first.is_dir() else Path("/sys/fs/cgroup")
        group = parent / f"entrypoint-torture-{os.getpid()}"
        if self._java < 0 or not (first.is_dir() or second.exists()):
            return
        try:
            group.mkdir()
            info = Path(f"/proc/self/fdinfo/{self._java}").read_text()
            pid = next(line.split()[1] for line in info.splitlines() if line.startswith("Pid:"))
            (group / "cgroup.procs").write_text(pid)
        except OSError as error:
            self._seen.impossible = f"no freezer: {error.strerror}"
            return
        self._freezer = group
        self._frozen(True)

    def _frozen(self, wanted: bool) -> None:
        assert self._freezer is not None
        if (self._freezer / "freezer.state").exists():
            (self._freezer / "freezer.state").write_text("FROZEN" if wanted else "THAWED")
        else:
            (self._freezer / "cgroup.freeze").write_text("1" if wanted else "0")

    def _thaw(self) -> None:
        if self._freezer is not None:
            self._frozen(False)

    # ---- the end ----

    def _ended(self) -> bool:
        return self._process.poll() is not None

    def look(self) -> None:
        """Take everything that is to be seen when it is over."""
        seen = self._seen
        seen.code = self._process.returncode if self._ended() else 0
        if self._ended():
            deadline = time.monotonic() + self._tools.limit / 3
            while (found := self._ours()) and time.monotonic() < deadline:
                time.sleep(0.01)
            seen.left = [f"{pid} {_words_of(pid)}" for pid in found]
        seen.log, seen.output = self._read("log"), self._read("out")
        seen.message = self._read("message/log")
        seen.message_size = len(seen.message.encode())
        seen.trace = self._read("trace").splitlines()

    def _ours(self) -> list[int]:
        mark = f"{MARK}={self._mark}".encode()
        return [
            pid
            for pid in map(int, filter(str.isdecimal, os.listdir("/proc")))
            if pid != self._process.pid and mark in _bytes(f"/proc/{pid}/environ").split(b"\0")
        ]

    def _describe(self) -> str:
        """Return what hangs: states and where in the kernel."""
        found = [self._pid, *_children(self._pid)]
        return "; ".join(
            f"{pid} {_words_of(pid)[:60]} {process_state(pid)}"
            f" {_bytes(f'/proc/{pid}/wchan').decode()}"
            for pid in found
        )

    def clean_up(self) -> None:
        """End what is left of the run, and remove its folder where it went well."""
        self._thaw()
        if not self._ended():
            with suppress(ProcessLookupError):
                os.kill(self._pid, KILL)
        for pid in self._ours():
            with suppress(ProcessLookupError):
                os.kill(pid, KILL)
        self._process.kill()
        self._process.wait(LIMIT)
        if self._java >= 0:
            os.close(self._java)
        if self._freezer is not None:
            self._until_removed(self._freezer)

    @staticmethod
    def _until_removed(group: Path) -> None:
        deadline = time.monotonic() + LIMIT
        while group.exists() and time.monotonic() < deadline:
            with suppress(OSError):
                group.rmdir()
            time.sleep(0.01)

    def _read(self, name: str) -> str:
        return _bytes(str(self._folder / name)).decode("utf-8", "replace")


def without_faults(case: Case) -> Case:
    """Return the same case in a world that is well."""
    return replace(case, fault="", amount=0, rules="")


def _tasks(pid: int) -> list[str]:
    with suppress(OSError):
        return os.listdir(f"/proc/{pid}/task")
    return []


def _children(pid: int) -> list[int]:
    return [
        int(word)
        for task in _tasks(pid)
        for word in _bytes(f"/proc/{pid}/task/{task}/children").split()
    ]


def _words_of(pid: int) -> str:
    return _bytes(f"/proc/{pid}/cmdline").decode("utf-8", "replace").replace("\0", " ")


def _bytes(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
