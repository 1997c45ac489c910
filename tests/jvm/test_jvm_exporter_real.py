"""/metrics of a real JVM as Prometheus reads it, in each vocabulary."""

from __future__ import annotations

import gc
import os
import subprocess
import time
import tracemalloc

import pytest
from probe_jvm import COLLECTORS, running
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)

from entrypoint.jvm.metrics import VOCABULARIES
from entrypoint.lifecycle.health import Snapshot
from entrypoint.serve.metrics import Exporter
from lab.needs import need

MAIN_SERIES = {
    "client-java-1": {"jvm_memory_used_bytes", "jvm_memory_pool_used_bytes", "jvm_threads_current"},
    "client-java-0": {"jvm_memory_bytes_used", "jvm_memory_pool_bytes_used", "jvm_threads_current"},
    "micrometer": {"jvm_memory_used_bytes", "jvm_gc_pause_seconds", "jvm_threads_live_threads"},
}


def snapshot(pid: int) -> Snapshot:
    return Snapshot("running", 0.0, (("running", 0.0),), "jvm", "4be1", "1.0", 0.0, 0.0, pid, True)


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_openmetrics_of_a_real_jvm_is_strictly_valid(vocabulary: str) -> None:
    with running(need("java"), COLLECTORS["G1"]) as jvm:
        jvm.ask("gc")
        exporter = Exporter(lambda: snapshot(jvm.pid), time.monotonic)
        exporter.configure(vocabulary, True)
        text = exporter.render("application/openmetrics-text;version=1.0.0")[0].decode()
        families = {family.name: family for family in parse_openmetrics(text)}  # type: ignore[no-untyped-call]
    assert set(families) >= MAIN_SERIES[vocabulary]
    assert families["entrypoint_jvm_metrics_up"].samples[0].value == 1
    assert families["entrypoint_jvm_attach_up"].samples[0].value == 1


def test_promtool_finds_nothing_in_a_real_jvm() -> None:
    promtool = need("promtool")
    with running(need("java")) as jvm:
        body, _ = Exporter(lambda: snapshot(jvm.pid), time.monotonic).render("")
    done = subprocess.run(
        [promtool, "check", "metrics"], input=body, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


def test_a_jvm_that_may_not_be_asked_is_not() -> None:
    with running(need("java")) as jvm:
        exporter = Exporter(lambda: snapshot(jvm.pid), time.monotonic)
        exporter.configure("client-java-1", False)
        body = exporter.render("")[0]
        assert not os.path.exists(f"/tmp/.java_pid{jvm.pid}")
    assert b"entrypoint_jvm_metrics_up 1.0\n" in body
    assert b"\nentrypoint_jvm_attach_up" not in body


def test_a_jvm_without_counters_says_so() -> None:
    with running(need("java"), ("-XX:-UsePerfData", *COLLECTORS["Serial"])) as jvm:
        body = Exporter(lambda: snapshot(jvm.pid), time.monotonic).render("")[0]
    assert b"entrypoint_jvm_metrics_up 0.0\n" in body
    assert b"jvm_threads_current" not in body
    assert b"process_resident_memory_bytes" in body


def test_scrapes_keep_no_memory_and_no_descriptors() -> None:
    with running(need("java")) as jvm:
        exporter = Exporter(lambda: snapshot(jvm.pid), time.monotonic)
        for _ in range(3):
            exporter.render("")
        gc.collect()  # the readers of other tests close their files
        descriptors = len(os.listdir("/proc/self/fd"))
        tracemalloc.start()
        exporter.render("")
        gc.collect()  # it also empties the interpreter's lists of tuples to use again
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(100):
            exporter.render("")
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert after - before < 25_000
        assert len(os.listdir("/proc/self/fd")) == descriptors
