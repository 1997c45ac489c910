from __future__ import annotations

import pytest

from entrypoint.serve import jvm


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a JVM on a loaded machine answer as late as it likes."""
    monkeypatch.setattr(jvm, "ASK_SECONDS", 60.0)
