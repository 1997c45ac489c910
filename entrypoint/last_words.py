"""What is known of java at its end, put together: from the supervisor, its watch, the kernel and the disk.

Here: `death`, which gathers; nothing in it may fail the end. What it means is for `lifecycle.obituary`.
"""

from __future__ import annotations

import time

from entrypoint.lifecycle.obituary import Death
from entrypoint.system import remains
from entrypoint.system.cgroup import find_controller, memory_limit
from entrypoint.system.procfs import read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrypoint.lifecycle.report import Outcome
    from entrypoint.plan.model import Launch
    from entrypoint.watch import Watch


def death(
    outcome: Outcome,
    launch: Launch,
    watch: Watch | None,
    began: float,
    oom_kills: tuple[int | None, int | None],
    asked: bool,
) -> Death:
    """Return what is known of an end; `began` is the Unix time of the start."""
    # java writes into its working directory where the folder of evidence cannot be written to.
    folders = (launch.diagnosis.folder, launch.cwd, "/tmp")  # noqa: S108 - the JVM's own last resort
    crash = remains.newest(folders, remains.CRASH, began)
    dump = remains.newest(folders[:2], remains.DUMP, began)
    diagnosis = "" if watch is None else watch.folder
    return Death(
        outcome,
        time.monotonic(),
        asked,
        oom_kills,
        _memory_peak(),
        memory_limit(),
        None if watch is None else watch.pressure.sample,
        None if watch is None else watch.full_gc_at,
        next((word for word in reversed(launch.argv) if word.startswith("-Xmx")), ""),
        "-XX:+ExitOnOutOfMemoryError" in launch.argv,
        launch.threads,
        remains.crash_head(crash) if crash else (),
        dump,
        tuple(path for path in (diagnosis, crash) if path),
    )


def _memory_peak() -> int | None:
    """Return the most that the container ever used: after a kill the use itself has fallen."""
    controller = find_controller("memory")
    if controller is None:
        return None
    v2 = controller.version == "v2"
    folder = controller.folders[0] if controller.folders else ""
    text = read_text(f"{folder}/{'memory.peak' if v2 else 'memory.max_usage_in_bytes'}").strip()
    return int(text) if text.isascii() and text.isdigit() else None
