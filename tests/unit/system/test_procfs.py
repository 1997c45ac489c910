from __future__ import annotations

import os
from pathlib import Path

from forked import CLONE_NEWNS, in_child, mount, needs_mounts

from entrypoint.system import procfs

TABLE = """\
22 27 0:21 / /proc rw,relatime shared:5 - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
30 27 0:30 / /a/b rw - tmpfs old rw
31 27 0:31 / /a rw - tmpfs new rw,size=4k
32 31 0:32 /sub /a/c\\040d rw - ext4 /dev/vdb rw
33 32 0:33 / /a/c\\040d rw - tmpfs top rw
a line that is not one
x y 0:1 / / rw - proc proc rw
40 27 0:40 / / rw
"""


def tree(tmp_path: Path, table: str) -> str:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/mountinfo").write_text(table)
    return str(tmp_path)


def source(path: str, mounts: tuple[procfs.Mount, ...]) -> str | None:
    mount = procfs.mount_of(path, mounts)
    return mount.source if mount else None


def test_lines_are_parsed_and_nonsense_is_left_out(tmp_path: Path) -> None:
    mounts = procfs.read_mounts(tree(tmp_path, TABLE))
    assert [mount.id for mount in mounts] == [22, 27, 30, 31, 32, 33]
    assert mounts[4] == procfs.Mount(32, 31, "/sub", "/a/c d", "ext4", "/dev/vdb", ("rw",))


def test_a_path_belongs_to_the_mount_that_the_kernel_would_take(tmp_path: Path) -> None:
    mounts = procfs.read_mounts(tree(tmp_path, TABLE))
    assert source("/etc/passwd", mounts) == "/dev/vda"
    assert source("/proc", mounts) == "proc"
    assert source("/process", mounts) == "/dev/vda"
    # The later mount on /a hides the older one on /a/b.
    assert source("/a/b/x", mounts) == "new"
    # Of two mounts on the same folder the upper one counts.
    assert source("/a/c d/x", mounts) == "top"


def test_the_sizes_of_tmpfs_mounts_are_added_each_once(tmp_path: Path) -> None:
    mounts = procfs.read_mounts(tree(tmp_path, TABLE))
    assert procfs.tmpfs_sizes(("/a/x",), mounts) == 4096
    assert procfs.tmpfs_sizes(("/a/x", "/a/y", "/etc", "/proc", "/a/c d"), mounts) == 4096
    odd = ("size=4", "size=k", "size=-4k", "size=4kk", f"size={'9' * 16}k", "huge=within_size")
    mounts = procfs.read_mounts(
        tree(tmp_path / "odd", f"1 1 0:1 / / rw - tmpfs a {','.join(odd)}\n")
    )
    assert procfs.tmpfs_sizes(("/",), mounts) == 0


@needs_mounts
def test_the_kernel_tells_the_size_of_a_tmpfs(tmp_path: Path) -> None:
    def look() -> int:
        mount("tmpfs", str(tmp_path), "tmpfs", 0, "size=1m")
        return procfs.tmpfs_sizes((f"{tmp_path}/below",), procfs.read_mounts())

    assert in_child(look, namespaces=CLONE_NEWNS) == 1 << 20


def test_without_a_root_the_longest_mount_point_counts(tmp_path: Path) -> None:
    table = "30 27 0:30 / /a rw - tmpfs a rw\n31 27 0:31 / /a/b rw - tmpfs b rw\n"
    mounts = procfs.read_mounts(tree(tmp_path, table))
    assert source("/a/b/c", mounts) == "b"
    assert source("/c", mounts) is None


def test_mounts_that_are_each_others_parents_end(tmp_path: Path) -> None:
    table = "1 1 0:1 / / rw - t a rw\n2 1 0:1 / /x rw - t b rw\n1 2 0:1 / /x rw - t c rw\n"
    assert source("/x", procfs.read_mounts(tree(tmp_path, table))) == "b"


def test_the_live_table_knows_proc() -> None:
    mount = procfs.mount_of("/proc/self", procfs.read_mounts())
    assert mount is not None
    assert mount.kind == "proc"


def test_text_is_bounded_and_a_missing_file_is_empty(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 1000)
    assert procfs.read_text(str(tmp_path / "big"), 10) == "x" * 10
    assert procfs.read_text(str(tmp_path / "none")) == ""
    assert procfs.read_text(str(tmp_path)) == ""
    assert procfs.read_text("a\0b") == ""


def test_text_does_not_wait_for_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert procfs.read_text(str(tmp_path / "pipe")) == ""
