"""A lighter import of a package that imports at its top what we never call.

Here: `preload`, for imports that java waits for. Nothing of our own needs it: we import late instead.
docs/decisions/0004-start-up.md has the measurement.
"""

from __future__ import annotations

import importlib
import sys
import types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


# From 3.14 on `typing` inherits from a class of `ast` at the first name in quotes.
_INHERITED = ("ast",) if sys.version_info >= (3, 14) else ()


def preload(name: str, unused: Iterable[str]) -> None:
    """Import a module so that what it imports of `unused` is loaded only when it is called.

    While this runs, each module of `unused` is represented by one whose names are all functions, which
    import the real one when they are called. Where that does not do (a later version inherits from
    one of its classes), the module is imported as usual: slower, and never wrong. Not thread-safe.
    """
    before = set(sys.modules)
    left_alone = {*_INHERITED, *before}
    substitutes = {name: _Substitute(name) for name in unused if name not in left_alone}
    sys.modules.update(substitutes)
    try:
        importlib.import_module(name)
    except Exception:  # noqa: BLE001 - whatever it is, the plain import below works or tells why not
        for added in set(sys.modules) - before:
            del sys.modules[added]
    finally:
        for substitute in substitutes.values():
            substitute.withdraw()
    importlib.import_module(name)


class _Substitute(types.ModuleType):
    def withdraw(self) -> None:
        """Let the next import find the real module."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]

    def __getattr__(self, name: str) -> Callable[..., object]:
        if name.startswith("__"):
            raise AttributeError(name)

        def call(*args: object, **named: object) -> object:
            self.withdraw()
            return getattr(importlib.import_module(self.__name__), name)(*args, **named)

        return call
