"""Who uses the application and its PID 1 during a soak: Kafka's clients, Prometheus, the kubelet, people.

Here: threads that go on until they are told to stop, and what they have seen. No faults.
"""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from lab.services import KafkaTools

NICE = 5
TOPIC = "soak"
ANSWER_SECONDS = 5.0
"""As a probe with a generous timeout; Prometheus waits for 10 s by default."""
PAGES = ("/status", "/", "/status?output=text", "/readyz?verbose")


class Every:
    """A thread that does something on a grid of `seconds`, until it is stopped."""

    def __init__(self, seconds: float, work: Callable[[], None]) -> None:
        self._seconds = seconds
        self._work = work
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        began = time.monotonic()
        while not self._over.is_set():
            self._work()
            # What was missed is not made up for.
            number = int((time.monotonic() - began) / self._seconds) + 1
            self._over.wait(began + number * self._seconds - time.monotonic())

    def stop(self) -> None:
        """End after what is being done now."""
        self._over.set()
        self._thread.join()


class Asker:
    """Asks PID 1 over HTTP as Prometheus, the kubelet and people do, and keeps how long it took."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._scrapes: list[float] = []
        self._probes: list[float] = []
        self.unanswered = 0
        self.wrong: list[str] = []
        """What was wrong, the first ones."""
        self.not_live = 0
        self.ready = False
        self.orphans_reaped = 0
        self._turn = 0
        self._scraper = self._connection()
        self._every = (
            Every(1.0, self._scrape),
            Every(0.5, self._probe),
            Every(10.0, self._page),
        )

    def taken(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return the milliseconds of the scrapes and probes since the last call."""
        with self._lock:
            scrapes, self._scrapes = self._scrapes, []
            probes, self._probes = self._probes, []
        return tuple(scrapes), tuple(probes)

    def stop(self) -> None:
        """Ask no more."""
        for one in self._every:
            one.stop()
        self._scraper.close()

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._address, timeout=ANSWER_SECONDS)

    def _scrape(self) -> None:
        """Over a connection that stays open; else over a new one, as Prometheus does."""
        began = time.monotonic()
        for last in (False, True):
            try:
                status, text = self._get(self._scraper, "/metrics")
            except (ConnectionError, http.client.BadStatusLine) as error:
                self._scraper.close()
                if last:
                    self._missed("/metrics", error)
                continue
            except (OSError, http.client.HTTPException) as error:
                self._scraper.close()
                return self._missed("/metrics", error)
            break
        else:
            return None
        with self._lock:
            self._scrapes.append((time.monotonic() - began) * 1e3)
        found = re.search(r"^entrypoint_orphans_reaped_total (\S+)$", text, re.MULTILINE)
        if status != 200 or found is None:
            return self._missed("/metrics", f"{status} {text[:80]!r}")
        self.orphans_reaped = int(float(found[1]))
        return None

    def _probe(self) -> None:
        """Over a connection of its own, as the kubelet does."""
        self._turn += 1
        path = "/livez" if self._turn % 2 else "/readyz"
        began = time.monotonic()
        asked = self._ask(path)
        if asked is None:
            return
        with self._lock:
            self._probes.append((time.monotonic() - began) * 1e3)
        if path == "/readyz":
            self.ready = asked[0] == 200
        elif asked[0] != 200:
            self.not_live += 1
        if asked[0] not in {200, 503}:
            self._missed(path, f"{asked[0]} {asked[1][:80]!r}")

    def _page(self) -> None:
        path = PAGES[self._turn % len(PAGES)]
        asked = self._ask(path)
        if asked is not None and asked[0] not in {200, 503}:
            self._missed(path, f"{asked[0]} {asked[1][:80]!r}")

    def _ask(self, path: str) -> tuple[int, str] | None:
        connection = self._connection()
        try:
            return self._get(connection, path)
        except (OSError, http.client.HTTPException) as error:
            self._missed(path, error)
            return None
        finally:
            connection.close()

    def _get(self, connection: http.client.HTTPConnection, path: str) -> tuple[int, str]:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def _missed(self, path: str, why: object) -> None:
        with self._lock:
            self.unanswered += 1
            if len(self.wrong) < 20:
                self.wrong.append(f"{path}: {type(why).__name__} {why}")


class Messages:
    """A producer and a consumer of one topic: numbers in, and every one of them out again, in order."""

    def __init__(self, tools: KafkaTools, address: str, every: float = 0.1) -> None:
        server = ("--bootstrap-server", address, "--topic", TOPIC)
        self.sent = self.received = self.astray = 0
        # Patient: a broker that is stopped for some seconds loses nothing.
        self._producer = self._start(
            tools.command(
                "kafka.tools.ConsoleProducer", *server,
                "--request-required-acks", "all", "--message-send-max-retries", "1000000",
                "--request-timeout-ms", "60000",
                "--producer-property", "delivery.timeout.ms=600000",
                "--producer-property", "max.block.ms=600000",
            ),
            stdin=subprocess.PIPE,
        )  # fmt: skip
        self._consumer = self._start(
            tools.command(
                "org.apache.kafka.tools.consumer.ConsoleConsumer", *server,
                "--from-beginning", "--consumer-property", "session.timeout.ms=60000",
                "--consumer-property", "enable.auto.commit=false",
            ),
            stdout=subprocess.PIPE,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._writer = Every(every, self._write)

    def _start(
        self, argv: Sequence[str], *, stdin: int | None = None, stdout: int | None = None
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["nice", "-n", str(NICE), "setpriv", "--pdeathsig", "KILL", "--", *argv],
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=subprocess.DEVNULL if stdout is None else stdout,
            stderr=subprocess.DEVNULL,
        )

    def _write(self) -> None:
        assert self._producer.stdin is not None
        with suppress(OSError):  # a producer that is gone: what it lost is seen at the end
            self._producer.stdin.write(b"%d\n" % (self.sent + 1))
            self._producer.stdin.flush()
            self.sent += 1

    def _read(self) -> None:
        assert self._consumer.stdout is not None
        last = 0
        for line in self._consumer.stdout:
            number = int(line)
            self.astray += number != last + 1
            last = max(last, number)
            self.received += 1

    def finish(self, limit: float = 60.0) -> None:
        """Send nothing more, and return when everything has come, or after the limit."""
        self._writer.stop()
        assert self._producer.stdin is not None
        with suppress(OSError):
            self._producer.stdin.close()
        deadline = time.monotonic() + limit
        while self.received < self.sent and time.monotonic() < deadline:
            time.sleep(0.1)

    def end(self) -> None:
        """End both clients."""
        for process in (self._producer, self._consumer):
            process.kill()
            process.wait()
        self._reader.join()


def entrypoint_in(pid1: int, *words: str, timeout: float = 60.0) -> tuple[int, str]:
    """Run a verb of entrypoint inside the container of a PID 1, as `kubectl exec` does."""
    done = subprocess.run(
        [*enter(pid1), sys.executable, "-m", "entrypoint", *words],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def enter(pid1: int) -> tuple[str, ...]:
    """Return the words that put a command into the container of a PID 1."""
    return ("nice", "-n", str(NICE), "nsenter", "--target", str(pid1), "--pid", "--mount", "--")
