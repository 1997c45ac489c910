"""Where profiles, overlays and templates are read from: the package, and paths that the user names.

Here: reading texts and the problems of names. What they mean is `profile.load`; inputs are `system.inputs`.
"""

from __future__ import annotations

import os

from entrypoint import VERBS
from entrypoint.errors import DENIED, EXIT_USAGE, LET_READ, Problem, ProblemsError
from entrypoint.profile import schema
from entrypoint.profile.load import load
from entrypoint.profile.spelling import closest
from entrypoint.system.inputs import read_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from entrypoint.arguments import Request
    from entrypoint.profile.schema import Profile

DEFAULT_OVERLAY = "/etc/entrypoint/profile.yaml"
# Not importlib.resources: that costs 20 ms before java's start, to serve zip files that we do not ship.
BUILTIN = os.path.dirname(schema.__file__)
HIDDEN = ("base",)


def load_profile(request: Request) -> Profile:
    """Return the profile that a request names, with its overlays merged over it."""
    return merge(profile_sources(request))


def merge(texts: Sequence[tuple[str, str]]) -> Profile:
    """Return the profile that the texts of a profile and its overlays make."""
    return load(texts, builtin_profiles())


def profile_sources(request: Request) -> list[tuple[str, str]]:
    """Return the texts of the profile and its overlays, each with the name that it is shown by."""
    name = request.profile or os.environ.get("ENTRYPOINT_PROFILE", "")
    if not name:
        raise ProblemsError(_no_profile(builtin_names()))
    if name in builtin_names():
        sources = [(f"{name}.yaml", _read_own(f"builtin/{name}.yaml"))]
    elif is_path(name):
        shown = name if "/" in name else f"./{name}"
        sources = [(shown, read_text(name, "profile"))]
    else:
        raise ProblemsError(_unknown_profile(name, builtin_names()))
    overlays = request.overlays or ((DEFAULT_OVERLAY,) if os.path.exists(DEFAULT_OVERLAY) else ())
    sources.extend(
        (path if "/" in path else f"./{path}", read_text(path, "overlay")) for path in overlays
    )
    return sources


def check_profile_name(argv: Sequence[str]) -> None:
    """Refuse a first word that is no profile: most often it is a misspelt verb."""
    name = argv[0] if argv and not argv[0].startswith("-") else ""
    builtin = builtin_names()
    if name and name not in builtin and not is_path(name):
        raise ProblemsError(_unknown_profile(name, builtin))


def builtin_profiles() -> dict[str, str]:
    """Return the texts of the built-in profiles by name."""
    return {name: _read_own(f"builtin/{name}.yaml") for name in builtin_names()}


def builtin_names() -> tuple[str, ...]:
    """Return the names of the built-in profiles, sorted."""
    names = os.listdir(f"{BUILTIN}/builtin")
    return tuple(sorted(name[:-5] for name in names if name.endswith(".yaml")))


def template_text(source: str) -> str:
    """Return a template by path or built-in name; "" where there is none, which the plan reports."""
    if source.startswith("/"):
        return read_text(source, "template")
    return (
        _read_own(f"templates/{source}") if os.path.exists(f"{BUILTIN}/templates/{source}") else ""
    )


def _read_own(name: str) -> str:
    with open(f"{BUILTIN}/{name}", encoding="utf-8") as file:
        return file.read()


def is_path(name: str) -> bool:
    """Tell the path of a profile from the name of a built-in one."""
    return "/" in name or name.endswith((".yaml", ".yml"))


def read_text(path: str, what: str) -> str:
    """Return a text file that the user named; ProblemsError `<what>-unreadable` where it cannot be read."""
    found = read_file(path)
    reason = "no such file" if found is None else found.problem
    if found is not None and not reason:
        try:
            return found.content.decode("utf-8-sig")
        except UnicodeDecodeError:
            reason = "not UTF-8 text"
    details = (
        ("where", path),
        ("says", reason),
        ("fix", LET_READ if reason == DENIED else "check the path, and the volume that it is on"),
    )
    raise ProblemsError(Problem(f"{what}-unreadable", f"cannot read the {what} {path}", details))


def _no_profile(builtin: Iterable[str]) -> Problem:
    names = ", ".join(name for name in builtin if name not in HIDDEN)
    details = (
        ("looked at", "the command line, $ENTRYPOINT_PROFILE (unset)"),
        ("expected", f"{names}, or the path of a YAML file"),
        ("fix", "entrypoint run PROFILE, or set ENTRYPOINT_PROFILE; entrypoint --help tells more"),
    )
    return Problem("profile-missing", "no profile to run", details, EXIT_USAGE)


def _unknown_profile(name: str, builtin: Iterable[str]) -> Problem:
    near = closest(name, [*builtin, "run", *VERBS])
    details = [("expected", ", ".join(known for known in builtin if known not in HIDDEN))]
    listed = "entrypoint profiles lists them; a path has a / or ends in .yaml"
    details.append(("fix", f"did you mean {near}?" if near else listed))
    return Problem(
        "profile-unknown", f"no profile or verb {name[:80]!r}", tuple(details), EXIT_USAGE
    )
