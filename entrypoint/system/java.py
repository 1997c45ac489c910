"""Java on this machine: where it is, what its release file says, and a bounded run of it.

Here: looking along JAVA_HOME and PATH, and `java -version` runs that cannot hang or flood. For the
short-lived prepare process and the command line; PID 1 spawns the application elsewhere.
"""

from __future__ import annotations

import errno
import os
import select
import stat
import time

from entrypoint.errors import (
    EXIT_INTERNAL,
    EXIT_NOT_EXECUTABLE,
    EXIT_NOT_FOUND,
    EXIT_SIGNAL_BASE,
)
from entrypoint.system.inputs import read_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Mapping, Sequence
    from typing import Final
else:
    import _signal

OUTPUT_LIMIT: Final = 64 * 1024
RELEASE_LIMIT: Final = 64 * 1024
TIMED_OUT: Final = 124
"""Status of a run that was killed at its deadline, as with timeout(1)."""

_DEFAULT_PATH: Final = "/usr/local/bin:/usr/bin:/bin"


def find_java(java_home: str, path: str) -> tuple[str, str, str]:
    """Return (java_home, java, problem); "" where there is none.

    A JAVA_HOME that is set is taken at its word: PATH is looked at only without one. With a problem,
    `java` is "" when nothing was found, or the file that is there and cannot be executed.
    """
    if java_home:
        return _in_home(java_home)
    return _in_path(path or _DEFAULT_PATH)


def read_release(java_home: str) -> str:
    """Return the text of `release`; "" where it is missing or not readable.

    A JAVA_HOME that points to the `jre` of a JDK 8 has it one folder up.
    """
    homes = [java_home] if java_home else []
    if java_home.rstrip("/").endswith("/jre"):
        homes.append(os.path.dirname(java_home.rstrip("/")))
    for home in homes:
        found = read_file(f"{home.rstrip('/')}/release", RELEASE_LIMIT, ())
        if found is not None and not found.problem:
            return found.content.decode(errors="replace")
    return ""


def run_java(
    java: str, args: Sequence[str], timeout: float, environ: Mapping[str, str]
) -> tuple[int, str]:
    """Run java to its end, at most `timeout` seconds, and return (status, output).

    Status is the exit code, 128+n for a signal, 124 for a run that was killed at its deadline, 126 or
    127 where java could not be executed. Output is stdout and stderr together, 64 KiB at most.
    """
    reader, writer = os.pipe2(os.O_CLOEXEC)
    try:
        try:
            pid = _spawn(java, args, environ, writer)
        except OSError as error:
            missing = error.errno in {errno.ENOENT, errno.ENOTDIR}
            status = EXIT_NOT_FOUND if missing else EXIT_NOT_EXECUTABLE
            return status, f"{java}: {error.strerror or 'cannot be executed'}"
        finally:
            os.close(writer)
        status, output = _follow(pid, reader, time.monotonic() + timeout)
    finally:
        os.close(reader)
    return status, output.decode(errors="replace")


def _in_home(java_home: str) -> tuple[str, str, str]:
    java = f"{java_home.rstrip('/')}/bin/java"
    reason = _unusable(java)
    if not reason:
        return java_home, java, ""
    shown = f"JAVA_HOME={java_home}"
    if not os.path.isabs(java_home):
        return "", "", f"{shown} is not an absolute path: write it from / on"
    if os.path.isfile(java_home):
        return "", "", f"{shown} is a file: set it to the folder that has bin/java in it"
    if not os.path.isdir(java_home):
        return "", "", f"{shown} does not exist: set it to a JDK or JRE, or unset it to use PATH"
    if reason != "missing":
        return java_home, java, f"{java} {reason}"
    if not _unusable(f"{java_home.rstrip('/')}/java"):
        home = os.path.dirname(java_home.rstrip("/"))
        return "", "", f"{shown} is the bin folder: set it to {home}"
    return "", "", f"{shown} has no bin/java: set it to a JDK or JRE, or unset it to use PATH"


def _in_path(path: str) -> tuple[str, str, str]:
    problem = ""
    unusable = ""
    for folder in path.split(":"):
        # A relative folder would mean another one after we change to the working directory.
        if not folder.startswith("/"):
            continue
        java = f"{folder.rstrip('/')}/java"
        reason = _unusable(java)
        if not reason:
            return *_resolve(java), ""
        if reason != "missing" and not problem:
            problem, unusable = f"{java} {reason}", java
    if not problem:
        problem = (
            f"there is no java: JAVA_HOME is not set, and PATH={path} has none;"
            " install a JRE into the image, or set JAVA_HOME to where it is"
        )
    return "", unusable, problem


def _resolve(java: str) -> tuple[str, str]:
    """Return (java_home, java) for a java of PATH; a launcher script has no home that we know."""
    real = os.path.realpath(java)
    home, _, name = real.rpartition("/bin/")
    if name != "java":  # a shim of a version switcher, which looks at the name it is called by
        return "", java
    above = home.removesuffix("/jre")
    # JDK 8 keeps a second java in jre/bin; Debian's links bin/java to it.
    if above != home and not _unusable(f"{above}/bin/java"):
        return above, real
    marks = ("release", "lib/modules", "lib/rt.jar")
    if not any(os.path.exists(f"{home}/{mark}") for mark in marks):
        return "", java
    return home, real


def _unusable(path: str) -> str:
    """Return "" for a file that we may execute, "missing", or the reason and what to do about it."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        if os.path.islink(path):
            return "is a symbolic link that leads nowhere: install what it should lead to"
        return "missing"
    except NotADirectoryError:
        return "missing"
    except OSError as error:
        return f"cannot be looked at ({error.strerror}): make its folders readable to this user"
    except ValueError:
        return "missing"
    if stat.S_ISDIR(status.st_mode):
        return "is a directory, not the java program: set JAVA_HOME to a JDK or JRE"
    if not stat.S_ISREG(status.st_mode):
        return "is not a regular file: set JAVA_HOME to a JDK or JRE"
    if not os.access(path, os.X_OK, effective_ids=True):
        mode = stat.S_IMODE(status.st_mode)
        return (
            f"is not executable for uid {os.geteuid()} (mode {mode:04o}):"
            " chmod 0755 it in the image, and mount its volume without noexec"
        )
    return ""


def _spawn(java: str, args: Sequence[str], environ: Mapping[str, str], writer: int) -> int:
    # It stays in our process group, so that whoever ends the prepare process ends it too.
    return os.posix_spawn(
        java,
        [java, *args],
        environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, writer, 1),
            (os.POSIX_SPAWN_DUP2, writer, 2),
        ],
        setsigmask=(),
        setsigdef=(_signal.SIGPIPE, _signal.SIGXFSZ),
    )


def _follow(pid: int, reader: int, deadline: float) -> tuple[int, bytes]:
    """Read what the process says until it ends, or kill it at the deadline.

    Ends with the process, not with the pipe: something that it left behind may hold that open.
    """
    os.set_blocking(reader, False)
    poll = select.poll()
    poll.register(reader, select.POLLIN)
    output = bytearray()
    waiting = True
    while (status := _reap(pid, os.WNOHANG)) is None:
        left = deadline - time.monotonic()
        if left <= 0:
            os.kill(pid, _signal.SIGKILL)
            _reap(pid, 0)
            _drain(reader, output)
            return TIMED_OUT, bytes(output)
        # After the end of the output only the exit is left, which comes within a millisecond or so.
        if waiting:
            poll.poll(min(left, 0.05) * 1000)
            waiting = _drain(reader, output)
        else:
            time.sleep(min(left, 0.002))
    _drain(reader, output)
    return status, bytes(output)


def _drain(reader: int, output: bytearray) -> bool:
    """Read what is there, keep what there is room for, and tell whether more can come."""
    # Bounded: a writer that never pauses must not keep us from looking at the deadline.
    for _ in range(16):
        try:
            data = os.read(reader, OUTPUT_LIMIT)
        except BlockingIOError:
            return True
        if not data:
            return False
        output += data[: OUTPUT_LIMIT - len(output)]
    return True


def _reap(pid: int, options: int) -> int | None:
    """Return the status of our child, or None while it runs."""
    try:
        ended, status = os.waitpid(pid, options)
    except ChildProcessError:  # SIGCHLD was ignored when we were started: the kernel reaped it
        return EXIT_INTERNAL
    if not ended:
        return None
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else EXIT_SIGNAL_BASE - code
