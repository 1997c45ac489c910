"""Files that are wanted by a pattern: a folder of options."""

from __future__ import annotations

from pathlib import Path

from forked import NOBODY, in_child, needs_root, open_folder

from entrypoint.system import inputs
from entrypoint.system.inputs import collect


def found(*patterns: str) -> list[tuple[str, bytes, str]]:
    files = collect({}, (), patterns=patterns).files
    return [(Path(file.path).name, file.content, file.problem) for file in files]


def test_a_pattern_finds_its_files_sorted_as_a_configmap_holds_them(tmp_path: Path) -> None:
    data = tmp_path / "..2026_11_24"
    data.mkdir()
    (tmp_path / "..data").symlink_to(data.name)
    for name in ("b.options", "a.options", "c.options.bak"):
        (data / name).write_text(name)
        (tmp_path / name).symlink_to(f"..data/{name}")
    (tmp_path / "d.options").mkdir()
    assert found(f"{tmp_path}/*.options") == [
        ("a.options", b"a.options", ""),
        ("b.options", b"b.options", ""),
        ("d.options", b"", "a directory, not a regular file"),
    ]


def test_a_file_is_read_once_and_a_plain_path_is_a_pattern_too(tmp_path: Path) -> None:
    (tmp_path / "a.options").write_text("x")
    both = (f"{tmp_path}/a.options", f"{tmp_path}/*.options", f"{tmp_path}/none")
    assert found(*both) == [("a.options", b"x", "")]
    assert collect({}, both[:1], patterns=both).files == collect({}, both[:1]).files


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert found(f"{tmp_path}/none/*.options", f"{tmp_path}/file/*") == []


@needs_root
def test_a_folder_that_cannot_be_read_is_a_problem() -> None:
    with open_folder() as folder:
        closed = Path(folder, "closed")
        closed.mkdir(0o700)
        pattern = f"{closed}/*.options"
        files = in_child(lambda: collect({}, (), patterns=(pattern,)).files, uid=NOBODY)
        assert [(file.path, file.problem) for file in files] == [(pattern, "permission denied")]


def test_a_folder_of_too_many_files_is_a_problem(tmp_path: Path) -> None:
    for number in range(inputs.FILES_LIMIT + 1):
        (tmp_path / f"{number}.options").touch()
    ((name, _, problem),) = found(f"{tmp_path}/*.options")
    assert name == "*.options"
    assert problem == "257 files match, more than 256"
