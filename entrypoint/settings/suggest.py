"""What else stands in the environment: misspelt variables, and Kubernetes service links.

Here: a look at the variables that share a prefix with the profile's own. All others are none of our
business. Pure.
"""

from __future__ import annotations

from entrypoint.profile.spelling import closest, distance
from entrypoint.settings.service_links import REASON, service_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from entrypoint.profile.schema import Profile

OWN_VARIABLES = ("ENTRYPOINT_PROFILE", "ENTRYPOINT_DEBUG")
"""Variables that entrypoint reads before there is a profile."""

_JAVA_VARIABLES = frozenset(
    {
        "_JAVA_OPTIONS",
        "JAVA_TOOL_OPTIONS",
        "JDK_JAVA_OPTIONS",
        "JAVA_VERSION",
        "JAVA_MAJOR_VERSION",
        "JRE_HOME",
        "JDK_HOME",
    }
)
_SYNONYMS = {"JAVA_OPTS": "JAVA_OPTIONS", "JVM_OPTS": "JAVA_OPTIONS", "JVM_OPTIONS": "JAVA_OPTIONS"}
_MAX_LOOKED_AT = 500
"""Variables that nothing reads and that are compared with the known ones: each takes half a millisecond."""
_FAMILY_SIZE = 5
"""So many variables with one prefix make the prefix the profile's own: KAFKA_, but not HTTP_."""


def variables(profile: Profile) -> tuple[str, ...]:
    """Return the names of all variables that the profile's settings read, `NAME_FILE` left out."""
    return tuple(spec.env for spec in profile.settings if spec.env)


def suggestions(
    profile: Profile, environment: Mapping[str, str], own: Collection[str] = OWN_VARIABLES
) -> tuple[tuple[str, str], ...]:
    """Return (variable, the one that was probably meant) for variables that nothing reads.

    The second is "" where a variable has the profile's own prefix and resembles no known one.
    """
    known = (*variables(profile), *own)
    taken = {*known, *(f"{name}_FILE" for name in known), *_JAVA_VARIABLES}
    prefixes = {name.partition("_")[0] for name in known if "_" in name}
    found = []
    looked_at = 0
    for name, value in environment.items():
        if name in taken or service_of(name, value):
            continue
        looked_at += 1
        if looked_at > _MAX_LOOKED_AT:
            break
        meant = _meant(name, known, prefixes)
        if meant or _is_of_family(name, known):
            found.append((name, meant))
    return tuple(found)


def service_links(
    profile: Profile, environment: Mapping[str, str]
) -> tuple[tuple[str, str, str], ...]:
    """Return (variable, value, reason) for service links that could be taken for settings.

    That is every link in a variable that the profile reads, and one link for each service whose name
    begins like the profile's variables: not all of the seven or more that Kubernetes makes of it.
    """
    declared = set(variables(profile))
    prefixes = tuple({name.partition("_")[0] + "_" for name in declared if "_" in name})
    found = []
    told = set()
    for name, value in sorted(environment.items(), key=lambda item: (len(item[0]), item[0])):
        service = service_of(name, value, name in declared)
        if not service:
            continue
        is_first = f"{service}_".startswith(prefixes) and service not in told
        if name in declared or is_first:
            told.add(service)
            found.append((name, value, REASON))
    return tuple(sorted(found))


def _meant(name: str, known: Collection[str], prefixes: Collection[str]) -> str:
    if _SYNONYMS.get(name) in known:
        return _SYNONYMS[name]
    upper = name.upper()
    if upper in known:
        return upper
    prefix, _, tail = upper.partition("_")
    if not tail or all(distance(prefix, other, 1) > 1 for other in prefixes):
        return ""
    stem = upper.removesuffix("_FILE")
    found = closest(stem, known, 1 if len(tail) <= 5 else 2)
    return f"{found}_FILE" if found and stem != upper else found


def _is_of_family(name: str, known: Collection[str]) -> bool:
    prefix = name.partition("_")[0] + "_"
    return name != prefix and sum(other.startswith(prefix) for other in known) >= _FAMILY_SIZE
