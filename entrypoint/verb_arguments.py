"""The switches of the verbs that run nothing: those that ask a running entrypoint, and those for a cluster.

Here: what `arguments` adds to its parser; it declares the verbs that make a plan.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any, TypeAlias

    Verbs: TypeAlias = argparse._SubParsersAction[Any]  # noqa: SLF001 - it has no public name


def add_probe(verbs: Verbs) -> None:
    """Add `probe`."""
    probe = verbs.add_parser(
        "probe",
        help="ask a running entrypoint: live, ready or startup",
        description="Ask a running entrypoint, as an exec probe. Exit code 0: yes, 1: no.",
    )
    probe.add_argument("action", choices=["live", "ready", "startup"])
    probe.add_argument(
        "-v", "--verbose", action="store_true", help="list every check, also when all is well"
    )
    probe.add_argument(
        "--timeout", metavar="DURATION", help="time for the whole answer; default: 2s"
    )
    probe.add_argument(
        "--address", metavar="HOST:PORT", help="default: $ENTRYPOINT_LISTEN, or 127.0.0.1:9404"
    )


def add_status(verbs: Verbs) -> None:
    """Add `status`."""
    status = verbs.add_parser(
        "status",
        help="show what the running entrypoint says of itself, once or live",
        description="Show what the entrypoint that runs in this container says of itself.",
    )
    status.add_argument(
        "-w", "--watch", action="store_true", help="show it again and again; Ctrl-C ends"
    )
    status.add_argument(
        "--interval", metavar="DURATION", help="between two looks with --watch; default: 2s"
    )
    status.add_argument(
        "-o",
        "--output",
        choices=["text", "json"],
        default="text",
        help="form of the output; default: text",
    )
    status.add_argument(
        "--timeout", metavar="DURATION", help="time for one whole answer; default: 2s"
    )
    status.add_argument(
        "--address", metavar="HOST:PORT", help="default: $ENTRYPOINT_LISTEN, or 127.0.0.1:9404"
    )
    status.add_argument(
        "--token-file",
        metavar="PATH",
        help="file with the bearer token; default: as the settings have it",
    )


def add_diagnose(verbs: Verbs) -> None:
    """Add `diagnose`."""
    diagnose = verbs.add_parser(
        "diagnose",
        help="ask the JVM for its threads, deadlocks, heap, flags and largest classes",
        description="Ask the JVM of this container what it does: no JDK is needed.",
    )
    diagnose.add_argument("--pid", type=int, metavar="N", help="default: the java below PID 1")
    diagnose.add_argument(
        "--out", metavar="DIR", help="write the answers to a new folder there; default: show them"
    )
    diagnose.add_argument(
        "-o",
        "--output",
        choices=["text", "json"],
        default="text",
        help="form of the output; default: text",
    )
    diagnose.add_argument("--debug", action="store_true", help="show tracebacks of our own bugs")


def add_manifests(verbs: Verbs) -> None:
    """Add `manifests`."""
    manifests = verbs.add_parser(
        "manifests",
        help="print the Kubernetes manifests that depend on a number",
        description="Print the Kubernetes manifests that depend on a number:\n"
        "nodeport gives every node a Service with three node ports of its own.",
    )
    manifests.add_argument("action", choices=["nodeport"])
    manifests.add_argument(
        "--nodes", type=int, required=True, metavar="N", help="Services for this many nodes"
    )
    manifests.add_argument(
        "--base",
        type=int,
        default=30100,
        metavar="PORT",
        help="first port of node 0; each node has three; default: 30100",
    )
    manifests.add_argument(
        "--name", default="otter-node", help="name of the StatefulSet; default: otter-node"
    )


def fill_database(database: argparse.ArgumentParser) -> None:
    """Add what is `database`'s own to the switches that choose a profile."""
    database.description = (
        "Load a file of SQL into the database that the profile's mysql gate asks, where it has no table.\n"
        "With all of the file's tables there it changes nothing, and that is fine; with others it refuses."
    )
    database.add_argument("action", choices=["load"])
    database.add_argument(
        "target", metavar="FILE", help="statements for MySQL or MariaDB, in UTF-8"
    )
    database.add_argument(
        "--variable",
        action="append",
        metavar="NAME=ENV",
        help="give @NAME of the session the value of the variable ENV, or of the file that ENV_FILE "
        "names (repeatable)",
    )
