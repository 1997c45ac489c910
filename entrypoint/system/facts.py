"""The host as it is: user, limits and java; and which ports are taken.

Here: one observation, made once in the prepare process or by the command line. No decisions.
"""

from __future__ import annotations

import errno
import os

from entrypoint.jvm.release import parse_release
from entrypoint.settings.model import Facts
from entrypoint.system import cgroup
from entrypoint.system.java import find_java, read_release, run_java

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket as _socket
    from collections.abc import Mapping, Sequence
    from typing import Final
else:
    import _socket  # `socket` makes enums of its constants, which takes 8 ms before java's start

_VERSION_TIMEOUT: Final = 20.0
"""Seconds for `java -version`: it takes 0.1 s, but far longer on a cold disk with a tenth of a CPU."""

_OPTION_VARIABLES: Final = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS")


def observe(environ: Mapping[str, str], java_home_setting: str = "") -> Facts:
    """Return what is to be known of the host; java is looked for in `java_home_setting`, then PATH.

    java is run only where its release file does not tell the version (Debian's 8 has none).
    """
    java_home, java, java_problem = find_java(java_home_setting, environ.get("PATH", ""))
    release_text = read_release(java_home)
    version_text = ""
    if java and not java_problem and parse_release(release_text) is None:
        version_text = _ask_version(java, environ)
    return Facts(
        hostname=os.uname().nodename,
        pid=os.getpid(),
        uid=os.geteuid(),
        gid=os.getegid(),
        memory_limit=cgroup.memory_limit(),
        cgroup=cgroup.version(),
        cpus=count_cpus(),
        read_only_root=is_read_only("/"),
        java_home=java_home,
        java=java,
        java_problem=java_problem,
        release_text=release_text,
        version_text=version_text,
    )


def count_cpus() -> float:
    """Return the CPUs that we may use: the quota, or the CPUs that we may run on where those are fewer."""
    usable = float(len(os.sched_getaffinity(0)))
    quota = cgroup.cpu_quota()
    return usable if quota is None else min(quota, usable)


def is_read_only(path: str) -> bool:
    """Tell whether the file system of an existing path is mounted read-only."""
    try:
        return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def ports_taken(ports: Sequence[int]) -> tuple[int, ...]:
    """Return those TCP ports that somebody listens on already, each once, in order."""
    return tuple(port for port in dict.fromkeys(ports) if 1 <= port <= 65535 and _is_taken(port))


def _is_taken(port: int) -> bool:
    try:
        probe = _socket.socket(
            _socket.AF_INET, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC, _socket.IPPROTO_TCP
        )
    except OSError:  # no IPv4 here
        return False
    try:
        # As java does: connections of a run before this one, in TIME_WAIT, take no port.
        probe.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        probe.bind(("0.0.0.0", port))  # noqa: S104 - never listens
    except OSError as error:
        # EACCES below 1024 is about us, not about the port.
        return error.errno == errno.EADDRINUSE
    finally:
        probe.close()
    return False


def _ask_version(java: str, environ: Mapping[str, str]) -> str:
    # Without the user's options: a bad one would hide the version, and they may hold a secret.
    plain = {name: value for name, value in environ.items() if name not in _OPTION_VARIABLES}
    return run_java(java, ("-version",), _VERSION_TIMEOUT, plain)[1]
