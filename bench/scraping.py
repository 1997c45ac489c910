"""A server of metrics, scraped over a connection that stays open; what a scrape costs, and what it says.

Here: `Target`, and what /proc says about the processes behind it. No starting of programs.
"""

from __future__ import annotations

import http.client
import os
import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable

HOST = "127.0.0.1"
ACCEPT = "text/plain;version=0.0.4"
SUFFIXES = ("_bucket", "_count", "_sum", "_created")


@dataclass
class Target:
    """One /metrics, or another page, and its figures; `pids` are all processes that work for an answer."""

    port: int
    pids: tuple[int, ...]
    first: float = 0.0
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    """Seconds of CPU for each scrape, one value for each batch, less what they use anyway."""
    body: str = ""
    path: str = "/metrics"
    accept: str = ACCEPT
    headers: dict[str, str] = field(default_factory=dict)
    context: ssl.SSLContext | None = None
    """For TLS."""
    fresh: bool = False
    """Whether each scrape connects first."""
    _client: http.client.HTTPConnection | None = None

    def scrape(self, timeout: float = 30.0) -> float:
        """Return the seconds of a scrape, and keep what it says; OSError without an answer in time."""
        client = self._client = self._client or self._connection()
        client.timeout = timeout
        if client.sock is not None:
            client.sock.settimeout(timeout)
        began = time.perf_counter()
        try:
            client.request("GET", self.path, headers={"Accept": self.accept, **self.headers})
            # The JDK's HTTP server sends head and body apart, with Nagle's algorithm: on a connection that
            # stays open each answer would wait 40 ms for our kernel's delayed acknowledgement.
            client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            answer = client.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise OSError(f"no answer: {error}") from error
        took = time.perf_counter() - began
        if answer.status != 200:
            raise SystemExit(
                f"bench: {self.path} at {self.port} says {answer.status}: {body[:300]!r}"
            )
        self.body = body.decode()
        if self.fresh:
            self.close()
        return took

    def _connection(self) -> http.client.HTTPConnection:
        if self.context is None:
            return http.client.HTTPConnection(HOST, self.port)
        return http.client.HTTPSConnection(HOST, self.port, context=self.context)

    def close(self) -> None:
        """End the connection; the next scrape makes another."""
        if self._client is not None:
            self._client.close()
        self._client = None

    @property
    def series(self) -> int:
        """How many samples the last answer had."""
        return sum(bool(line) and not line.startswith("#") for line in self.body.splitlines())

    def cpu_seconds(self) -> float:
        """Return the CPU time of its processes until now."""
        return sum(map(cpu_seconds, self.pids))


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and of its threads that are gone, to the nanosecond.

    The same as utime and stime of /proc/PID/stat, which count in hundredths of a second.
    """
    # Linux's number for "the CPU clock of that process", as clock_getcpuclockid(3) makes it.
    return time.clock_gettime(~pid << 3 | 2)


def families(body: str) -> set[str]:
    """Return the names of all families that have a sample; a counter's without what OpenMetrics adds."""
    types = {}
    found = set()
    for line in body.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            types[name] = kind
        elif line and not line.startswith("#"):
            name = line.partition("{")[0].partition(" ")[0]
            whole = [name.removesuffix(suffix) for suffix in SUFFIXES if name.endswith(suffix)]
            found.add(
                next((one for one in whole if types.get(one) in {"summary", "histogram"}), name)
            )
    return found


def in_turn(targets: Iterable[Target], batches: int, batch: int) -> None:
    """Scrape all of them, a batch each and then the next one; what each uses while it rests is taken off."""
    every = list(targets)
    used = {one.port: 0.0 for one in every}
    busy = dict.fromkeys(used, 0.0)
    marks = {one.port: one.cpu_seconds() for one in every}
    began = time.perf_counter()
    mine: dict[int, list[tuple[float, float]]] = {one.port: [] for one in every}
    for number in range(batches):
        for target in every[number % len(every) :] + every[: number % len(every)]:
            before, start = target.cpu_seconds(), time.perf_counter()
            target.seconds += [target.scrape() for _ in range(batch)]
            cpu, took = target.cpu_seconds() - before, time.perf_counter() - start
            mine[target.port].append((cpu, took))
            used[target.port] += cpu
            busy[target.port] += took
    whole = time.perf_counter() - began
    for one in every:
        at_rest = one.cpu_seconds() - marks[one.port] - used[one.port]
        rate = max(0.0, at_rest) / max(1e-9, whole - busy[one.port])
        one.cpu += [max(0.0, cpu - rate * took) / batch for cpu, took in mine[one.port]]


class Memory(NamedTuple):
    """What a process has in memory, in MB."""

    rss: float
    pss: float
    anonymous: float
    """No file's: what the kernel would have to swap."""


def memory(pid: int) -> Memory:
    """Return the memory of a process alone."""
    values = {}
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        for line in file:
            words = line.split()
            if words[-1] == "kB":
                values[words[0]] = int(words[1]) / 1024
    return Memory(values["Rss:"], values["Pss:"], values["Anonymous:"])


def wait_until_stopped(pid: int) -> None:
    """Return when no thread of a process runs: SIGSTOP takes effect a moment after it was sent."""
    while True:
        states = set()
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/stat", encoding="utf-8") as file:
                states.add(file.read().rpartition(")")[2].split()[0])
        if states == {"T"}:
            return
        time.sleep(0.001)


def java_of(pid: int) -> int:
    """Return the process that runs java: this one, or its child of that name."""
    if _name(pid) == "java":
        return pid
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
            for child in map(int, file.read().split()):
                if _name(child) == "java":
                    return child
    raise SystemExit(f"bench: process {pid} has no java")


def _name(pid: int) -> str:
    with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
        return file.read().strip()
