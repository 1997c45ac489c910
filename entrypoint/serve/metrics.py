"""The answer to /metrics: our own numbers, the container's, java's process and the JVM inside it.

Here: the exporter, which any thread may ask. prometheus_client, psutil and the collector of the numbers are
imported by `load`, never by importing this module: java is spawned before them.
"""

from __future__ import annotations

import os
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from entrypoint.jvm.heap_info import HeapInfo
    from entrypoint.jvm.hsperfdata import PerfData
    from entrypoint.lifecycle.health import Snapshot
    from entrypoint.serve.collector import Collector
    from entrypoint.serve.jvm import JvmReader


class Exporter:
    """Renders the metrics of the latest snapshot; any thread may call it."""

    def __init__(
        self, snapshot: Callable[[], Snapshot], clock: Callable[[], float], pid: int | None = None
    ) -> None:
        self._snapshot = snapshot
        self._clock = clock
        self._pid = os.getpid() if pid is None else pid
        self._jvm = ("client-java-1", True)
        self._lock = threading.Lock()
        self._collector: Collector | None = None
        self._reader: JvmReader | None = None

    def configure(self, vocabulary: str, may_attach: bool) -> None:
        """Choose the names of the JVM's metrics, and whether it may be asked; before the first scrape."""
        self._jvm = (vocabulary, may_attach)

    def load(self) -> None:
        """Import prometheus_client and psutil, once; call it from a thread after java's spawn."""
        with self._lock:
            if self._collector is None:
                # After java's spawn, which must not wait for them.
                from entrypoint.imports import prometheus  # noqa: PLC0415
                from entrypoint.serve.collector import Collector  # noqa: PLC0415

                self._collector = Collector(
                    prometheus.load(), self._snapshot, self._clock, self._pid, self._jvm_reader()
                )

    def look(self, pid: int) -> tuple[PerfData | None, HeapInfo]:
        """Return what the JVM tells of itself, by the reader that scrapes use: one asks it, not two.

        Where nobody scrapes, what scrapes need is not imported for it.
        """
        with self._lock:
            reader = self._jvm_reader()
        return reader.look(pid)

    def _jvm_reader(self) -> JvmReader:
        if self._reader is None:
            from entrypoint.serve import jvm  # noqa: PLC0415 - after java's spawn

            self._reader = jvm.JvmReader(*self._jvm)
        return self._reader

    def render(self, accept: str) -> tuple[bytes, str]:
        """Return the body and its content type: text, or what the Accept header asks for."""
        self.load()
        collector = self._collector
        assert collector is not None
        try:
            encoder, content_type = collector.client.choose_encoder(_by_preference(accept))
        except (TypeError, ValueError):
            # A version that is no number, in the header of some stranger.
            encoder, content_type = collector.client.choose_encoder("")
        return encoder(collector.registry), content_type


def _by_preference(accept: str) -> str:
    """Return an Accept header in the order of its q, up to what plain text satisfies.

    prometheus_client does not look at q, and takes OpenMetrics wherever it stands. Raises ValueError.
    """
    ranges = [(one, _quality(one)) for one in accept.split(",")]
    wanted: list[str] = []
    for one, _ in sorted((pair for pair in ranges if pair[1] > 0), key=lambda pair: -pair[1]):
        wanted.append(one)
        if one.partition(";")[0].strip() in {"text/plain", "text/*", "*/*"}:
            break
    return ",".join(wanted)


def _quality(media_range: str) -> float:
    for parameter in media_range.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            return float(value)
    return 1.0
