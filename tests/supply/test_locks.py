"""The lock files: everything pinned and hashed, nothing about a registry, and as pyproject.toml says."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from scripts.supply import locks
from scripts.supply.locks import BUILD, DEV, LOCKS, RUNTIME, TEST, Lock
from scripts.supply.tools import ROOT, Tools

HASH = "a" * 64
EACH = pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.file)


def versions(lock: Lock) -> dict[str, str]:
    return {one.name: one.version for one in locks.read(lock)}


@EACH
def test_every_entry_is_pinned_and_hashed(lock: Lock) -> None:
    found = locks.read(lock)
    assert found and all(one.hashes for one in found)
    names = [one.name for one in found]
    assert names == sorted(set(names))


@EACH
def test_no_registry_is_named(lock: Lock) -> None:
    text = lock.path.read_text(encoding="utf-8")
    assert "://" not in text and not re.search(r"^\s*-(?!-hash=)", text, re.MULTILINE)


@EACH
def test_it_holds_what_the_project_asks_for(lock: Lock) -> None:
    found = versions(lock)
    for name, wanted in locks.required(lock).items():
        assert name in found, f"{name} is not in {lock.file}: run scripts/upkeep lock --keep"
        assert SpecifierSet(wanted).contains(found[name], prereleases=True), (name, wanted)


def test_what_two_lock_files_have_is_the_same() -> None:
    dev = {one.name: (one.version, one.hashes) for one in locks.read(DEV)}
    for lock in (RUNTIME, BUILD, TEST):
        for one in locks.read(lock):
            assert dev[one.name] == (one.version, one.hashes), f"{one.name} of {lock.file}"


def test_the_build_backend_of_the_project_is_locked() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (wanted,) = re.findall(r'^requires = \["([a-z]+)>=[\d.]+"\]$', text, re.MULTILINE)
    assert wanted in versions(BUILD)


@pytest.mark.parametrize(
    "line",
    [
        f"jinja2>=3.1 --hash=sha256:{HASH}",
        "jinja2==3.1.6",
        f"jinja2==3.1.6 --hash=sha256:{HASH[1:]}",
        f"jinja2==3.1.6 --hash=md5:{HASH[:32]}",
        f"jinja2 @ https://example.com/jinja2.whl --hash=sha256:{HASH}",
        "--index-url https://example.com/simple",
        "--extra-index-url https://example.com/simple",
        "-r other.txt",
        "-e .",
        "./jinja2.whl",
    ],
)
def test_a_line_that_is_no_pinned_entry_is_found(line: str) -> None:
    good = f"pip==26.3 \\\n    --hash=sha256:{HASH}"
    found, wrong = locks.entries(f"{good}\n{line}\n")
    assert [one.name for one in found] == ["pip"] and wrong == [line[:100]]


def test_marker_and_hashes_are_read() -> None:
    text = f"a-b==1.0 ; sys_platform == 'win32' \\\n    --hash=sha256:{HASH} \\\n    --hash=sha256:{HASH}\n"
    (found,), wrong = locks.entries(text)
    assert found == locks.Entry("a-b", "1.0", "sys_platform == 'win32'", (HASH, HASH)) and not wrong


def test_nothing_is_installed_without_its_hash() -> None:
    """By ./run and ./test, and into images; our own sources are what is left."""
    for file in (
        "scripts/setup.sh",
        "scripts/supply/tools.py",
        "images/context.py",
        "images/parts/install.py",
    ):
        text = (ROOT / file).read_text(encoding="utf-8")
        calls = list(re.finditer(r'-m pip install|"(?:install|download)",', text))
        assert calls, file
        for call in calls:
            near = text[max(call.start() - 200, 0) :][:500]
            assert re.search(r"--require-hashes|--no-deps --no-build-isolation", near), near


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of what the lock files are made from, and of scripts/upkeep."""
    for name in ("scripts", "images", "entrypoint"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def check(root: Path, work: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, root / "scripts" / "upkeep", "--work", work, "lock", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_lock_files_are_what_pyproject_resolves_to(upkeep: Tools, work: Path) -> None:
    code, said = check(ROOT, work)
    if "error sending request" in said or "dns error" in said:
        pytest.skip(f"no package index can be reached: {said.strip()[-200:]}")
    assert (code, said) == (0, "")


def test_what_has_drifted_is_told(upkeep: Tools, copy: Path, work: Path) -> None:
    pyproject = copy / "pyproject.toml"
    text = pyproject.read_text()
    pyproject.write_text(text.replace('"pymysql>=1.2,<2"', '"pymysql>=1.0,<1.2"'))
    assert pyproject.read_text() != text
    code, said = check(copy, work)
    if "error sending request" in said or "dns error" in said:
        pytest.skip(f"no package index can be reached: {said.strip()[-200:]}")
    assert code == 1
    assert "images/requirements.txt does not fit" in said and "requirements-build" not in said


def test_a_file_with_another_hash_is_refused(builder: Tools, tmp_path: Path) -> None:
    (one,) = [one for one in locks.read(BUILD) if one.name == "pluggy"]
    options = ("--require-hashes", "--no-deps", "--no-cache-dir", "-q", "-d", tmp_path / "out")
    for checksum, good in ((one.hashes, True), ((HASH,), False)):
        hashes = " ".join(f"--hash=sha256:{text}" for text in checksum)
        (tmp_path / "lock.txt").write_text(f"{one.name}=={one.version} {hashes}\n")
        done = builder.ask("python", "-m", "pip", "download", *options, "-r", tmp_path / "lock.txt")
        if good and done.returncode:
            pytest.skip(f"no package index can be reached: {done.stderr.strip()[-200:]}")
        assert (done.returncode == 0) == good, done.stderr
    assert "DO NOT MATCH THE HASHES" in done.stderr
