"""`./run`: bring up a whole otter on loopback, show where everything is, stop it all on Ctrl-C.

Here: the story. Exit codes: 0 after Ctrl-C or TERM, 1 when a component failed or had to be killed, 2 when
it cannot begin.
"""

from __future__ import annotations

import argparse
import os
import select
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from lab import cache, install, jars, jdks
from lab.cache import LabError, Missing
from local import distribution
from local.board import Board
from local.component import STOP_LIMIT, Component, Supervised, failure, wait_ended
from local.distribution import VERSION, Otter
from local.interrupts import Interrupts, StopAskedError
from local.stack import Java, Stack

EXIT_FAILED, EXIT_USAGE = 1, 2
START_LIMIT = 240.0
LOG_WIDTH = 160
NO_JDK_8 = """\
otter's manager runs on JDK 8 alone: on 11 and later webx 3.2 fails ("Unknown flag 0x1000"), it never
gets ready, and does not stop. There is no JDK 8 here: {reason}
Install one and set JAVA_HOME, or leave out --dist to see the stand-in, which runs on any JDK."""


def main(argv: Sequence[str]) -> int:
    """Run the command line and return its exit code."""
    asked = _parse(argv)
    interrupts = Interrupts()
    board = Board()
    folder = Path(asked.keep).absolute() if asked.keep else Path(tempfile.mkdtemp(prefix="otter-"))
    keep = bool(asked.keep)
    stack: Stack | None = None
    try:
        otter, java = _choose(asked.dist, board)
        board.say(f"\n  otter  {otter.name}, {otter.source}")
        board.say(f"  java   JDK {java.major}, {java.home}")
        kept = "" if keep else ", removed at the end; --keep DIR keeps it"
        board.say(f"  data   {folder}{kept}\n")
        home = jars.zookeeper_home()
        assert isinstance(home, Path)
        stack = Stack(otter, java, home, folder)
        _show_all(stack, board, asked.nodes)
        _bring_up(stack, board, interrupts, asked.nodes)
        _show_where(stack, otter, board)
        _watch(stack.components, board)
    except StopAskedError:
        board.say("\nstopping" if stack else "\nstopped before anything was started")
        return _end(stack, board, interrupts, 0)
    except LabError as error:
        # The first failure is the story; the stop that follows is not.
        board.say(f"\n{board.paint('failed', '31')}: {error}")
        code = _end(stack, board, interrupts, EXIT_FAILED if stack else EXIT_USAGE)
        if stack:
            keep = True
            board.say(f"  data and logs are kept in {folder}")
        return code
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./run",
        description="Bring up a whole otter on loopback: MariaDB, ZooKeeper, manager, node.",
        epilog="Ctrl-C stops everything, in order; a second Ctrl-C kills it.",
    )
    parser.add_argument(
        "--dist",
        default="",
        metavar="DIR|TAR,TAR",
        help=f"otter's distribution: a folder, or manager.deployer-{VERSION}.tar.gz"
        f",node.deployer-{VERSION}.tar.gz; default: dist/, then the release page, then the stand-in",
    )
    parser.add_argument("--standin", action="store_true", help="use the stand-in, download nothing")
    parser.add_argument("--nodes", type=int, default=1, metavar="N", help="number of nodes (1)")
    parser.add_argument("--keep", default="", metavar="DIR", help="keep the data in this folder")
    asked = parser.parse_args(argv)
    if not 0 <= asked.nodes <= 9:
        parser.error("--nodes: 0 to 9")
    if asked.standin and asked.dist:
        parser.error("--dist and --standin exclude each other")
    asked.dist = "standin" if asked.standin else asked.dist
    return asked


def _choose(dist: str, board: Board) -> tuple[Otter, Java]:
    """Find otter, install what it needs to run here, and a JDK that it can run on."""
    otter = None if dist == "standin" else distribution.find(dist, board.say)
    parts = ["mariadb", "jdk8", "zookeeper", *(["maven"] if otter is None else [])]
    _install(parts, board)
    if otter is None:
        board.say(
            f"using the stand-in: it behaves at its edges as otter {VERSION} does, and moves no rows"
        )
        otter = distribution.standin()
    found = jdks.jdks()
    if 8 in found:
        return otter, Java(8, found[8])
    if not otter.standin:
        raise LabError(NO_JDK_8.format(reason=cache.missing("jdk8").reason))
    if not found:
        raise LabError("no JDK here, and none can be installed")
    major = min(found)
    return otter, Java(major, found[major])


def _install(parts: Sequence[str], board: Board) -> None:
    """Install what is missing; the JDK 8 may stay missing, which is judged later."""
    missing = [part for part in parts if not _is_there(part)]
    if not missing:
        return
    board.say(f"installing {', '.join(missing)} (once; see tests/lab/README.md)")
    if os.geteuid() != 0:
        raise LabError(f"root is needed to install {', '.join(missing)}")
    with cache.locked():
        failed = [part for part in missing if not install.install(part)]
    if set(failed) - {"jdk8"}:
        raise LabError(f"cannot install {', '.join(failed)}: the lines before say why")


def _is_there(part: str) -> bool:
    from lab import mariadb  # noqa: PLC0415 - only here

    match part:
        case "mariadb":
            return isinstance(mariadb.program(), Path) and shutil.which("mariadb") is not None
        case "jdk8":
            return not isinstance(jdks.find(8), Missing)
        case "zookeeper":
            return isinstance(jars.zookeeper_home(), Path)
        case _:
            return all(shutil.which(program) for program in ("javac", "mvn"))


def _show_all(stack: Stack, board: Board, nodes: int) -> None:
    """Put every component on the board before the first is started: what waits is seen too."""
    for component in (stack.database, stack.zookeeper, stack.manager):
        board.add(
            component.name, component.address, "waits for MariaDB" if component.probes else ""
        )
    for number in range(1, nodes + 1):
        board.add(f"node-{number}", "", "waits for the manager")


def _bring_up(stack: Stack, board: Board, interrupts: Interrupts, nodes: int) -> None:
    """Start everything; the java ones wait for each other by their own gates, nodes for a ready manager."""
    began = time.monotonic()
    board.set("MariaDB", "working", "starting", timed=True)
    with interrupts.deferred():
        stack.database.start()
    board.set("MariaDB", "working", "loading the schema", timed=True)
    stack.load_schema(board.say)
    board.set("MariaDB", "good", f"ready after {time.monotonic() - began:.1f} s")
    _start([stack.zookeeper, stack.manager], stack, board, interrupts)
    if nodes:
        added = [stack.add_node() for _ in range(nodes)]
        for node in added:
            board.move(node.name, node.address)
        _start(added, stack, board, interrupts)


def _start(group: Sequence[Supervised], stack: Stack, board: Board, interrupts: Interrupts) -> None:
    """Start these and wait until all are ready; LabError when any component ends, or time is over."""
    began = time.monotonic()
    for component in group:
        board.set(component.name, "working", "starting", timed=True)
        with interrupts.deferred():
            component.start()
    left = list(group)
    while left:
        _raise_if_ended(stack.components, board)
        for component in tuple(left):
            waits_for = component.waits_for()
            took = time.monotonic() - began
            if not waits_for:
                board.set(component.name, "good", f"ready after {took:.1f} s")
                left.remove(component)
            elif component.exit_code() is None:
                board.set(component.name, "working", f"waits for {waits_for}", timed=True)
                if took > START_LIMIT:
                    board.set(component.name, "bad", f"not ready: waits for {waits_for}")
                    _show_log(component, board)
                    raise LabError(f"{component.name} is not ready after {START_LIMIT:.0f} s")
        board.tick()
        time.sleep(0.1)


def _raise_if_ended(components: Sequence[Component], board: Board) -> None:
    for component in components:
        code = component.exit_code()
        if code is not None:
            board.set(component.name, "bad", f"ended with exit code {code}")
            _show_log(component, board)
            raise failure(component)


def _show_log(component: Component, board: Board) -> None:
    board.close()
    board.say(f"\nlast lines of {component.log}:")
    for line in component.tail():
        board.say(f"  | {line[:LOG_WIDTH]}")


def _show_where(stack: Stack, otter: Otter, board: Board) -> None:
    """Tell what is where, now that all of it is ready."""
    board.close()
    board.say()
    if stack.ports.moved:
        board.say("usual ports that are taken here, and what is used instead:")
    for name, usual, port in stack.ports.moved:
        board.say(f"  {usual:>5} -> {port}  {name}")
    if stack.ports.moved:
        board.say()
    server = stack.database.server
    pages = f"http://{stack.manager.address}/"
    board.say(f"{board.paint(f'{otter.name} is up', '32')}\n")
    board.say(f"  manager    {pages}   user admin, password admin")
    board.say(
        f"  database   {server.url('otter')}   user {server.user}, password {server.password}"
    )
    board.say(f"  ZooKeeper  {stack.zookeeper.address}\n")
    board.say("             probes: /readyz /livez /startupz, numbers: /metrics    log")
    for component in stack.components:
        address = f"http://{component.probes}" if component.probes else "-"
        board.say(f"  {component.name:<10} {address:<50}  {component.log}")
    first = stack.nodes[0] if stack.nodes else stack.manager
    board.say(f"\n  try        curl 'http://{first.probes}/readyz?verbose'")
    board.say("  stop       Ctrl-C")


def _watch(components: Sequence[Component], board: Board) -> None:
    """Wait for the end of any component, which nobody asked for; a signal ends the wait too."""
    poll = select.poll()
    descriptors = {}
    for component in components:
        assert component.pid is not None
        descriptors[os.pidfd_open(component.pid)] = component
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    try:
        ready = poll.poll()
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
    component = descriptors[ready[0][0]]
    wait_ended(component, 5)
    _show_log(component, board)
    raise failure(component)


def _end(stack: Stack | None, board: Board, interrupts: Interrupts, code: int) -> int:
    """Stop what runs, last started first, each to its end; a second request kills it."""
    interrupts.hold()
    board.close()
    for component in reversed(stack.components if stack else []):
        if component.pid is None or component.exit_code() is not None:
            continue
        began = time.monotonic()
        component.ask_to_stop()
        while not wait_ended(component, 0.2):
            if interrupts.count or time.monotonic() - began > STOP_LIMIT:
                component.kill()
                wait_ended(component, 5)
        took = time.monotonic() - began
        # 143: TERM came before entrypoint had done its first statement.
        if component.exit_code() not in {0, 143}:
            code = EXIT_FAILED
        board.say(
            f"  {component.name:<10} stopped, exit code {component.exit_code()}, {took:.1f} s"
        )
    if stack:
        board.say("  nothing is left running")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
