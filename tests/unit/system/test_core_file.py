"""The limit for core files of our own."""

from __future__ import annotations

import resource

import pytest
from forked import in_child

from entrypoint.system import core_file

CORE = resource.RLIMIT_CORE


@pytest.mark.parametrize(("hard", "soft"), [(1 << 20, 1), (1, 1), (0, 0)])
def test_the_soft_limit_alone_is_lowered(hard: int, soft: int) -> None:
    def limits() -> tuple[int, int]:
        resource.setrlimit(CORE, (hard, hard))
        core_file.leave_none()
        return resource.getrlimit(CORE)

    if 0 <= resource.getrlimit(CORE)[1] < hard:
        pytest.skip("the hard limit is lower here")
    assert in_child(limits) == (soft, hard)


def test_a_system_that_refuses_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(resource, "setrlimit", refuse)
    core_file.leave_none()
