"""The helper's story at its edges."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from entrypoint import prepare
from entrypoint.plan.model import Note, Plan
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
