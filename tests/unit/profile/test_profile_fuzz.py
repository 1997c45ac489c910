"""Whatever a profile file holds, the answer is a profile or a list of problems."""

from __future__ import annotations

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from profiles import BUILTIN, loaded, over

from entrypoint.errors import Problem, ProblemsError, format_problems
from entrypoint.profile.grammar import PROFILE
from entrypoint.profile.shapes import Keyed, Leaf, Listed, Named, TextOr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrypoint.profile.shapes import Shape

PIECES = [
    "profile", "mine", ":", ": ", "\n", "\n  ", "\n    ", "- ", "[", "]", "{", "}", ",", "'", '"', "&a", "*a",
    "!!str ", "|", ">", "#", "\t", "java", "main", "settings", "checks", "stop", "null", "~", "\x00", "é",
    "\ud800",
    "{home}", "${x}", "%", "@", "`", "---\n", "...\n", "? ", "<<", "0600", "true", "extends", "base", "files",
]  # fmt: skip


def keys(shape: Shape) -> set[str]:
    match shape:
        case Keyed():
            return {f.name for f in shape.fields}.union(*(keys(f.shape) for f in shape.fields))
        case Named():
            return keys(shape.entry)
        case Listed():
            return keys(shape.item)
        case TextOr():
            return keys(shape.longer)
        case Leaf():
            return set()


WORDS = st.sampled_from(
    [*sorted(keys(PROFILE)), "a", "http.port", "8", "0", "KILL", "{a}", "{home}", ""]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 300) | st.floats() | WORDS | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=25,
)


def check(text: str) -> None:
    for load in (lambda: loaded(text), lambda: over("kafka", text)):
        found: tuple[Problem, ...] = ()
        try:
            load()
        except ProblemsError as error:
            found = error.problems
            format_problems(found)
        assert all("where" in dict(problem.details) for problem in found)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_text_that_resembles_yaml(text: str) -> None:
    check(text)
    check("profile: mine\n" + text)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    check(text)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(WORDS, VALUES, max_size=6))
def test_documents_of_the_right_words_in_wrong_places(document: dict[str, object]) -> None:
    check(yaml.safe_dump(document | {"profile": "mine"}))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(BUILTIN)), st.data())
def test_a_built_in_profile_with_a_piece_cut_out(name: str, data: st.DataObject) -> None:
    text = BUILTIN[name]
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 60)))
    check(text[:start] + data.draw(st.sampled_from(PIECES)) + text[end:])
