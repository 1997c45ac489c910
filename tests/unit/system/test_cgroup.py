from __future__ import annotations

import errno
import mmap
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from forked import (
    CLONE_NEWCGROUP,
    CLONE_NEWNS,
    MS_BIND,
    enter_namespaces,
    in_child,
    mount,
    needs_mounts,
    needs_root,
)

from entrypoint.system import cgroup

MIB = 1 << 20
UNLIMITED_V1 = "9223372036854771712"
V2_MOUNT = "41 31 0:38 {root} /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate"
V1_MOUNTS = """\
32 31 0:29 {root} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 {root} /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory"""


def tree(tmp_path: Path, membership: str, mounts: str, files: Mapping[str, str]) -> str:
    """Make a tree that stands for /; names of `files` are below /sys/fs/cgroup."""
    text = {
        "proc/self/cgroup": membership,
        "proc/self/mountinfo": "22 27 0:21 / /proc rw - proc proc rw\n" + mounts + "\n",
        "proc/meminfo": "MemFree: 1 kB\nMemTotal:       4194304 kB\n",
        **{f"sys/fs/cgroup/{name}": content for name, content in files.items()},
    }
    for name, content in text.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")
    return str(tmp_path)


def v2(tmp_path: Path, files: Mapping[str, str], path: str = "/", inside: str = "/") -> str:
    controllers = {"cgroup.controllers": "cpuset cpu io memory pids"}
    return tree(tmp_path, f"0::{path}", V2_MOUNT.format(root=inside), controllers | dict(files))


def v1(tmp_path: Path, files: Mapping[str, str], path: str = "/", inside: str = "/") -> str:
    membership = f"9:name=systemd:/\n4:memory:{path}\n2:cpu,cpuacct:{path}\n0::/"
    return tree(tmp_path, membership, V1_MOUNTS.format(root=inside), files)


def test_v2_in_a_namespace_of_its_own(tmp_path: Path) -> None:
    files = {
        "memory.max": str(512 * MIB),
        "memory.current": "1234567",
        "memory.events": "low 0\nhigh 0\nmax 7\noom 3\noom_kill 2\noom_group_kill 0",
        "cpu.max": "150000 100000",
    }
    root = v2(tmp_path, files)
    assert cgroup.version(root) == "v2"
    assert cgroup.memory_limit(root) == 512 * MIB
    assert cgroup.UsageReader(root).read().memory == 1234567
    assert cgroup.oom_kill_count(root) == 2
    assert cgroup.cpu_quota(root) == 1.5


def test_v2_max_is_no_limit(tmp_path: Path) -> None:
    root = v2(tmp_path, {"memory.max": "max", "cpu.max": "max 100000"})
    assert cgroup.version(root) == "v2"
    assert cgroup.memory_limit(root) is None
    assert cgroup.cpu_quota(root) is None


@pytest.mark.parametrize("tightest", ["", "pod/", "pod/ctr/"])
def test_v2_the_tightest_limit_counts_wherever_it_is(tmp_path: Path, tightest: str) -> None:
    files = {
        f"{folder}{name}": text
        for folder in ("", "pod/", "pod/ctr/")
        for name, text in (("memory.max", str(900 * MIB)), ("cpu.max", "max 100000"))
    }
    files |= {f"{tightest}memory.max": str(64 * MIB), f"{tightest}cpu.max": "20000 80000"}
    root = v2(tmp_path, files, path="/pod/ctr")
    assert cgroup.memory_limit(root) == 64 * MIB
    assert cgroup.cpu_quota(root) == 0.25


def test_v2_counts_and_usage_are_ours_not_those_above(tmp_path: Path) -> None:
    files = {
        "pod/ctr/memory.events": "oom_kill 1",
        "pod/memory.events": "oom_kill 9",
        "pod/ctr/memory.current": "11",
        "pod/memory.current": "99",
    }
    root = v2(tmp_path, files, path="/pod/ctr")
    assert cgroup.oom_kill_count(root) == 1
    assert cgroup.UsageReader(root).read().memory == 11


def test_a_mount_that_begins_at_our_group(tmp_path: Path) -> None:
    """Without a cgroup namespace the path is the machine's, and the mount shows our folder as its top."""
    files = {"memory.max": str(512 * MIB), "cpu.max": "50000 100000"}
    root = v2(tmp_path, files, path="/kubepods/pod1/ctr", inside="/kubepods/pod1/ctr")
    assert cgroup.memory_limit(root) == 512 * MIB
    assert cgroup.cpu_quota(root) == 0.5


def test_a_mount_that_begins_above_our_group(tmp_path: Path) -> None:
    files = {"memory.max": "max", "ctr/memory.max": str(512 * MIB)}
    root = v2(tmp_path, files, path="/kubepods/pod1/ctr", inside="/kubepods/pod1")
    assert cgroup.memory_limit(root) == 512 * MIB
    # A name that only begins alike is not above us.
    files["0/ctr/memory.max"] = "1048576"
    other = v2(tmp_path / "other", files, path="/kubepods/pod10/ctr", inside="/kubepods/pod1")
    assert cgroup.memory_limit(other) is None


@pytest.mark.parametrize("path", ["/../../other", "/gone/elsewhere", "/ (deleted)"])
def test_a_path_outside_what_we_see_falls_back_to_the_mount(tmp_path: Path, path: str) -> None:
    root = v2(tmp_path, {"memory.max": str(512 * MIB), "memory.events": "oom_kill 4"}, path=path)
    assert cgroup.memory_limit(root) == 512 * MIB
    assert cgroup.oom_kill_count(root) == 4


def test_v2_dots_never_lead_out_of_the_mount(tmp_path: Path) -> None:
    root = v2(tmp_path, {"memory.max": "max"}, path="/../../secret")
    (tmp_path / "sys/secret").mkdir()
    (tmp_path / "sys/secret/memory.max").write_text("1048576\n")
    assert cgroup.memory_limit(root) is None


def test_v1(tmp_path: Path) -> None:
    files = {
        "memory/memory.limit_in_bytes": UNLIMITED_V1,
        "memory/pod/ctr/memory.limit_in_bytes": str(512 * MIB),
        "memory/pod/ctr/memory.usage_in_bytes": "77",
        "memory/pod/ctr/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 5",
        "cpu,cpuacct/pod/ctr/cpu.cfs_quota_us": "-1",
        "cpu,cpuacct/pod/ctr/cpu.cfs_period_us": "100000",
        "cpu,cpuacct/pod/cpu.cfs_quota_us": "250000",
        "cpu,cpuacct/pod/cpu.cfs_period_us": "100000",
    }
    root = v1(tmp_path, files, path="/pod/ctr")
    assert cgroup.version(root) == "v1"
    assert cgroup.memory_limit(root) == 512 * MIB
    assert cgroup.UsageReader(root).read().memory == 77
    assert cgroup.oom_kill_count(root) == 5
    assert cgroup.cpu_quota(root) == 2.5


@pytest.mark.parametrize(
    "huge", [UNLIMITED_V1, "9223372036854710272", "9223372036854775807", "18446744073709551615"]
)
def test_v1_the_huge_number_is_no_limit(tmp_path: Path, huge: str) -> None:
    root = v1(tmp_path, {"memory/memory.limit_in_bytes": huge})
    assert cgroup.memory_limit(root) is None


def test_v1_the_limit_of_the_pod_shows_in_the_statistics(tmp_path: Path) -> None:
    files = {
        "memory/memory.limit_in_bytes": UNLIMITED_V1,
        "memory/memory.stat": f"cache 1\nhierarchical_memory_limit {256 * MIB}\nrss 2",
    }
    root = v1(tmp_path, files, path="/pod/ctr", inside="/pod/ctr")
    assert cgroup.memory_limit(root) == 256 * MIB


def test_v1_an_old_kernel_does_not_count_kills(tmp_path: Path) -> None:
    root = v1(tmp_path, {"memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0"})
    assert cgroup.oom_kill_count(root) is None


def test_hybrid_takes_each_controller_from_where_it_is(tmp_path: Path) -> None:
    mounts = "\n".join(
        (
            "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
            "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw",
        )
    )
    files = {
        "memory/job/memory.limit_in_bytes": str(128 * MIB),
        "unified/cgroup.controllers": "cpu",
        "unified/job/cpu.max": "30000 100000",
        "unified/job/memory.max": "1",
    }
    root = tree(tmp_path, "4:memory:/job\n0::/job", mounts, files)
    assert cgroup.version(root) == "v1"
    assert cgroup.memory_limit(root) == 128 * MIB
    assert cgroup.cpu_quota(root) == 0.3


def test_a_second_mount_of_the_machines_tree_does_not_confuse(tmp_path: Path) -> None:
    root = v2(tmp_path, {"memory.max": str(512 * MIB)})
    table = tmp_path / "proc/self/mountinfo"
    host = "20 27 0:38 /../.. /host/sys/fs/cgroup ro - cgroup2 cgroup2 rw\n"
    table.write_text(host + table.read_text())
    assert cgroup.memory_limit(root) == 512 * MIB


def test_a_limit_above_the_machines_memory_is_cut(tmp_path: Path) -> None:
    root = v2(tmp_path, {"memory.max": str(64 * 1024 * MIB)})
    assert cgroup.memory_total(root) == 4096 * MIB
    assert cgroup.memory_limit(root) == 4096 * MIB
    (tmp_path / "proc/meminfo").unlink()
    assert cgroup.memory_limit(root) == 64 * 1024 * MIB


@pytest.mark.parametrize("text", ["", "-1", "0", "lots", "1e9", "²", "9" * 5000, "12 34", "\0"])
def test_odd_contents_are_no_limit(tmp_path: Path, text: str) -> None:
    names = ("memory.max", "memory.current", "cpu.max")
    root = v2(tmp_path, dict.fromkeys(names, text) | {"memory.events": f"oom_kill {text}"})
    assert cgroup.memory_limit(root) is None
    assert cgroup.UsageReader(root).read().memory in {None, 0}
    assert cgroup.oom_kill_count(root) in {None, 0}
    if text != "12 34":
        assert cgroup.cpu_quota(root) is None


@pytest.mark.parametrize("text", ["100000", "100000 0", "100000 max", "a b", "1 2 3"])
def test_odd_quotas_are_no_quota(tmp_path: Path, text: str) -> None:
    assert cgroup.cpu_quota(v2(tmp_path, {"cpu.max": text})) is None


@pytest.mark.parametrize("membership", ["", "nonsense", ":::", "4:memory", "x:memory:/"])
def test_without_a_group_everything_is_unknown(tmp_path: Path, membership: str) -> None:
    root = tree(tmp_path, membership, "", {})
    assert cgroup.version(root) == ""
    assert cgroup.memory_limit(root) is None
    assert cgroup.UsageReader(root).read().memory is None
    assert cgroup.oom_kill_count(root) is None
    assert cgroup.cpu_quota(root) is None
    assert cgroup.memory_limit(str(tmp_path / "none")) is None


# The real thing: groups of this machine.


@contextmanager
def group(controller: str, *names: str) -> Iterator[list[Path]]:
    """Make a control group, and groups in it, and take them away again."""
    found = cgroup.find_controller(controller)
    if found is None:
        pytest.skip(f"this machine has no {controller} controller")
    top = Path(found.folders[-1])
    first = top / f"entrypoint-test-{os.getpid()}"
    folders = [first.joinpath(*names[:count]) for count in range(len(names) + 1)]
    made: list[Path] = []
    try:
        for folder in folders:
            try:
                if found.version == "v2":
                    (folder.parent / "cgroup.subtree_control").write_text(f"+{controller}")
                folder.mkdir()
            except OSError as error:
                pytest.skip(f"this machine lets us make no {controller} group: {error}")
            made.append(folder)
        yield folders
    finally:
        for folder in reversed(made):
            _remove(folder)


def _remove(folder: Path) -> None:
    # A group that has just lost its last process may be busy for a moment.
    for _ in range(200):
        try:
            folder.rmdir()
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            time.sleep(0.01)
        else:
            return
    raise AssertionError(f"{folder} stays busy")


def limit_file(folder: Path) -> Path:
    v2_file = folder / "memory.max"
    return v2_file if v2_file.exists() else folder / "memory.limit_in_bytes"


def enter(folder: Path) -> None:
    (folder / "cgroup.procs").write_text(str(os.getpid()))


@needs_root
def test_the_limit_of_a_real_group_above_ours_counts() -> None:
    with group("memory", "inner") as (outer, inner):
        limit_file(outer).write_text(str(192 * MIB))
        limit_file(inner).write_text(str(512 * MIB))

        def look() -> tuple[int | None, int | None]:
            enter(inner)
            first = cgroup.memory_limit()
            limit_file(outer).write_text(str(1024 * MIB))
            return first, cgroup.memory_limit()

        assert in_child(look) == (192 * MIB, 512 * MIB)


@needs_mounts
def test_a_real_group_seen_from_a_container() -> None:
    """As runc does it for v1 without a namespace, and for a cgroup namespace."""
    with group("memory", "inner") as (outer, inner):
        limit_file(inner).write_text(str(256 * MIB))
        found = cgroup.find_controller("memory")
        assert found is not None
        top, kind = found.folders[-1], found.version

        def bound() -> int | None:
            enter(inner)
            mount(str(inner), top, None, MS_BIND)
            return cgroup.memory_limit()

        def in_namespace() -> int | None:
            enter(inner)
            enter_namespaces(CLONE_NEWCGROUP)
            # The kernel refuses the same tree twice at one place: a tmpfs comes between, as in runc.
            mount("tmpfs", "/sys/fs/cgroup", "tmpfs")
            os.makedirs(top, exist_ok=True)
            if kind == "v1":
                mount("cgroup", top, "cgroup", 0, "memory")
            else:
                mount("cgroup2", top, "cgroup2")
            return cgroup.memory_limit()

        assert in_child(bound, namespaces=CLONE_NEWNS) == 256 * MIB
        assert in_child(in_namespace, namespaces=CLONE_NEWNS) == 256 * MIB
        assert outer.exists()


@needs_root
def test_a_real_kill_for_want_of_memory_is_counted() -> None:
    with group("memory") as (folder,):
        limit_file(folder).write_text(str(32 * MIB))
        for swap in ("memory.swap.max", "memory.memsw.limit_in_bytes"):
            if (folder / swap).exists():
                (folder / swap).write_text("0" if swap.endswith("max") else str(32 * MIB))

        def be_killed() -> tuple[int | None, int, int | None]:
            enter(folder)
            before = cgroup.oom_kill_count()
            pid = os.fork()
            if pid == 0:
                Path("/proc/self/oom_score_adj").write_text("1000")
                memory = mmap.mmap(-1, 256 * MIB)
                for offset in range(0, len(memory), 4096):
                    memory[offset] = 1
                os._exit(0)
            _, status = os.waitpid(pid, 0)
            return before, os.waitstatus_to_exitcode(status), cgroup.oom_kill_count()

        assert in_child(be_killed) == (0, -9, 1)


@needs_root
def test_the_usage_of_a_real_group_grows() -> None:
    with group("memory") as (folder,):

        def grow() -> tuple[int | None, int | None]:
            enter(folder)
            before = cgroup.UsageReader().read().memory
            memory = mmap.mmap(-1, 16 * MIB)
            for offset in range(0, len(memory), 4096):
                memory[offset] = 1
            return before, cgroup.UsageReader().read().memory

        before, after = in_child(grow)
    assert before is not None
    assert after is not None
    assert 15 * MIB < after - before < 64 * MIB


@needs_root
def test_the_quota_of_a_real_group_counts() -> None:
    with group("cpu", "inner") as (outer, inner):
        if (outer / "cpu.max").exists():
            (outer / "cpu.max").write_text("150000 100000")
        else:
            (outer / "cpu.cfs_quota_us").write_text("150000")

        def look() -> float | None:
            enter(inner)
            return cgroup.cpu_quota()

        assert in_child(look) == 1.5


def test_usage_on_v2(tmp_path: Path) -> None:
    files = {
        "memory.max": str(512 * MIB),
        "memory.current": "1000",
        "memory.stat": "anon 500\ninactive_file 300\nactive_file 200",
        "cpu.max": "150000 100000",
        "cpu.stat": "usage_usec 2500000\nuser_usec 1\nnr_periods 10\nnr_throttled 4\nthrottled_usec 7",
    }
    found = cgroup.UsageReader(v2(tmp_path, files)).read()
    assert found == cgroup.Usage(1000, 700, 512 * MIB, 1.5, 2.5, 10, 4, 7e-6)


def test_usage_on_v1(tmp_path: Path) -> None:
    files = {
        "memory/memory.limit_in_bytes": str(512 * MIB),
        "memory/memory.usage_in_bytes": "1000",
        "memory/memory.stat": "inactive_file 1\ntotal_inactive_file 300",
        "cpu,cpuacct/cpu.cfs_quota_us": "-1",
        "cpu,cpuacct/cpu.cfs_period_us": "100000",
        "cpu,cpuacct/cpu.stat": "nr_periods 10\nnr_throttled 4\nthrottled_time 7000000000",
        "cpu,cpuacct/cpuacct.usage": "2500000000",
    }
    found = cgroup.UsageReader(v1(tmp_path, files)).read()
    assert found == cgroup.Usage(1000, 700, 512 * MIB, None, 2.5, 10, 4, 7.0)


def test_usage_follows_a_limit_that_is_changed_in_place(tmp_path: Path) -> None:
    root = v2(tmp_path, {"memory.max": str(512 * MIB), "cpu.max": "max 100000"})
    reader = cgroup.UsageReader(root)
    assert (reader.read().memory_limit, reader.read().cpu_limit) == (512 * MIB, None)
    (tmp_path / "sys/fs/cgroup/memory.max").write_text(f"{256 * MIB}\n")
    (tmp_path / "sys/fs/cgroup/cpu.max").write_text("50000 100000\n")
    assert (reader.read().memory_limit, reader.read().cpu_limit) == (256 * MIB, 0.5)


def test_usage_that_nobody_tells_is_none(tmp_path: Path) -> None:
    assert cgroup.UsageReader(tree(tmp_path, "", "", {})).read() == cgroup.Usage()
    garbage = {
        "memory.current": "many",
        "memory.stat": "inactive_file -5",
        "cpu.stat": "nr_periods",
    }
    (tmp_path / "v2").mkdir()
    assert cgroup.UsageReader(v2(tmp_path / "v2", garbage)).read() == cgroup.Usage()
