"""A JVM that does what a test tells it: MetricsProbe.java, started with any options."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from lab.needs import need

SOURCE = Path(__file__).with_name("MetricsProbe.java")

EXPERIMENTAL = "-XX:+UnlockExperimentalVMOptions"
COLLECTORS: dict[str, tuple[str, ...]] = {
    "Serial": ("-XX:+UseSerialGC",),
    "Parallel": ("-XX:+UseParallelGC",),
    "CMS": ("-XX:+UseConcMarkSweepGC",),
    "G1": ("-XX:+UseG1GC",),
    "ZGC": (EXPERIMENTAL, "-XX:+UseZGC"),
    "ZGC-generational": ("-XX:+UseZGC", "-XX:+ZGenerational"),
    "Shenandoah": (EXPERIMENTAL, "-XX:+UseShenandoahGC"),
    "Shenandoah-generational": (
        EXPERIMENTAL, "-XX:+UseShenandoahGC", "-XX:ShenandoahGCMode=generational",
    ),
}  # fmt: skip
PAIRS = tuple(
    (major, name)
    for name, majors in {
        "Serial": (8, 11, 17, 21, 25),
        "Parallel": (8, 11, 17, 21, 25),
        "CMS": (8, 11),
        "G1": (8, 11, 17, 21, 25),
        "ZGC": (11, 17, 21, 25),
        "ZGC-generational": (21,),
        "Shenandoah": (11, 17, 21, 25),
        "Shenandoah-generational": (25,),
    }.items()
    for major in majors
)

Beans = dict[tuple[str, str], tuple[int, ...]]
"""The MXBeans' figures by kind (area, pool, gc, threads, classes, compilation) and name."""


class ProbeJvm:
    """The running program: `pid`, and `ask(line)` for what it answers."""

    def __init__(self, process: subprocess.Popen[str], pid: int) -> None:
        self.process = process
        self.pid = pid

    def ask(self, line: str) -> list[str]:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        found: list[str] = []
        for answer in self.process.stdout:
            if answer == "done\n":
                return found
            found.append(answer.rstrip("\n"))
        raise AssertionError(f"the JVM ended at {line!r}: {found}")

    def beans(self) -> Beans:
        rows = [line.rstrip("\t").split("\t") for line in self.ask("beans")]
        return {(kind, name): tuple(map(int, figures)) for kind, name, *figures in rows}


@cache
def classes() -> str:
    """Compile the program, once, and return the folder; any user may enter it."""
    folder = tempfile.mkdtemp(prefix="entrypoint-probe-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    Path(folder).chmod(0o755)
    command = [need("javac"), "-nowarn", "-Xlint:-options", "--release", "8", "-d", folder, SOURCE]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@contextmanager
def running(
    home: Path,
    options: Sequence[str] = (),
    before: Sequence[str] = (),
    user: int | None = None,
    folder: str = "",
) -> Iterator[ProbeJvm]:
    """Start the program; `before` is a command that ends in exec'ing what follows it.

    `folder` is where it finds the program's classes, where not in the usual place.
    """
    java = [str(home / "bin" / "java"), "-Xmx64m", "-Xms32m", *options]
    process = subprocess.Popen(
        [*before, *java, "-cp", folder or classes(), "MetricsProbe"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        user=user,
        cwd="/",
    )
    try:
        assert process.stdout is not None
        # A JVM that finds /tmp full says so first.
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if line == "ready\n":
                break
        assert lines[-1:] == ["ready\n"], (java, lines)
        yield ProbeJvm(process, process.pid)
    finally:
        process.kill()
        process.communicate()
        # A JVM that is killed leaves its socket behind.
        Path(f"/tmp/.java_pid{process.pid}").unlink(missing_ok=True)
