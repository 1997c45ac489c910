"""Texts to a `Profile`: parse, follow `extends`, merge overlays, check, build.

Here: the order of these steps. Reading files is the caller's part: texts are handed in. Pure.
"""

from __future__ import annotations

from entrypoint.errors import Problem, ProblemsError
from entrypoint.profile import build, rules
from entrypoint.profile.check import Check
from entrypoint.profile.grammar import PROFILE
from entrypoint.profile.merge import Merge
from entrypoint.profile.nodes import MapNode, entries, text
from entrypoint.profile.spelling import closest
from entrypoint.profile.yaml_nodes import MAX_PROBLEMS, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entrypoint.profile.schema import Place, Profile

BASE = "base"


def load(sources: Sequence[tuple[str, str]], builtin: Mapping[str, str]) -> Profile:
    """Return the profile that the first source declares, with the others merged over it in order.

    `sources` are (name as it is shown, text): the profile, then its overlays. `builtin` maps the
    names of built-in profiles to their texts, for `extends`; every profile extends `base` in the
    end. Raises ProblemsError with all problems, each with its file and line.
    """
    documents, problems = _parse(sources)
    if len(documents) < len(sources):
        raise _all_of(problems, *documents)
    name = _name_of(documents[0])
    if not name:
        problems.append(_nameless(sources[0][0], documents[0]))
        raise _all_of(problems, *documents)
    try:
        chain, overlays = _arrange(name, documents, builtin)
    except ProblemsError as error:
        raise _all_of([*problems, *error.problems], *documents) from None
    merge = Merge()
    merged = MapNode({}, documents[0].place)
    for document in (*chain, *overlays):
        merged = merge.over(merged, document, PROFILE)
    settings = entries(merged, "settings")
    check = Check(settings, merge.removed)
    check.walk(merged, PROFILE)
    problems += [*merge.problems, *check.problems]
    problems += rules.problems(merged, chain[0] if len(chain) > 1 else None, merge.removed)
    if problems:
        raise _all_of(problems)
    files = tuple(dict.fromkeys(d.place.file for d in (*chain, *overlays)))
    return build.profile(merged, name, files)


def _parse(sources: Sequence[tuple[str, str]]) -> tuple[list[MapNode], list[Problem]]:
    documents: list[MapNode] = []
    problems: list[Problem] = []
    for name, content in sources:
        try:
            document, found = parse(name, content)
        except ProblemsError as error:
            problems.extend(error.problems)
        else:
            documents.append(document)
            problems.extend(found)
    return documents, problems


def _all_of(problems: Sequence[Problem], *unmerged: MapNode) -> ProblemsError:
    """Gather problems in the order of their places, with those of documents that were not merged."""
    check = Check()
    for document in unmerged:
        check.walk(document, PROFILE)
    found = dict.fromkeys([*problems, *check.problems])
    return ProblemsError(*sorted(found, key=_by_place)[:MAX_PROBLEMS])


def _arrange(
    name: str, documents: list[MapNode], builtin: Mapping[str, str]
) -> tuple[list[MapNode], list[MapNode]]:
    """Sort documents into the chain of `extends`, base first, and the overlays over it."""
    given = {_name_of(d): d for d in documents[1:] if _name_of(d) not in {"", name}}
    chain = [documents[0]]
    trail = [name]
    while trail[-1] != BASE:
        upper, place = _extends(chain[0])
        if upper in trail:
            raise ProblemsError(_cycle([*trail, upper], place))
        if upper in given:
            chain.insert(0, given.pop(upper))
        elif upper in builtin:
            chain.insert(0, parse(f"{upper}.yaml", builtin[upper])[0])
        else:
            raise ProblemsError(_unknown_profile(upper, place, builtin))
        trail.append(upper)
    overlays = [d for d in documents[1:] if d not in chain]
    strangers = [d for d in overlays if _name_of(d) not in {"", name}]
    if strangers:
        raise ProblemsError(*(_stranger(d, name) for d in strangers))
    return chain, [_without_name(d) for d in overlays]


def _name_of(document: MapNode) -> str:
    return text(document, "profile") or ""


def _extends(document: MapNode) -> tuple[str, Place]:
    node = document.entries.get("extends")
    return text(document, "extends") or BASE, node.place if node else document.place


def _without_name(overlay: MapNode) -> MapNode:
    kept = {key: node for key, node in overlay.entries.items() if key != "profile"}
    return MapNode(kept, overlay.place)


def _nameless(shown: str, document: MapNode) -> Problem:
    return Problem(
        "profile-missing-key",
        f"{shown} has no name",
        (
            ("where", str(document.place)),
            ("expected", "`profile: NAME` in the file that is the profile itself"),
            ("fix", "add it; or name the profile that this file is an overlay of"),
        ),
    )


def _cycle(trail: list[str], place: Place) -> Problem:
    fix = ("fix", "give the profile a name of its own, or leave `extends` out")
    details = (("where", str(place)), ("value", " → ".join(trail)), fix)
    return Problem("profile-cycle", "profiles extend each other in a circle", details)


def _unknown_profile(name: str, place: Place, builtin: Mapping[str, str]) -> Problem:
    near = closest(name, builtin)
    details = [("where", str(place)), ("expected", "one of " + ", ".join(sorted(builtin)))]
    if near:
        details.append(("fix", f'did you mean "{near}"?'))
    return Problem(
        "profile-unknown", f'extends "{name[:60]}", and there is no such profile', tuple(details)
    )


def _stranger(document: MapNode, name: str) -> Problem:
    node = document.entries["profile"]
    return Problem(
        "profile-unknown",
        f'overlay for another profile: "{_name_of(document)[:60]}"',
        (
            ("where", str(node.place)),
            ("expected", f"profile: {name}, or no `profile` at all"),
        ),
    )


def _by_place(problem: Problem) -> tuple[str, int]:
    where = dict(problem.details).get("where", "")
    file, _, line = where.partition(",")[0].rpartition(":")
    return file, int(line) if line.isdigit() else 0
