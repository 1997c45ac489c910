"""yaml's C parser without the rest of yaml: 4 ms before java's start instead of 13.

Here: the import of `CParser` and of its errors. `import yaml` compiles the expressions of the reader, the
resolver and the constructors that are written in Python; the C parser only takes the names of their
errors. Where a later version is cut differently, the whole package is imported: slower, and never wrong.
docs/decisions/0004-start-up.md has the measurement.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from functools import cache

from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from yaml.error import MarkedYAMLError, YAMLError

_PARTS = (
    "error",
    "tokens",
    "events",
    "nodes",
    "scanner",
    "parser",
    "composer",
    "emitter",
    "serializer",
)


@record
class YamlParser:
    """A parser class, made with a text and asked for events, and the errors that it raises."""

    parser: type[Any]
    error: type[YAMLError]
    error_with_mark: type[MarkedYAMLError]


@cache
def load_parser() -> YamlParser:
    """Return yaml's parser: in C where yaml was built with it, alone where nobody imported yaml yet."""
    if "yaml" not in sys.modules:
        try:
            return _load_parts()
        except Exception:  # noqa: BLE001 - whatever another version is like, the whole package works
            for name in [name for name in sys.modules if name.partition(".")[0] == "yaml"]:
                del sys.modules[name]
    import yaml  # noqa: PLC0415

    whole = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return YamlParser(whole, yaml.YAMLError, yaml.MarkedYAMLError)


class _Package(types.ModuleType):
    """The package whose `__init__` runs when somebody asks for what only it has, such as safe_load."""

    def __getattr__(self, name: str) -> object:
        spec = self.__spec__
        if name.startswith("__") or spec is None or spec.loader is None:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        self.__class__ = types.ModuleType  # type: ignore[assignment]
        spec.loader.exec_module(self)
        return getattr(self, name)


def _load_parts() -> YamlParser:
    spec = importlib.util.find_spec("yaml")
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError("yaml is not installed")
    package: Any = sys.modules.setdefault("yaml", _Package("yaml"))
    package.__spec__, package.__file__ = spec, spec.origin
    package.__path__ = list(spec.submodule_search_locations)
    for part in _PARTS:
        importlib.import_module(f"yaml.{part}")
    from yaml.error import MarkedYAMLError, YAMLError  # noqa: PLC0415

    class ReaderError(YAMLError):
        def __init__(self, _name: str, position: int, *_: object) -> None:
            self.position = position

    absent = {"reader": ReaderError, "constructor": MarkedYAMLError, "representer": YAMLError}
    for part, error in absent.items():
        setattr(package, part, types.SimpleNamespace(**{f"{part.capitalize()}Error": error}))
    parser = importlib.import_module("yaml._yaml").CParser
    for part in absent:
        delattr(package, part)
    return YamlParser(parser, YAMLError, MarkedYAMLError)
