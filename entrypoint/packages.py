"""Packages whose `__init__` has to wait: a part of one is imported without all the rest.

Here: `postpone`. For packages whose `__init__` imports much that we never use, on the way to java's start.
"""

from __future__ import annotations

import importlib.util
import sys
import types


def postpone(name: str) -> None:
    """Let `import name.part` import that part alone, until somebody asks for a name of the package.

    Then its `__init__` runs, in the same module object: whoever imports the whole package gets it. A
    package that is imported already, or is not installed, is left as it is.
    """
    if name in sys.modules:
        return
    spec = importlib.util.find_spec(name)
    if spec is not None and spec.submodule_search_locations is not None:
        package = _Postponed(name)
        package.__spec__ = spec
        package.__path__ = list(spec.submodule_search_locations)
        package.__file__ = spec.origin
        sys.modules[name] = package


class _Postponed(types.ModuleType):
    def __getattr__(self, name: str) -> object:
        spec = self.__spec__
        if name.startswith("__") or spec is None or spec.loader is None:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        self.__class__ = types.ModuleType  # type: ignore[assignment]
        spec.loader.exec_module(self)
        return getattr(self, name)
