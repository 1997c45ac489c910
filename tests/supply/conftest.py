"""The tools of scripts/upkeep, kept in the tests' cache; a skip where no index can be reached."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from lab import cache
from scripts.supply.locks import BUILD, UPKEEP
from scripts.supply.tools import SupplyError, Tools, tools

T = TypeVar("T")
NO_INDEX = (
    "ConnectionError",
    "ConnectTimeout",
    "Retrying (",
    "ProxyError",
    "dns error",
    "error sending request",
)


def reached(make: Callable[[], T]) -> T:
    """Return what needs a package index, or skip where there is none. Another failure is one."""
    try:
        return make()
    except SupplyError as error:
        if any(sign in str(error) for sign in NO_INDEX):
            pytest.skip(f"no package index can be reached: {str(error).splitlines()[-1][:200]}")
        raise


@pytest.fixture(scope="session")
def work() -> Path:
    """Where scripts/upkeep keeps what it makes."""
    folder = cache.root() / "upkeep"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def upkeep(work: Path) -> Tools:
    """pip-audit and uv, from their lock file."""
    return reached(lambda: tools(UPKEEP.path, work))


@pytest.fixture(scope="session")
def builder(work: Path) -> Tools:
    """hatchling and pip, from their lock file."""
    return reached(lambda: tools(BUILD.path, work))
