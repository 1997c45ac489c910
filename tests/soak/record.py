"""Records a dozen healthy, busy JVMs for an hour: what no detector may call sick.

    python tests/soak/record.py FILE [--seconds 3600] [--every 2.5]

One line of JSON for each look at each JVM, with all that `entrypoint/watch.py` goes by, so that any later
detector can be run over it (`judge.py`). All JVMs share a third of one core, at the lowest priority.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self, TextIO

REPOSITORY = Path(__file__).parents[2]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests")]

from entrypoint.jvm.heap_info import HeapInfo  # noqa: E402
from entrypoint.jvm.hsperfdata import PerfData, PerfDataError  # noqa: E402
from entrypoint.lifecycle.health import Snapshot  # noqa: E402
from entrypoint.plan.model import Launch  # noqa: E402
from entrypoint.system import diagnosis  # noqa: E402
from entrypoint.system.cgroup import Usage  # noqa: E402
from entrypoint.system.hsperf import Reader  # noqa: E402
from entrypoint.system.log import Log  # noqa: E402
from entrypoint.system.procfs import read_text  # noqa: E402
from entrypoint.system.sample import process_sample, with_heap  # noqa: E402
from entrypoint.watch import Watch  # noqa: E402
from lab.jdks import jdks  # noqa: E402

MAJORS = (17, 25)
COLLECTORS = {"Serial": "-XX:+UseSerialGC", "G1": "-XX:+UseG1GC"}
HEAPS = {64: 0.45, 128: 0.35, 256: 0.5}
"""Megabytes of heap, and the share of it that is live: with Serial up to 0.75 of the old generation."""
SLOT, CYCLE = 120, 720
"""Seconds that a JVM is flat out, twelve looks of PID 1, and after which its turn comes again."""
QUOTA = 33
"""Percent of one core for all together: the JVMs that are flat out are throttled, as many a pod is."""
WEIGHT = 200
"""Of the control group, as of a dozen processes of the lowest priority; one of the usual has 1024."""
START = 12.0
CONTROL = "control, stopped at the end"
STOPPED = 60.0
OWN_TMP = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs /tmp && exec "$@"', "sh")
"""A JVM of another pid namespace that sees our /tmp removes the counters of pids that it does not know."""
KEPT = (
    "sun.gc.collector.", "sun.gc.generation.", "sun.gc.metaspace.", "sun.gc.policy.name",
    "sun.rt.safepoint", "java.threads.live", "sun.os.hrt.frequency", "java.property.java.vm",
)  # fmt: skip
LAUNCH = Launch("soak", "soak", "java", (), "/", ())


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--every", type=float, default=2.5)
    parser.add_argument("--stopped", type=float, default=STOPPED)
    asked = parser.parse_args()
    os.nice(19)
    jvms: dict[str, subprocess.Popen[bytes]] = {}
    source = Path(__file__).with_name("java") / "Busy.java"
    # Not in /tmp, which the JVMs do not see.
    with tempfile.TemporaryDirectory(prefix="entrypoint-soak-", dir="/var/tmp") as classes:
        command = ["javac", "-nowarn", "-Xlint:-options", "--release", "8", "-d", classes]
        subprocess.run([*command, str(source)], check=True)
        with Group() as group:
            try:
                start(jvms, classes, group.enter)
                record(jvms, group, asked)
            finally:
                for process in jvms.values():
                    process.kill()
                    process.wait()


class Group:
    """A control group for all JVMs; they start unhindered, and share a third of a core from `squeeze` on."""

    def __init__(self) -> None:
        first, second = Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")
        self._version_1 = (first / "cgroup.procs").exists()
        self._folder = (first if self._version_1 else second) / f"entrypoint-soak-{os.getpid()}"
        self.enter = ("sh", "-c", f'echo $$ > {self._folder}/cgroup.procs && exec "$@"', "sh")

    def __enter__(self) -> Self:
        self._folder.mkdir()
        return self

    def __exit__(self, *_: object) -> None:
        for _attempt in range(100):
            with suppress(OSError):
                self._folder.rmdir()
                break
            time.sleep(0.1)

    def squeeze(self) -> None:
        """Limit them."""
        if self._version_1:
            limits = {"cpu.cfs_quota_us": f"{QUOTA * 1000}", "cpu.shares": f"{WEIGHT}"}
        else:
            limits = {"cpu.max": f"{QUOTA * 1000} 100000", "cpu.weight": f"{WEIGHT // 10}"}
        for name, value in limits.items():
            (self._folder / name).write_text(value)


def start(jvms: dict[str, subprocess.Popen[bytes]], classes: str, enter: Sequence[str]) -> None:
    """Start every combination; each ends by itself when its standard input is closed."""
    homes = jdks()
    kinds = [
        (f"{major} {collector} {heap}m", major, option, heap, share)
        for major in MAJORS
        for collector, option in COLLECTORS.items()
        for heap, share in HEAPS.items()
    ]
    for name, major, option, heap, share in [
        *kinds,
        (CONTROL, MAJORS[0], COLLECTORS["Serial"], 64, 0.1),
    ]:
        # Neighbours in the table are flat out at different times; the control is when nobody is asked for.
        slot = len(jvms) if name != CONTROL else CYCLE
        words = [
            *enter, *OWN_TMP, str(homes[major] / "bin" / "java"), option, f"-Xmx{heap}m", f"-Xms{heap}m",
            "-XX:ParallelGCThreads=1", "-XX:ConcGCThreads=1", "-XX:TieredStopAtLevel=1",
            "-cp", classes, "Busy", str(share), str(slot), str(SLOT), str(CYCLE),
        ]  # fmt: skip
        jvms[name] = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)


class Witness(Watch):
    """The real watch of one JVM, whose questions to java are kept too."""

    answered: bool | None = None
    took = 0.0

    def _ping(self, now: float) -> bool | None:
        began = time.monotonic()
        self.answered = super()._ping(now)
        self.took = time.monotonic() - began
        return self.answered


class Book:
    """The file, which every thread writes lines to."""

    def __init__(self, out: TextIO, began: float) -> None:
        self.began = began
        self._out = out
        self._lock = threading.Lock()

    def write(self, row: dict[str, object]) -> None:
        """Write one line."""
        line = json.dumps(row) + "\n"
        with self._lock:
            self._out.write(line)


def record(
    jvms: dict[str, subprocess.Popen[bytes]], group: Group, asked: argparse.Namespace
) -> None:
    """Watch every JVM on a thread of its own, as PID 1 does; the control is stopped for the last part."""
    over = threading.Event()
    log = Log()
    with asked.file.open("w") as out:
        book = Book(out, time.monotonic())
        threads = [
            threading.Thread(target=look_on, args=(name, process.pid, log, book, asked.every, over))
            for name, process in jvms.items()
        ]
        for thread in threads:
            thread.start()
        try:
            wait(jvms, START)
            group.squeeze()
            wait(jvms, asked.seconds - asked.stopped - START)
            os.kill(jvms[CONTROL].pid, signal.SIGSTOP)
            book.write({"jvm": CONTROL, "stopped": time.monotonic() - book.began})
            wait(jvms, asked.stopped)
        finally:
            over.set()
            for thread in threads:
                thread.join()
    log.flush(5)


def wait(jvms: dict[str, subprocess.Popen[bytes]], seconds: float) -> None:
    """Wait, and see to it that every JVM lives."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        for name, process in jvms.items():
            if process.poll() is not None:
                raise SystemExit(f"{name} ended with {process.returncode}")
        time.sleep(min(1.0, left))


def look_on(name: str, pid: int, log: Log, book: Book, every: float, over: threading.Event) -> None:
    """Look at one JVM on a grid until it is over."""
    reader = Reader(pid)
    moment = Snapshot(
        "running", 0.0, (("running", 0.0),), "soak", "soak", "1", 0.0, 0.0, pid, child_alive=True
    )
    witness = Witness(log, LAUNCH, pid, lambda: moment)
    number = 0
    while not over.wait(max(0.0, book.began + number * every - time.monotonic())):
        number = int((time.monotonic() - book.began) / every) + 1
        now = time.monotonic()
        sample = with_heap(process_sample(pid, now, Usage()), data := read(reader), HeapInfo())
        witness.take(sample)
        book.write({
            "jvm": name,
            "at": now - book.began,
            "cpu": sample.cpu_seconds,
            "waited": waited(pid),
            "state": diagnosis.state_of(pid),
            "answered": witness.answered,
            "took": witness.took,
            "hangs": witness.pressure.hang.count,
            "values": kept(data),
        })  # fmt: skip


def read(reader: Reader) -> PerfData | None:
    """Return the counters; a JVM that is only starting has none yet."""
    try:
        return reader.read()
    except PerfDataError:
        return None


def kept(data: PerfData | None) -> dict[str, object]:
    """Return the counters that a detector may want; none of a JVM that had none to give."""
    values = {} if data is None else data.values
    return {key: value for key, value in values.items() if key.startswith(KEPT)}


def waited(pid: int) -> float:
    """Return the seconds that all threads of a process were ready and had no CPU."""
    total = 0
    with suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            fields = read_text(f"/proc/{pid}/task/{task}/schedstat").split()
            total += int(fields[1]) if len(fields) > 1 else 0
    return total / 1e9


if __name__ == "__main__":
    main()
