"""Where the user's JVM options come from: files of options, JAVA_OPTIONS, and argument files in it.

Here: which files are wanted, and what they hold as groups of options, each with its file and line. What
an option means is `jvm/`; reading the files is `system/`.
"""

from __future__ import annotations

import os.path

from entrypoint.errors import Problem, ProblemsError
from entrypoint.jvm import argfile, option_files, options
from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from entrypoint.jvm.option_files import FileOption
    from entrypoint.plan.scope import Scope
    from entrypoint.profile.schema import JavaSpec, Profile
    from entrypoint.settings.model import FileInput, Inputs

    Group: TypeAlias = tuple[str, tuple[str, ...]]

USER = "JAVA_OPTIONS"
FILE_SETTING = "java.options-file"
_OPTIONS = "{java.options}"
_FILE = f"{{{FILE_SETTING}}}"


@record
class Wanted:
    """Files that may hold JVM options: by path, and by a pattern for the last part of a path."""

    paths: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()


def wanted(profile: Profile, fill: Callable[[str], str | None]) -> Wanted:
    """Return the files to read; `fill` gives None for reference text that has no value yet."""
    java = profile.java
    if java is None:
        return Wanted()
    patterns = tuple(path for text in java.options_files if (path := fill(text)))
    workdir = fill(profile.workdir) or "/"
    paths = [fill(_FILE) or ""]
    texts = [text for spec in java.options for text in spec.options if text.startswith("@")]
    words = (*(fill(text) or "" for text in texts), *_split(fill(_OPTIONS) or ""))
    paths.extend(_path(word, workdir) for word in words if _names_file(word))
    return Wanted(tuple(dict.fromkeys(filter(None, paths))), patterns)


def groups(
    java: JavaSpec, scope: Scope, inputs: Inputs, workdir: str, feature: int
) -> tuple[Group, ...]:
    """Return the user's options as (origin, words): files first, JAVA_OPTIONS last.

    Raises ProblemsError with everything that is wrong with any of the files.
    """
    problems: list[Problem] = []
    found: list[Group] = []
    for file in _files(java, scope, inputs, problems):
        if file.problem:
            problems.append(option_files.unreadable(file.path, file.problem))
            continue
        read = option_files.parse(file.content, file.path, feature)
        problems.extend(read.problems)
        found.extend((option.place, option.words) for option in read.options)
        if len(found) > options.MAX_OPTIONS:
            raise ProblemsError(*problems, options.too_many(file.path))
    try:
        words = options.split(scope.text(_OPTIONS), USER)
        found.extend(expand(words, USER, inputs, workdir))
        if sum(len(words) for _, words in found) > options.MAX_OPTIONS:
            problems.append(options.too_many(USER))
    except ProblemsError as error:
        problems.extend(error.problems)
    if problems:
        raise ProblemsError(*problems)
    return tuple(found)


def expand(
    words: tuple[str, ...], origin: str, inputs: Inputs, workdir: str, place: str = ""
) -> tuple[Group, ...]:
    """Return the words as groups, with the options of a file in the place of each `@file`.

    The options of a file have its line as origin, behind `place`. As the launcher does, a word after
    `--disable-@files` is left alone, and so is `@@word`. Raises ProblemsError.
    """
    if options.pair(words).stray:
        return ((origin, words),)  # told with its position among all words
    found: list[Group] = []
    kept: list[str] = []
    problems: list[Problem] = []
    expanding = True
    for word in words:
        if not expanding or not _names_file(word):
            kept.append(word)
            expanding = expanding and word != "--disable-@files"
            continue
        found.append((origin, tuple(kept)))
        kept = []
        try:
            read = _argfile(_path(word, workdir), origin, inputs)
            found.extend((f"{place}{option.place}", option.words) for option in read)
            if len(found) > options.MAX_OPTIONS:
                raise ProblemsError(options.too_many(origin))
        except ProblemsError as error:
            problems.extend(error.problems)
    if problems:
        raise ProblemsError(*problems)
    found.append((origin, tuple(kept)))
    return tuple(group for group in found if group[1])


def _argfile(path: str, origin: str, inputs: Inputs) -> tuple[FileOption, ...]:
    file = inputs.file(path)
    if file is None or file.problem:
        reason = "no such file" if file is None else file.problem
        raise ProblemsError(option_files.unreadable(origin, reason, path))
    return argfile.parse(file.content, path)


def _split(text: str) -> tuple[str, ...]:
    try:
        return options.split(text)
    except ProblemsError:  # it is told when the command line is built
        return ()


def _files(
    java: JavaSpec, scope: Scope, inputs: Inputs, problems: list[Problem]
) -> Iterator[FileInput]:
    """Yield the files of options in their order, each once: those of a pattern by name."""
    seen: dict[str, FileInput] = {}
    for text in java.options_files:
        pattern = scope.text(text)
        meant = [file for file in inputs.files if option_files.matches(pattern, file.path)]
        seen.update({file.path: file for file in sorted(meant, key=lambda file: file.path)})
    own = scope.text(_FILE)
    if own:
        file = inputs.file(own)
        seen.pop(own, None)
        if file is None:
            setting = scope.settings.get(FILE_SETTING)
            place = setting.origin.place if setting and setting.origin else FILE_SETTING
            problems.append(option_files.unreadable(place, "no such file", own))
        else:
            seen[own] = file
    yield from seen.values()


def _names_file(word: str) -> bool:
    return word.startswith("@") and not word.startswith("@@") and len(word) > 1


def _path(word: str, workdir: str) -> str:
    # Where java would look: from its working directory.
    return os.path.normpath(os.path.join(workdir, word.removeprefix("@")))
