"""Building the plan: every decision, taken once, as data.

Here: the order of the decisions, and what belongs to none of its parts: environment, stop ladder, digest.
Problems of independent parts are collected, so that all are shown at once.
"""

from __future__ import annotations

import os.path
from _blake2 import blake2b  # hashlib loads OpenSSL before java may start: 3 ms

from entrypoint.errors import Problem, ProblemsError
from entrypoint.plan import command, figures, files, questions, sharing, switches
from entrypoint.plan import protection as access
from entrypoint.plan.model import ENDING_SECONDS, ExitRule, Launch, Note, Plan, StopStep
from entrypoint.plan.scope import Scope, SecretInTextError
from entrypoint.records import record, replace
from entrypoint.rendering import properties
from entrypoint.rendering.placeholders import resolve_placeholders
from entrypoint.settings import resolve as resolution
from entrypoint.values import (
    Secret,
    format_duration,
    format_size,
    parse_duration,
    reveal,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from entrypoint.plan.command import Command
    from entrypoint.plan.files import Rendered
    from entrypoint.plan.model import Diagnosis
    from entrypoint.plan.questions import Questions
    from entrypoint.profile.schema import Profile
    from entrypoint.rendering.properties import PropertiesFile
    from entrypoint.settings.model import Facts, Inputs, Settings


@record
class Found:
    """Everything that a plan is built from; the same `Found` gives the same plan."""

    profile: Profile
    settings: Settings
    inputs: Inputs
    facts: Facts
    fixed: Mapping[str, str]
    """What home, run, host and java.home stand for."""
    layers: Mapping[str, PropertiesFile]
    templates: Mapping[str, str]
    texts: tuple[tuple[str, str], ...] = ()
    """The profile and its overlays as they were read, by the name that they are shown by."""


def resolve(profile: Profile, inputs: Inputs, facts: Facts, templates: Mapping[str, str]) -> Found:
    """Return what a plan is built from; raises ProblemsError with every wrong or missing setting."""
    layers = _layers(profile, inputs)
    names = resolution.own_names(facts.hostname)
    settings = resolution.resolve(profile, inputs, _entries(layers), names)
    for name in (resolution.RUN_SETTING, resolution.HOME_SETTING):
        folder = settings.get(name)
        if folder is not None and isinstance(folder.text, Secret):
            raise SecretInTextError(name, f"{{{name}}}")
    run = settings.get(resolution.RUN_SETTING)
    fixed = {
        **names,
        "home": resolution.home_of(profile, settings),
        "run": reveal(run.text) if run and run.text else "",
        "java.home": facts.java_home,
    }
    return Found(profile, settings, inputs, facts, fixed, layers, templates)


def survey(profile: Profile, inputs: Inputs, host: str) -> tuple[Settings, tuple[Problem, ...]]:
    """Return every setting, and the problems of those that are missing or wrong."""
    layers = _entries(_layers(profile, inputs))
    return resolution.survey(profile, inputs, layers, resolution.own_names(host))


def template_names(profile: Profile, inputs: Inputs, host: str) -> tuple[str, ...]:
    """Return the templates of a profile's files, by the names that they have here.

    A name may hold references, but not to a setting that stands in a properties file.
    """
    fill = resolution.preview(profile, inputs, resolution.own_names(host))
    sources = (spec.source for spec in profile.files if spec.kind == "template")
    return tuple(fill(source) or source for source in sources)


def java_home(profile: Profile, inputs: Inputs) -> str:
    """Return where the settings say that java is; "" where they do not."""
    found = resolution.preview_setting(profile, inputs, "java.home")
    return reveal(found.text) if found is not None and found.text else ""


def diagnosis_folder(profile: Profile, inputs: Inputs) -> tuple[str, bool]:
    """Return the folder for evidence of a death, "" for none, and whether the container names it itself."""
    found = resolution.preview_setting(profile, inputs, switches.FOLDER_SETTING)
    if found is None or found.text is None:
        return "", False
    return reveal(found.text), switches.is_asked(found)


def sharing_wanted(found: Found) -> sharing.Wanted | None:
    """Return what is to be looked at for class-data sharing, paths against the working directory.

    None where nothing will be shared.
    """
    scope = Scope(found.fixed, found.settings)
    wanted = sharing.wanted(found.profile, scope)
    if wanted is None:
        return None
    cwd = scope.text(found.profile.workdir)
    return replace(
        wanted, class_path=tuple(os.path.join(cwd, entry) for entry in wanted.class_path)
    )


def _layers(profile: Profile, inputs: Inputs) -> dict[str, PropertiesFile]:
    names = {os.path.basename(spec.source) for spec in profile.files if spec.kind == "properties"}
    return {
        file.path: properties.parse(file.content, file.path)
        for file in inputs.files
        if not file.problem and os.path.basename(file.path) in names
    }


def _entries(layers: Mapping[str, PropertiesFile]) -> dict[str, tuple[tuple[str, str, int], ...]]:
    return {
        path: tuple(
            (piece.key, piece.value, piece.line) for piece in layer.pieces if piece.key is not None
        )
        for path, layer in layers.items()
    }


def build(found: Found) -> Plan:
    """Return the plan; raises ProblemsError with the problems of all parts."""
    profile, scope = found.profile, Scope(found.fixed, found.settings)
    problems: list[Problem] = []
    rendered, line, asked = None, None, None
    try:
        rendered = files.render(profile.files, scope, found.inputs, found.layers, found.templates)
        scope = Scope(
            found.fixed, found.settings, _substitutes(found.settings, dict(rendered.values))
        )
    except ProblemsError as error:
        problems.extend(error.problems)
    try:
        asked = questions.ask(profile.gates, profile.checks, scope)
    except ProblemsError as error:
        problems.extend(error.problems)
    protection = access.protection(scope, found.inputs, problems)
    jdk = None
    try:
        assert profile.java is not None
        jdk = command.find_jdk(profile, found.facts)
        line = command.build(profile, profile.java, jdk, scope, found.inputs, found.facts)
    except ProblemsError as error:
        problems.extend(error.problems)
    if problems or rendered is None or line is None or asked is None:
        raise ProblemsError(*problems)
    launch = replace(_launch(found, scope, rendered, line, asked), protection=protection)
    notes = (
        *line.notes,
        *rendered.notes,
        *_warnings(launch, line, scope),
        *access.notes(protection, launch.listen),
        *(Note(text, "profile") for text in profile.notes),
    )
    return Plan(
        launch=launch,
        profile_version=profile.version,
        profile_sources=profile.sources,
        home=found.fixed["home"],
        jdk=jdk,
        supported=profile.java.supported if profile.java else "",
        supported_reason=profile.java.supported_reason if profile.java else "",
        facts=found.facts,
        settings=found.settings.settings,
        command=line.parts,
        files=rendered.files,
        folders=tuple(scope.text(folder) for folder in profile.folders),
        memory=line.memory,
        notes=notes,
        ignored=tuple(
            Note(f"{name}={value}", reason) for name, value, reason in found.settings.ignored
        ),
        suggestions=found.settings.suggestions,
        left_out=asked.left_out,
        dry_run=line.dry_run,
    )


def assign(found: Found, values: Mapping[str, str], place: str) -> Found:
    """Return the same with what a registration has assigned; values that were given stay."""
    assigned = tuple((name, value, place) for name, value in values.items())
    inputs = replace(found.inputs, assigned=assigned)
    resolved = resolve(found.profile, inputs, found.facts, found.templates)
    return replace(resolved, texts=found.texts)


def render_only(found: Found) -> Rendered:
    """Return the files alone: that needs no java."""
    scope = Scope(found.fixed, found.settings)
    return files.render(found.profile.files, scope, found.inputs, found.layers, found.templates)


def _substitutes(settings: Settings, values: Mapping[str, str]) -> dict[str, str]:
    """Return what settings with a Java placeholder amount to, for the questions that we ask ourselves."""
    found: dict[str, str] = {}
    for setting in settings.settings:
        key = setting.spec.property
        if key is None or setting.text is None or isinstance(setting.text, Secret):
            continue
        if "${" in setting.text and (resolved := resolve_placeholders(values, key)) is not None:
            found[setting.spec.name] = resolved
    return found


def _launch(
    found: Found, scope: Scope, rendered: Rendered, line: Command, asked: Questions
) -> Launch:
    profile = found.profile
    registered = questions.registration(profile.registration, scope)
    leaves = registered is not None and registered.resumes
    listen = scope.text("{entrypoint.listen}")
    launch = Launch(
        name=profile.name,
        digest="",
        executable=line.argv[0],
        argv=line.argv,
        cwd=scope.text(profile.workdir),
        environment=_environment(found, scope),
        run_dir=found.fixed["run"],
        registration=registered,
        gates=asked.gates,
        checks=asked.checks,
        ports=(*figures.ports(profile, scope), *line.ports),
        stop=tuple(
            StopStep(step.action, figures.seconds(step.wait, scope, str(step.place)))
            for step in profile.stop
            if step.action != "leave" or leaves
        ),
        exits=tuple(ExitRule(rule.code, rule.meaning, rule.answer) for rule in profile.exits),
        expects_exit=scope.text("{entrypoint.expects-exit}") == "true",
        stop_is_success=scope.text("{entrypoint.stop-is-success}") == "true",
        listen="" if listen == "off" else listen,
        metrics_names=scope.text("{metrics.names}"),
        metrics_attach=scope.text("{metrics.attach}") == "true",
        fails_on_thrash=scope.text("{liveness.on-thrash}") == "fail",
        on_change=scope.text("{config.on-change}"),
        threads=profile.memory.threads,
        log_format=scope.text("{entrypoint.log.format}"),
        log_level=scope.text("{entrypoint.log.level}"),
        termination_log=scope.text("{entrypoint.termination-log}"),
        grace_period=parse_duration(scope.text("{entrypoint.grace-period}")),
        diagnosis=line.diagnosis,
        sharing=line.shared.sharing,
        stop_when_ready=line.shared.stop_when_ready,
    )
    return replace(launch, digest=_digest(launch, rendered))


def _environment(found: Found, scope: Scope) -> tuple[tuple[str, str], ...]:
    """Return java's environment: ours, without the variables that carry secrets meant for files."""
    hidden = {setting.spec.env for setting in found.settings.settings if setting.spec.secret}
    kept = {name: value for name, value in found.inputs.environment if name not in hidden}
    declared = found.profile.environment  # a secret goes into it where the profile says so
    return tuple((kept | {name: reveal(scope.value(text)) for name, text in declared}).items())


def _digest(launch: Launch, rendered: Rendered) -> str:
    """Return eight digits that change with all that java gets to see; too few to guess a secret."""
    seen = blake2b()
    for word in (launch.cwd, *launch.argv):
        seen.update(word.encode("utf-8", "surrogateescape") + b"\0")
    for file in rendered.files:
        seen.update(f"{file.target}\0{file.mode}\0".encode() + blake2b(file.content).digest())
    for check in (*launch.gates, *launch.checks):
        arguments = [(name, reveal(value)) for name, value in check.arguments]
        seen.update(repr((check.name, check.kind, arguments, check.interval)).encode())
    return seen.hexdigest()[:8]


def _no_room(kept: Diagnosis, line: Command) -> Iterator[Note]:
    """Yield a note when a full heap would leave a dump that the next start removes again."""
    heap = next((row.size for row in line.memory if row.region == "heap"), None)
    if heap is not None and kept.heap_dumps and heap > kept.budget:
        text = (
            f"a dump of the whole heap ({format_size(heap)}) is more than may be kept"
            f" ({format_size(kept.budget)}): the next start would remove it"
        )
        yield Note(text, "ENTRYPOINT_DIAGNOSIS_MAX_SIZE")


def _warnings(launch: Launch, line: Command, scope: Scope) -> list[Note]:
    notes = []
    ladder = sum(step.wait for step in launch.stop)
    if ladder + ENDING_SECONDS > launch.grace_period:
        text = (
            f"the stop ladder takes up to {format_duration(ladder)} and telling how it ended"
            f" {format_duration(ENDING_SECONDS)}, the grace period is"
            f" {format_duration(launch.grace_period)}: Kubernetes would kill us in the middle of it"
        )
        notes.append(Note(text, "ENTRYPOINT_GRACE_PERIOD, ENTRYPOINT_STOP_TIMEOUT"))
    notes.extend(_no_room(launch.diagnosis, line))
    notes.extend(
        Note(f"{what} stands in the command line, where everybody can read it")
        for what in command.open_secrets(line.argv, scope)
    )
    return notes
