from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from entrypoint.imports.preload import preload


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Write modules that nobody has imported, and forget them afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    names: list[str] = []

    def write(name: str, text: str) -> None:
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        names.append(name)
        # Known to monkeypatch, so that whatever the test imports is taken away again.
        monkeypatch.setitem(sys.modules, name, sys)
        monkeypatch.delitem(sys.modules, name)

    return write


def test_what_is_not_called_is_not_loaded(module: Callable[[str, str], None]) -> None:
    module("heavy_one", "def work(): return 7\n")
    module("package_one", "import heavy_one\nfrom heavy_one import work\n")

    preload("package_one", ["heavy_one"])

    assert "package_one" in sys.modules
    assert "heavy_one" not in sys.modules


def test_what_is_called_after_all_is_loaded_then(module: Callable[[str, str], None]) -> None:
    module("heavy_two", "def work(number, more=0): return number + more\n")
    module("package_two", "import heavy_two\nfrom heavy_two import work\n")

    preload("package_two", ["heavy_two"])
    package = sys.modules["package_two"]

    assert package.work(3, more=4) == 7
    assert package.heavy_two.work(1) == 1
    assert "heavy_two" in sys.modules


def test_a_call_during_the_import_gets_the_real_one(module: Callable[[str, str], None]) -> None:
    module("heavy_three", "def work(): return 7\n")
    module("package_three", "import heavy_three\nVALUE = heavy_three.work()\n")

    preload("package_three", ["heavy_three"])

    assert sys.modules["package_three"].VALUE == 7


def test_a_package_that_cannot_do_without_gets_the_real_one(
    module: Callable[[str, str], None],
) -> None:
    module("heavy_four", "class Base: pass\n")
    module("package_four", "from heavy_four import Base\nclass Mine(Base): pass\n")

    preload("package_four", ["heavy_four"])

    package = sys.modules["package_four"]
    assert issubclass(package.Mine, sys.modules["heavy_four"].Base)


def test_a_missing_package_says_so() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        preload("no_such_package", ["no_such_module"])
    assert "no_such_module" not in sys.modules


def test_what_was_loaded_before_is_left_alone(module: Callable[[str, str], None]) -> None:
    module("heavy_five", "VALUE = 7\n")
    module("package_five", "from heavy_five import VALUE\n")
    __import__("heavy_five")

    preload("package_five", ["heavy_five"])

    assert sys.modules["package_five"].VALUE == 7


RENDERING = """
import sys
from entrypoint.rendering import templates
text = "{% for n in names %}{{ n | upper }} {{ 1.5 }} {% endfor %}{{ {'a': 1} | json }}"
assert templates.render("t", text, {"names": ["a"]}, "text") == 'A 1.5 {"a": 1}'
print(*({*templates.UNUSED, "hashlib", "tempfile"} - {"ast", "json"}).intersection(sys.modules))
import jinja2, inspect, json
assert jinja2.Environment(loader=jinja2.DictLoader({"x": "{{ 1 }}"})).get_template("x").render() == "1"
"""


def test_a_template_renders_without_what_jinja2_never_needs() -> None:
    done = subprocess.run(
        [sys.executable, "-c", RENDERING], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
