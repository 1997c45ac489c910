"""What is wrong with the settings, told so that it can be mended.

Here: the texts of the problems that `resolve` finds. What is a problem is decided there. Pure.
"""

from __future__ import annotations

from entrypoint.errors import Problem
from entrypoint.profile.spelling import closest, listed
from entrypoint.settings.masking import shown
from entrypoint.settings.parse import expected
from entrypoint.settings.sources import CONFIG_FOLDER, SECRETS_FOLDER
from entrypoint.values import reveal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from entrypoint.profile.schema import Profile, SettingSpec
    from entrypoint.settings.model import Setting
    from entrypoint.settings.sources import RawValue


def missing(
    spec: SettingSpec,
    profile: str,
    looked_at: Sequence[str],
    file: str,
    layers: Sequence[str],
    misspelt: str,
    asking: str = "",
) -> Problem:
    """Return the problem of a required setting without a value.

    `file` is the path of its own file and `layers` those of the properties files, if there are any;
    `misspelt` is a variable that is set and was probably meant for it, `asking` one that would have it
    assigned at the start.
    """
    details = [("where", f"profile {profile}, {spec.place}")]
    if looked_at:
        details.append(("looked at", listed(looked_at)))
    example = f", for example {spec.example}" if spec.example else ""
    details.append(("expected", expected(spec) + example))
    if misspelt:
        details.append(("fix", f"rename {misspelt}, which is set, to {spec.env}"))
    else:
        ways = [*_ways(spec, file, layers)]
        if asking:
            ways.append(f"or set {asking}: then it is assigned at the start")
        details.append(("fix", "\n".join(ways)))
    what = f'cannot resolve setting "{spec.name}": no value'
    return Problem("setting-missing", what, tuple(details))


def _ways(spec: SettingSpec, file: str, layers: Sequence[str]) -> Iterator[str]:
    """Yield the ways to give a setting a value, as lines of one sentence."""
    variable = f"set {spec.env}" if spec.env else ""
    if spec.secret:
        variable += f" or {spec.env}_FILE" if spec.env else ""
        mount = f"mount the key in a Secret at {SECRETS_FOLDER}"
    elif file:
        mount = f"mount it as {file}"
    else:
        mount = f"mount the key in a ConfigMap at {CONFIG_FOLDER}"
    joined = f"{variable}, or {mount}" if variable else mount
    if len(joined) <= 88:
        yield joined
    else:
        yield from (variable, f"or {mount}")
    if spec.property and layers:
        yield f"or give {spec.property} in {layers[0]}"


def invalid(spec: SettingSpec, value: RawValue, expectation: str) -> Problem:
    """Return the problem of a value that does not fit its type; a secret is masked."""
    details = [
        ("where", value.origin.place),
        ("value", shown(spec, value.text) or "(empty)"),
        ("expected", expectation),
    ]
    if spec.example:
        details.append(("fix", f"give a value such as {spec.example}"))
    what = f'setting "{spec.name}" has a wrong value'
    return Problem("setting-invalid", what, tuple(details))


def beyond(settings: Iterable[Setting]) -> Iterator[Problem]:
    """Yield a problem for every number that is not below the setting that bounds it."""
    known = {setting.spec.name: setting for setting in settings}
    for setting in known.values():
        limit = known.get(setting.spec.below or "")
        if limit is None or not (setting.text and setting.origin and limit.text and limit.origin):
            continue
        try:
            fits = int(reveal(setting.text)) < int(reveal(limit.text))
        except ValueError:  # a placeholder, which only the application can resolve
            continue
        if not fits:
            raised = limit.spec.env or limit.spec.name
            most = f"{shown(limit.spec, limit.text)} ({limit.origin.place})"
            details = (
                ("where", setting.origin.place),
                ("value", shown(setting.spec, setting.text)),
                ("expected", f"a number below {most}"),
                ("fix", f"lower it, or raise {raised}:\n{limit.spec.description}"),
            )
            what = f'setting "{setting.spec.name}" is not below "{limit.spec.name}"'
            yield Problem("setting-beyond", what, details)


def secret_on_command_line(spec: SettingSpec) -> Problem:
    """Return the problem of a secret that was given by `--set`."""
    fix = f"set {spec.env}" if spec.env else f"mount it as {SECRETS_FOLDER}/{spec.name}"
    return Problem(
        "setting-secret-on-command-line",
        f'secret setting "{spec.name}" was given by --set',
        (
            ("where", f"--set {spec.name}"),
            ("expected", "no secret there: everybody can read /proc/<pid>/cmdline"),
            ("fix", fix),
        ),
    )


def unknown_assignments(
    profile: Profile, assignments: Iterable[tuple[str, str]]
) -> Iterator[Problem]:
    """Yield a problem for every `--set` of a setting that the profile does not have."""
    known = [spec.name for spec in profile.settings]
    by_variable = {spec.env: spec.name for spec in profile.settings if spec.env}
    for name, _ in assignments:
        if name in known:
            continue
        near = by_variable.get(name) or closest(name, known)
        fix = f'did you mean "{near}"?' if near else "`entrypoint explain` lists the settings"
        what = f"--set names {shown_name(name)}, which is no setting"
        yield Problem("setting-unknown", what, (("where", "--set"), ("fix", fix)))


def shown_name(name: str) -> str:
    """Return a name in quotes, short and printable: it may be anything that was typed."""
    return f'"{name[:60]}"' if name.isprintable() else repr(name[:60])
