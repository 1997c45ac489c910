"""A real Prometheus scrapes real runs: every query of every dashboard has data, and alerts fire.

One ZooKeeper, in a control group with limits, is killed, started again, frozen and stopped; an otter
manager and a node run beside it. No series is made up.
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from integration.otter import Otter
from integration.running import Application, Applications
from lab.needs import need
from lab.net import LOOPBACK, free_port
from lab.prometheus import Prometheus
from lab.services import MariaDB, ZooKeeper, ZooKeeperClient
from monitoring.parts import FOLDER, as_grafana_asks, queries, rules
from process.control_group import limited_by
from process.harness import until
from standin.build import Distribution

MIB = 1 << 20
LIMITS = {"memory": 512 * MIB, "cpu": 150_000}
# A new generation that is full after a megabyte: there are collections to be seen.
OPTIONS = "-Xmx48m -Xmn2m -XX:+UseSerialGC -XX:TieredStopAtLevel=1"
NEEDS_LIMITS = ("limit", "throttled", "periods")
SCRAPES = 20


class Watched:
    """What Prometheus saw."""

    def __init__(self, prometheus: Prometheus, pages: dict[str, str], limits: str) -> None:
        self.prometheus = prometheus
        self.pages = pages
        self.no_limits = limits
        """Why no control group could be made, or ""."""
        self.fired: list[dict[str, str]] = []


@pytest.fixture(scope="module")
def watched(
    tmp_path_factory: pytest.TempPathFactory,
    java: Path,
    zookeeper_home: Path,
    mariadb: MariaDB,
    brief_zookeeper: ZooKeeper,
    standin: Distribution,
    otter_java: tuple[int, Path],
) -> Iterator[Watched]:
    """Everything that happens, in turn; Prometheus stays to be asked."""
    program = need("prometheus")
    folder = tmp_path_factory.mktemp("monitoring")
    with ExitStack() as stack:
        before, reason = _limits(stack)
        applications = Applications(folder)
        stack.callback(applications.clean_up)
        otter = Otter(folder, applications, mariadb, brief_zookeeper.address, standin, otter_java)
        manager = otter.manager()
        port = free_port()
        variables = {
            "ZOO_CLIENT_PORT": str(port),
            "ZOO_DATA_DIR": str(folder / "data"),
            # Both runs of one container, as far as they can tell.
            "ENTRYPOINT_RUN_DIR": str(folder / "run"),
        }

        def start_zookeeper() -> Application:
            started = applications.start(
                "zookeeper", java, zookeeper_home, variables, overlay=QUICK, options=OPTIONS,
                before=before,
            )  # fmt: skip
            started.becomes_ready()
            return started

        first = start_zookeeper()
        first.run.send(signal.SIGKILL, first.java())
        assert first.run.wait() == 137
        zookeeper = start_zookeeper()
        manager.becomes_ready()
        nid = otter.world.add_row()
        node = otter.node(nid, manager, {"OTTER_NODE_PORT": str(otter.world.ports(nid)[0])})
        node.becomes_ready()

        running = {"zookeeper-0": zookeeper, "otter-manager-0": manager, "otter-node-0": node}
        targets = {pod: application.probes for pod, application in running.items()}
        rules_file = _without_patience(folder / "rules.yaml")
        prometheus = Prometheus(program, _job(targets), rules_file)
        stack.enter_context(prometheus)
        pages = {pod: application.get("/metrics")[1] for pod, application in running.items()}
        seen = Watched(prometheus, pages, reason)
        _work(prometheus, port)
        _stop_slowly(seen, zookeeper)
        applications.clean_up()
        yield seen


QUICK = "checks: {srvr: {interval: 300ms, timeout: 300ms, failures: 1}}\n"


def _limits(stack: ExitStack) -> tuple[tuple[str, ...], str]:
    try:
        return stack.enter_context(limited_by(LIMITS)), ""
    except pytest.skip.Exception as error:
        return (), str(error)


def _job(targets: Mapping[str, str]) -> dict[str, object]:
    """Return the shipped scrape configuration; what Kubernetes tells of its pods is told by hand.

    Debian's Prometheus has no discovery of Kubernetes. One pod more has no annotation.
    """
    (job,) = yaml.safe_load((FOLDER / "scrape-config.yaml").read_text())["scrape_configs"]
    del job["kubernetes_sd_configs"]
    scrape = "__meta_kubernetes_pod_annotation_prometheus_io_scrape"
    job["static_configs"] = [
        {
            # Whatever port of the pod Kubernetes names first.
            "targets": [f"{address.partition(':')[0]}:1"],
            "labels": {
                "__meta_kubernetes_namespace": "lab",
                "__meta_kubernetes_pod_name": pod,
                "__meta_kubernetes_pod_ip": address.partition(":")[0],
                "__meta_kubernetes_pod_annotation_prometheus_io_port": address.partition(":")[2],
                **({} if pod == "unasked-0" else {scrape: "true"}),
            },
        }
        for pod, address in {**targets, "unasked-0": "127.0.0.1:2"}.items()
    ]
    return dict(job)


def _without_patience(path: Path) -> Path:
    document = yaml.safe_load((FOLDER / "rules.yaml").read_text())
    for rule in document["groups"][0]["rules"]:
        rule.pop("for", None)
    path.write_text(yaml.safe_dump(document))
    return path


def _work(prometheus: Prometheus, port: int) -> None:
    """Let ZooKeeper work until every pod was scraped often enough."""

    def scraped() -> bool:
        client.set("/work", os.urandom(20_000))
        found = prometheus.query("count_over_time(entrypoint_ready[1m])")
        return len(found) == 3 and all(float(one["values"][-1][1]) > SCRAPES for one in found)

    with ZooKeeperClient(LOOPBACK, port, session=10) as client:
        client.create("/work")
        until(scraped, f"{SCRAPES} scrapes of each pod")


def _stop_slowly(seen: Watched, zookeeper: Application) -> None:
    """Freeze java until alerts fire, and ask for a stop that it cannot do."""
    java = zookeeper.java()
    zookeeper.run.send(signal.SIGSTOP, java)

    def fires() -> bool:
        seen.fired = [
            alert["annotations"] | alert["labels"]  # type: ignore[operator]
            for alert in seen.prometheus.alerts()
            if alert["state"] == "firing"
        ]
        return {"JavaNotReady", "CheckFailing"} <= {alert["alertname"] for alert in seen.fired}

    until(fires, "alerts about the frozen ZooKeeper")
    zookeeper.run.send(signal.SIGTERM)
    until(
        lambda: any(
            len(one["values"]) > 3
            for one in seen.prometheus.query("entrypoint_stop_duration_seconds")
        ),
        "a stop that was scraped a few times",
    )


@pytest.mark.parametrize(
    ("dashboard", "panel", "expression"),
    list(queries()),
    ids=[f"{name}-{panel}-{number}" for number, (name, panel, _) in enumerate(queries())],
)
def test_every_query_has_data(
    watched: Watched, dashboard: str, panel: str, expression: str
) -> None:
    if watched.no_limits and any(word in expression for word in NEEDS_LIMITS):
        pytest.skip(watched.no_limits)
    found = watched.prometheus.query(as_grafana_asks(expression))
    numbers = [float(value) for series in found for _, value in series["values"]]
    assert any(not math.isnan(number) for number in numbers), expression


def test_the_shipped_scrape_configuration_finds_the_pods_that_ask_for_it(watched: Watched) -> None:
    found = {
        (one["metric"]["namespace"], one["metric"]["pod"]) for one in watched.prometheus.query("up")
    }
    assert found == {("lab", pod) for pod in watched.pages}


def test_the_choice_of_a_pod_is_heeded(watched: Watched) -> None:
    for _, _, expression in queries():
        for series in watched.prometheus.query(as_grafana_asks(expression, "otter-node-0")):
            assert series["metric"].get("pod", "otter-node-0") == "otter-node-0", expression


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_every_alert_can_be_asked(watched: Watched, rule: dict[str, str]) -> None:
    watched.prometheus.query(rule["expr"])


def test_alerts_name_the_pod_and_no_other(watched: Watched) -> None:
    mine = [
        alert for alert in watched.fired if alert["alertname"] in {"JavaNotReady", "CheckFailing"}
    ]
    assert {alert["pod"] for alert in mine} == {"zookeeper-0"}
    assert all("lab/zookeeper-0" in alert["summary"] for alert in mine)


def test_the_kill_of_the_run_before_is_told(watched: Watched) -> None:
    (found,) = watched.prometheus.query("entrypoint_previous_exit_info")
    assert found["metric"]["code"] == "137"
    assert found["metric"]["pod"] == "zookeeper-0"


@pytest.mark.parametrize("pod", ["zookeeper-0", "otter-manager-0", "otter-node-0"])
def test_promtool_finds_nothing_in_a_real_page(watched: Watched, pod: str) -> None:
    page = watched.pages[pod]
    assert "jvm_memory_used_bytes" in page
    done = subprocess.run(
        [need("promtool"), "check", "metrics"],
        input=page.encode(),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")
