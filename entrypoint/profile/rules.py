"""Rules of a whole profile that its grammar cannot say: what has to fit together.

Here: functions from a merged document to problems. They look at what is there and skip what is
malformed: `check` has told that already. Pure.
"""

from __future__ import annotations

from entrypoint.errors import Problem
from entrypoint.profile.nodes import ListNode, MapNode, Scalar, entries, text
from entrypoint.profile.references import names
from entrypoint.profile.schema import CHECK_KINDS_THAT_SAY_NO

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from entrypoint.profile.nodes import Node
    from entrypoint.profile.schema import Place

MAX_CHAIN = 16
"""Settings that a default may lead through, one after the other."""

_RESERVED = ("home", "run", "host", "ordinal")


def problems(
    document: MapNode, base: MapNode | None, removed: Mapping[tuple[str, ...], Place]
) -> Iterator[Problem]:
    """Yield what does not fit together in a merged profile.

    `base` is the profile that all extend, None for that one itself; `removed` tells where the entries at
    some paths were taken away.
    """
    settings = entries(document, "settings")
    yield from _twice(settings, "env")
    yield from _twice(settings, "property")
    for name, node in settings.items():
        yield from _setting(name, node)
        yield from _bound(name, node, settings)
    yield from _chains(settings)
    yield from _layers(document, settings)
    yield from _losses(document)
    if base is not None and ("settings",) in removed:
        what = "settings of profile base are taken away"
        fix = ("fix", "take away single settings: entrypoint itself needs those of profile base")
        yield _problem("profile-conflict", what, removed["settings",], fix)
    elif base is not None:
        yield from _base_settings(settings, entries(base, "settings"), removed)
    if base is not None:
        yield from _java(document)
        yield from _stop(document)


def _twice(settings: dict[str, Node], key: str) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    for name, node in settings.items():
        value = text(node, key)
        if value is None or not isinstance(node, MapNode):
            continue
        if value in owners:
            what = f'settings "{owners[value]}" and "{name}" have the same {key}'
            yield _problem("profile-conflict", what, node.entries[key].place, ("value", value))
        owners.setdefault(value, name)


def _setting(name: str, node: Node) -> Iterator[Problem]:
    if not isinstance(node, MapNode):
        return
    path = f"settings.{name}"
    if name in _RESERVED:
        fix = ("fix", f"call it otherwise: {{{name}}} has a meaning of its own")
        yield _problem("profile-conflict", f'no setting can be called "{name}"', node.place, fix)
    type_ = text(node, "type") or "text"
    choices = node.entries.get("choices")
    if type_ == "choice" and not (isinstance(choices, ListNode) and choices.items):
        what = f"{path} is a choice without choices"
        yield _problem("profile-missing-key", what, node.place, ("fix", "add `choices: [a, b]`"))
    if type_ != "choice" and choices is not None:
        fix = ("fix", "make it `type: choice`, or leave `choices` out")
        yield _problem(
            "profile-conflict", f"{path} has choices but type {type_}", choices.place, fix
        )
    unit = node.entries.get("unit")
    if unit is not None and type_ != "duration":
        fix = ("fix", "make it `type: duration`, or leave `unit` out")
        yield _problem("profile-conflict", f"{path} has a unit but type {type_}", unit.place, fix)


def _bound(name: str, node: Node, settings: dict[str, Node]) -> Iterator[Problem]:
    """Only numbers are compared; a name that is no setting is told elsewhere."""
    limit = text(node, "below")
    for number in (name, limit):
        found = settings.get(number or "")
        type_ = text(found, "type") or "text"
        if limit is not None and found is not None and type_ != "int":
            what = f'settings.{name} has below, and "{number}" has type {type_}'
            fix = ("fix", "make it `type: int`, or leave `below` out")
            yield _problem("profile-conflict", what, entries(node)["below"].place, fix)


def _chains(settings: dict[str, Node]) -> Iterator[Problem]:
    """Settings whose default or file lead back to themselves never get a value."""
    uses = {name: sorted(_uses(node) & settings.keys()) for name, node in settings.items()}
    depths: dict[str, int] = {}
    circles: list[tuple[str, ...]] = []

    def visit(trail: tuple[str, ...]) -> int:
        deepest = 0
        for used in uses[trail[-1]]:
            if used in trail:
                circles.append((*trail[trail.index(used) :], used))
            elif len(trail) > MAX_CHAIN:
                deepest = MAX_CHAIN
            else:
                depth = depths[used] if used in depths else visit((*trail, used))
                deepest = max(deepest, depth)
        depths[trail[-1]] = deepest + 1
        return deepest + 1

    for name, node in settings.items():
        if name not in depths and visit((name,)) > MAX_CHAIN:
            what = f"settings.{name} leads through more than {MAX_CHAIN} other settings"
            yield _problem("profile-cycle", what, node.place)
    for circle in circles:
        value = ("value", " → ".join(circle))
        what = "settings refer to each other in a circle"
        yield _problem("profile-cycle", what, settings[circle[0]].place, value)


def _uses(node: Node) -> set[str]:
    found: set[str] = set()
    for key in ("default", "compute", "file"):
        try:
            found.update(names(text(node, key) or ""))
        except ValueError:
            continue
    return found


def _layers(document: MapNode, settings: dict[str, Node]) -> Iterator[Problem]:
    """A properties file cannot be found by a setting whose value may stand in that very file."""
    for name, file in entries(document, "files").items():
        try:
            used = names(text(file, "properties") or "")
        except ValueError:
            continue
        for setting in used:
            if text(settings.get(setting), "property") is not None:
                what = f"files.{name} is found by {setting}, which may stand in a properties file"
                fix = ("fix", f"take `property` away from settings.{setting}")
                yield _problem("profile-cycle", what, file.place, fix)


def _losses(document: MapNode) -> Iterator[Problem]:
    """Lost is what somebody denies who can answer; and liveness alone asks for it."""
    for name, check in entries(document, "checks").items():
        lost_after = entries(check).get("lost-after")
        if lost_after is None:
            continue
        kinds = [kind for kind in CHECK_KINDS_THAT_SAY_NO if kind in entries(check)]
        if not kinds or (kinds == ["zookeeper"] and "path" not in entries(check, "zookeeper")):
            what = f"checks.{name} has lost-after, and nobody who can say no"
            expected = ("expected", "an http check, or a zookeeper check with a path")
            fix = ("fix", "leave `lost-after` out: liveness fails after `failures` then")
            yield _problem("profile-conflict", what, lost_after.place, expected, fix)
        roles = entries(check).get("for")
        items = roles.items if isinstance(roles, ListNode) else ()
        if "liveness" not in [item.text for item in items if isinstance(item, Scalar)]:
            what = f"checks.{name} has lost-after and is not for liveness"
            fix = ("fix", "add liveness to `for`, or leave `lost-after` out")
            yield _problem("profile-conflict", what, lost_after.place, fix)


def _base_settings(
    settings: dict[str, Node],
    base: dict[str, Node],
    removed: Mapping[tuple[str, ...], Place],
) -> Iterator[Problem]:
    if not settings:
        return
    for name, node in base.items():
        found = settings.get(name)
        if found is None:
            place = removed.get(("settings", name), node.place)
            what = f'setting "{name}" of profile base is taken away'
            fix = ("fix", "give it another default instead: entrypoint itself needs it")
            yield _problem("profile-conflict", what, place, fix)
        elif isinstance(found, MapNode) and text(found, "type") != text(node, "type"):
            given = found.entries.get("type", found)
            what = f'setting "{name}" of profile base has another type'
            expected = ("expected", f"type {text(node, 'type')}: entrypoint itself reads it")
            yield _problem("profile-conflict", what, given.place, expected)


def _java(document: MapNode) -> Iterator[Problem]:
    java = document.entries.get("java")
    if java is None:
        fix = (
            "fix",
            "add `java:` with `main` or `jar`, or extend a profile that has it, such as jvm",
        )
        yield _problem(
            "profile-missing-key", "the profile does not say what to start", document.place, fix
        )
    if not isinstance(java, MapNode):
        return
    main, jar = text(java, "main"), text(java, "jar")
    if main is None and jar is None:
        fix = ("fix", "give one of them")
        yield _problem("profile-missing-key", "java has neither main nor jar", java.place, fix)
    elif main is not None and jar is not None and not ("{" in main and "{" in jar):
        fix = ("fix", "keep one of them")
        yield _problem(
            "profile-conflict", "java has both main and jar", java.entries["jar"].place, fix
        )


def _stop(document: MapNode) -> Iterator[Problem]:
    stop = document.entries.get("stop")
    if not isinstance(stop, ListNode):
        return
    steps = [step for step in stop.items if isinstance(step, MapNode)]
    for number, step in enumerate(steps, start=1):
        itself = next((name for name in ("drain", "leave") if name in step.entries), "")
        if itself and "wait" in step.entries:
            fix = ("fix", f"leave `wait` out: {itself} is a duration itself")
            what = f"stop[{number}] has {itself} and wait"
            yield _problem("profile-conflict", what, step.entries["wait"].place, fix)
        elif not itself and "wait" not in step.entries and len(step.entries) == 1:
            fix = ("fix", "add `wait:` with a duration such as 20s")
            yield _problem("profile-missing-key", f"stop[{number}] lacks wait", step.place, fix)
    if not steps or text(steps[-1], "signal") != "KILL":
        fix = ("fix", "end it with `signal: KILL`: a java that hangs would never go")
        place = steps[-1].place if steps else stop.place
        yield _problem("profile-conflict", "the stop ladder does not end with KILL", place, fix)


def _problem(id_: str, what: str, place: Place, *details: tuple[str, str]) -> Problem:
    return Problem(id_, what, (("where", str(place)), *details))
