"""What is done to a container during a soak: faults in an order that the seed gives.

Here: `Faults`, a thread that does one after the other, and says which one is on. Everything is put right
again: what a fault breaks for good would be another test.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from integration.running import Application
from soak.clients import enter, entrypoint_in

ORPHANS = """
import os, sys, time
for _ in range(int(sys.argv[1])):
    pid = os.fork()
    if pid == 0:
        if os.fork() == 0:
            time.sleep(float(sys.argv[2]))
        os._exit(0)
    os.waitpid(pid, 0)
"""
HARMLESS = ("SIGQUIT", "SIGWINCH", "SIGCONT", "SIGURG")
"""Passed on to java, which lives on: a HotSpot JVM ends at HUP, INT and TERM, and dies of USR1."""
SLOW, FLOOD = 100, 3000
"""Connections: PID 1 has 64 places."""
FILLED = "tmp/filled"
MARK = "# touched\n"


@dataclass(frozen=True)
class Scene:
    """Where the faults happen."""

    kafka: Application
    java: int
    config: Path
    """A file of Kafka's configuration."""
    away: Callable[[float], None]
    """Takes ZooKeeper away for so many seconds."""


@dataclass(frozen=True)
class Pace:
    """How long faults last and the pauses between them are, in seconds (from, to)."""

    pause: tuple[float, float] = (10.0, 30.0)
    short: tuple[float, float] = (2.0, 12.0)
    long: tuple[float, float] = (12.0, 25.0)
    orphans: int = 1000


USUAL = Pace()
QUICK = Pace(pause=(0.2, 0.5), short=(0.5, 1.0), long=(1.0, 2.0), orphans=100)


class Faults:
    """Every kind once in each round, in an order that the seed gives, until it is stopped."""

    def __init__(self, scene: Scene, seed: int, pace: Pace) -> None:
        self.began = 0
        """How many there were."""
        self.orphans = 0
        self.failed: list[str] = []
        """Faults that could not be carried out."""
        self._scene = scene
        self._pace = pace
        # Not for secrets: the same seed gives the same faults.
        self._random = random.Random(seed)
        self._over = threading.Event()
        self._now = self._ended = ""
        self._kinds: dict[str, Callable[[], None]] = {
            "java stopped": self._java_stopped,
            "PID 1 stopped": self._pid1_stopped,
            "slow clients": self._slow_clients,
            "connections": self._connections,
            "diagnosis": self._diagnosis,
            "config touched": self._config_touched,
            "tmpfs full": self._tmpfs_full,
            "ZooKeeper away": self._zookeeper_away,
            "signals": self._signals,
            "orphans": self._orphans,
        }
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def taken(self) -> str:
        """Return the fault that is on, or was since the last call; "" for none."""
        ended, self._ended = self._ended, ""
        return self._now or ended

    def stop(self) -> None:
        """Begin nothing more, and return when what is on has been put right."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        for name in self._order():
            self._over.wait(self._between(self._pace.pause))
            if self._over.is_set():
                return
            self._now = name
            self.began += 1
            try:
                self._kinds[name]()
            except (OSError, subprocess.SubprocessError, AssertionError) as error:
                self.failed.append(f"{name}: {error}")
            self._now, self._ended = "", name

    def _order(self) -> Iterator[str]:
        while True:
            names = list(self._kinds)
            self._random.shuffle(names)
            yield from names

    def _between(self, limits: tuple[float, float]) -> float:
        return self._random.uniform(*limits)

    def _wait(self, limits: tuple[float, float]) -> None:
        self._over.wait(self._between(limits))

    @property
    def _pid1(self) -> int:
        return self._scene.kafka.run.pid

    def _java_stopped(self) -> None:
        with _stopped(self._scene.java):
            self._wait(self._pace.short)

    def _pid1_stopped(self) -> None:
        """As a container that is frozen; shorter than a probe waits."""
        with _stopped(self._pid1):
            self._over.wait(min(3.0, self._between(self._pace.short)))

    def _slow_clients(self) -> None:
        """Each sends a byte of its request every half second."""
        deadline = time.monotonic() + self._between(self._pace.long)
        clients = [client for _ in range(SLOW) if (client := self._connected()) is not None]
        request = b"GET /status HTTP/1.1\r\nHost: soak\r\nX-Slow: " + b"." * 1000
        for byte in request:
            if time.monotonic() > deadline or self._over.wait(0.5):
                break
            for client in clients:
                with suppress(OSError):
                    client.send(bytes((byte,)))
        for client in clients:
            client.close()

    def _connections(self) -> None:
        """Open, and silent; or gone before the answer."""
        clients = []
        for number in range(FLOOD):
            client = self._connected()
            if client is None or self._over.is_set():
                break
            if number % 3 == 0:
                with suppress(OSError):
                    client.send(b"GET /metrics HTTP/1.1\r\nHost: soak\r\n\r\n")
                client.close()
            else:
                clients.append(client)
        self._wait(self._pace.short)
        for client in clients:
            client.close()

    def _connected(self) -> socket.socket | None:
        host, port = self._scene.kafka.probes.split(":")
        try:
            client = socket.create_connection((host, int(port)), timeout=5)
        except OSError:
            return None
        client.setblocking(False)
        return client

    def _diagnosis(self) -> None:
        code, said = entrypoint_in(self._pid1, "diagnose")
        assert code == 0, f"exit code {code}: {said[-300:]}"

    def _config_touched(self) -> None:
        """Changed, and put back: PID 1 looks every ten seconds."""
        text = self._scene.config.read_text()
        self._scene.config.write_text(text + MARK)
        try:
            self._wait(self._pace.long)
        finally:
            self._scene.config.write_text(text)

    def _tmpfs_full(self) -> None:
        """The run folder, and where java's counters and its socket are."""
        file = f"/proc/{self._pid1}/root/{FILLED}"
        try:
            with suppress(OSError), open(file, "wb", buffering=0) as filled:
                while True:
                    filled.write(b"\0" * 4096)
            self._wait(self._pace.long)
        finally:
            os.unlink(file)

    def _zookeeper_away(self) -> None:
        self._scene.away(20.0 if self._pace.long[0] > 5 else 1.0)

    def _signals(self) -> None:
        for _ in range(self._random.randrange(5, 20)):
            os.kill(self._pid1, signal.Signals[self._random.choice(HARMLESS)])
            self._over.wait(0.2)

    def _orphans(self) -> None:
        count = self._random.randrange(self._pace.orphans // 2, self._pace.orphans)
        command = [sys.executable, "-I", "-S", "-c", ORPHANS, str(count), "0.5"]
        subprocess.run([*enter(self._pid1), *command], check=True, timeout=60)
        self.orphans += count
        self._over.wait(1.0)


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
