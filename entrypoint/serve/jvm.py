"""The JVM's numbers at the moment of a scrape: its counters, and its answers for what they lack.

Here: which JVM is read, when it is asked, and when it is left alone. What the numbers mean is in
`jvm.metrics`. A JVM gets at most one QUIT from here, ever: one that does not open its socket then
prints a thread dump instead, and a scrape every 15 s must not fill the log.
"""

from __future__ import annotations

import threading
import time

from entrypoint.jvm.heap_info import HeapInfo, parse_heap_info
from entrypoint.jvm.hsperfdata import PerfDataError
from entrypoint.jvm.metrics import NO_ANSWERS, VOCABULARIES, samples
from entrypoint.jvm.pools import feature, heap
from entrypoint.records import record
from entrypoint.system import attach
from entrypoint.system.hsperf import Reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from entrypoint.jvm.hsperfdata import PerfData
    from entrypoint.jvm.metrics import JvmMetric, Sample

ASK_SECONDS: Final = 0.5
"""What all questions of one scrape may take together: a JVM in a full GC answers late."""
PAUSE_SECONDS: Final = 60.0
"""How long a JVM that did not answer is left alone."""
LIMIT: Final = 128 * 1024


@record
class Reading:
    """What a scrape got: whether there were counters, whether the JVM answered, and the samples."""

    has_counters: bool
    has_answered: bool
    metrics: Sequence[tuple[JvmMetric, list[Sample]]]


class JvmReader:
    """Reads the JVM of one run; another pid is another JVM. Any thread may call it."""

    def __init__(self, vocabulary: str = VOCABULARIES[0], may_attach: bool = True) -> None:
        self.vocabulary = vocabulary
        self.may_attach = may_attach
        self._lock = threading.Lock()
        self._reader: Reader | None = None
        self._attached: attach.Attach | None = None
        self._may_signal = True
        self._not_before = 0.0

    def read(self, pid: int) -> Reading:
        """Return everything that the JVM tells now, as samples; what it does not tell is not there."""
        with self._lock:
            data = self._counters(pid)
            answers = self._ask(pid, data)
        found = list(samples(data, answers or NO_ANSWERS, time.time(), self.vocabulary))
        return Reading(data is not None, answers is not None, found)

    def look(self, pid: int) -> tuple[PerfData | None, HeapInfo]:
        """Return the JVM's counters, and its answers only where the counters do not tell the heap."""
        with self._lock:
            data = self._counters(pid)
            _, total = heap(data, NO_ANSWERS)
            answers = None if total.used is not None else self._ask(pid, data)
        return data, answers or NO_ANSWERS

    def _counters(self, pid: int) -> PerfData | None:
        if self._reader is None or self._reader.pid != pid:
            if self._reader is not None:
                self._reader.close()
            self._reader, self._attached = Reader(pid), None
            self._may_signal, self._not_before = True, 0.0
        try:
            return self._reader.read()
        except PerfDataError:
            return None

    def _ask(self, pid: int, data: PerfData | None) -> HeapInfo | None:
        now = time.monotonic()
        if not self.may_attach or now < self._not_before:
            return None
        if data is not None and "+DisableAttachMechanism" in data.text("java.rt.vmArgs"):
            return None
        deadline = now + ASK_SECONDS
        try:
            if self._attached is None:
                self._attached = attach.attach(pid, ASK_SECONDS, self._may_signal)
        except attach.AttachError as error:
            # One that opens its socket later is found at the next scrape: that costs a look only.
            self._may_signal = self._may_signal and not error.signalled
            return None
        self._may_signal = False
        try:
            texts = [
                self._attached.jcmd(command, max(0.01, deadline - time.monotonic()), LIMIT)
                for command in _commands(data)
            ]
        except attach.AttachError:
            self._attached = None
            # An answer that fails at once may be asked for again: a socket left behind in /tmp by the
            # container's last run is there until the new JVM removes it.
            if time.monotonic() >= deadline:
                self._not_before = time.monotonic() + PAUSE_SECONDS
            return None
        return parse_heap_info(*texts)


def _commands(data: PerfData | None) -> tuple[str, ...]:
    """Return the diagnostic commands that this JDK has and whose answers are not counters."""
    version = 0 if data is None else feature(data) or 0
    if version >= 25:
        # Its GC.heap_info no longer has the metaspace.
        return "GC.heap_info", "VM.metaspace basic", "Compiler.codecache"
    if version >= 9:
        return "GC.heap_info", "Compiler.codecache"
    return ("GC.heap_info",)
