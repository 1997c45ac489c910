"""One status with everything in it, always the same: what the golden page and the pictures show."""

from __future__ import annotations

import math
import random
from functools import cache

from entrypoint.lifecycle.changes import Watched, begin, content_of, observe
from entrypoint.lifecycle.health import CheckStatus, Counters, GateStatus, Snapshot
from entrypoint.lifecycle.history import NAMES, POINTS, RESOLUTION, History, JvmSample, window
from entrypoint.lifecycle.previous import Run
from entrypoint.lifecycle.status import Status

NOW = 21_000.0
TIME = 1_795_500_000.0
MIB = 1 << 20
UNCHANGED = (("/opt/otter-node/conf/otter.properties", content_of(b"otter.nid=7\n")),)

PLAN = """\
otter-node 4.2.18   profile built-in + /etc/entrypoint/profile.yaml   plan 4be19c02
JDK            8u504 OpenJDK at /usr/lib/jvm/java-8   supported 8 only
container      memory 512 MiB (cgroup v2)   cpu 2   uid 10001   root filesystem read-only

Memory          MiB   from
  heap          300   environment JAVA_OPTIONS
  metaspace      96   profile: about 9,000 classes
  threads        60   profile: 120 x 512 KiB

Command (in /opt/otter-node/bin)
  /usr/lib/jvm/java-8/bin/java
       -Xms300m -Xmx300m                                environment JAVA_OPTIONS
       -XX:+UseG1GC                                     profile
       com.alibaba.otter.node.deployer.OtterLauncher    profile

Stop           TERM, 20s → thread dump, 2s → KILL   22s of 30s grace
"""


@cache
def hour(points: int = POINTS, until: float = NOW) -> History:
    """An hour with a saw-tooth heap, one full GC, and two minutes in which nobody looked."""
    history = History()
    chance = random.Random(4)
    gc = cpu = full = 0.0
    heap = 80.0
    for i in range(points):
        heap += chance.uniform(1, 8)
        gc += chance.uniform(0, 0.06)
        if heap > 215 + 40 * math.sin(i / 60):
            heap, gc = chance.uniform(70, 90), gc + chance.uniform(0.05, 0.25)
        if i == 220:
            heap, gc, full = 60.0, gc + 1.2, full + 1
        busy = 0.26 + 0.12 * math.sin(i / 25) + chance.random() ** 3 * 0.3
        cpu += busy * RESOLUTION
        if 130 < i < 143:
            continue
        history.add(
            JvmSample(
                until - (points - 1 - i) * RESOLUTION,
                heap_used=heap * MIB,
                heap_max=300.0 * MIB,
                gc_seconds=gc,
                full_gcs=full,
                threads=110 + i // 40 - (6 if i > 300 else 0) + chance.choice((0, 0, 0, 1, 2)),
                cpu_seconds=cpu,
                rss=(432 + i * 0.15) * MIB,
                memory_used=(448 + i * 0.13) * MIB,
                memory_limit=512.0 * MIB,
            )
        )
    return history


def status(ready: bool = False, history: History | None = None) -> Status:
    """A node that has been up for hours, after two deaths."""
    history = hour() if history is None else history
    checks = (
        CheckStatus(
            "manager", "manager:1099", ("startup", "readiness"), 3, ok=True, seconds=0.0012,
            since=NOW - 20_760, answered=NOW - 2, runs=4000, passed_once=True, stale_after=20,
        ),
        CheckStatus(
            "zookeeper-session", "zk:2181/otter/node/7", ("readiness",), 3, ok=ready,
            detail="" if ready else "no /otter/node/7", seconds=0.002, since=NOW - 12,
            answered=NOW - 2, failures_in_a_row=0 if ready else 3, runs=4000, failed_runs=3,
            changes=1, passed_once=True, stale_after=20,
        ),
        CheckStatus(
            "port-2088", "127.0.0.1:2088", ("startup", "readiness", "liveness"), 3, ok=True,
            seconds=0.0004, since=NOW - 20_730, answered=NOW - 1, runs=4000, passed_once=True,
            stale_after=20,
        ),
    )  # fmt: skip
    snapshot = Snapshot(
        phase="running",
        phase_since=NOW - 20_700,
        phase_history=(
            ("preparing", TIME - 20_850),
            ("waiting", TIME - 20_849.907),
            ("starting", TIME - 20_703.8),
            ("running", TIME - 20_700),
        ),
        name="otter-node",
        digest="4be19c02",
        version="1.0.0",
        started=TIME - 20_850,
        started_monotonic=NOW - 20_850,
        child_pid=42,
        child_alive=True,
        checks=checks,
        gates=(
            GateStatus("manager", "manager:1099", "passed", 6, 5.3),
            GateStatus("zookeeper", "zk-0.zk:2181,zk-1.zk:2181", "passed", 1, 0.012),
        ),
        counters=Counters((("SIGHUP", 1),), 3, 0, 1),
        restarts=2,
        config=observe(begin(Watched(UNCHANGED)), dict(UNCHANGED), TIME)[0],
        previous=Run(
            2, TIME - 43_000, TIME - 21_600, 137, "oom-killed",
            "java was killed by the kernel: out of memory (137)",
        ),
    )  # fmt: skip
    points = window(20_850)
    return Status(
        snapshot,
        "otter-node-3",
        NOW,
        TIME,
        history.latest,
        {name: history.series(name, NOW, points) for name in NAMES},
        plan=PLAN,
        remarks=(
            "-XX:PermSize=96m dropped: JDK 8 ignores it since 8 (JAVA_OPTIONS)",
            "OTTER_DATABSE_URL is set and no setting has it: did you mean OTTER_DATABASE_URL?",
        ),
    )
