"""prometheus_client without what we never use of it: 2 MB of RSS instead of 14.

Here: the import of its registry, metric classes and text formats, and nothing of our own metrics.

Importing the package loads `http.server`, `ssl`, `urllib.request`, `wsgiref` and `inspect` for its
push gateway and its own server: 12 MB in every pod. Its parts need none of that. They are loaded
here under a private package name, so that anybody else in this process who imports
prometheus_client gets the whole one. `exposition` names those modules at its top: it gets empty ones.
Where a later version is cut differently, the whole package is imported: bigger, and never wrong.
docs/decisions/0011-prometheus-client-in-parts.md has the measurement.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import sys
import types

from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from prometheus_client.metrics_core import Metric
    from prometheus_client.registry import Collector, CollectorRegistry

PACKAGE: Final = "entrypoint.imports._prometheus_client"

UNUSED: Final = frozenset(
    {
        "asgi",
        "base64",
        "gzip",
        "http.server",
        "socketserver",
        "ssl",
        "urllib.error",
        "urllib.parse",
        "urllib.request",
        "wsgiref.simple_server",
    }
)
"""What `exposition` imports for the push gateway, its server and compression."""


@record
class Client:
    """The parts of prometheus_client that we use; `light` says which way they were imported."""

    registry: type[CollectorRegistry]
    metric: type[Metric]
    choose_encoder: Callable[[str], tuple[Callable[[Collector], bytes], str]]
    light: bool


def load() -> Client:
    """Return prometheus_client's parts; the first call imports them, in about 10 ms.

    Raises ImportError where prometheus_client is not installed.
    """
    try:
        return _load_parts()
    except Exception:  # noqa: BLE001 - whatever another version is like, the whole package works
        for name in [name for name in sys.modules if name.startswith(PACKAGE)]:
            del sys.modules[name]
        return _load_whole()


def _load_parts() -> Client:
    spec = importlib.util.find_spec("prometheus_client")
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError("prometheus_client is not installed")
    package = types.ModuleType(PACKAGE)
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules[PACKAGE] = package
    registry = importlib.import_module(f"{PACKAGE}.registry")
    metrics_core = importlib.import_module(f"{PACKAGE}.metrics_core")
    exposition = _run_without_unused(f"{PACKAGE}.exposition")
    client = Client(
        registry.CollectorRegistry, metrics_core.Metric, exposition.choose_encoder, light=True
    )
    encode, _ = client.choose_encoder("")
    encode(client.registry())
    return client


def _load_whole() -> Client:
    from prometheus_client import CollectorRegistry  # noqa: PLC0415
    from prometheus_client.exposition import choose_encoder  # noqa: PLC0415
    from prometheus_client.metrics_core import Metric  # noqa: PLC0415

    return Client(CollectorRegistry, Metric, choose_encoder, light=False)


def _run_without_unused(name: str) -> types.ModuleType:
    """Run a module with its own `__import__`, so that no other import in the process is changed."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = importlib.util.module_from_spec(spec)
    module.__dict__["__builtins__"] = {**vars(builtins), "__import__": _import}
    spec.loader.exec_module(module)
    return module


def _import(
    name: str,
    namespace: dict[str, object] | None = None,
    local: dict[str, object] | None = None,
    names: tuple[str, ...] = (),
    level: int = 0,
) -> types.ModuleType:
    if name in UNUSED:
        return _Empty(name)
    return builtins.__import__(name, namespace, local, names, level)


class _Empty(types.ModuleType):
    """A module in which every name is an empty class, good enough to inherit from."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})
