"""The verbs that do not run an application: they print, and end.

Here: the only `print` of the program. Every verb is a few lines over `prepare` and the printers of `plan`.
"""

from __future__ import annotations

import os
import sys

from entrypoint import __version__, arguments, diagnose, preflight, prepare, replay, sources
from entrypoint.errors import EXIT_DEPENDENCY, EXIT_USAGE, Problem, ProblemsError
from entrypoint.plan import build, document, explain
from entrypoint.plan.explain import Style
from entrypoint.plan.explain_settings import explain_setting, explain_settings
from entrypoint.plan.model import Note
from entrypoint.profile.spelling import closest
from entrypoint.records import replace
from entrypoint.settings.resolve import default_problems
from entrypoint.system import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from entrypoint.plan.model import Plan
    from entrypoint.settings.model import Setting
    from entrypoint.system.checks.result import CheckResult


def main(argv: Sequence[str]) -> int:
    """Run a verb and return its exit code; ProblemsError carries what is wrong."""
    try:
        request = arguments.parse([*argv[1:2], "--help"] if argv[0] == "help" else argv)
    except SystemExit as ended:
        return EXIT_USAGE if ended.code else 0
    match request.verb:
        case "plan":
            return _plan(request)
        case "explain":
            return _explain(request)
        case "render":
            return _render(request)
        case "check":
            return _check(request)
        case "profiles":
            return _profiles(request)
        case "diagnose":
            return diagnose.diagnose(request.pid, request.out, request.output)
        case "database" | "manifests":
            return _for_a_cluster(request)
        case "schema":
            return _schema()
        case _:
            return _print(f"entrypoint {__version__}")


def _plan(request: arguments.Request) -> int:
    found = prepare.gather(request)
    if request.record:
        _record(request, found)
    plan = build.build(found)
    if not request.replay:  # of another machine: what is here says nothing about it
        plan = replace(plan, notes=(*plan.notes, *_missing(plan)))
    if request.output != "text":
        return _dump(document.plan_document(plan), request.output)
    return _print(explain.explain_plan(plan, _style()), end="")


def _missing(plan: Plan) -> Iterator[Note]:
    for problem in preflight.missing(plan.launch):
        yield Note(f"{problem.what}: run would end with {problem.exit_code}", problem.id)


def _record(request: arguments.Request, found: build.Found) -> None:
    import yaml  # noqa: PLC0415 - only here

    recording = replay.dump(found, sources.profile_sources(request))
    text = yaml.safe_dump(recording, sort_keys=False, allow_unicode=True, width=100)
    files.write_file(os.path.abspath(request.record), text.encode(), 0o600)


def _explain(request: arguments.Request) -> int:
    """Print settings with their origins, also where others are missing; those are told after."""
    profile = sources.load_profile(request)
    found = prepare.read_inputs(profile, request)
    resolved, problems = build.survey(profile, found, os.uname().nodename)
    settings = resolved.settings
    if request.setting:
        settings = tuple(one for one in settings if request.setting in _names(one))
        if not settings:
            raise ProblemsError(_no_setting(request.setting, resolved.settings))
    if request.output != "text":
        _dump(document.settings_document(settings), request.output)
    elif request.setting:
        text = "\n".join(explain_setting(one, _style()) for one in settings)
        _print(text, end="")
    else:
        _print(explain_settings(settings, _style()), end="")
    if problems:
        raise ProblemsError(*problems)
    return 0


def _names(setting: Setting) -> tuple[str | None, ...]:
    return setting.spec.name, setting.spec.env, setting.spec.property


def _no_setting(name: str, settings: Sequence[Setting]) -> Problem:
    near = closest(name, [text for one in settings for text in _names(one) if text])
    fix = f"did you mean {near}?" if near else "entrypoint explain lists all settings"
    return Problem("setting-unknown", f"no setting {name[:80]!r}", (("fix", fix),), EXIT_USAGE)


def _render(request: arguments.Request) -> int:
    found = prepare.gather(request)
    run = found.fixed["run"]
    for file in build.render_only(found).files:
        inside = file.target.removeprefix(run + "/")
        target = os.path.join(os.path.abspath(request.out), inside.lstrip("/"))
        files.make_folder(os.path.dirname(target), 0o755)
        files.write_file(target, file.content, file.mode)
        _print(f"{target}   {file.summary}")
    if any(setting.spec.secret and setting.text for setting in found.settings.settings):
        _print(
            "these files hold secrets in clear text: their modes are kept, their folder is yours"
        )
    return 0


def _check(request: arguments.Request) -> int:
    """Ask every gate once, but those that need what a registration assigns."""
    from entrypoint.system.checks.run import Kept, run  # noqa: PLC0415 - only here

    plan = prepare.make_plan(request)
    results: list[tuple[str, str, CheckResult]] = []
    for gate in plan.launch.gates:
        if gate.pending:
            continue
        kept = Kept()
        results.append(
            (gate.name, gate.target, run(replace(gate, timeout=max(gate.timeout, 5.0)), kept))
        )
        kept.close()
    if request.output != "text":
        _dump(
            [
                {
                    "name": name,
                    "target": target,
                    "ok": one.ok,
                    "detail": one.detail,
                    "seconds": round(one.seconds, 4),
                }
                for name, target, one in results
            ],
            request.output,
        )
    else:
        for name, target, one in results:
            sign = "+" if one.ok else "-"
            _print(f"[{sign}]{name} {target} {one.detail} {one.seconds * 1000:.0f}ms")
        for note in plan.left_out:
            _print(f"[ ]{note.text} left out: {note.origin}")
        asked = plan.launch.registration
        for gate in plan.launch.gates:
            if gate.pending and asked is not None:
                by = f"assigned at start by {asked.integration} at {asked.target}"
                _print(f"[ ]{gate.name} {gate.target} not asked: it needs what is {by}")
        if not results:
            _print("nothing to ask: the profile has no gates here")
    return 0 if all(one.ok for _, _, one in results) else EXIT_DEPENDENCY


def _profiles(request: arguments.Request) -> int:
    builtin = sources.builtin_profiles()
    match request.action:
        case "list":
            for name in builtin:
                if name not in sources.HIDDEN:
                    profile = sources.load_profile(replace(request, profile=name))
                    _print(f"{name:<15} {profile.description}")
            return 0
        case "show":
            if request.target in builtin:
                return _print(builtin[request.target], end="")
            profile = sources.load_profile(replace(request, profile=_target(request)))
            return _print(f"{profile.name}: {profile.description}")
        case _:
            profile = sources.load_profile(replace(request, profile=_target(request)))
            if problems := default_problems(profile):
                raise ProblemsError(*problems)
            counts = ", ".join(
                f"{len(found)} {name}{'' if len(found) == 1 else 's'}"
                for name, found in (("setting", profile.settings), ("file", profile.files))
            )
            return _print(f"{_target(request)}: good; profile {profile.name}, {counts}")


def _target(request: arguments.Request) -> str:
    if not request.target:
        details = (("expected", f"entrypoint profiles {request.action} PROFILE"),)
        raise ProblemsError(Problem("usage", "which profile?", details, EXIT_USAGE))
    return request.target


def _for_a_cluster(request: arguments.Request) -> int:
    if request.verb == "database":
        from entrypoint import database  # noqa: PLC0415 - only here

        return _print(database.load(request))
    from entrypoint import manifests  # noqa: PLC0415 - only here

    return _print(manifests.nodeport(request.nodes, request.base, request.name), end="")


def _schema() -> int:
    from entrypoint.profile.json_schema import json_schema  # noqa: PLC0415 - only here

    return _dump(json_schema(), "json")


def _dump(data: object, form: str) -> int:
    if form == "yaml":
        import yaml  # noqa: PLC0415 - only here

        return _print(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100), end="")
    import json  # noqa: PLC0415 - only here

    return _print(json.dumps(data, indent=2, ensure_ascii=False))


def _print(text: str, end: str = "\n") -> int:
    """Print, also to a terminal that cannot show every character; a reader that went away is fine."""
    try:
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write((text + end).encode(encoding, "replace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 0


def _style() -> Style:
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return Style(colour=sys.stdout.isatty() and not plain)
