"""The control group that this process runs in: limits and use of memory and CPU, and OOM kills.

Here: cgroup v1, v2 and both at once (hybrid), nested, seen from inside or outside a cgroup namespace.
Whatever is missing or makes no sense is None. What to do with a limit is for the plan.
"""

from __future__ import annotations

from entrypoint.records import record
from entrypoint.system.procfs import at, read_mounts, read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from entrypoint.system.procfs import Mount

_V1_UNLIMITED: Final = 1 << 60
"""Version 1 writes "no limit" as the largest multiple of a page: 2^63 - 4096, or - 65536 on arm64."""

_DEEPEST: Final = 100
_USUAL_POINT: Final = "/sys/fs/cgroup"


@record
class Usage:
    """What the control group uses, and how often its CPU quota held it up; None: not told.

    `working_set` is the memory in use without the page cache that can be dropped at once, as the
    kubelet counts it. `periods` and `throttled_periods` are those of the CPU quota, of which
    `throttled_seconds` is the time that all threads together had to wait.
    """

    memory: int | None = None
    working_set: int | None = None
    memory_limit: int | None = None
    cpu_limit: float | None = None
    cpu_seconds: float | None = None
    periods: int | None = None
    throttled_periods: int | None = None
    throttled_seconds: float | None = None


@record
class Controller:
    """Where one controller of our control group is: its folders, ours first, then those above it."""

    version: str
    folders: tuple[str, ...]

    def first(self, name: str) -> str:
        """Return a file's text from the nearest folder that has it, or ""."""
        return next(
            (text for folder in self.folders if (text := read_text(f"{folder}/{name}"))), ""
        )


def version(root: str = "/") -> str:
    """Return "v1" or "v2", whichever limits our memory (or else the CPU); "" for neither."""
    for name in ("memory", "cpu"):
        if (controller := find_controller(name, root)) is not None:
            return controller.version
    return ""


def memory_limit(root: str = "/") -> int | None:
    """Return the bytes that we may use: the tightest of ours and those above; None: no limit.

    A limit above what the machine has is cut to that. Swap and memory.high are not counted: java is
    killed at memory.max.
    """
    controller = find_controller("memory", root)
    return None if controller is None else _tightest_memory(controller, root)


def _tightest_memory(controller: Controller, root: str) -> int | None:
    name = "memory.max" if controller.version == "v2" else "memory.limit_in_bytes"
    found = [_number(read_text(f"{folder}/{name}")) for folder in controller.folders]
    if controller.version == "v1":
        # A container sees its own folder only; the limit of its pod shows here.
        stat = controller.first("memory.stat")
        found.append(_number(_field(stat, "hierarchical_memory_limit")))
    limits = [limit for limit in found if limit and limit < _V1_UNLIMITED]
    if not limits:
        return None
    limits.append(memory_total(root) or limits[0])
    return min(limits)


def memory_total(root: str = "/") -> int | None:
    """Return the bytes of memory of the machine."""
    words = _field(read_text(at(root, "/proc/meminfo")), "MemTotal:").split()
    total = _number(words[0]) if words else None
    return None if total is None else total * 1024


def oom_kill_count(root: str = "/") -> int | None:
    """Return how many processes of our control group the kernel has killed for want of memory.

    It never falls, so that a difference tells of a kill in between. None: not known (a kernel before
    4.13, or the root group of v2).
    """
    controller = find_controller("memory", root)
    if controller is None:
        return None
    name = "memory.events" if controller.version == "v2" else "memory.oom_control"
    return _number(_field(controller.first(name), "oom_kill"))


def cpu_quota(root: str = "/") -> float | None:
    """Return the CPUs that we may use, such as 1.5: the tightest quota; None: no quota."""
    controller = find_controller("cpu", root)
    return None if controller is None else _tightest_quota(controller)


def _tightest_quota(controller: Controller) -> float | None:
    quotas = [_quota(controller.version, folder) for folder in controller.folders]
    return min((quota for quota in quotas if quota is not None), default=None)


class UsageReader:
    """Reads `Usage` again and again: where the folders are is found out once."""

    def __init__(self, root: str = "/") -> None:
        self._root = root
        self._memory = find_controller("memory", root)
        self._cpu = find_controller("cpu", root)
        self._accounting = find_controller("cpuacct", root)

    def read(self) -> Usage:
        """Return what is used now; limits too, since Kubernetes can change them in place."""
        memory, working_set, limit = self._read_memory()
        seconds, periods, throttled, waited = self._read_cpu()
        return Usage(
            memory,
            working_set,
            limit,
            None if self._cpu is None else _tightest_quota(self._cpu),
            seconds,
            periods,
            throttled,
            waited,
        )

    def _read_memory(self) -> tuple[int | None, int | None, int | None]:
        if self._memory is None:
            return None, None, None
        v2 = self._memory.version == "v2"
        used = _number(self._memory.first("memory.current" if v2 else "memory.usage_in_bytes"))
        stat = self._memory.first("memory.stat")
        cache = _number(_field(stat, "inactive_file" if v2 else "total_inactive_file"))
        working_set = None if used is None or cache is None else max(0, used - cache)
        return used, working_set, _tightest_memory(self._memory, self._root)

    def _read_cpu(self) -> tuple[float | None, int | None, int | None, float | None]:
        if self._cpu is None:
            return None, None, None, None
        stat = self._cpu.first("cpu.stat")
        if self._cpu.version == "v2":
            used = _scaled(_number(_field(stat, "usage_usec")), 1_000_000)
            waited = _scaled(_number(_field(stat, "throttled_usec")), 1_000_000)
        else:
            text = "" if self._accounting is None else self._accounting.first("cpuacct.usage")
            used = _scaled(_number(text), 1_000_000_000)
            waited = _scaled(_number(_field(stat, "throttled_time")), 1_000_000_000)
        periods, throttled = (
            _number(_field(stat, name)) for name in ("nr_periods", "nr_throttled")
        )
        return used, periods, throttled, waited


def find_controller(name: str, root: str = "/") -> Controller | None:
    """Return where a controller (`memory`, `cpu`) of our own control group is, or None.

    A controller is in version 1 or in version 2, never in both: on a hybrid machine each has to be
    looked for.
    """
    paths = dict(_memberships(read_text(at(root, "/proc/self/cgroup"))))
    # The machine's tree may be mounted a second time for a node agent: ours comes first.
    mounts = sorted(read_mounts(root), key=lambda mount: not mount.point.startswith(_USUAL_POINT))
    if name in paths:
        for mount in mounts:
            if mount.kind == "cgroup" and name in mount.options:
                return Controller("v1", _folders(paths[name], mount, root))
    unified = next((mount for mount in mounts if mount.kind == "cgroup2"), None)
    if "" not in paths or unified is None:
        return None
    # The top folder that we see lists what this tree controls; the root of a machine's tree has no
    # limits of its own, but those between it and us count.
    top = read_text(at(root, f"{unified.point}/cgroup.controllers"))
    if name not in top.split():
        return None
    return Controller("v2", _folders(paths[""], unified, root))


def _memberships(text: str) -> Iterator[tuple[str, str]]:
    """Give (controller, path) for each line of /proc/self/cgroup; version 2 has the name ""."""
    for line in text.splitlines():
        number, _, rest = line.partition(":")
        names, colon, path = rest.partition(":")
        if not colon or (not names and number != "0"):
            continue
        for name in names.split(","):
            yield name, path.removesuffix(" (deleted)")


def _folders(path: str, mount: Mount, root: str) -> tuple[str, ...]:
    """Return the folder of the group `path` and those above it, as far as the mount shows them.

    Without a cgroup namespace a container sees its group's folder at the mount point itself while its
    path is the machine's: then `path` begins with the mount's root, or leads nowhere below it.
    """
    inside = mount.root.rstrip("/")
    rest = path[len(inside) :] if path == inside or path.startswith(inside + "/") else ""
    names = [name for name in rest.split("/") if name]
    if ".." in names or len(names) > _DEEPEST:  # a group outside our namespace, or no true path
        names = []
    top = at(root, mount.point.rstrip("/"))
    return (*["/".join((top, *names[:count])) for count in range(len(names), -1, -1)],)


def _quota(version: str, folder: str) -> float | None:
    if version == "v2":
        words = read_text(f"{folder}/cpu.max").split()
    else:
        words = [
            read_text(f"{folder}/cpu.cfs_quota_us").strip(),
            read_text(f"{folder}/cpu.cfs_period_us").strip(),
        ]
    if len(words) != 2:
        return None
    quota, period = _number(words[0]), _number(words[1])
    return quota / period if quota and period else None


def _scaled(number: int | None, divisor: int) -> float | None:
    return None if number is None else number / divisor


def _field(text: str, name: str) -> str:
    """Return what follows a name at the start of a line, or ""."""
    for line in text.splitlines():
        first, _, rest = line.partition(" ")
        if first == name:
            return rest.strip()
    return ""


def _number(text: str) -> int | None:
    """Return a whole number; None for "max", "-1" (no limit) and anything that is not a number."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else None
