from __future__ import annotations

from pathlib import Path

import pytest
from rendering import COMPOSED, Rendered, compose

from lab.needs import need


@pytest.fixture(scope="session")
def kustomize() -> Path:
    return need("kustomize")


@pytest.fixture(scope="session")
def compositions(kustomize: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rendered]:
    return {name: compose(kustomize, tmp_path_factory.mktemp(name), name) for name in COMPOSED}


@pytest.fixture(scope="session", params=sorted(COMPOSED))
def rendered(request: pytest.FixtureRequest, compositions: dict[str, Rendered]) -> Rendered:
    """Every composition, one after the other."""
    return compositions[request.param]
