"""The command line of java: from the profile, the user's options and this JDK to argv.

Here: which JDK it is and whether the profile runs on it, the groups of options in their order, the class
path, and the words as `plan` prints them. What an option means is `jvm/`.
"""

from __future__ import annotations

from itertools import groupby

from entrypoint.errors import EXIT_NOT_EXECUTABLE, EXIT_NOT_FOUND, Problem, ProblemsError
from entrypoint.jvm import command as jvm
from entrypoint.jvm import options
from entrypoint.jvm.release import JdkRange, identify
from entrypoint.plan import memory, option_sources, sharing, switches
from entrypoint.plan.model import CommandPart, Diagnosis, MemoryRow, Note
from entrypoint.plan.scope import SecretInTextError
from entrypoint.records import record
from entrypoint.settings.masking import mask_url, mask_words
from entrypoint.values import MASK, reveal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from entrypoint.jvm.command import JvmOption, JvmOptions
    from entrypoint.jvm.release import Jdk
    from entrypoint.plan.memory import Divided
    from entrypoint.plan.option_sources import Group
    from entrypoint.plan.scope import Scope
    from entrypoint.plan.sharing import Shared
    from entrypoint.plan.switches import Switches
    from entrypoint.profile.schema import JavaSpec, Profile
    from entrypoint.settings.model import Facts, Inputs

COMPUTED = "computed"
PROFILE = "profile"
_TELLING = ("pass", "pwd", "secret", "token", "key", "credential", "auth", "private")
"""What stands in the name of a system property whose value is not to be shown."""


@record
class Command:
    """java's command line, the heap that it has, and what is to be said about both."""

    argv: tuple[str, ...]
    parts: tuple[CommandPart, ...]
    memory: tuple[MemoryRow, ...]
    notes: tuple[Note, ...]
    dry_run: bool
    diagnosis: Diagnosis
    ports: tuple[tuple[str, int], ...]
    """Ports that the JVM itself will listen on: for a debugger, for JMX."""
    shared: Shared


def find_jdk(profile: Profile, facts: Facts) -> Jdk:
    """Return the JDK at hand; raises ProblemsError when there is none or the profile cannot run on it."""
    if facts.java_problem or not facts.java:
        found = bool(facts.java)
        fix = ("fix", "set JAVA_HOME to the folder that holds bin/java, or put java into PATH")
        details: tuple[tuple[str, str], ...] = (("says", facts.java_problem or "no java"), fix)
        code = EXIT_NOT_EXECUTABLE if found else EXIT_NOT_FOUND
        what = "java cannot be executed" if found else "no java to be found"
        raise ProblemsError(
            Problem("java-not-executable" if found else "java-not-found", what, details, code)
        )
    jdk = identify(facts.java_home, facts.java, facts.release_text, facts.version_text)
    if jdk is None:
        first = next(iter(facts.version_text.splitlines()), "nothing")
        details = (
            ("looked at", f"{facts.java_home}/release, {facts.java} -version"),
            ("says", first[:200]),
            ("fix", "point JAVA_HOME to a working JDK or JRE"),
        )
        raise ProblemsError(
            Problem("java-unknown-version", "cannot tell which java this is", details)
        )
    java = profile.java
    if (
        java is not None
        and java.supported
        and not JdkRange.parse(java.supported).contains(jdk.feature)
    ):
        raise ProblemsError(_unsupported(profile, java, jdk))
    return jdk


def _unsupported(profile: Profile, java: JavaSpec, jdk: Jdk) -> Problem:
    details = (
        ("where", f"profile {profile.name}, {java.supported_place or java.place}"),
        ("value", f"JDK {jdk.version} ({jdk.vendor}) at {jdk.home}"),
        (
            "expected",
            f"JDK {java.supported}"
            + (f": {java.supported_reason}" if java.supported_reason else ""),
        ),
        ("fix", f"use an image with JDK {java.supported}, or set JAVA_HOME to one"),
    )
    return Problem("jdk-unsupported", f"{profile.name} does not run on JDK {jdk.feature}", details)


def build(
    profile: Profile, java: JavaSpec, jdk: Jdk, scope: Scope, inputs: Inputs, facts: Facts
) -> Command:
    """Return java's command line; raises ProblemsError with all problems."""
    workdir = scope.text(profile.workdir)
    user, switched = _given(java, jdk, scope, inputs, facts, workdir)
    try:
        tail, tail_parts = _program(java, scope, inputs)
        own = tuple(_profile_options(java, jdk, scope))
        expanded = option_sources.expand(own, PROFILE, inputs, workdir, f"{PROFILE} ")
        groups = (*switched.weak, *expanded, *switched.strong, *user)
    except SecretInTextError as error:
        raise ProblemsError(_secret_in_argv(error.setting, java)) from None
    external = {name: value for name in jvm.EXTERNAL_VARIABLES if (value := inputs.env(name))}
    chosen = _without_problems(jvm.assemble(jdk, groups, external))
    divided = memory.divide(profile.name, profile.memory, chosen, jdk.feature, scope, facts)
    result = _without_problems(
        jvm.assemble(jdk, ((COMPUTED, divided.options), *groups), external)
        if divided.options
        else chosen
    )
    shared = sharing.decide(profile, jdk, scope, facts, _line(result, divided))
    parts = tuple(
        CommandPart(tuple(map(_shown, run)), origin)
        for origin, run in groupby(result.options, key=lambda option: option.origin)
    )
    notes = [*switched.notes, *switches.jmx_elsewhere(switched.jmx, result.argv)]
    notes.extend(Note(note.text, note.origin) for note in result.notes)
    notes.extend(
        Note(
            f"the JVM itself adds {' '.join(one.shown)}" if one.applies else "ignored by this JDK",
            f"${one.variable}",
        )
        for one in result.external
    )
    if shared.options:
        parts = (*parts, CommandPart(shared.options, f"{COMPUTED} ({sharing.SETTING})"))
        tail, tail_parts = sharing.named_jars(tail, tail_parts, facts)
    return Command(
        (jdk.java, *result.argv, *shared.options, *tail),
        (CommandPart((jdk.java,), ""), *parts, *tail_parts),
        divided.rows,
        (*notes, *divided.notes, *shared.notes),
        result.needs_dry_run,
        switched.diagnosis,
        switched.ports,
        shared,
    )


def _line(options: JvmOptions, divided: Divided) -> sharing.Line:
    """Return what sharing classes depends on: all options that the JVM will have, and the heap."""
    outside = (option for one in options.external if one.applies for option in one.options)
    heap = next((row.size for row in divided.rows if row.region == "heap"), None)
    return sharing.Line((*options.argv, *outside), heap)


def _given(
    java: JavaSpec, jdk: Jdk, scope: Scope, inputs: Inputs, facts: Facts, workdir: str
) -> tuple[tuple[Group, ...], Switches]:
    """Return the user's options, and what single settings switch on; raises the problems of both."""
    problems: list[Problem] = []
    user: tuple[Group, ...] = ()
    switched: Switches | None = None
    try:
        user = option_sources.groups(java, scope, inputs, workdir, jdk.feature)
    except ProblemsError as error:
        problems.extend(error.problems)
    said = [word for _, words in user for word in words]
    said += [word for name in jvm.EXTERNAL_VARIABLES for word in (inputs.env(name) or "").split()]
    try:
        switched = switches.build(jdk, scope, facts, said)
    except ProblemsError as error:
        problems.extend(error.problems)
    if problems or switched is None:
        raise ProblemsError(*problems)
    return user, switched


def _without_problems(options: JvmOptions) -> JvmOptions:
    if options.problems:
        raise ProblemsError(*options.problems)
    return options


def _shown(option: JvmOption) -> str:
    """Return an option as the plan prints it: the user's own may hold what nobody else should read."""
    name = option.text.partition("=")[0].lower()
    open_to_all = options.kind(option.text) == "property" and not any(
        word in name for word in _TELLING
    )
    if jvm.is_default(option.origin) or open_to_all:
        return option.text
    return options.show(option.text)


def _profile_options(java: JavaSpec, jdk: Jdk, scope: Scope) -> Iterator[str]:
    for spec in java.options:
        if spec.when is not None and not scope.has(spec.when):
            continue
        if spec.jdk is None or JdkRange.parse(spec.jdk).contains(jdk.feature):
            yield from (scope.text(option) for option in spec.options)
    for name, text in java.properties:
        yield f"-D{name}={scope.text(text)}"


def _program(
    java: JavaSpec, scope: Scope, inputs: Inputs
) -> tuple[tuple[str, ...], tuple[CommandPart, ...]]:
    """Return the words after the options: class path, main class or jar, and arguments."""
    main, jar = scope.text(java.main), scope.text(java.jar)
    if bool(main) == bool(jar):
        what = (
            "both a jar and a main class are given" if main else "no jar and no main class to run"
        )
        details = (
            ("where", str(java.place)),
            ("expected", "exactly one of them, for example APP_JAR=/app/app.jar"),
            ("fix", "set APP_JAR or APP_MAIN, or java.jar or java.main in a profile of your own"),
        )
        raise ProblemsError(Problem("program-unclear", what, details))
    if jar:
        head: tuple[str, ...] = ("-jar", jar)
    else:
        head = ("-cp", ":".join(filter(None, map(scope.text, java.classpath))), main)
    own = tuple(scope.text(text) for text in java.arguments)
    shown = (f"-jar {jar}",) if jar else (f"-cp {head[1]}", main)
    parts = (
        CommandPart(shown, PROFILE),
        CommandPart(own, PROFILE),
        CommandPart(inputs.arguments, "command line"),
    )
    return (*head, *own, *inputs.arguments), tuple(part for part in parts if part.words)


def _secret_in_argv(setting: str, java: JavaSpec) -> Problem:
    details = (
        ("where", str(java.place)),
        (
            "expected",
            "a secret in a rendered file: /proc/*/cmdline shows the command line to everybody",
        ),
        ("fix", f'take "{setting}" out of java.properties, java.options and java.arguments'),
    )
    return Problem(
        "secret-in-argv", f'secret setting "{setting}" would be part of the command line', details
    )


def open_secrets(argv: tuple[str, ...], scope: Scope) -> Iterator[str]:
    """Yield what is secret in a command line, whoever put it there: settings, and words that look like it."""
    texts = {}
    for setting in scope.settings.settings:
        if setting.spec.secret and setting.text and _stands_in(reveal(setting.text), argv):
            texts[setting.spec.name] = reveal(setting.text)
    yield from (f'the text of secret "{name}"' for name in texts)
    for word, masked, before in zip(argv, mask_words(argv), ("", *argv), strict=False):
        if word != masked and not any(text in word for text in texts.values()):
            name = before if masked == MASK else word.partition("=")[0]
            yield f"what looks like a secret ({mask_url(name)[:80]})"


def _stands_in(text: str, argv: tuple[str, ...]) -> bool:
    """Tell whether a word holds the text; three letters may well stand there by chance."""
    return len(text) > 3 and any(text in word for word in argv)
