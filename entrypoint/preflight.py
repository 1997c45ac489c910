"""What has to be true before java starts, and can be known: asked just before, so that the answer is plain.

Here: free ports, the jar, the working directory, the key pair for TLS, and the JVM's own word on options
that our table does not know. Each is a failure that the application would tell badly or late: otter exits 0
when its port is taken.
"""

from __future__ import annotations

import os

from entrypoint.errors import DENIED, LET_READ, Problem, ProblemsError
from entrypoint.settings.masking import mask_url
from entrypoint.system import facts
from entrypoint.system.java import run_java

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from entrypoint.plan.model import Launch, Plan, Protection

DRY_RUN_SECONDS = 20.0
_MAKES_ARCHIVE = (
    "-XX:ArchiveClassesAtExit=",
    "-XX:AOTCacheOutput=",
)
"""The end of a dry run would make one, of almost no classes."""


def preflight(plan: Plan) -> None:
    """Make sure of what can be known before java starts; raises ProblemsError with all problems."""
    launch = plan.launch
    problems = [_port_taken(name, port) for name, port in launch.ports if facts.ports_taken([port])]
    problems.extend(missing(launch))
    if launch.protection.certificate:
        problems.extend(_no_tls(launch.protection))
    if problems:
        raise ProblemsError(*problems)
    if plan.dry_run:
        _dry_run(plan)


def missing(launch: Launch) -> Iterator[Problem]:
    """Yield what java is started from and is not here: the jar, the working directory."""
    if "-jar" in launch.argv:
        jar = os.path.join(launch.cwd, launch.argv[launch.argv.index("-jar") + 1])
        if not os.access(jar, os.R_OK):
            reason = DENIED if os.path.exists(jar) else "no such file"
            yield _no_jar(jar, reason)
    if not os.path.isdir(launch.cwd):
        yield _no_workdir(launch.cwd)


def _dry_run(plan: Plan) -> None:
    """Ask the JVM about options that the table does not know, with the final line and -version."""
    launch = plan.launch
    end = next(
        (i for i, word in enumerate(launch.argv) if word in {"-cp", "-jar"}), len(launch.argv)
    )
    environment = dict(launch.environment)
    words = tuple(word for word in launch.argv[1:end] if not _has_effects(word, plan))
    status, output = run_java(launch.executable, (*words, "-version"), DRY_RUN_SECONDS, environment)
    if status == 0:
        return
    # It tells what it picked up from JAVA_TOOL_OPTIONS, too.
    said = mask_url("\n".join(line for line in output.splitlines() if line.strip()))[:2000]
    details = (
        ("where", "JAVA_OPTIONS and the profile's options, tried with -version"),
        ("says", said or f"nothing, exit code {status}"),
        ("fix", "correct or remove the option that java names"),
    )
    version = plan.jdk.version if plan.jdk else ""
    raise ProblemsError(
        Problem("jvm-options-refused", f"java {version} refuses its options", details)
    )


def _has_effects(option: str, plan: Plan) -> bool:
    """Tell what a dry run has to do without: a debugger to wait for, a log file in a folder to come."""
    log = option.startswith("-Xlog:") and f"{plan.launch.diagnosis.folder}/" in option
    return option.startswith(("-agentlib:jdwp", *_MAKES_ARCHIVE)) or log


def _no_tls(protection: Protection) -> Iterator[Problem]:
    """Try the key pair: PID 1 will not, before java was started."""
    from entrypoint.serve.tls import UnusableError, make_context  # noqa: PLC0415 - OpenSSL: 7 ms

    try:
        make_context(protection.certificate, protection.key)
    except UnusableError as error:
        details = (
            ("where", error.path),
            ("says", error.reason),
            ("fix", "mount a Secret of type kubernetes.io/tls that java's user can read"),
        )
        yield Problem("tls-unusable", "the certificate for HTTP or its key cannot be used", details)


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
        ("fix", LET_READ if reason == DENIED else "check APP_JAR, or java.jar of the profile"),
    )
    return Problem("jar-unreadable", f"cannot read the jar {jar}", details)


def _no_workdir(path: str) -> Problem:
    details = (
        ("where", path),
        ("says", "no such folder"),
        ("fix", "install the application there, or set ENTRYPOINT_HOME to where it is"),
    )
    return Problem("workdir-unusable", f"no working directory {path}", details)
