"""The product on the other Pythons that it supports; the one that runs this runs everything else too.

A part of the tests, some ten seconds for each Python. All of unit, golden, model and process:
`ENTRYPOINT_TEST_PYTHONS=all`.
"""

from __future__ import annotations

import os
import re
import subprocess
import warnings
from pathlib import Path

import pytest

from lab.needs import need
from lab.pythons import RUNNING, VERSIONS
from scripts.supply.tools import ROOT

OTHERS = [version for version in VERSIONS if version != RUNNING]
OWN = ("entrypoint", "scripts", "images", "local")
IMPORTS = """
import importlib, pkgutil, sys
import entrypoint
names = [found.name for found in pkgutil.walk_packages(entrypoint.__path__, "entrypoint.")]
for name in names:
    importlib.import_module(name)
print(len(names), "%d.%d" % sys.version_info[:2])
"""
PART = (
    "tests/golden", "tests/model", "tests/unit/imports", "tests/unit/rendering/test_templates.py",
    "tests/unit/test_records.py", "tests/unit/test_errors.py", "tests/unit/test_values.py",
    "tests/unit/test_verbs.py", "tests/unit/test_plain.py", "tests/unit/test_probe.py",
    "tests/unit/serve/test_routes.py", "tests/process/test_exit_codes.py",
    "tests/process/test_stop_early.py::test_other_signals_do_not_disturb_the_preparation",
)  # fmt: skip
WHOLE = ("tests/unit", "tests/golden", "tests/model", "tests/process")


def environment(**variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return kept | {"PYTHONDONTWRITEBYTECODE": "1"} | variables


def run(*words: str | Path, **variables: str) -> str:
    """Return what a command printed; it has to succeed."""
    done = subprocess.run(
        [str(word) for word in words],
        cwd=ROOT,
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


@pytest.mark.parametrize("version", OTHERS)
class TestPython:
    def test_everything_compiles_without_a_warning(self, version: str, tmp_path: Path) -> None:
        python = need(f"python{version}")
        run(
            *(python, "-W", "error", "-m", "compileall", "-q", "-f", *OWN),
            PYTHONPYCACHEPREFIX=str(tmp_path),
        )

    def test_every_module_is_imported_without_a_warning(self, version: str) -> None:
        python = need(f"python{version}")
        said = run(python, "-W", "error::DeprecationWarning:entrypoint", "-c", IMPORTS)
        assert int(said.split()[0]) > 100 and said.split()[1] == version

    @pytest.mark.timeout(1800)
    def test_the_tests_pass(self, version: str) -> None:
        python = need(f"python{version}")
        chosen = (
            WHOLE
            if os.environ.get("ENTRYPOINT_TEST_PYTHONS") == "all"
            else (*PART, "-k", "not fuzz")
        )
        said = run(
            *(python, "-m", "pytest", "-p", "no:cacheprovider", *chosen),
            # In the processes that tests start as well, where those do not isolate themselves.
            PYTHONWARNINGS="error::DeprecationWarning",
        )
        assert re.search(r"\d{3} passed|[1-9]\d{3,} passed|\[100%\]", said), said[-2000:]


def test_pyproject_promises_these(tmp_path: Path) -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    promised = re.findall(r'"Programming Language :: Python :: (\d\.\d+)"', text)
    assert tuple(promised) == VERSIONS
    assert f'requires-python = ">={VERSIONS[0]}"' in text


@pytest.mark.parametrize("category", [DeprecationWarning, PendingDeprecationWarning, SyntaxWarning])
def test_a_deprecation_in_our_own_modules_is_an_error(category: type[Warning]) -> None:
    def warned(module: str) -> None:
        warnings.warn_explicit("it goes away", category, "file.py", 1, module=module)

    with pytest.raises(category):
        warned("entrypoint.rendering.templates")
    with pytest.warns(category):
        warned("somebody.else")
