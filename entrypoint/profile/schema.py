"""The shape of a profile: what an application declares about itself, as immutable values.

Here: the records that `profile.load` fills and everything else reads. No parsing, no input or output.
Strings marked *reference text* may hold `{name}` references: `{home}`, `{run}`, `{host}`,
`{java.home}`, or a setting's name; `{{` and `}}` are literal braces. Java's own `${…}` is left alone.
"""

from __future__ import annotations

from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    SettingType: TypeAlias = Literal[
        "text", "words", "int", "bool", "port", "duration", "size", "percent",
        "url", "jdbc-url", "address", "addresses", "path", "choice",
    ]  # fmt: skip
    CheckKind: TypeAlias = Literal["tcp", "http", "mysql", "zookeeper", "file"]
    CheckRole: TypeAlias = Literal["startup", "readiness", "liveness"]
    FileKind: TypeAlias = Literal["properties", "template", "copy"]

SETTING_TYPES: tuple[SettingType, ...] = (
    "text", "words", "int", "bool", "port", "duration", "size", "percent",
    "url", "jdbc-url", "address", "addresses", "path", "choice",
)  # fmt: skip
CHECK_KINDS: tuple[CheckKind, ...] = ("tcp", "http", "mysql", "zookeeper", "file")
CHECK_ROLES: tuple[CheckRole, ...] = ("startup", "readiness", "liveness")
FILE_KINDS: tuple[FileKind, ...] = ("properties", "template", "copy")
INTEGRATIONS: tuple[str, ...] = ("otter",)

CHECK_KINDS_THAT_SAY_NO: tuple[CheckKind, ...] = ("http", "zookeeper")
"""Those whose peer can answer with no; what the others find is there or not, and that is all."""

CHECK_ARGUMENTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "tcp": (("address",), ()),
    "http": (("url",), ("status", "contains", "verify")),
    "mysql": (("url", "user"), ("password", "table")),
    "zookeeper": (("servers",), ("path", "expect")),
    "file": (("path",), ("contains",)),
}
"""For each kind of check: its required and its optional arguments."""


@record
class Place:
    """A line of a profile file, as shown to a person: `otter-manager.yaml:41`."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@record
class SettingSpec:
    """A value that a container may be given.

    `env` is the variable that sets it; `NAME_FILE` and a mounted file named like the setting work for
    every setting. `property` is its key in the profile's properties file. `unit` is what a bare number
    means and what is written (durations: ms, s, m, h, d). `default` is reference text.
    """

    name: str
    type: SettingType
    place: Place
    env: str | None = None
    property: str | None = None
    unit: str | None = None
    default: str | None = None
    compute: str | None = None
    """Reference text of a sum such as `{base} + 3 * {number}`; before `default`, where all have values."""
    required: bool = False
    secret: bool = False
    choices: tuple[str, ...] = ()
    below: str | None = None
    """A setting that this number has to stay below, where both have a value."""
    example: str | None = None
    description: str = ""
    file: str | None = None
    """Reference text: a file whose whole content is the value, such as `{home}/conf/nid`."""
    default_place: Place | None = None
    """The line of `default`; it may be in another file than the setting itself."""


@record
class FileSpec:
    """A file to write before java starts.

    kind "properties": `source` is the mounted or shipped file (a layer; may be absent), the declared
    settings with a `property` are written over it. kind "template": `source` names a template, either
    built-in (`zookeeper/zoo.cfg.j2`) or a path. kind "copy": `source` is copied as it is.
    """

    name: str
    kind: FileKind
    source: str
    target: str
    place: Place
    mode: int = 0o600
    when: str | None = None
    once: bool = False
    """Written only when the target does not exist yet: for identity files on a volume."""


@record
class OptionSpec:
    """JVM options (reference text), for all JDKs or for a range such as `8`, `9-`, `11-17`."""

    options: tuple[str, ...]
    place: Place
    jdk: str | None = None
    when: str | None = None


@record
class JavaSpec:
    """How java is started: exactly one of `main` and `jar`; all strings are reference text."""

    place: Place
    main: str = ""
    jar: str = ""
    classpath: tuple[str, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    options: tuple[OptionSpec, ...] = ()
    options_files: tuple[str, ...] = ()
    """Files of options, in order; `*` in the last part of a path stands for any text."""
    supported: str = ""
    """The JDKs that it runs on, such as `8` or `8-21`; empty means any."""
    supported_reason: str = ""
    supported_place: Place | None = None
    """The line of `supported`; it may be in another file than the rest."""
    arguments: tuple[str, ...] = ()


@record
class MemorySpec:
    """What the application is known to need; None where nothing is known. Sizes are reference text."""

    heap_percent: str = "{memory.heap-percent}"
    """Percent of the container's limit for the heap; empty: computed from what the rest needs."""
    classes: int | None = None
    threads: int | None = None
    thread_stack: str | None = None
    direct: str | None = None
    code_cache: str | None = None
    file_cache: str | None = None
    """Percent of the limit that the kernel's cache of its files should have."""
    least_heap: str | None = None
    """The smallest heap that the application gets anywhere with."""


@record
class CheckSpec:
    """A question to a dependency or to java: `arguments` are (name, reference text).

    A gate has to pass before java starts, at most `at_most` long. A check is asked every `interval`
    in its `roles`, and counts as failed after `failures` wrong answers in a row. `when` names a
    setting: without a value the check is left out. Durations are reference text.

    With `lost_after` liveness does not count failures: it fails when the peer has said yes once, and
    then no for so long without a break. No answer is no no. Zero takes the role liveness away.
    """

    name: str
    kind: CheckKind
    arguments: tuple[tuple[str, str], ...]
    place: Place
    roles: tuple[CheckRole, ...] = ()
    timeout: str = "2s"
    interval: str = "5s"
    failures: int = 3
    lost_after: str | None = None
    at_most: str = "120s"
    when: str | None = None


@record
class RegistrationSpec:
    """What somebody else has to give this instance before it may start: an identity, most often.

    `integration` names the module that asks for it, `arguments` are (name, reference text). It is left
    out where the setting `when` has no value. The settings in `assigns` get their values this way,
    unless they were given. With `resume` (reference text, "true" or "false") what ran when we stopped
    is started again when we are back.
    """

    integration: str
    target: str
    place: Place
    arguments: tuple[tuple[str, str], ...] = ()
    assigns: tuple[str, ...] = ()
    when: str | None = None
    resume: str = "false"
    at_most: str = "{gate.timeout}"


@record
class StopSpec:
    """One rung of the stop ladder: `action` is drain, leave, thread-dump or a signal; then wait."""

    action: str
    wait: str
    place: Place


@record
class ExitSpec:
    """What an exit code of this application means, and what we answer instead, if anything."""

    code: int
    meaning: str
    place: Place
    answer: int | None = None


@record
class Profile:
    """All that an application declares about itself; `sources` are the files it was merged from."""

    name: str
    place: Place
    sources: tuple[str, ...]
    version: str = ""
    description: str = ""
    home: str = ""
    workdir: str = "{home}"
    settings: tuple[SettingSpec, ...] = ()
    files: tuple[FileSpec, ...] = ()
    java: JavaSpec | None = None
    memory: MemorySpec = MemorySpec()
    registration: RegistrationSpec | None = None
    gates: tuple[CheckSpec, ...] = ()
    checks: tuple[CheckSpec, ...] = ()
    ports: tuple[tuple[str, str], ...] = ()
    """(name, reference text): ports that the application binds; they must be free before it starts."""
    folders: tuple[str, ...] = ()
    """Reference text: folders to create before start (writable ones that the application expects)."""
    environment: tuple[tuple[str, str], ...] = ()
    stop: tuple[StopSpec, ...] = ()
    exits: tuple[ExitSpec, ...] = ()
    notes: tuple[str, ...] = ()
    """Sentences that `plan` prints for whoever runs this application."""
