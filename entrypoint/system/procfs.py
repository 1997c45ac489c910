"""What the kernel tells in small text files: reading them, and the table of mounts.

Here: bounded reads of /proc and /sys, and which mount a path lies on. `root` is the folder that
stands for `/`, so that a saved tree can be read like a live one. No decisions.
"""

from __future__ import annotations

import os

from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

TEXT_LIMIT: Final = 64 * 1024
MOUNTS_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of mountinfo that are read: a node with thousands of mounts shows them all to a host process."""


@record
class Mount:
    """A line of mountinfo: `root` is the folder of the file system that is seen at `point`.

    `kind` is the file system's type, `options` are its own (super) options, such as `memory`.
    """

    id: int
    parent: int
    root: str
    point: str
    kind: str
    source: str
    options: tuple[str, ...]


def at(root: str, path: str) -> str:
    """Return the absolute `path` below `root`."""
    return root.rstrip("/") + path


def read_text(path: str, limit: int = TEXT_LIMIT) -> str:
    """Return at most `limit` bytes of a file as text; "" where it is missing or cannot be read."""
    data = bytearray()
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            while len(data) < limit and (part := os.read(fd, limit - len(data))):
                data += part
        finally:
            os.close(fd)
    except (OSError, ValueError):
        return ""
    return os.fsdecode(bytes(data))


def read_mounts(root: str = "/") -> tuple[Mount, ...]:
    """Return the mounts that this process sees; lines that are not understood are left out."""
    lines = read_text(at(root, "/proc/self/mountinfo"), MOUNTS_LIMIT).splitlines()
    return tuple(mount for line in lines if (mount := _parse_mount(line)) is not None)


def mount_of(path: str, mounts: tuple[Mount, ...]) -> Mount | None:
    """Return the mount that an absolute path without symbolic links lies on; None if none is known.

    Walks the tree of mounts as the kernel does, since a later mount on `/a` hides an older one on
    `/a/b`. Where the tree has no `/` (a chroot), the longest mount point counts.
    """
    ids = {mount.id for mount in mounts}
    above = [mount for mount in mounts if _holds(mount.point, path)]
    tops = (m for m in above if m.point == "/" and (m.parent == m.id or m.parent not in ids))
    current = next(tops, None)
    if current is None:
        return max(above, key=lambda mount: len(mount.point), default=None)
    children: dict[int, list[Mount]] = {}
    for mount in above:
        children.setdefault(mount.parent, []).append(mount)
    seen = {current.id}
    while below := [m for m in children.get(current.id, ()) if m.id not in seen]:
        current = min(below, key=lambda mount: len(mount.point))
        seen.add(current.id)
    return current


def tmpfs_sizes(paths: tuple[str, ...], mounts: tuple[Mount, ...]) -> int:
    """Return the bytes that the tmpfs mounts of some paths may hold, each once; without a size, 0."""
    below = {path: mount_of(os.path.realpath(path), mounts) for path in paths}
    found = {mount.id: mount for mount in below.values() if mount and mount.kind == "tmpfs"}
    return sum(_size(option) for mount in found.values() for option in mount.options)


def _size(option: str) -> int:
    # The kernel writes size=8192k, whatever was asked for.
    number = option.removeprefix("size=").removesuffix("k")
    known = option == f"size={number}k" and number.isascii() and number.isdecimal()
    return int(number) << 10 if known and len(number) < 16 else 0


def _holds(point: str, path: str) -> bool:
    return point in ("/", path) or path.startswith(point + "/")


def _parse_mount(line: str) -> Mount | None:
    """Parse `22 27 0:21 / /proc rw,relatime shared:5 - proc proc rw`."""
    before, dash, after = line.partition(" - ")
    words, rest = before.split(" "), after.split(" ")
    if not dash or len(words) < 6 or len(rest) < 3:
        return None
    try:
        number, parent = int(words[0]), int(words[1])
    except ValueError:
        return None
    options = tuple(rest[2].split(","))
    return Mount(
        number, parent, _unescape(words[3]), _unescape(words[4]), rest[0], rest[1], options
    )


def _unescape(text: str) -> str:
    # The kernel writes space, tab, newline, backslash and # as octal.
    if "\\" not in text:
        return text
    for code, character in (("040", " "), ("011", "\t"), ("012", "\n"), ("043", "#")):
        text = text.replace("\\" + code, character)
    return text.replace("\\134", "\\")
