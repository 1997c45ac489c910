"""The helper's story at its edges."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from entrypoint import prepare
from entrypoint.arguments import Request
from entrypoint.plan.model import Note, Plan
from entrypoint.system import procfs
from entrypoint.system.procfs import Mount
from entrypoint.values import MASK

if TYPE_CHECKING:
    import pytest


def test_without_anybody_to_tell_it_ends_without_a_word(capfd: pytest.CaptureFixture[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        assert prepare.main(["no-such-profile"], writer) == 70
    finally:
        os.close(writer)
    assert capfd.readouterr() == ("", "")


def test_no_password_of_a_url_stands_in_the_notes_of_the_log() -> None:
    url = "-Durl=jdbc:mysql://db/shop?user=root&password=hunter2"
    notes = (Note(f"{url} dropped", "JAVA_OPTIONS"), Note("plain"))
    plan = cast("Plan", SimpleNamespace(notes=notes, suggestions=(("SHP_URL", "SHOP_URL"),)))
    assert prepare._remarks(plan) == (
        f"-Durl=jdbc:mysql://db/shop?user=root&password={MASK} dropped (JAVA_OPTIONS)",
        "plain",
        "SHP_URL is set and no setting has it: did you mean SHOP_URL?",
    )


def test_what_tmp_and_the_run_directory_may_hold_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mounts = (
        Mount(1, 0, "/", "/", "ext4", "/dev/vda", ("rw",)),
        *(
            Mount(number, 1, "/", point, "tmpfs", "tmpfs", ("rw", f"size={number}k"))
            for number, point in ((10, "/tmp"), (300, "/run-of-a-test"), (7000, "/dev/shm"))
        ),
    )
    monkeypatch.setattr(procfs, "read_mounts", lambda: mounts)
    monkeypatch.setenv("ENTRYPOINT_RUN_DIR", "/run-of-a-test/entrypoint")
    assert prepare.gather(Request("plan", "zookeeper")).facts.held_in_memory == 310 << 10
