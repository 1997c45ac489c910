"""Ports by which people look into a JVM: the debugger's and JMX's, from one short text each.

Here: what such a text says, the options that say it to each JDK, and what there is to warn about. Both
ports give whoever reaches them the application's rights: they are off, and on loopback, unless asked.
"""

from __future__ import annotations

import re

from entrypoint.records import record
from entrypoint.values import parse_port

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

DEBUG_PORT: Final = 5005
JMX_PORT: Final = 9010
RMI_HOST: Final = "-Djava.rmi.server.hostname="
"""What JMX tells a client to connect to, after the first connection."""

_JMX: Final = "-Dcom.sun.management.jmxremote"
_AUTHENTICATED = (f"{_JMX}.authenticate=", f"{_JMX}.password.file=", f"{_JMX}.login.config=")
_ENCRYPTED = (f"{_JMX}.ssl=", f"{_JMX}.ssl.config.file=", "-Djavax.net.ssl.keyStore=")
_EXPECTED = "a port such as {port}, *:{port} for every network, or off"


@record
class Access:
    """A port to open: on loopback, or `everywhere`; `suspend` has java wait for the debugger."""

    port: int
    everywhere: bool = False
    suspend: bool = False

    @property
    def shown(self) -> str:
        """Where it listens, as a person reads it."""
        return f"{'*' if self.everywhere else '127.0.0.1'}:{self.port}"


def parse_debug(text: str) -> Access | None:
    """Read `5005`, `*:5005`, `on`, `off`, each with or without `suspend`; None is off.

    A ValueError tells what is expected.
    """
    words = [word for word in re.split(r"[,\s]+", text.strip().lower()) if word]
    suspend = "suspend" in words
    rest = [word for word in words if word != "suspend"]
    expected = _EXPECTED.format(port=DEBUG_PORT) + "; with suspend, java waits: 5005,suspend"
    if len(rest) > 1 or (suspend and rest == ["off"]):
        raise ValueError(expected)
    found = _parse(rest[0] if rest else "on" if suspend else "off", DEBUG_PORT, expected)
    return Access(found.port, found.everywhere, suspend) if found else None


def parse_jmx(text: str) -> Access | None:
    """Read `9010`, `*:9010`, `on` or `off`; None is off. A ValueError tells what is expected."""
    word = text.strip().lower() or "off"
    return _parse(word, JMX_PORT, _EXPECTED.format(port=JMX_PORT))


def debug_options(access: Access, feature: int) -> tuple[str, ...]:
    """Return the option that has the JVM listen for a debugger.

    The host always stands there: a bare port is every network on 8, and loopback from 9 on. 8 does not
    know `*`.
    """
    everywhere = "0.0.0.0" if feature <= 8 else "*"  # noqa: S104 - only when asked
    host = everywhere if access.everywhere else "127.0.0.1"
    suspend = "y" if access.suspend else "n"
    return (
        f"-agentlib:jdwp=transport=dt_socket,server=y,suspend={suspend},address={host}:{access.port}",
    )


def jmx_options(access: Access) -> tuple[str, ...]:
    """Return the options that open JMX; one port for both of its connections, so that it can be forwarded.

    On loopback without password and TLS. Everywhere else both are the user's to decide (`undecided`).
    """
    port = (f"{_JMX}.port={access.port}", f"{_JMX}.rmi.port={access.port}")
    if access.everywhere:
        return port
    return (*port, f"{_JMX}.host=127.0.0.1", f"{_JMX}.authenticate=false", f"{_JMX}.ssl=false")


def undecided(options: Iterable[str]) -> tuple[str, ...]:
    """Return the decisions about an open JMX port that no option takes: authenticate, ssl."""
    given = tuple(options)
    needed = (("authenticate", _AUTHENTICATED), ("ssl", _ENCRYPTED))
    return tuple(
        name for name, takes in needed if not any(option.startswith(takes) for option in given)
    )


def debug_notes(access: Access) -> tuple[str, ...]:
    """Return what everybody who reads the plan has to know about the debugger's port."""
    reach = "from EVERY network" if access.everywhere else "in this pod"
    notes = [
        f"DEBUGGING is on at {access.shown}: whoever connects {reach} can run any code in java"
    ]
    if access.suspend:
        notes.append("java waits for the debugger before it starts: probes fail until then")
    return tuple(notes)


def jmx_notes(access: Access) -> tuple[str, ...]:
    """Return what everybody who reads the plan has to know about the JMX port."""
    if access.everywhere:
        return (
            f"JMX is open at {access.shown} to EVERY network: its password is all that protects java",
        )
    return (
        f"JMX is on at {access.shown} without a password, for all in this pod and kubectl port-forward",
    )


def _parse(word: str, default: int, expected: str) -> Access | None:
    if word in {"off", "false", "no", "0"}:
        return None
    if word in {"on", "true", "yes", "1"}:
        return Access(default)
    host, _, port = word.rpartition(":")
    if host not in {"", "*", "127.0.0.1", "localhost"}:
        raise ValueError(expected)
    try:
        return Access(parse_port(port), everywhere=host == "*")
    except ValueError:
        raise ValueError(expected) from None
