"""A real entrypoint under attack by HTTP: what is watched meanwhile, and what has to hold after it.

Its java is an actor that prints each signal that it gets. While an attack goes on, a thread asks a probe
again and again, as the kubelet does, and reads from /proc what the attack costs.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from entrypoint.serve.http import LIMIT as PLACES
from process.harness import LIMIT, Launcher, Run, actor, status_field, until

TOKEN = "correct-horse-battery"
TRIES = 3
"""A probe may fail so often in a row before the kubelet does something: its default."""
CLOSE = b"GET %s HTTP/1.1\r\nHost: pod\r\nConnection: close\r\n\r\n"
PASSING = 2
"""Threads that come and go without any client: a look at java, a diagnosis."""
LARGEST = 12 << 20
"""What all places together may take: the largest answer for each, its request, and its TLS."""


class Target:
    """One entrypoint, with a token and TLS if there is a certificate."""

    def __init__(self, launcher: Launcher, certificate: Path | None, **options: object) -> None:
        self.launcher = launcher
        self.certificate = certificate
        env = {}
        if certificate is not None:
            env = {
                "ENTRYPOINT_TOKEN": TOKEN,
                "ENTRYPOINT_TLS_CERT_FILE": str(certificate),
                "ENTRYPOINT_TLS_KEY_FILE": str(certificate.with_suffix(".key")),
            }
        self.run: Run = launcher.profile(actor("report"), env=env, **options)
        self.run.says("to=running")
        self.java = self.run.child("report")
        until(self._warm, "the first scrape, which loads the metrics")
        self.threads = self._threads()
        self.memory = self._memory()
        self.descriptors = self._descriptors()

    def _warm(self) -> bool:
        """Ask for everything once, so that what is loaded once is loaded before anything is measured."""
        with suppress(OSError):
            answers = [self.get(path) for path in (b"/metrics", b"/status", b"/", b"/livez")]
            return all(answer.startswith(b"HTTP/1.1 200 ") for answer in answers)
        return False

    def connect(self, receive_buffer: int = 0) -> socket.socket:
        client = socket.socket()
        if receive_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.settimeout(LIMIT)
        client.connect(("127.0.0.1", self.launcher.port))
        return client

    def secure(self, receive_buffer: int = 0) -> socket.socket:
        """Connect, by TLS where the target speaks it."""
        client = self.connect(receive_buffer)
        if self.certificate is None:
            return client
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            return context.wrap_socket(client)
        except BaseException:
            client.close()
            raise

    def request(self, path: bytes) -> bytes:
        """Return a good request, with the token where one is asked for."""
        bearer = (
            b""
            if self.certificate is None
            else b"Authorization: Bearer " + TOKEN.encode() + b"\r\n"
        )
        return b"GET " + path + b" HTTP/1.1\r\nHost: pod\r\n" + bearer + b"\r\n"

    def get(self, path: bytes) -> bytes:
        with self.secure() as client:
            client.sendall(
                self.request(path).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
            )
            return read_all(client)

    def say(self, data: bytes) -> bytes:
        """Send these bytes as they are, and return what comes until the end."""
        with self.connect() as client:
            with suppress(OSError):
                client.sendall(data)
            return read_all(client)

    def probe(self) -> bool:
        """Ask as the kubelet does, in the clear, and tell whether there was a good answer."""
        try:
            return self.say(CLOSE % b"/livez").endswith(b"\r\n\r\nok")
        except OSError:
            return False

    @contextmanager
    def attacked(self) -> Iterator[None]:
        """Watch probes and cost while the body goes on; after it everything is as before."""
        ended = threading.Event()
        found = _Found()
        watch = threading.Thread(target=self._watch, args=(found, ended))
        watch.start()
        try:
            yield
        finally:
            ended.set()
            watch.join()
        assert found.failed < TRIES, "the kubelet would have been told that nobody is alive"
        assert found.answered, "no probe was asked while it went on"
        assert found.descriptors <= self.descriptors + PLACES + 2
        assert found.memory <= self.memory + LARGEST
        self.unharmed(found.threads)

    def _watch(self, found: _Found, ended: threading.Event) -> None:
        failed = 0
        while True:
            good = self.probe()
            failed = 0 if good else failed + 1
            found.answered += good
            found.failed = max(found.failed, failed)
            found.descriptors = max(found.descriptors, self._descriptors())
            found.memory = max(found.memory, self._memory())
            found.threads = max(found.threads, self._threads())
            if ended.wait(0.02):
                return

    def unharmed(self, threads: int = 0) -> None:
        """Java runs and got no signal, nobody saw a traceback, and what was taken came back."""
        assert not self.run.ended(), self.run.stderr
        assert self.run.processes("report") == [self.java]
        assert "got" not in self.run.stdout.split("ready", 1)[1]
        said = self.run.stdout + self.run.stderr
        assert "Traceback" not in said and "bug" not in said, said[-3000:]
        assert threads <= self.threads + PASSING, "a thread for each client?"
        until(self.probe, "a probe after it")

    def stop(self) -> None:
        """Java gets TERM, and the end is what it always is."""
        assert self.run.stop() == 0, self.run.stderr[-2000:]
        assert "got 15" in self.run.stdout
        assert "Traceback" not in self.run.stderr
        self.run.gone()

    def _threads(self) -> int:
        return int(status_field(self._proc("status"), "Threads"))

    def _memory(self) -> int:
        return int(status_field(self._proc("status"), "VmRSS").split()[0]) * 1024

    def _descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.run.pid}/fd"))

    def _proc(self, name: str) -> str:
        return Path(f"/proc/{self.run.pid}/{name}").read_text()


class _Found:
    """The worst that was seen."""

    answered = 0
    failed = 0
    descriptors = 0
    memory = 0
    threads = 0


def read_all(client: socket.socket) -> bytes:
    """Everything until the server ends the connection; a reset counts as an end."""
    parts = []
    with suppress(ConnectionResetError, BrokenPipeError, ssl.SSLError):
        while chunk := client.recv(65536):
            parts.append(chunk)
    return b"".join(parts)


def keep_on(work: Callable[[], None], seconds: float) -> None:
    """Do it again and again for some time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        work()
