"""The wheel is built, installed into an environment of its own, and works there without the checkout."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tarfile
import venv
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Final

import pytest

from entrypoint import __version__

ROOT: Final = Path(__file__).parents[2]
COPIED: Final = ("entrypoint", "scripts", "docs", "tests/unit/jvm")
FILES: Final = ("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", ".gitignore")
NO_INDEX: Final = (
    "ConnectionError",
    "NewConnectionError",
    "ConnectTimeout",
    "Retrying (",
    "ProxyError",
)
HEAVY: Final = {"re", "enum", "argparse", "json", "threading", "signal", "importlib.metadata"}
"""What must not be imported before signals are blocked: a console script of pip's own imports `re`."""


def clean_environment() -> dict[str, str]:
    """Return our environment without what leads Python to the checkout or to the venv of the tests."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "ENTRYPOINT_", "APP_", "JAVA_")) and name != "VIRTUAL_ENV"
    }


def run(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def good(*words: str | Path, cwd: Path) -> str:
    """Run a command that has to succeed; without a package index the test is skipped."""
    done = run(*words, cwd=cwd)
    said = done.stdout + done.stderr
    if done.returncode and "pip" in map(str, words) and any(sign in said for sign in NO_INDEX):
        pytest.skip(f"no package index can be reached: {said.strip().splitlines()[-1][:200]}")
    assert done.returncode == 0, said
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `dist/` (wheel and sdist) and `tools/`, a venv with pip and hatchling."""
    folder = tmp_path_factory.mktemp("build")
    checkout = folder / "checkout"
    ignored = shutil.ignore_patterns("__pycache__", ".*_cache")
    for name in COPIED:
        shutil.copytree(ROOT / name, checkout / name, ignore=ignored)
    for name in FILES:
        shutil.copy(ROOT / name, checkout / name)
    venv.create(folder / "tools", with_pip=True)
    python = folder / "tools" / "bin" / "python"
    good(python, "-m", "pip", "install", "-q", "--retries", "1", "hatchling>=1.27", cwd=folder)
    good(python, "-m", "hatchling", "build", "-d", folder / "dist", cwd=checkout)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return next((built / "dist").glob("*.whl"))


@pytest.fixture(scope="module")
def sdist(built: Path) -> Path:
    return next((built / "dist").glob("*.tar.gz"))


@pytest.fixture(scope="module")
def installed(built: Path, wheel: Path) -> Path:
    """The bin folder of a venv that holds the wheel and what it depends on, and nothing else."""
    folder = built / "installed"
    venv.create(folder, with_pip=False)
    pip = (built / "tools" / "bin" / "python", "-m", "pip", "--python", folder / "bin" / "python")
    good(*pip, "install", "-q", "--retries", "1", wheel, cwd=built)
    return folder / "bin"


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


def test_the_name_of_the_distribution(wheel: Path, sdist: Path) -> None:
    assert wheel.name == f"jvm_entrypoint-{__version__}-py3-none-any.whl"
    assert sdist.name == f"jvm_entrypoint-{__version__}.tar.gz"


def test_the_metadata(metadata: Message) -> None:
    assert metadata["Name"] == "jvm-entrypoint"
    assert metadata["Version"] == __version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["License-File"] == "LICENSE"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Description-Content-Type"] == "text/markdown"
    needed = {re.match(r"[a-z0-9-]+", line)[0] for line in metadata.get_all("Requires-Dist", [])}
    assert needed == {"jinja2", "prometheus-client", "psutil", "pymysql", "pyyaml"}


def test_the_wheel_holds_the_whole_package_and_nothing_else(wheel: Path) -> None:
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "entrypoint").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"entrypoint/py.typed", "entrypoint/profile/builtin/otter-node.yaml"} <= wanted
    assert "entrypoint/profile/templates/otter/logback-console.xml.j2" in wanted
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    scripts = {name for name in names if ".data/" in name}
    assert names - scripts == wanted
    assert {Path(name).name for name in scripts} == {"entrypoint"}


def test_the_sdist_holds_what_a_wheel_is_built_from(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {*FILES, "scripts/entrypoint", "entrypoint/__main__.py", "docs/README.md"} <= names
    assert any(name.startswith("tests/") for name in names)


def test_a_wheel_of_the_sdist_is_the_same(built: Path, sdist: Path, wheel: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(built / "unpacked", filter="data")
    source = built / "unpacked" / sdist.name.removesuffix(".tar.gz")
    python = built / "tools" / "bin" / "python"
    good(python, "-m", "hatchling", "build", "-t", "wheel", "-d", built / "again", cwd=source)
    with zipfile.ZipFile(wheel) as one, zipfile.ZipFile(built / "again" / wheel.name) as other:
        assert sorted(one.namelist()) == sorted(other.namelist())


def test_it_runs_from_where_it_was_installed(installed: Path, tmp_path: Path) -> None:
    where = "import entrypoint; print(entrypoint.__file__)"
    path = good(installed / "python", "-c", where, cwd=tmp_path).strip()
    assert Path(path).is_relative_to(installed.parent)


def test_version(installed: Path, tmp_path: Path) -> None:
    assert good(installed / "entrypoint", "version", cwd=tmp_path) == f"entrypoint {__version__}\n"
    module = good(installed / "python", "-m", "entrypoint", "version", cwd=tmp_path)
    assert module == f"entrypoint {__version__}\n"


def test_the_profiles_are_there(installed: Path, tmp_path: Path) -> None:
    listed = good(installed / "entrypoint", "profiles", "list", cwd=tmp_path)
    names = [line.split()[0] for line in listed.splitlines()]
    assert names == ["jvm", "kafka", "otter-manager", "otter-node", "zookeeper"]


def test_a_plan_is_made(installed: Path, tmp_path: Path, java17: Path) -> None:
    assignments = ("--set", f"java.home={java17}", "--set", "app.main=Main")
    said = good(installed / "entrypoint", "plan", "jvm", "-o", "json", *assignments, cwd=tmp_path)
    assert json.loads(said)["profile"]["name"] == "jvm"


def test_a_template_is_rendered(installed: Path, tmp_path: Path, java17: Path) -> None:
    values = {"java.home": java17, "nid": 7, "manager.address": "manager:1099"}
    given = [word for name, value in values.items() for word in ("--set", f"{name}={value}")]
    good(installed / "entrypoint", "render", "otter-node", "--out", "out", *given, cwd=tmp_path)
    assert "<configuration>" in (tmp_path / "out" / "conf" / "logback.xml").read_text()


@pytest.mark.parametrize("command", [("entrypoint",), ("python", "-m", "entrypoint")])
def test_it_is_an_init(installed: Path, tmp_path: Path, command: tuple[str, ...]) -> None:
    program, *rest = command
    words = (installed / program, *rest, "run", "--exec", "--")
    assert run(*words, "true", cwd=tmp_path).returncode == 0
    assert run(*words, "sh", "-c", "exit 7", cwd=tmp_path).returncode == 7


def test_the_script_is_ours_and_not_a_wrapper(installed: Path) -> None:
    assert os.access(installed / "entrypoint", os.X_OK)
    first, _, rest = (installed / "entrypoint").read_text().partition("\n")
    assert first == f"#!{installed / 'python'}"
    assert rest == (ROOT / "scripts" / "entrypoint").read_text().partition("\n")[2]


def test_nothing_large_is_imported_before_signals_are_blocked(
    installed: Path, tmp_path: Path
) -> None:
    script = installed / "entrypoint"
    done = run(
        installed / "python", "-X", "importtime", script, "run", "--exec", "true", cwd=tmp_path
    )
    imported = [line.rpartition("|")[2].strip() for line in done.stderr.splitlines()]
    before = set(imported[: imported.index("entrypoint.__main__")])
    assert done.returncode == 0 and "os" in before
    assert not before & HEAVY
