"""Looks at real files: what costs a read, and what is seen of files that misbehave."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from forked import NOBODY, in_child, needs_root, open_folder

from entrypoint.lifecycle.changes import ABSENT, content_of
from entrypoint.system import changes, inputs
from entrypoint.system.changes import Looks, try_plan
from entrypoint.system.expected import Expected


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that were read, in order."""
    found: list[str] = []
    real = inputs.read_bytes

    def read_bytes(path: str) -> object:
        found.append(path)
        return real(path)

    monkeypatch.setattr(inputs, "read_bytes", read_bytes)
    return found


def old(path: Path) -> None:
    """Make a file look as if it was written long ago; its ctime cannot be set, so time goes on."""
    os.utime(path, (1_700_000_000, 1_700_000_000))


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a minute have passed since every file was written."""
    now = time.time_ns
    monkeypatch.setattr(changes.time, "time_ns", lambda: now() + 60_000_000_000)


@pytest.mark.usefixtures("later")
def test_a_file_is_read_once_and_again_only_when_its_stat_changes(
    tmp_path: Path, reads: list[str]
) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"one")
    looks = Looks([str(file), str(tmp_path / "missing")])
    assert looks.look() == {str(file): content_of(b"one"), str(tmp_path / "missing"): ABSENT}
    assert looks.look() == looks.look()
    assert reads == [str(file)]
    old(file)
    assert looks.look()[str(file)] == content_of(b"one")
    file.write_bytes(b"two")
    assert looks.look()[str(file)] == content_of(b"two")
    assert len(reads) == 3


def test_a_file_that_was_just_written_is_read_again(tmp_path: Path, reads: list[str]) -> None:
    """Within one tick of the kernel's clock a second change leaves no trace in the stat."""
    file = tmp_path / "a"
    file.write_bytes(b"one")
    looks = Looks([str(file)])
    looks.look()
    looks.look()
    assert len(reads) == 2


def test_what_was_read_is_wiped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory that is only given back keeps what was in it, and PID 1 lives long."""
    seen: list[bytearray] = []
    real = inputs.wipe

    def wipe(data: bytearray) -> None:
        assert data == b"secret"
        seen.append(data)
        real(data)

    monkeypatch.setattr(inputs, "wipe", wipe)
    (tmp_path / "a").write_bytes(b"secret")
    assert Looks([str(tmp_path / "a")]).look() == {str(tmp_path / "a"): content_of(b"secret")}
    assert seen == [bytearray(6)]


@pytest.mark.usefixtures("later")
def test_links_are_followed_to_what_they_mean_now(tmp_path: Path) -> None:
    for version in ("1", "2"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "key").write_text(version)
    (tmp_path / "..data").symlink_to("1")
    (tmp_path / "key").symlink_to("..data/key")
    looks = Looks([str(tmp_path / "key")])
    assert looks.look() == {str(tmp_path / "key"): content_of(b"1")}
    (tmp_path / "new").symlink_to("2")
    os.rename(tmp_path / "new", tmp_path / "..data")
    assert looks.look() == {str(tmp_path / "key"): content_of(b"2")}
    (tmp_path / "..data").unlink()
    assert looks.look() == {str(tmp_path / "key"): ABSENT}


def test_patterns_find_what_is_new(tmp_path: Path) -> None:
    folder = tmp_path / "jvm.options.d"
    pattern = str(folder / "*.options")
    looks = Looks([], [pattern])
    assert looks.look() == {}
    folder.mkdir()
    (folder / "heap.options").write_text("-Xmx1g")
    assert looks.look() == {str(folder / "heap.options"): content_of(b"-Xmx1g")}


def test_what_cannot_be_read_has_a_reason_and_holds_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "huge").write_bytes(b"x")
    os.truncate(tmp_path / "huge", 1 << 40)
    seen = Looks(str(tmp_path / name) for name in ("pipe", "loop", "huge", "nul\0")).look()
    reasons = {os.path.basename(path): content.problem for path, content in seen.items()}
    assert reasons["pipe"] == "a named pipe, not a regular file"
    assert reasons["loop"] == "too many symbolic links"
    assert reasons["huge"] == "larger than 1 MiB"
    assert reasons["nul\0"]


@needs_root
def test_a_folder_without_rights_is_a_reason_too() -> None:
    with open_folder() as folder:
        os.mkdir(f"{folder}/private", 0o700)
        paths, patterns = [f"{folder}/private/a"], [f"{folder}/private/*.options"]
        seen = in_child(lambda: Looks(paths, patterns).look(), uid=NOBODY)
    assert {content.problem for content in seen.values()} == {"permission denied"}
    assert set(seen) == {*paths, *patterns}


def trial(words: list[str], seconds: float = 60.0) -> changes.Trial:
    """Try a plan, and reap as the main loop would."""

    def expect(spawn: Callable[[], int]) -> Expected:
        pid = spawn()
        expected = Expected(pid)
        _, status = os.waitpid(pid, 0)
        expected.end(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else None)
        return expected

    return try_plan(words, seconds, set(), expect)


def test_a_plan_is_tried_as_the_verb_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # somewhere where java's working directory may be
    (tmp_path / "entrypoint.py").write_text("raise SystemExit(3)")
    profile = tmp_path / "shop.yaml"
    profile.write_text("profile: shop\nextends: jvm\nsettings: {app.main: {default: x}}\nhme: /\n")
    found = trial([str(profile)])
    assert found.code == 78
    assert found.says == 'unknown key "hme"'


def test_a_trial_without_an_end_is_no_answer() -> None:
    def expect(spawn: Callable[[], int]) -> Expected:
        killed.append(spawn())
        os.kill(killed[0], 19)
        return Expected(killed[0])

    killed: list[int] = []
    found = try_plan(["jvm"], 0.01, set(), expect)
    assert (found.code, found.says) == (None, "no answer in 0.01s")
    assert os.waitstatus_to_exitcode(os.waitpid(killed[0], 0)[1]) == -9


def test_no_process_to_be_had_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/missing/python")
    assert try_plan(["jvm"], 1.0, set(), lambda spawn: Expected(spawn())).code is None
