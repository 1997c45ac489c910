"""The plan: everything that will happen, as immutable values.

Here: the records that `plan.build` fills, `plan.explain` prints, `prepare` applies and the supervisor
follows. No decisions, no input or output. All durations are seconds, all sizes bytes.
"""

from __future__ import annotations

from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrypoint.jvm.release import Jdk
    from entrypoint.settings.model import Facts, Setting
    from entrypoint.values import Secret, SecretDigest


@record
class CheckPlan:
    """A question that is ready to be asked: every reference resolved.

    `target` is what a person reads (`db:3306/otter`). `roles`: gate, startup, readiness, liveness.
    With `lost_after` liveness fails after so many seconds of no, instead of after `failures`.
    """

    name: str
    kind: str
    target: str
    arguments: tuple[tuple[str, str | Secret], ...]
    roles: tuple[str, ...] = ()
    timeout: float = 2.0
    interval: float = 5.0
    failures: int = 3
    lost_after: float | None = None
    at_most: float = 120.0
    pending: bool = False
    """Whether it needs what a registration is to assign first."""

    def argument(self, name: str) -> str | Secret | None:
        """Return an argument's value, or None where it was not given."""
        return dict(self.arguments).get(name)


@record
class Registration:
    """Where this instance registers before it starts, and what it gets there.

    `integration` is a module of `integrations`; `pending` are the settings that have no value before.
    `resumes` tells whether what ran when we stopped is started again when we are back.
    """

    integration: str
    target: str
    arguments: tuple[tuple[str, str | Secret], ...]
    assigns: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    at_most: float = 120.0
    resumes: bool = False


ENDING_SECONDS = 2.0
"""What entrypoint itself may take after java's end, to tell of it: as long as this if a disk hangs."""


@record
class StopStep:
    """One rung of the stop ladder: `action` is drain, leave, thread-dump, or a signal; then `wait`."""

    action: str
    wait: float


@record
class ExitRule:
    """What an exit code of this application means, and what we answer instead, if anything."""

    code: int
    meaning: str
    answer: int | None = None


@record
class Diagnosis:
    """Where evidence of a death goes, and how many bytes of it are kept: the oldest go first."""

    folder: str = ""
    budget: int = 0
    heap_dumps: bool = True


@record
class Protection:
    """What everything but the probes asks for: a bearer token, TLS, both or neither.

    `token_file` is where the token came from, "" for no file; both paths of the key pair are "" without TLS.
    PID 1 is told the token's digest.
    """

    token: Secret | SecretDigest | None = None
    token_file: str = ""
    certificate: str = ""
    key: str = ""


@record
class Sharing:
    """The class-data archive that java starts from, or makes when it ends; no `archive`: neither."""

    archive: str = ""
    making: bool = False
    budget: int = 0
    """How many bytes of archives are kept in its folder: the oldest go first."""


@record
class RenderedFile:
    """A file to write: its bytes may hold secrets, so `summary` is what is shown."""

    target: str
    mode: int
    content: bytes
    summary: str
    once: bool = False
    """Written only when there is no such file yet."""

    def __repr__(self) -> str:
        return f"RenderedFile({self.target!r}, {self.mode:04o}, {len(self.content)} bytes)"


@record
class Launch:
    """The part of the plan that PID 1 keeps: how to start the child, watch it and stop it."""

    name: str
    digest: str
    executable: str
    argv: tuple[str, ...]
    cwd: str
    environment: tuple[tuple[str, str], ...]
    run_dir: str = ""
    registration: Registration | None = None
    gates: tuple[CheckPlan, ...] = ()
    checks: tuple[CheckPlan, ...] = ()
    ports: tuple[tuple[str, int], ...] = ()
    stop: tuple[StopStep, ...] = ()
    exits: tuple[ExitRule, ...] = ()
    expects_exit: bool = False
    """Whether an exit 0 that nobody asked for is fine (a batch job) or a failure (a server)."""
    stop_is_success: bool = True
    """Whether 143 after a stop that was asked for counts as success and is answered with 0."""
    listen: str = ""
    """Address of probes and metrics, `0.0.0.0:9404`; empty: no HTTP server."""
    protection: Protection = Protection()
    metrics_names: str = "client-java-1"
    """Whose names the JVM's metrics have: client-java-1, client-java-0 or micrometer."""
    metrics_attach: bool = True
    """Whether a scrape may ask the JVM by the attach protocol."""
    fails_on_thrash: bool = False
    """Whether a JVM that thrashes or hangs is not live; else that is only told and counted."""
    on_change: str = "tell"
    """What a changed file of the configuration leads to: ignore, tell or stop."""
    threads: int | None = None
    """How many the profile expects java to have at its busiest."""
    log_format: str = "text"
    log_level: str = "info"
    termination_log: str = ""
    grace_period: float = 30.0
    diagnosis: Diagnosis = Diagnosis()
    sharing: Sharing = Sharing()
    stop_when_ready: bool = False
    """Whether java is only started to be stopped again: to make an archive while an image is built."""
    remarks: tuple[str, ...] = ()
    """What of the plan's notes should stand in the log of every start."""


@record
class CommandPart:
    """A run of words of the command line with one origin, as `plan` prints them."""

    words: tuple[str, ...]
    origin: str


@record
class MemoryRow:
    """One region of the memory budget, with where its size comes from; None is "not limited"."""

    region: str
    size: int | None
    origin: str


@record
class Note:
    """Something that was done to the input, worth saying: an option dropped, a value ignored."""

    text: str
    origin: str = ""


@record
class Plan:
    """Everything that will happen, with the reasons a person asks for."""

    launch: Launch
    profile_version: str
    profile_sources: tuple[str, ...]
    home: str
    jdk: Jdk | None
    supported: str
    supported_reason: str
    facts: Facts
    settings: tuple[Setting, ...]
    command: tuple[CommandPart, ...]
    files: tuple[RenderedFile, ...]
    folders: tuple[str, ...]
    memory: tuple[MemoryRow, ...] = ()
    notes: tuple[Note, ...] = ()
    ignored: tuple[Note, ...] = ()
    suggestions: tuple[tuple[str, str], ...] = ()
    """(misspelt variable, the one that was probably meant)."""
    left_out: tuple[Note, ...] = ()
    """Gates and checks that are not asked because a setting they need has no value."""
    dry_run: bool = False
    """Whether the table does not know an option, so that the JVM is asked before the application."""
