"""Has the configuration changed since the plan was made of it? From looks at its files, by content.

Here: `observe`, from one look to the next, and the words. No clock, no input or output. The rules:

- A change is a file with another content than the plan was made of: new, changed, or gone. A new time, a
  new inode or a rename of the same bytes is none.
- It counts once two looks in a row have seen the same: what is half-written, or swapped, is not told.
- A file that can no longer be read has not changed: nobody knows. That is told, and nothing follows from it.
- One that goes back to what the plan was made of is told too, and no longer counts.
"""

from __future__ import annotations

from entrypoint.records import record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal, TypeAlias

    How: TypeAlias = Literal["changed", "new", "gone", "back", "unreadable"]

BOM = b"\xef\xbb\xbf"


@record
class Content:
    """What a path held: a digest of its bytes, or why it could not be read; neither: no such file."""

    digest: str = ""
    problem: str = ""


ABSENT = Content()


def content_of(data: bytes | bytearray, problem: str = "") -> Content:
    """Return what a file holds; the bytes themselves, which may be a secret, are not kept or copied."""
    if problem:
        return Content(problem=problem)
    from _blake2 import blake2b  # noqa: PLC0415 - in PID 1 not before the first look

    # Profiles and overlays are read without the mark that some editors put first.
    text = memoryview(data)[len(BOM) if data.startswith(BOM) else 0 :]
    return Content(blake2b(text, digest_size=16).hexdigest())


@record
class Watched:
    """What a plan was made of: paths with what they held, and patterns that stand for more paths.

    `words` are what `entrypoint plan` has to be given to make it again, from any folder.
    """

    files: tuple[tuple[str, Content], ...] = ()
    patterns: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


@record
class Change:
    """A file that is not what it was: how, since when (Unix seconds), and what it holds now."""

    path: str
    how: How
    since: float
    content: Content


@record
class Configuration:
    """How the files of a plan stand to what the plan was made of.

    `start` has the files that there were: where a thousand settings could have lain, and did not, is not
    looked through for each scrape. `looked` is false before the first look. `pending` is what the latest
    look saw that is different; `verdict` says why a restart would not work with it, "" where nobody asked or
    it would.
    """

    start: Mapping[str, Content]
    pending: Mapping[str, Content]
    found: tuple[Change, ...] = ()
    looked: bool = False
    verdict: str = ""

    @property
    def changes(self) -> tuple[Change, ...]:
        """The files that hold something else."""
        return tuple(one for one in self.found if one.how != "unreadable")

    @property
    def unreadable(self) -> tuple[Change, ...]:
        """The files that could be read, or were not there, and now cannot be read."""
        return tuple(one for one in self.found if one.how == "unreadable")

    @property
    def unchanged(self) -> int:
        """How many files the plan was made of that are what they were."""
        return len(self.start) - sum(one.path in self.start for one in self.found)

    @property
    def settled(self) -> bool:
        """Whether nothing is on its way: all that the latest look saw has been seen before."""
        return self.pending == {one.path: one.content for one in self.found}


def begin(watched: Watched) -> Configuration:
    """Return the configuration before the first look."""
    return Configuration({path: held for path, held in watched.files if held != ABSENT}, {})


def observe(
    before: Configuration, seen: Mapping[str, Content], now: float
) -> tuple[Configuration, tuple[Change, ...]]:
    """Return the configuration after one more look, and what is to be told, each thing once.

    `seen` has every path that was looked at; `now` is Unix seconds.
    """
    different = {
        path: content for path, content in seen.items() if content != before.start.get(path, ABSENT)
    }
    known = {one.path: one for one in before.found}
    told: list[Change] = []
    found: dict[str, Change] = {}
    for path, content in different.items():
        last = known.get(path)
        if last is not None and last.content == content:
            found[path] = last
        elif before.pending.get(path) == content:
            found[path] = Change(path, _how(before, path, content), now, content)
            told.append(found[path])
        elif last is not None:
            found[path] = last  # until it is known what it has become
    told.extend(
        replace(one, how="back", since=now) for path, one in known.items() if path not in different
    )
    return Configuration(before.start, different, tuple(found.values()), True), tuple(told)


def _how(before: Configuration, path: str, content: Content) -> How:
    if content.problem:
        return "unreadable"
    if content == ABSENT:
        return "gone"
    return "new" if before.start.get(path, ABSENT) == ABSENT else "changed"


def words(changes: tuple[Change, ...]) -> str:
    """Return which files changed, and how where it is more than that: `/a, /b (gone) and 2 more`."""
    shown = ", ".join(
        one.path if one.how == "changed" else f"{one.path} ({one.how})" for one in changes[:2]
    )
    return f"{shown} and {len(changes) - 2} more" if changes[2:] else shown
