"""Records the counters of a dozen healthy, busy JVMs for an hour: what no detector may call sick.

    python tests/soak/record.py FILE [--seconds 3600] [--every 3]

One line of JSON for each look at each JVM, so that any later detector can be run over it (`judge.py`).
Together they take about a third of one core, at the lowest priority.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests")]

from entrypoint.jvm.hsperfdata import PerfDataError  # noqa: E402
from entrypoint.system.hsperf import Reader  # noqa: E402
from lab.jdks import jdks  # noqa: E402

MAJORS = (17, 25)
COLLECTORS = {"Serial": "-XX:+UseSerialGC", "G1": "-XX:+UseG1GC"}
HEAPS = {64: 0.45, 128: 0.35, 256: 0.5}
"""Megabytes of heap, and the share of it that is live: with Serial up to 0.75 of the old generation."""
SLOT, CYCLE = 18, 720
"""Seconds that one JVM is flat out while the others rest, and after which its turn comes again."""
OWN_TMP = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs /tmp && exec "$@"', "sh")
"""A JVM of another pid namespace that sees our /tmp removes the counters of pids that it does not know."""
KEPT = ("sun.gc.", "java.threads.live", "sun.os.hrt.frequency", "java.property.java.vm")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--every", type=float, default=3)
    asked = parser.parse_args()
    os.nice(19)
    classes = tempfile.mkdtemp(prefix="entrypoint-soak-", dir="/var/tmp")
    source = Path(__file__).with_name("java") / "Busy.java"
    command = ["javac", "-nowarn", "-Xlint:-options", "--release", "8", "-d", classes, str(source)]
    subprocess.run(command, check=True)
    jvms = start(classes)
    try:
        record(jvms, asked.file, asked.seconds, asked.every)
    finally:
        for process in jvms.values():
            process.kill()
            process.wait()


def start(classes: str) -> dict[str, subprocess.Popen[bytes]]:
    """Start every combination; each ends by itself when its standard input is closed."""
    found: dict[str, subprocess.Popen[bytes]] = {}
    homes = jdks()
    for major in MAJORS:
        for collector, option in COLLECTORS.items():
            for heap, share in HEAPS.items():
                words = [
                    *OWN_TMP, str(homes[major] / "bin" / "java"), option, f"-Xmx{heap}m", f"-Xms{heap}m",
                    "-XX:ParallelGCThreads=1", "-XX:ConcGCThreads=1", "-XX:TieredStopAtLevel=1",
                    "-cp", classes, "Busy", str(share), str(len(found)), str(SLOT), str(CYCLE),
                ]  # fmt: skip
                found[f"{major} {collector} {heap}m"] = subprocess.Popen(
                    words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
                )
    return found


def record(
    jvms: dict[str, subprocess.Popen[bytes]], file: Path, seconds: float, every: float
) -> None:
    readers = {name: Reader(process.pid) for name, process in jvms.items()}
    began = time.monotonic()
    with file.open("w") as out:
        for number in range(int(seconds / every)):
            time.sleep(max(0.0, began + number * every - time.monotonic()))
            for name, reader in readers.items():
                if jvms[name].poll() is not None:
                    raise SystemExit(f"{name} ended with {jvms[name].returncode}")
                at = time.monotonic()
                try:
                    values = reader.read().values
                except PerfDataError as error:
                    print(f"{at - began:.0f} s: {name}: {error}", file=sys.stderr)
                    continue
                kept = {key: value for key, value in values.items() if key.startswith(KEPT)}
                out.write(json.dumps({"jvm": name, "at": at - began, "values": kept}) + "\n")
            out.flush()


if __name__ == "__main__":
    main()
