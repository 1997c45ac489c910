"""The grammar of a profile document, as data: which keys there are and what each may hold.

Here: one table. `check` validates documents with it and `json_schema` prints it for editors, so the two
cannot disagree. Rules that a table cannot say are in `rules`. Pure.
"""

from __future__ import annotations

from entrypoint.profile.schema import (
    CHECK_ARGUMENTS,
    CHECK_KINDS,
    CHECK_ROLES,
    FILE_KINDS,
    INTEGRATIONS,
    SETTING_TYPES,
)
from entrypoint.profile.shapes import Field, Keyed, Leaf, Listed, Named, TextOr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrypoint.profile.shapes import Shape

SIGNALS = ("TERM", "INT", "QUIT", "HUP", "USR1", "USR2", "KILL")
UNITS = ("ms", "s", "m", "h", "d")
OWN_REFERENCES = ("home", "run", "host", "ordinal", "java.home")

_TEXT, _REFERENCE, _ARGV, _WHEN = Leaf("text"), Leaf("reference"), Leaf("argv"), Leaf("setting")
_NAME, _DURATION = Leaf("name"), Leaf("duration")
_WHEN_FIELD = Field("when", _WHEN, "A setting; without a value for it this entry is left out")

_ARGUMENT_SHAPES: Mapping[str, Shape] = {
    "expect": Leaf("text", ("present", "absent")),
    "verify": Leaf("bool"),
}
_ARGUMENT_DESCRIPTIONS = {
    "address": "host:port to connect to",
    "url": "The URL to ask; for mysql a JDBC URL",
    "status": "The status that counts as good; by default 200, and redirects are not followed",
    "contains": "A text that the answer or file has to hold",
    "verify": "Whether the server's certificate is verified; by default true",
    "user": "The user to log in as",
    "password": "The password to log in with",
    "table": "A table that has to exist",
    "servers": "ZooKeeper servers, host:port separated by commas",
    "path": "The path to look at",
    "expect": "Whether the path has to be present or absent; by default present",
}
_KIND_DESCRIPTIONS = {
    "tcp": "A connection can be opened",
    "http": "A page answers as it should",
    "mysql": "The database lets us in, and a table is there",
    "zookeeper": "ZooKeeper answers, and a path is there or is not",
    "file": "A file exists, and holds a text",
}

SETTING = Keyed(
    "a setting",
    (
        Field("type", Leaf("text", SETTING_TYPES), "What the value has to be; by default text"),
        Field("env", Leaf("variable"), "The environment variable that sets it"),
        Field("property", Leaf("property"), "Its key in the profile's properties file"),
        Field("file", _REFERENCE, "A file whose whole content is the value"),
        Field("unit", Leaf("text", UNITS), "For durations: what a bare number means, and what is written"),
        Field("default", _REFERENCE, "The value where none is given"),
        Field(
            "compute",
            _REFERENCE,
            "A sum such as {base} + 3 * {number}: the value where none is given and all of it have one",
        ),
        Field("required", Leaf("bool"), "Whether there is no start without a value"),
        Field("secret", Leaf("bool"), "Whether the value is hidden everywhere"),
        Field("choices", Listed(_TEXT), "For type choice: the values that are taken"),
        Field("below", _WHEN, "For type int: a setting that the value stays below, where both have one"),
        Field("example", _TEXT, "A value to show to a person"),
        Field("description", _TEXT, "One sentence about it"),
    ),
)  # fmt: skip

FILE = Keyed(
    "a file",
    (
        Field(
            "properties", _REFERENCE, "A .properties file, shipped or mounted: settings go over it"
        ),
        Field("template", _REFERENCE, "A template, built-in (zookeeper/zoo.cfg.j2) or by path"),
        Field("copy", _REFERENCE, "A file that is copied as it is"),
        Field("target", _REFERENCE, "Where the file is written", required=True),
        Field("mode", Leaf("mode"), 'Permissions in octal; by default "0600"'),
        _WHEN_FIELD,
        Field("once", Leaf("bool"), "Whether an existing target is left alone"),
    ),
    alternatives=FILE_KINDS,
    needs_one=True,
)

OPTIONS = Keyed(
    "an entry of java.options",
    (
        Field("options", Listed(_ARGV), "The JVM options", required=True),
        Field("jdk", Leaf("jdk-range"), "The JDKs that they are for"),
        _WHEN_FIELD,
    ),
)

JAVA = Keyed(
    "java",
    (
        Field("main", _ARGV, "The main class"),
        Field("jar", _ARGV, "The jar to run, instead of a main class"),
        Field("classpath", Listed(_ARGV), "The class path, in order"),
        Field("properties", Named("java.properties", Leaf("property"), _ARGV), "System properties (-D)"),
        Field(
            "options",
            Listed(TextOr(_ARGV, OPTIONS), appends=True),
            "JVM options; those of an overlay come after the ones below it",
        ),
        Field(
            "options-files",
            Listed(_ARGV),
            "Files of JVM options, one a line; * in the last part of a path stands for any text",
        ),
        Field("supported", Leaf("jdk-range"), "The JDKs that the application runs on"),
        Field("supported-reason", _TEXT, "What goes wrong on other JDKs"),
        Field("arguments", Listed(_ARGV), "Arguments of the application"),
    ),
    alternatives=("main", "jar"),
)  # fmt: skip

MEMORY = Keyed(
    "memory",
    (
        Field(
            "heap-percent",
            Leaf("percent"),
            "Heap as a share of the container's memory limit, instead of what is computed",
        ),
        Field("classes", Leaf("count"), "Classes that the application loads"),
        Field("threads", Leaf("count"), "Threads that the application has at its busiest"),
        Field("thread-stack", Leaf("size"), "Stack of a thread"),
        Field("direct", Leaf("size"), "Direct memory that the application needs"),
        Field("code-cache", Leaf("size"), "Compiled code; by default 5% of the limit"),
        Field(
            "file-cache",
            Leaf("percent"),
            "Share of the limit for the kernel's cache of files that it reads and writes",
        ),
        Field(
            "least-heap", Leaf("size"), "The smallest heap that it can work with; by default 48m"
        ),
    ),
)


def _kind_fields() -> tuple[Field, ...]:
    fields = []
    for kind in CHECK_KINDS:
        required, optional = CHECK_ARGUMENTS[kind]
        arguments = tuple(
            Field(
                name,
                _ARGUMENT_SHAPES.get(name, _REFERENCE),
                _ARGUMENT_DESCRIPTIONS[name],
                required=name in required,
            )
            for name in (*required, *optional)
        )
        fields.append(Field(kind, Keyed(f"a {kind} check", arguments), _KIND_DESCRIPTIONS[kind]))
    return tuple(fields)


GATE = Keyed(
    "a gate",
    (
        *_kind_fields(),
        _WHEN_FIELD,
        Field("timeout", _DURATION, "How long one attempt may take; by default 2s"),
        Field("at-most", _DURATION, "How long the gate may take to pass; by default {gate.timeout}"),
    ),
    alternatives=CHECK_KINDS,
    needs_one=True,
)  # fmt: skip

CHECK = Keyed(
    "a check",
    (
        *_kind_fields(),
        _WHEN_FIELD,
        Field("for", Listed(Leaf("text", CHECK_ROLES)), "The probes that it counts for", required=True),
        Field("timeout", _DURATION, "How long an answer may take; by default 2s"),
        Field("interval", _DURATION, "Time between two questions; by default 5s"),
        Field("failures", Leaf("count"), "Wrong answers in a row until it counts as failed; by default 3"),
        Field(
            "lost-after",
            _DURATION,
            "For http, and zookeeper with a path: liveness fails when the answer was yes once and has been "
            "no for so long; no answer is not no, and begins it anew; 0s: liveness never fails",
        ),
    ),
    alternatives=CHECK_KINDS,
    needs_one=True,
)  # fmt: skip

REGISTRATION = Keyed(
    "registration",
    (
        Field("with", Leaf("text", INTEGRATIONS), "The integration that registers", required=True),
        Field("target", _REFERENCE, "Where it registers, as shown to a person", required=True),
        _WHEN_FIELD,
        Field("assigns", Listed(_WHEN), "Settings that get their value there, unless they have one"),
        Field("arguments", Named("registration.arguments", _NAME, _REFERENCE), "What it needs to know"),
        Field(
            "resume",
            _REFERENCE,
            "Whether (true) what ran when we stopped is started again when we are ready",
        ),
        Field("at-most", _DURATION, "How long it may take; by default {gate.timeout}"),
    ),
)  # fmt: skip

STOP_STEP = Keyed(
    "a rung of the stop ladder",
    (
        Field("drain", _DURATION, "Be not ready for so long, before the first signal"),
        Field("leave", _DURATION, "Say goodbye where we are registered, at most so long"),
        Field("signal", Leaf("text", SIGNALS), "Send this signal"),
        Field("thread-dump", Leaf("true"), "Have java print its threads (QUIT)"),
        Field("wait", _DURATION, "How long to wait for the end after it"),
    ),
    alternatives=("drain", "leave", "signal", "thread-dump"),
    needs_one=True,
)

EXIT = Keyed(
    "an exit code",
    (
        Field("meaning", _TEXT, "What the code means", required=True),
        Field("answer", Leaf("answer"), "The exit code of the container instead"),
    ),
)

PROFILE = Keyed(
    "a profile",
    (
        Field("profile", Leaf("profile-name"), "The profile's name; an overlay needs none"),
        Field("version", _TEXT, "The version of the application that it was written for"),
        Field("extends", Leaf("profile-name"), "The profile that this one adds to; by default base"),
        Field("description", _TEXT, "One line about the application"),
        Field("home", Leaf("folder"), "The application's folder, {home} in references"),
        Field("workdir", _REFERENCE, "Working directory of java; by default {home}"),
        Field("settings", Named("settings", Leaf("setting-name"), SETTING), "What a container may be given"),
        Field("folders", Listed(_REFERENCE), "Writable folders to create before the start"),
        Field("files", Named("files", _NAME, FILE), "Files to write before the start"),
        Field("java", JAVA, "How java is started"),
        Field("memory", MEMORY, "What memory the application is known to need"),
        Field("registration", REGISTRATION, "What somebody else gives this instance before it may start"),
        Field("gates", Named("gates", _NAME, GATE), "What has to answer before java is started"),
        Field("checks", Named("checks", _NAME, CHECK), "What is asked while java runs"),
        Field("ports", Named("ports", _NAME, _REFERENCE), "Ports that the application binds"),
        Field(
            "environment",
            Named("environment", Leaf("variable"), _REFERENCE),
            "Environment variables for java",
        ),
        Field("stop", Listed(STOP_STEP), "The stop ladder: what is done to end java, step by step"),
        Field(
            "exits",
            Named("exits", Leaf("exit-code"), TextOr(_TEXT, EXIT)),
            "What the application's exit codes mean",
        ),
        Field("notes", Listed(_TEXT), "Sentences that plan prints"),
    ),
)  # fmt: skip
