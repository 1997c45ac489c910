from __future__ import annotations

import errno
import os
import resource
import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from forked import (
    CLONE_NEWNS,
    MS_BIND,
    MS_RDONLY,
    MS_REMOUNT,
    NOBODY,
    in_child,
    mount,
    needs_mounts,
    needs_root,
    open_folder,
)

from entrypoint.errors import EXIT_CANNOT_CREATE, Problem, ProblemsError, format_problem
from entrypoint.system import file_problem
from entrypoint.system.files import make_folder, write_file


def refusal(call: Callable[[], object]) -> Problem:
    with pytest.raises(ProblemsError) as caught:
        call()
    (problem,) = caught.value.problems
    assert problem.id == "file-unwritable"
    assert problem.exit_code == EXIT_CANNOT_CREATE
    assert [label for label, _ in problem.details if label == "fix"] == ["fix"]
    assert "\n" not in problem.what
    return problem


def detail(problem: Problem, label: str) -> str:
    return dict(problem.details)[label]


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=["umask-000", "umask-022", "umask-077"])
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_umask")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o666, 0o755])
def test_a_file_has_its_mode_whatever_the_umask(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "file"
    assert write_file(str(path), b"content", mode)
    assert path.read_bytes() == b"content"
    assert mode_of(path) == mode
    assert os.listdir(tmp_path) == ["file"]


def test_a_file_is_never_more_open_than_its_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    fchmod = os.fchmod

    def look(fd: int, mode: int) -> None:
        seen.append(stat.S_IMODE(os.fstat(fd).st_mode))
        fchmod(fd, mode)

    before = os.umask(0)
    try:
        monkeypatch.setattr(os, "fchmod", look)
        write_file(str(tmp_path / "secret"), b"x", 0o600)
    finally:
        os.umask(before)
    assert seen == [0o600]


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old and longer")
    path.chmod(0o644)
    with path.open("rb") as reader:
        assert write_file(str(path), b"new", 0o600)
        assert reader.read() == b"old and longer"
    assert path.read_bytes() == b"new"
    assert mode_of(path) == 0o600
    assert os.listdir(tmp_path) == ["file"]


def test_once_keeps_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "nid"
    assert write_file(str(path), b"7", 0o600, once=True)
    assert not write_file(str(path), b"8", 0o600, once=True)
    assert path.read_bytes() == b"7"
    (tmp_path / "link").symlink_to("nid")
    assert not write_file(str(tmp_path / "link"), b"8", 0o600, once=True)
    assert path.read_bytes() == b"7"
    assert sorted(os.listdir(tmp_path)) == ["link", "nid"]


def test_once_loses_a_race_in_peace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "nid"
    fchmod = os.fchmod

    def be_slow(fd: int, mode: int) -> None:
        path.write_bytes(b"the other's")
        fchmod(fd, mode)

    monkeypatch.setattr(os, "fchmod", be_slow)
    assert not write_file(str(path), b"ours", 0o600, once=True)
    assert path.read_bytes() == b"the other's"
    assert os.listdir(tmp_path) == ["nid"]


def test_once_works_where_there_are_no_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    assert write_file(str(tmp_path / "nid"), b"7", 0o600, once=True)
    assert (tmp_path / "nid").read_bytes() == b"7"
    assert os.listdir(tmp_path) == ["nid"]


@pytest.mark.parametrize("once", [False, True])
def test_only_regular_files_are_replaced(tmp_path: Path, once: bool) -> None:
    victim = tmp_path / "victim"
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("victim")
    os.mkfifo(tmp_path / "pipe")
    expected = {"folder": "is a folder", "link": "is a symbolic link", "pipe": "is a device, pipe"}
    for name, words in expected.items():
        problem = refusal(lambda name=name: write_file(str(tmp_path / name), b"x", 0o600, once))  # type: ignore[misc]
        assert words in problem.what
        assert str(tmp_path / name) in problem.what
    assert not victim.exists()
    assert sorted(os.listdir(tmp_path)) == ["folder", "link", "pipe"]


def test_a_link_to_a_file_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"precious")
    (tmp_path / "link").symlink_to("victim")
    refusal(lambda: write_file(str(tmp_path / "link"), b"x", 0o600))
    assert (tmp_path / "victim").read_bytes() == b"precious"


def test_our_own_links_on_the_path_are_followed(tmp_path: Path) -> None:
    (tmp_path / "real/deep").mkdir(parents=True)
    (tmp_path / "relative").symlink_to("real/../real")
    (tmp_path / "absolute").symlink_to(tmp_path / "relative")
    write_file(str(tmp_path / "absolute/deep/../deep/file"), b"x", 0o600)
    make_folder(str(tmp_path / "relative/more/folders"))
    assert (tmp_path / "real/deep/file").read_bytes() == b"x"
    assert (tmp_path / "real/more/folders").is_dir()


@needs_root
@pytest.mark.parametrize("mode", [0o777, 0o1777])
def test_a_link_of_somebody_else_in_a_public_folder_is_refused(mode: int) -> None:
    with open_folder() as top:
        public, victim = Path(top, "public"), Path(top, "victim")
        public.mkdir()
        public.chmod(mode)
        victim.mkdir()
        (public / "conf").symlink_to(victim)
        os.lchown(public / "conf", NOBODY, NOBODY)
        for call in (
            lambda: write_file(f"{public}/conf/file", b"x", 0o600),
            lambda: make_folder(f"{public}/conf/folder"),
        ):
            problem = refusal(call)
            assert f'"conf" on its path is a symbolic link of uid {NOBODY}' in problem.what
        assert os.listdir(victim) == []
        # In a folder of its own owner the link is that owner's word, as in an image.
        public.chmod(0o755)
        write_file(f"{public}/conf/file", b"x", 0o600)
        assert os.listdir(victim) == ["file"]


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    problem = refusal(lambda: write_file(str(tmp_path / "a/file"), b"x", 0o600))
    assert "too many symbolic links" in problem.what


def test_paths_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path, words in {
        "file/below": "a folder on its path is a file",
        "none/file": "its folder does not exist",
        "n" * 256: "the name is too long",
        "a\0b": "it is not a path",
        "folder/": "its folder does not exist",
        "..": "it is a folder",
    }.items():
        problem = refusal(lambda path=path: write_file(f"{tmp_path}/{path}", b"x", 0o600))  # type: ignore[misc]
        assert words in problem.what
        assert "\0" not in format_problem(problem)
    problem = refusal(lambda: make_folder(f"{tmp_path}/file/below"))
    assert f"remove {tmp_path}/file," in detail(problem, "fix")
    assert os.listdir(tmp_path) == ["file"]


def test_a_name_may_be_as_long_as_names_can_be(tmp_path: Path) -> None:
    assert write_file(str(tmp_path / ("n" * 255)), b"x", 0o600)
    assert os.listdir(tmp_path) == ["n" * 255]


@pytest.mark.usefixtures("_umask")
def test_folders_are_made_with_their_mode(tmp_path: Path) -> None:
    make_folder(str(tmp_path / "a/b"), 0o750)
    assert [mode_of(tmp_path / "a"), mode_of(tmp_path / "a/b")] == [0o750, 0o750]
    make_folder(str(tmp_path / "a/b/c/"))
    assert [mode_of(tmp_path / "a/b"), mode_of(tmp_path / "a/b/c")] == [0o750, 0o700]
    make_folder("/")


def test_the_group_bit_of_a_volume_is_handed_down(tmp_path: Path) -> None:
    tmp_path.chmod(0o2770)
    make_folder(str(tmp_path / "a"), 0o700)
    assert mode_of(tmp_path / "a") == 0o2700


@needs_root
def test_a_folder_of_somebody_else_says_whose_it_is() -> None:
    with open_folder() as folder:

        def write() -> Problem:
            return refusal(lambda: write_file(f"{folder}/file", b"x", 0o600))

        problem = in_child(write, uid=NOBODY)
    assert problem.what == f"cannot write {folder}/file: permission denied"
    assert f"{folder} (uid 0, gid 0, mode 0755)" in detail(problem, "where")
    assert f"let uid {NOBODY}, gid {NOBODY} write there" in detail(problem, "fix")


@needs_mounts
def test_a_read_only_file_system_asks_for_a_volume() -> None:
    def write() -> tuple[Problem, Problem, Problem, Problem]:
        mount("tmpfs", "/run", "tmpfs", MS_RDONLY)
        return (
            refusal(lambda: make_folder("/run/entrypoint/conf")),
            refusal(lambda: write_file("/run/x", b"x", 0o600)),
            refusal(lambda: make_folder("/run/entrypoint")),
            refusal(lambda: make_folder("/run/other/logs")),
        )

    conf, other, run, logs = in_child(write, namespaces=CLONE_NEWNS)
    assert conf.what == (
        "cannot make the folder /run/entrypoint/conf: the file system is read-only"
    )
    assert detail(conf, "fix") == detail(run, "fix")
    assert detail(conf, "fix") == (
        "mount a writable volume (emptyDir, medium Memory) at /run/entrypoint,"
        " or set ENTRYPOINT_RUN_DIR"
    )
    assert "file system /run (tmpfs)" in detail(conf, "where")
    assert detail(conf, "says") == "Read-only file system (EROFS)"
    assert detail(other, "fix") == "mount a writable volume (emptyDir) at /run"
    assert detail(logs, "fix") == "mount a writable volume (emptyDir) at /run/other/logs"


@needs_mounts
def test_a_full_disk_names_the_mount_and_leaves_nothing(tmp_path: Path) -> None:
    def write() -> tuple[Problem, list[str], bytes]:
        mount("tmpfs", str(tmp_path), "tmpfs", 0, "size=64k")
        write_file(f"{tmp_path}/file", b"old", 0o600)
        problem = refusal(lambda: write_file(f"{tmp_path}/file", b"x" * 100_000, 0o600))
        return problem, os.listdir(tmp_path), (tmp_path / "file").read_bytes()

    problem, names, content = in_child(write, namespaces=CLONE_NEWNS)
    assert problem.what == f"cannot write {tmp_path}/file: no space left"
    assert f"file system {tmp_path} (tmpfs), 60 KiB of 64 KiB free" in detail(problem, "where")
    assert "sizeLimit" in detail(problem, "fix")
    assert names == ["file"]
    assert content == b"old"


@needs_mounts
def test_a_disk_without_inodes_says_so(tmp_path: Path) -> None:
    def write() -> Problem:
        mount("tmpfs", str(tmp_path), "tmpfs", 0, "size=1m,nr_inodes=2")
        write_file(f"{tmp_path}/file", b"", 0o600)
        return refusal(lambda: write_file(f"{tmp_path}/more", b"x", 0o600))

    problem = in_child(write, namespaces=CLONE_NEWNS)
    assert "no space left" in problem.what
    assert "no inode left" in detail(problem, "where")


@needs_mounts
def test_a_mounted_file_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"mounted")
    (tmp_path / "target").write_bytes(b"image")

    def write() -> tuple[Problem, list[str]]:
        mount(f"{tmp_path}/source", f"{tmp_path}/target", None, MS_BIND)
        mount("none", f"{tmp_path}/target", None, MS_BIND | MS_REMOUNT | MS_RDONLY)
        problem = refusal(lambda: write_file(f"{tmp_path}/target", b"x", 0o600))
        return problem, sorted(os.listdir(tmp_path))

    problem, names = in_child(write, namespaces=CLONE_NEWNS)
    assert "it is a mount point" in problem.what
    assert names == ["source", "target"]
    assert (tmp_path / "source").read_bytes() == b"mounted"


def test_a_limit_on_the_size_of_files_is_a_problem(tmp_path: Path) -> None:
    def write() -> tuple[str, list[str]]:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        problem = refusal(lambda: write_file(f"{tmp_path}/file", b"x" * 2000, 0o600))
        return problem.what, os.listdir(tmp_path)

    what, names = in_child(write)
    assert what.endswith("the file is larger than is allowed")
    assert names == []


@pytest.mark.parametrize(
    "number", [errno.EACCES, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EXDEV, 0]
)
def test_whatever_fails_there_is_one_problem_with_a_fix(number: int, tmp_path: Path) -> None:
    error = OSError(number, os.strerror(number))
    problem = file_problem.make_problem("write /a", str(tmp_path / "a"), error)
    assert problem.what.startswith("cannot write /a: ")
    assert detail(problem, "fix")
    assert os.strerror(number) in detail(problem, "says")


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "loop").symlink_to("loop")
    before = len(os.listdir("/proc/self/fd"))
    make_folder(f"{tmp_path}/link/a/b")
    write_file(f"{tmp_path}/link/a/file", b"x")
    for bad in ("link/none/x", "loop/x", "link/a/file/x", "link/a"):
        refusal(lambda bad=bad: write_file(f"{tmp_path}/{bad}", b"x"))  # type: ignore[misc]
    assert len(os.listdir("/proc/self/fd")) == before
