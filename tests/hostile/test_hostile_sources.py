"""Files that are not what they seem: read within bounds, never waited for, and told by their kind."""

from __future__ import annotations

import os
import random
import socket
from pathlib import Path

import pytest
from bounded import bounded
from test_hostile_targets import meanwhile

from entrypoint import sources
from entrypoint.errors import ProblemsError
from entrypoint.system import inputs
from entrypoint.system.changes import Looks
from entrypoint.system.hsperf import Reader
from entrypoint.system.inputs import FILE_LIMIT, FILES_LIMIT, collect, expand, read_file
from entrypoint.system.procfs import TEXT_LIMIT, read_text

KINDS = ("pipe", "folder", "socket", "sparse", "full", "zero", "endless", "loop", "nowhere", "nul")


@pytest.fixture
def made(tmp_path: Path) -> dict[str, str]:
    """Paths of things that are no configuration."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    here = os.getcwd()
    os.chdir(tmp_path)
    try:
        socket.socket(socket.AF_UNIX).bind("socket")
    finally:
        os.chdir(here)
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(10 << 30)
    (tmp_path / "full").write_bytes(b"x" * (FILE_LIMIT + 1))
    (tmp_path / "endless").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "nowhere").symlink_to("absent")
    paths = {name: f"{tmp_path}/{name}" for name in KINDS}
    return paths | {"zero": "/dev/zero", "nul": f"{tmp_path}/a\0b"}


SAYS = {
    "pipe": "a named pipe",
    "folder": "a directory",
    "socket": "a socket",
    "sparse": "larger than 1 MiB",
    "full": "larger than 1 MiB",
    "zero": "a device",
    "endless": "a device",
    "loop": "too many symbolic links",
    "nowhere": "",
    "nul": "NUL",
}


@pytest.mark.parametrize("name", KINDS)
def test_what_is_no_file_is_told_and_not_waited_for(made: dict[str, str], name: str) -> None:
    found = bounded(lambda: read_file(made[name], mounts=()))
    if name == "nowhere":
        assert found is None
        return
    assert found is not None
    assert SAYS[name] in found.problem
    assert found.content == b""


@pytest.mark.parametrize("name", [name for name in KINDS if name != "nul"])
@pytest.mark.parametrize("what", ["profile", "overlay", "template", "recording"])
def test_a_named_file_that_is_none_is_a_problem(made: dict[str, str], name: str, what: str) -> None:
    def read() -> str:
        try:
            sources.read_text(made[name], what)
        except ProblemsError as error:
            return error.problems[0].id
        return ""

    assert bounded(read) == f"{what}-unreadable"


@pytest.mark.parametrize("name", KINDS)
def test_the_kernels_files_are_read_within_bounds(made: dict[str, str], name: str) -> None:
    assert bounded(lambda: len(read_text(made[name]))) <= TEXT_LIMIT


@pytest.mark.parametrize("name", KINDS)
def test_a_watched_file_that_turns_into_something_else(made: dict[str, str], name: str) -> None:
    content = bounded(lambda: Looks([made[name]]).look()[made[name]])
    assert name == "nowhere" or content.problem


def test_a_folder_of_far_too_many_files(tmp_path: Path) -> None:
    for number in range(FILES_LIMIT + 1):
        (tmp_path / f"{number}.options").write_bytes(b"")
    with pytest.raises(ValueError, match=f"more than {FILES_LIMIT}"):
        expand(f"{tmp_path}/*.options")
    found = collect({}, (), patterns=[f"{tmp_path}/*.options"])
    assert "files match" in found.files[0].problem
    # As a regular expression this would be tried in more ways than there is time for.
    (tmp_path / ("a" * 200)).write_bytes(b"")
    assert expand(f"{tmp_path}/" + "*a" * 60 + "*b") == []


def test_a_file_that_changes_while_it_is_read_is_never_half_of_each(tmp_path: Path) -> None:
    """A writer replaces, overwrites and truncates; what we take is a whole old or a whole new one."""
    path = tmp_path / "file"
    contents = (b"a" * 200_000, b"b" * 150_000)
    path.write_bytes(contents[0])

    def change(chance: random.Random) -> None:
        new = chance.choice(contents)
        if chance.randrange(3):
            (tmp_path / "new").write_bytes(new)
            os.replace(tmp_path / "new", path)
        else:
            path.write_bytes(new)

    seen = {"whole": 0, "refused": 0}
    with meanwhile(change):
        for _ in range(600):
            found = read_file(str(path), mounts=())
            assert found is not None
            if found.problem:
                assert "changes" in found.problem
                seen["refused"] += 1
            else:
                # An open for writing empties it first: that is a state the writer chose.
                assert len(set(found.content)) <= 1
                seen["whole"] += 1
    assert seen["whole"]


def test_a_file_that_shrinks_or_grows_under_the_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    read = inputs._read_into
    for size in (0, 10, 2 << 20):
        path.write_bytes(b"x" * 1000)

        def change(fd: int, place: memoryview, size: int = size) -> int:
            with path.open("r+b") as file:
                file.truncate(size + int.from_bytes(os.urandom(1), "big"))
            return read(fd, place)

        monkeypatch.setattr(inputs, "_read_into", change)
        found = read_file(str(path), mounts=())
        monkeypatch.setattr(inputs, "_read_into", read)
        assert found is not None
        assert found.problem


def test_links_of_a_config_map_that_flip_while_we_read(tmp_path: Path) -> None:
    """As the kubelet does it: `..data` is renamed over; each read is of one generation."""
    for generation in ("1", "2"):
        (tmp_path / f"..{generation}").mkdir()
        (tmp_path / f"..{generation}/file").write_bytes(generation.encode() * 50_000)
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "file").symlink_to("..data/file")

    def change(chance: random.Random) -> None:
        (tmp_path / "..new").symlink_to(f"..{chance.choice('12')}")
        os.rename(tmp_path / "..new", tmp_path / "..data")

    with meanwhile(change):
        for _ in range(1000):
            found = read_file(f"{tmp_path}/file", mounts=())
            assert found is not None
            assert found.problem == ""
            assert len(set(found.content)) == 1
            assert len(found.content) == 50_000


def test_counters_that_are_somebody_elses(tmp_path: Path) -> None:
    """A pid without a JVM, with whatever lies in /tmp: no counters, and no descriptor left open."""
    before = len(os.listdir("/proc/self/fd"))
    for pid in (os.getpid(), 1, 2**22 - 1):
        reader = Reader(pid)
        with pytest.raises(ValueError, match=r"."):
            reader.read()
        reader.close()
    assert len(os.listdir("/proc/self/fd")) == before
