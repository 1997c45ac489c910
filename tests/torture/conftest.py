"""The tools of the torture runs, made once for a session."""

from __future__ import annotations

import os

import pytest

from lab.needs import need
from torture.world import Tools


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Tools:
    """What every run shares; pid namespaces and mounts need root, the programs a compiler."""
    if os.geteuid() != 0:
        pytest.skip("needs root: pid namespaces, control groups and mounts")
    need("cc")
    return Tools.make(tmp_path_factory.mktemp("torture"))
