"""The images are built once per run, by content: with nothing changed, nothing is built."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from container import Containers

from lab import images as lab_images
from lab.cache import LabError
from lab.needs import need


@pytest.fixture(scope="session")
def images() -> dict[str, str]:
    """References of all images by name."""
    for part in ("containers", "zookeeper", "kafka", "javac"):
        need(part)
    try:
        return lab_images.build()
    except LabError as error:
        # Containers run here: an image that cannot be built is a failure.
        pytest.fail(str(error))


@pytest.fixture
def containers(tmp_path: Path) -> Iterator[Containers]:
    """Containers of one test."""
    started = Containers(tmp_path)
    yield started
    started.clean_up()
