from __future__ import annotations

import os
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Iterator

import psutil
import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.utils import floatToGoString

from entrypoint.imports import prometheus
from entrypoint.jvm.metrics import JVM_METRICS
from entrypoint.lifecycle.changes import ABSENT, Watched, begin, content_of
from entrypoint.lifecycle.changes import observe as observe_files
from entrypoint.lifecycle.health import (
    PHASES,
    CheckStatus,
    Counters,
    GateStatus,
    Snapshot,
    observe,
)
from entrypoint.lifecycle.pressure import Pressure
from entrypoint.lifecycle.previous import Run
from entrypoint.records import replace
from entrypoint.serve.metric_table import METRICS, jvm_reference, reference
from entrypoint.serve.metrics import Exporter
from lab.needs import need
from unit.system.forked import NOBODY, in_child, needs_root

NOW = 1000.0
PASSED = observe(CheckStatus("zookeeper", "zk:2181", ("readiness",), 3), True, "", 0.25, 990.0)
FAILED = observe(CheckStatus("http", "pod:8080", ("readiness",), 3), False, "500", 0.5, 990.0)
UNASKED = CheckStatus("unasked", "x", ("startup",), 3)
SNAPSHOT = Snapshot(
    phase="stopping",
    phase_since=900.0,
    phase_history=(("preparing", 1.5), ("starting", 2.5), ("running", 3.5), ("stopping", 4.5)),
    name="otter-node",
    digest="4be1",
    version="1.0.0",
    started=1.25,
    started_monotonic=0.0,
    checks=(PASSED, FAILED, UNASKED),
    gates=(GateStatus("mysql", "db", "passed", 3, 1.5), GateStatus("zk", "zk", "timed-out", 9, 60)),
    counters=Counters((("HUP", 1), ("TERM", 2)), 7, 5, 1),
    stop_seconds=1.75,
    grace_seconds=30,
    previous=Run(number=1, began=1.0, ended=2.0, code=137, how="oom-killed"),
)

FILES = Watched((("/a", content_of(b"a")), ("/b", content_of(b"b")), ("/missing", ABSENT)))

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scrape(snapshot: Snapshot, accept: str = "") -> str:
    body, _ = Exporter(lambda: snapshot, lambda: NOW).render(accept)
    return body.decode()


def samples(snapshot: Snapshot) -> Samples:
    families = text_string_to_metric_families(scrape(snapshot))
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def names(found: Samples) -> set[str]:
    return {name for name, _ in found}


@pytest.fixture
def child() -> Iterator[int]:
    process = subprocess.Popen(["sleep", "600"])
    yield process.pid
    process.kill()
    process.wait()


def test_our_own_numbers() -> None:
    found = samples(SNAPSHOT)
    expected = {
        ("entrypoint_info", (("plan", "4be1"), ("profile", "otter-node"), ("version", "1.0.0"))): 1,
        ("entrypoint_start_time_seconds", ()): 1.25,
        ("entrypoint_ready", ()): 0,
        ("entrypoint_child_up", ()): 0,
        ("entrypoint_phase_start_time_seconds", (("phase", "running"),)): 3.5,
        ("entrypoint_check_up", (("check", "zookeeper"),)): 1,
        ("entrypoint_check_up", (("check", "http"),)): 0,
        ("entrypoint_check_duration_seconds", (("check", "http"),)): 0.5,
        ("entrypoint_check_runs_total", (("check", "http"), ("result", "failed"))): 1,
        ("entrypoint_check_runs_total", (("check", "http"), ("result", "passed"))): 0,
        ("entrypoint_check_runs_total", (("check", "unasked"), ("result", "passed"))): 0,
        ("entrypoint_check_changes_total", (("check", "http"),)): 0,
        ("entrypoint_gate_passed", (("gate", "mysql"),)): 1,
        ("entrypoint_gate_passed", (("gate", "zk"),)): 0,
        ("entrypoint_gate_wait_seconds", (("gate", "mysql"),)): 1.5,
        ("entrypoint_gate_attempts_total", (("gate", "zk"),)): 9,
        ("entrypoint_signals_total", (("signal", "TERM"),)): 2,
        ("entrypoint_orphans_reaped_total", ()): 7,
        ("entrypoint_log_lines_dropped_total", ()): 5,
        ("entrypoint_oom_kills_total", ()): 1,
        ("entrypoint_stop_duration_seconds", ()): 1.75,
        ("entrypoint_stop_grace_period_seconds", ()): 30,
        ("entrypoint_previous_exit_info", (("code", "137"), ("how", "oom-killed"))): 1,
    }
    assert {key: found.get(key) for key in expected} == expected


def test_the_phase_is_one_hot() -> None:
    for phase in PHASES:
        found = samples(replace(SNAPSHOT, phase=phase))
        shown = {p: found["entrypoint_phase", (("phase", p),)] for p in PHASES}
        assert shown == {p: float(p == phase) for p in PHASES}


def test_ready_is_what_readyz_says() -> None:
    running = replace(SNAPSHOT, phase="running", child_pid=1, child_alive=True, checks=(PASSED,))
    assert samples(running)["entrypoint_ready", ()] == 1
    assert samples(replace(running, child_alive=False))["entrypoint_ready", ()] == 0


def test_what_is_not_known_is_left_out() -> None:
    found = samples(replace(SNAPSHOT, counters=Counters(), stop_seconds=None))
    assert ("entrypoint_check_up", (("check", "unasked"),)) not in found
    assert ("entrypoint_check_duration_seconds", (("check", "unasked"),)) not in found
    assert names(found).isdisjoint({"entrypoint_oom_kills_total"})
    assert names(found).isdisjoint({"entrypoint_stop_duration_seconds"})
    assert not any(name.startswith("process_") for name in names(found))


def test_how_the_run_before_ended_is_told_only_when_known() -> None:
    ended = Run(number=1, began=1.0, ended=2.0, code=1)
    killed = Run(number=1, began=1.0)
    for previous, shown in ((ended, {("1", "exited")}), (killed, set()), (None, set())):
        found = samples(replace(SNAPSHOT, previous=previous))
        labels = (dict(pairs) for name, pairs in found if name == "entrypoint_previous_exit_info")
        assert {(pair["code"], pair["how"]) for pair in labels} == shown


def test_java_has_the_standard_names(child: int) -> None:
    found = samples(replace(SNAPSHOT, child_pid=child, child_alive=True))
    shown = {name for name in names(found) if name.startswith("process_")}
    assert shown == {spec.name for spec in METRICS if spec.name.startswith("process_")}
    process = psutil.Process(child)
    assert found["process_resident_memory_bytes", ()] == process.memory_info().rss
    assert found["process_virtual_memory_bytes", ()] == process.memory_info().vms
    assert found["process_start_time_seconds", ()] == pytest.approx(process.create_time())
    assert found["process_open_fds", ()] == process.num_fds()
    assert found["process_max_fds", ()] == process.rlimit(psutil.RLIMIT_NOFILE)[0]
    assert found["process_threads", ()] == 1


def test_we_are_shown_beside_java() -> None:
    found = samples(SNAPSHOT)
    shown = {name for name in names(found) if name.startswith("entrypoint_process_")}
    assert shown == {spec.name for spec in METRICS if spec.name.startswith("entrypoint_process_")}
    assert found["entrypoint_process_resident_memory_bytes", ()] > 1_000_000


def test_a_child_that_is_gone_has_no_numbers(child: int) -> None:
    snapshot = replace(SNAPSHOT, child_pid=child, child_alive=True)
    exporter = Exporter(lambda: snapshot, lambda: NOW)
    assert b"process_threads 1.0" in exporter.render("")[0]
    os.kill(child, 9)
    os.waitpid(child, 0)
    assert b"\nprocess_" not in exporter.render("")[0]


def test_a_zombie_has_no_memory_and_no_false_zero(child: int) -> None:
    os.kill(child, 9)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    found = samples(replace(SNAPSHOT, child_pid=child, child_alive=True))
    assert ("process_open_fds", ()) not in found


def test_another_child_is_another_process(child: int) -> None:
    current = replace(SNAPSHOT, child_pid=os.getpid(), child_alive=True)
    exporter = Exporter(lambda: current, lambda: NOW)
    first = exporter.render("")[0]
    current = replace(SNAPSHOT, child_pid=child, child_alive=True)
    resident = psutil.Process(child).memory_info().rss
    line = f"\nprocess_resident_memory_bytes {floatToGoString(resident)}\n"  # type: ignore[no-untyped-call]
    assert line.encode() in exporter.render("")[0]
    assert line.encode() not in first


@needs_root
def test_what_the_kernel_refuses_is_left_out(child: int) -> None:
    def story() -> bytes:
        exporter = Exporter(
            lambda: replace(SNAPSHOT, child_pid=child, child_alive=True), lambda: NOW
        )
        # Everything is loaded first: the modules may lie where nobody else may read.
        exporter.load()
        os.setgroups([])
        os.setuid(NOBODY)
        return exporter.render("")[0]

    body = in_child(story)
    assert b"\nprocess_threads 1.0\n" in body
    assert b"\nprocess_open_fds" not in body
    assert b"\nprocess_max_fds" not in body


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/plain;version=0.0.4", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text", "application/openmetrics-text; version=1.0.0"),
        ("application/openmetrics-text;version=1.0.0,*/*", "application/openmetrics-text; version"),
        ("application/openmetrics-text;version=no", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/plain;version=1.x.y;=;;", "text/plain; version="),
        (";;;,,,=", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text;q=0", "text/plain; version=0.0.4"),
        (
            "application/openmetrics-text;version=1.0.0; Q=0.0, */*;q=0.1",
            "text/plain; version=0.0.4",
        ),
        ("application/openmetrics-text;q=0.5,text/plain;q=0.9", "text/plain; version=0.0.4"),
        ("text/plain;q=0.5,application/openmetrics-text;q=0.9", "application/openmetrics-text"),
        ("*/*;q=0.1,application/openmetrics-text;q=0.2", "application/openmetrics-text"),
        ("application/openmetrics-text;q=high", "text/plain; version=0.0.4"),
        ("application/openmetrics-text;q=nan", "text/plain; version=0.0.4"),
        (
            "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,*/*;q=0.1",
            "text/plain; version=1.0.0",
        ),
    ],
)
def test_content_negotiation(accept: str, expected: str) -> None:
    _, content_type = Exporter(lambda: SNAPSHOT, lambda: NOW).render(accept)
    assert content_type.startswith(expected)


def test_how_the_files_of_the_configuration_stand() -> None:
    config = begin(FILES)
    assert "entrypoint_config" not in scrape(SNAPSHOT)
    assert "entrypoint_config" not in scrape(replace(SNAPSHOT, config=config)), "nobody has looked"
    for look, changed, counts in (
        ({}, 0, (2, 0, 0)),
        ({"/a": content_of(b"new")}, 1, (1, 1, 0)),
        ({"/a": ABSENT, "/b": content_of(b"", "permission denied")}, 1, (0, 1, 1)),
    ):
        seen = dict(FILES.files) | look
        for _ in range(2):
            config, _told = observe_files(config, seen, 5.0)
        text = scrape(replace(SNAPSHOT, config=config))
        assert f"entrypoint_config_changed {changed}.0" in text
        for state, count in zip(("unchanged", "changed", "unreadable"), counts, strict=True):
            assert f'entrypoint_config_files{{state="{state}"}} {count}.0' in text


def test_openmetrics_is_strictly_valid(child: int) -> None:
    snapshot = replace(SNAPSHOT, child_pid=child, child_alive=True)
    snapshot = replace(snapshot, pressure=Pressure(), config=observe_files(begin(FILES), {}, 1)[0])
    text = scrape(snapshot, "application/openmetrics-text;version=1.0.0")
    families = {family.name for family in parse_openmetrics(text)}  # type: ignore[no-untyped-call]
    suffixes = {"counter": "_total", "info": "_info", "gauge": ""}
    # The limits of this machine's container may be none.
    limits = {"entrypoint_container_memory_limit_bytes", "entrypoint_container_cpu_limit"}
    expected = {spec.name.removesuffix(suffixes[spec.kind]) for spec in METRICS}
    assert expected - limits - families == set()
    assert families <= expected


def test_odd_names_are_escaped() -> None:
    odd = replace(PASSED, name='a"b\\c\nd')
    assert samples(replace(SNAPSHOT, checks=(odd,)))["entrypoint_check_up", (("check", odd.name),)]


def test_the_light_import_says_what_the_whole_package_says() -> None:
    light, whole = prometheus._load_parts(), prometheus._load_whole()
    for accept in ("", "application/openmetrics-text;version=1.0.0", "text/plain;version=1.0.0"):
        outputs = []
        for client in (light, whole):
            registry = client.registry()
            family = client.metric("a_b", 'help "quoted" \\ and\nlines', "counter")
            family.add_sample("a_b_total", {"x": 'q"\\\n', "y": "ü"}, 1e21)
            family.add_sample("a_b_total", {}, float("nan"))
            registry.register(type("Fixed", (), {"collect": lambda self, f=family: [f]})())
            encode, content_type = client.choose_encoder(accept)
            outputs.append((encode(registry), content_type))
        assert outputs[0] == outputs[1]
    assert light.light
    assert not whole.light


LIGHT = """
import sys
from entrypoint.serve import http, metrics, routes
before = set(sys.modules)
assert not before & {"prometheus_client", "psutil"}, "imported before java"
exporter = metrics.Exporter(lambda: None, lambda: 0.0)
exporter.load()
assert exporter._collector.client.light
heavy = {"http.server", "socketserver", "email", "ssl", "urllib.request", "wsgiref", "inspect"}
assert not set(sys.modules) & heavy, set(sys.modules) & heavy
assert not set(sys.modules) & {"dataclasses", "pathlib", "logging", "asyncio", "argparse"}
import prometheus_client
assert prometheus_client.Counter, "the light import hides the whole package"
"""


def test_the_light_import_leaves_out_the_heavy_modules() -> None:
    subprocess.run(
        [sys.executable, "-c", LIGHT],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
    )


def test_where_the_parts_do_not_fit_the_whole_package_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(name: str) -> None:
        raise AttributeError(name)

    monkeypatch.setattr(prometheus, "_run_without_unused", broken)
    client = prometheus.load()
    assert not client.light
    assert client.choose_encoder("")[0](client.registry()) == b""


def test_without_the_package_it_is_an_import_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(ImportError):
        prometheus.load()


def test_many_threads_load_once() -> None:
    exporter = Exporter(lambda: SNAPSHOT, lambda: NOW)
    found: list[object] = []

    def load() -> None:
        exporter.load()
        found.append(exporter._collector)

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(map(id, found))) == 1


def test_ten_thousand_scrapes_leak_nothing(child: int) -> None:
    snapshot = replace(SNAPSHOT, child_pid=child, child_alive=True)
    exporter = Exporter(lambda: snapshot, lambda: NOW)
    for _ in range(100):
        exporter.render("")
    descriptors = len(os.listdir("/proc/self/fd"))
    resident = psutil.Process().memory_info().rss
    for _ in range(10_000):
        exporter.render("")
    assert psutil.Process().memory_info().rss - resident < 2_000_000
    tracemalloc.start()
    exporter.render("")
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(100):
        exporter.render("")
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 5_000
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_promtool_finds_nothing(child: int) -> None:
    promtool = need("promtool")
    text = scrape(replace(SNAPSHOT, child_pid=child, child_alive=True))
    done = subprocess.run(
        [promtool, "check", "metrics"], input=text.encode(), capture_output=True, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    assert done.stdout + done.stderr == b""


def test_names_follow_the_rules_of_prometheus() -> None:
    assert len({spec.name for spec in METRICS}) == len(METRICS)
    for spec in METRICS:
        assert spec.name.startswith(("entrypoint_", "process_"))
        assert spec.name.endswith("_total") == (spec.kind == "counter")
        assert spec.name.endswith("_info") == (spec.kind == "info")
        assert spec.help.endswith(".")
        assert "milli" not in spec.name
        assert not spec.name.endswith(("_count", "_sum", "_bucket", "_created"))


def test_the_reference_has_a_row_for_each_metric() -> None:
    lines = reference().splitlines()
    assert len(lines) == len(METRICS) + 2
    assert (
        "| `entrypoint_check_runs_total` | counter | `check`, `result` | Answers of a" in lines[10]
    )
    assert {line.count("|") for line in lines} == {5}


def test_a_child_without_counters_says_so_and_has_no_jvm_series(child: int) -> None:
    found = samples(replace(SNAPSHOT, child_pid=child, child_alive=True))
    assert found["entrypoint_jvm_metrics_up", ()] == 0
    assert found["entrypoint_jvm_attach_up", ()] == 0
    assert not any(name.startswith("jvm_") for name in names(found))


def test_without_a_child_there_is_nothing_to_be_up() -> None:
    assert not any(name.startswith(("entrypoint_jvm", "jvm_")) for name in names(samples(SNAPSHOT)))


def test_the_container_is_shown() -> None:
    assert samples(SNAPSHOT)["entrypoint_container_memory_usage_bytes", ()] > 1_000_000


def test_the_jvm_reference_has_a_row_for_each_metric() -> None:
    lines = jvm_reference().splitlines()
    assert len(lines) == len(JVM_METRICS) + 2
    assert "| `jvm_memory_used_bytes` | `jvm_memory_bytes_used` | - | gauge | `area` |" in lines[4]
    assert {line.count("|") for line in lines} == {7}
