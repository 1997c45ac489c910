"""The helper's story: from what this container was given to a plan, written files and open gates.

Here: reading profiles and inputs, the order in which a plan comes about, and what has to be true before
java is started. It runs in a process of its own, forked before PID 1 imported anything large, and gives its
memory back by ending. `plan`, `explain`, `render` and `check` use the same functions.
"""

from __future__ import annotations

import os

from entrypoint import arguments, replay
from entrypoint.errors import (
    EXIT_USAGE,
    Problem,
    ProblemsError,
)
from entrypoint.lifecycle import events as on
from entrypoint.lifecycle.health import GateStatus
from entrypoint.plan import build
from entrypoint.profile import schema
from entrypoint.profile.load import load
from entrypoint.profile.spelling import closest
from entrypoint.records import replace
from entrypoint.settings.resolve import wanted_files
from entrypoint.system import channel, facts, files, inputs
from entrypoint.system.java import run_java

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from entrypoint.plan.model import Launch, Plan, RenderedFile
    from entrypoint.profile.schema import Profile
    from entrypoint.settings.model import Inputs
    from entrypoint.system.checks.gates import GateProgress

DEFAULT_OVERLAY = "/etc/entrypoint/profile.yaml"
# Not importlib.resources: that costs 20 ms before java's start, to serve zip files that we do not ship.
BUILTIN = os.path.dirname(schema.__file__)
HIDDEN = ("base",)
VERBS = ("run", "plan", "explain", "render", "check", "probe", "profiles", "schema", "version")
DRY_RUN_SECONDS = 20.0


def main(argv: Sequence[str], descriptor: int) -> int:
    """Prepare a run and tell PID 1 over the pipe; return the exit code of this process."""
    try:
        check_profile_name(argv)
        plan = make_plan(arguments.parse(["run", *argv]))
        preflight(plan)
        apply(plan)
        channel.send(descriptor, replace(plan.launch, remarks=_remarks(plan)))
        if plan.launch.gates:
            channel.send(descriptor, _open_gates(plan.launch, descriptor))
    except ProblemsError as error:
        what = error.problems[0].what
        channel.send(descriptor, on.PrepareFailed(error.exit_code, what, error.problems))
    except SystemExit as ended:
        channel.send(descriptor, on.PrepareEnded(EXIT_USAGE if ended.code else 0))
    return 0


def make_plan(request: arguments.Request) -> Plan:
    """Return the plan for a request; raises ProblemsError with all that is wrong."""
    return build.build(gather(request))


def gather(request: arguments.Request) -> build.Found:
    """Read everything that a plan is made of, and resolve it."""
    if request.replay:
        return replay.load(
            _read_text(request.replay, "recording"), builtin_profiles(), template_text
        )
    profile = load_profile(request)
    found = _read_inputs(profile, request)
    java_home = build.java_home(profile, found)
    observed = facts.observe(dict(found.environment), java_home)
    texts = {
        spec.source: template_text(spec.source) for spec in profile.files if spec.kind == "template"
    }
    return build.resolve(profile, found, observed, texts)


def load_profile(request: arguments.Request) -> Profile:
    """Return the profile that a request names, with its overlays merged over it."""
    return load(profile_sources(request), builtin_profiles())


def profile_sources(request: arguments.Request) -> list[tuple[str, str]]:
    """Return the texts of the profile and its overlays, each with the name that it is shown by."""
    name = request.profile or os.environ.get("ENTRYPOINT_PROFILE", "")
    if not name:
        raise ProblemsError(_no_profile(builtin_names()))
    if name in builtin_names():
        sources = [(f"{name}.yaml", _read_own(f"builtin/{name}.yaml"))]
    elif _is_path(name):
        shown = name if "/" in name else f"./{name}"
        sources = [(shown, _read_text(name, "profile"))]
    else:
        raise ProblemsError(_unknown_profile(name, builtin_names()))
    overlays = request.overlays or ((DEFAULT_OVERLAY,) if os.path.exists(DEFAULT_OVERLAY) else ())
    sources.extend(
        (path if "/" in path else f"./{path}", _read_text(path, "overlay")) for path in overlays
    )
    return sources


def check_profile_name(argv: Sequence[str]) -> None:
    """Refuse a first word that is no profile: most often it is a misspelt verb."""
    name = argv[0] if argv and not argv[0].startswith("-") else ""
    builtin = builtin_names()
    if name and name not in builtin and not _is_path(name):
        raise ProblemsError(_unknown_profile(name, builtin))


def builtin_profiles() -> dict[str, str]:
    """Return the texts of the built-in profiles by name."""
    return {name: _read_own(f"builtin/{name}.yaml") for name in builtin_names()}


def builtin_names() -> tuple[str, ...]:
    """Return the names of the built-in profiles, sorted."""
    names = os.listdir(f"{BUILTIN}/builtin")
    return tuple(sorted(name[:-5] for name in names if name.endswith(".yaml")))


def _read_inputs(profile: Profile, request: arguments.Request) -> Inputs:
    """Read what the profile wants, again until files that were read want no more."""
    wanted: tuple[str, ...] = ()
    names = {"host": os.uname().nodename}
    found = inputs.collect(None, (), request.assignments, request.arguments)
    for _ in range(4):
        more = wanted_files(profile, found, names)
        if set(more) <= set(wanted):
            break
        wanted = (*wanted, *more)
        found = inputs.collect(None, wanted, request.assignments, request.arguments)
    return found


def template_text(source: str) -> str:
    """Return a template by path or built-in name; "" where there is none, which the plan reports."""
    if source.startswith("/"):
        return _read_text(source, "template")
    return (
        _read_own(f"templates/{source}") if os.path.exists(f"{BUILTIN}/templates/{source}") else ""
    )


def _read_own(name: str) -> str:
    with open(f"{BUILTIN}/{name}", encoding="utf-8") as file:
        return file.read()


def preflight(plan: Plan) -> None:
    """Make sure of what can be known before java starts; raises ProblemsError with all problems."""
    launch = plan.launch
    problems = [_port_taken(name, port) for name, port in launch.ports if facts.ports_taken([port])]
    if "-jar" in launch.argv:
        jar = os.path.join(launch.cwd, launch.argv[launch.argv.index("-jar") + 1])
        if not os.access(jar, os.R_OK):
            problems.append(
                _no_jar(jar, "permission denied" if os.path.exists(jar) else "no such file")
            )
    if not os.path.isdir(launch.cwd):
        problems.append(_no_workdir(launch.cwd))
    if problems:
        raise ProblemsError(*problems)
    if plan.dry_run:
        _dry_run(plan)


def _dry_run(plan: Plan) -> None:
    """Ask the JVM about options that the table does not know, with the final line and -version."""
    launch = plan.launch
    end = next(
        (i for i, word in enumerate(launch.argv) if word in {"-cp", "-jar"}), len(launch.argv)
    )
    environment = dict(launch.environment)
    status, output = run_java(
        launch.executable, (*launch.argv[1:end], "-version"), DRY_RUN_SECONDS, environment
    )
    if status == 0:
        return
    said = "\n".join(line for line in output.splitlines() if line.strip())[:2000]
    details = (
        ("where", "JAVA_OPTIONS and the profile's options, tried with -version"),
        ("says", said or f"nothing, exit code {status}"),
        ("fix", "correct or remove the option that java names"),
    )
    version = plan.jdk.version if plan.jdk else ""
    raise ProblemsError(
        Problem("jvm-options-refused", f"java {version} refuses its options", details)
    )


def apply(plan: Plan) -> None:
    """Write folders and files; raises ProblemsError for the first that cannot be written.

    What a file check looks for is removed first: an emptyDir outlives the container, and what the run
    before this one left there would be taken for an answer of this one.
    """
    launch = plan.launch
    files.make_folder(launch.run_dir)
    for check in launch.checks:
        if check.kind == "file" and check.target.startswith(launch.run_dir + "/"):
            files.remove_file(check.target)
    for folder in plan.folders:
        files.make_folder(folder, 0o755)
    write_files(plan.files)


def write_files(rendered: Sequence[RenderedFile]) -> None:
    """Write rendered files, and the folders that they are in."""
    for file in rendered:
        files.make_folder(os.path.dirname(file.target))
        files.write_file(file.target, file.content, file.mode, file.once)


def _open_gates(launch: Launch, descriptor: int) -> on.GatesPassed | on.GatesFailed:
    from entrypoint.system.checks.gates import run_gates  # noqa: PLC0415 - only with gates

    def report(progress: GateProgress) -> None:
        status = GateStatus(
            progress.name,
            progress.target,
            progress.status,
            progress.attempts,
            progress.seconds,
            progress.detail,
        )
        channel.send(descriptor, status)

    problems = run_gates(launch.gates, report)
    if problems:
        return on.GatesFailed(problems[0].exit_code, problems[0].what, problems)
    return on.GatesPassed()


def _remarks(plan: Plan) -> tuple[str, ...]:
    """Return what somebody who reads only the log should see of the plan."""
    notes = [f"{note.text} ({note.origin})" if note.origin else note.text for note in plan.notes]
    notes.extend(
        f"{wrong} is set and no setting has it: did you mean {meant}?"
        for wrong, meant in plan.suggestions
        if meant
    )
    return tuple(notes)


def _is_path(name: str) -> bool:
    return "/" in name or name.endswith((".yaml", ".yml"))


def _read_text(path: str, what: str) -> str:
    found = inputs.read_file(path)
    reason = "no such file" if found is None else found.problem
    if found is not None and not reason:
        try:
            return found.content.decode("utf-8-sig")
        except UnicodeDecodeError:
            reason = "not UTF-8 text"
    details = (
        ("where", path),
        ("says", reason),
        ("fix", "check the path, and the volume that it is on"),
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
    near = closest(
        name, [*builtin, "run", "plan", "explain", "render", "check", "probe", "profiles", "schema"]
    )
    details = [("expected", ", ".join(known for known in builtin if known not in HIDDEN))]
    details.append(
        (
            "fix",
            f"did you mean {near}?"
            if near
            else "entrypoint profiles lists them; a path has a / or ends in .yaml",
        )
    )
    return Problem(
        "profile-unknown", f"no profile or verb {name[:80]!r}", tuple(details), EXIT_USAGE
    )


def _port_taken(name: str, port: int) -> Problem:
    details = (
        ("where", f"port {name} of the profile"),
        ("expected", "a free port: another process of this network namespace listens there"),
        (
            "fix",
            "end it (hostNetwork? a second container of the pod?), or give this one another port",
        ),
    )
    return Problem("port-taken", f"port {port} is taken", details)


def _no_jar(jar: str, reason: str) -> Problem:
    details = (
        ("where", jar),
        ("says", reason),
        ("fix", "check APP_JAR, or java.jar of the profile"),
    )
    return Problem("jar-unreadable", f"cannot read the jar {jar}", details)


def _no_workdir(path: str) -> Problem:
    details = (
        ("where", path),
        ("says", "no such folder"),
        ("fix", "install the application there, or set ENTRYPOINT_HOME to where it is"),
    )
    return Problem("workdir-unusable", f"no working directory {path}", details)
