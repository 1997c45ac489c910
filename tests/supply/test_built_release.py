"""The wheel: the same bytes wherever and whenever it is built, and a bill of materials that is about it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from entrypoint import __version__
from scripts.supply import locks, wheel
from scripts.supply.locks import RUNTIME
from scripts.supply.tools import ROOT, Tools

SOURCES = ("entrypoint", "scripts", "docs")
FILES = ("pyproject.toml", "README.md", "LICENSE", ".gitignore")
MACHINES = (
    {"umask": "022", "LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONHASHSEED": "1"},
    {"umask": "077", "LC_ALL": "C", "TZ": "Asia/Shanghai", "PYTHONHASHSEED": "2"},
)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sources that stay as they are, whoever works on the checkout meanwhile."""
    folder = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, folder / name)
    return folder


def checkout(sources: Path, folder: Path, mask: int, time: int) -> Path:
    """Copy the sources as git would lay them under another umask, at another time."""
    shutil.copytree(sources, folder)
    for path in [folder, *folder.rglob("*")]:
        runs = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod((0o777 if runs else 0o666) & ~mask)
        os.utime(path, (time, time))
    return folder


def build(python: Path, source: Path, out: Path, umask: str, **variables: str) -> dict[str, str]:
    """Return the checksums of what hatchling builds there, by name."""
    done = subprocess.run(
        [
            "sh",
            "-c",
            f'umask {umask}; exec "$0" "$@"',
            python,
            "-m",
            "hatchling",
            "build",
            "-d",
            out,
        ],
        cwd=source,
        env={"PATH": os.environ["PATH"], "HOME": str(out.parent)} | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {path.name: wheel.sha256(path) for path in out.iterdir()}


def test_two_machines_build_the_same(builder: Tools, sources: Path, tmp_path: Path) -> None:
    first = checkout(sources, tmp_path / "a", 0o022, 1_000_000_000)
    second = checkout(sources, tmp_path / "another" / "and much longer path", 0o077, 1_700_000_000)
    made = [
        build(builder.python, source, tmp_path / f"out{number}", **machine)
        for number, (source, machine) in enumerate(zip((first, second), MACHINES, strict=True))
    ]
    assert len(made[0]) == 2 and made[0] == made[1]


def test_the_wheel_of_the_sdist_is_the_same(builder: Tools, sources: Path, tmp_path: Path) -> None:
    source = checkout(sources, tmp_path / "source", 0o022, 1_000_000_000)
    out = tmp_path / "out"
    made = build(builder.python, source, out, **MACHINES[0])
    inner = wheel.unpacked(next(out.glob("*.tar.gz")), tmp_path / "unpacked")
    assert build(builder.python, inner, tmp_path / "again", **MACHINES[1]) == made


def test_the_time_is_the_one_that_is_given(builder: Tools, sources: Path, tmp_path: Path) -> None:
    """So that equal checksums above are no accident: time is in the wheel."""
    source = checkout(sources, tmp_path / "source", 0o022, 1_000_000_000)
    made = [
        build(builder.python, source, tmp_path / epoch, **MACHINES[0], SOURCE_DATE_EPOCH=epoch)
        for epoch in ("1600000000", "1700000000")
    ]
    assert made[0].keys() == made[1].keys()
    assert all(made[0][name] != made[1][name] for name in made[0])


@pytest.fixture(scope="module")
def released(builder: Tools, work: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `scripts/upkeep wheel` filled."""
    out = tmp_path_factory.mktemp("release")
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "upkeep", "--work", work, "wheel", "--out", out],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "".join(
        f"{wheel.sha256(path)}  {path.name}\n"
        for path in sorted(out.iterdir(), key=lambda path: (".tar.gz", ".whl", ".json").index(
            ".tar.gz" if path.name.endswith(".tar.gz") else path.suffix))
    )  # fmt: skip
    return out


def test_the_bill_of_materials_is_valid_and_about_this_wheel(released: Path) -> None:
    (path,) = released.glob("*.cdx.json")
    text = path.read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(text) is None
    document = json.loads(text)
    own = document["metadata"]["component"]
    assert own["purl"] == f"pkg:pypi/jvm-entrypoint@{__version__}"
    (built,) = released.glob("*.whl")
    assert own["hashes"] == [{"alg": "SHA-256", "content": wheel.sha256(built)}]


def test_the_bill_of_materials_has_everything_that_is_locked(released: Path) -> None:
    (path,) = released.glob("*.cdx.json")
    document = json.loads(path.read_text(encoding="utf-8"))
    found = {(one["name"], one["version"]): one for one in document["components"]}
    assert found.keys() == {(one.name, one.version) for one in locks.read(RUNTIME)}
    assert all(one["licenses"] for one in found.values())
    needs = {
        one["ref"].split("/")[1].split("@")[0]: one.get("dependsOn", [])
        for one in document["dependencies"]
    }
    assert len(needs["jvm-entrypoint"]) == 5
    assert [one.split("@")[0] for one in needs["jinja2"]] == ["pkg:pypi/markupsafe"]
