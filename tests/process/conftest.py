"""Fixtures of the process tests: a launcher of entrypoint as PID 1, as subreaper, and as both in turn."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Launcher


@pytest.fixture(params=["pid1", "subreaper"])
def entrypoint(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Launcher]:
    """Starts entrypoint: the test runs twice, as PID 1 and as subreaper."""
    yield from _launcher(tmp_path, request.param == "pid1")


@pytest.fixture
def pid1(tmp_path: Path) -> Iterator[Launcher]:
    """Starts entrypoint as PID 1."""
    yield from _launcher(tmp_path, True)


@pytest.fixture
def subreaper(tmp_path: Path) -> Iterator[Launcher]:
    """Starts entrypoint as an ordinary process."""
    yield from _launcher(tmp_path, False)


def _launcher(folder: Path, as_pid1: bool) -> Iterator[Launcher]:
    if os.geteuid() != 0:
        pytest.skip("needs root: pid namespaces, control groups and mounts")
    launcher = Launcher(folder, as_pid1)
    yield launcher
    launcher.clean_up()
