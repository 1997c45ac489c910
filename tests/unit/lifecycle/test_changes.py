"""When a configuration has changed, from looks that are made up."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from entrypoint.lifecycle import status as words
from entrypoint.lifecycle.changes import (
    ABSENT,
    BOM,
    Change,
    Configuration,
    Content,
    Watched,
    begin,
    content_of,
    observe,
)
from entrypoint.lifecycle.changes import words as changes_words
from entrypoint.records import replace
from statuses import status

A, B, C = content_of(b"a"), content_of(b"b"), content_of(b"c")
LOCKED = content_of(b"", "permission denied")
SAME = {"/a": A, "/b": B, "/missing": ABSENT, "/locked": LOCKED}
START = begin(Watched(tuple(SAME.items())))


def looks(*seen: Mapping[str, Content]) -> tuple[Configuration, list[tuple[str, str]]]:
    """Return the configuration after these looks, one a second, and what was told."""
    state, told = START, []
    for second, one in enumerate(seen, start=1):
        state, new = observe(state, SAME | one, float(second))
        told += [(change.path, change.how) for change in new]
    return state, told


def test_nothing_changed() -> None:
    state, told = looks({}, {})
    assert (state.looked, state.found, told, state.unchanged) == (True, (), [], 3)
    assert not START.looked


def test_places_where_a_setting_could_have_lain_are_not_kept() -> None:
    """There are two for each setting, and every scrape counts what is kept."""
    assert set(START.start) == {"/a", "/b", "/locked"}


def test_a_change_counts_at_the_second_look_and_is_told_once() -> None:
    state, told = looks({"/a": C})
    assert (state.changes, told, state.settled) == ((), [], False)
    state, told = looks({"/a": C}, {"/a": C}, {"/a": C})
    assert state.changes == (Change("/a", "changed", 2.0, C),)
    assert told == [("/a", "changed")]
    assert state.settled
    assert state.unchanged == 2


def test_what_is_half_written_is_not_told() -> None:
    half = content_of(b"ha")
    state, told = looks({"/a": half}, {"/a": C})
    assert (told, state.settled) == ([], False)
    state, told = looks({"/a": half}, {"/a": C}, {"/a": C})
    assert told == [("/a", "changed")]


def test_a_file_that_is_away_for_one_look_has_not_changed() -> None:
    state, told = looks({"/a": ABSENT}, {})
    assert (state.found, told, state.settled) == ((), [], True)


def test_gone_new_and_readable_now_are_changes() -> None:
    seen = {"/a": ABSENT, "/missing": C, "/locked": C, "/pattern/x.options": B}
    state, told = looks(seen, seen)
    assert told == [
        ("/a", "gone"), ("/missing", "new"), ("/locked", "changed"), ("/pattern/x.options", "new"),
    ]  # fmt: skip
    assert len(state.changes) == 4


def test_one_that_cannot_be_read_is_told_and_is_no_change() -> None:
    state, told = looks({"/a": LOCKED}, {"/a": LOCKED})
    assert told == [("/a", "unreadable")]
    assert (state.changes, len(state.unreadable), state.unchanged) == ((), 1, 2)
    state, told = looks({"/a": LOCKED}, {"/a": LOCKED}, {})
    assert (told[1:], state.found) == ([("/a", "back")], ())


def test_the_way_back_is_told_at_once() -> None:
    state, told = looks({"/a": C}, {"/a": C}, {})
    assert told == [("/a", "changed"), ("/a", "back")]
    assert (state.found, state.settled) == ((), True)


def test_another_change_of_the_same_file_is_told_again_and_counts_all_the_time() -> None:
    state, told = looks({"/a": C}, {"/a": C}, {"/a": B})
    assert (state.changes[0].content, state.settled) == (C, False)
    state, told = looks({"/a": C}, {"/a": C}, {"/a": B}, {"/a": B})
    assert told == [("/a", "changed"), ("/a", "changed")]
    assert (state.changes[0].content, state.settled) == (B, True)


def test_the_mark_that_editors_put_first_is_no_content() -> None:
    assert content_of(BOM + b"a") == A


def test_no_content_is_kept() -> None:
    assert b"hunter2" not in repr(content_of(b"hunter2")).encode()


@given(st.lists(st.dictionaries(st.sampled_from(["/a", "/b", "/new"]),
                                st.sampled_from([A, B, C, ABSENT, LOCKED])), max_size=8))  # fmt: skip
def test_whatever_is_seen_only_what_differs_counts(seen: list[dict[str, Content]]) -> None:
    state, _ = looks(*seen)
    for change in state.found:
        assert change.content != START.start.get(change.path, ABSENT)
    quiet, _ = looks(*seen, {}, {})
    assert quiet.found == () and quiet.settled
    still, _ = looks(*seen, *seen[-1:], *seen[-1:])
    assert still.settled or not seen


def test_the_words() -> None:
    def said(state: Configuration | None) -> str:
        one = status()
        return words.config(replace(one, snapshot=replace(one.snapshot, config=state)))

    assert said(None) == said(START) == ""
    assert said(looks({})[0]) == "config unchanged since start"
    one = looks({"/a": C}, {"/a": C})[0]
    assert said(one) == "config changed: /a since 1970-01-01 00:00:02Z"
    refused = replace(one, verdict="no value\nfor x")
    assert said(refused).endswith("Z; no plan can be made of it: no value for x")
    locked = looks({"/a": LOCKED}, {"/a": LOCKED})[0]
    assert said(locked) == "config unknown: /a (unreadable)"
    many = looks(*[{"/a": ABSENT, "/b": C, "/x": C, "/y": C}] * 2)[0]
    assert changes_words(many.changes) == "/a (gone), /b and 2 more"
