"""Alert rules and dashboards by themselves: in order, up to date, and about metrics that exist."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from docs.documentation import anchors
from entrypoint.jvm.metrics import JVM_METRICS
from entrypoint.serve.metric_table import METRICS
from lab.command import run
from lab.needs import need
from monitoring.parts import DASHBOARDS, FOLDER, ROOT, dashboard, panels, queries, rules

METRIC = re.compile(r"\b(?:entrypoint|jvm|process)_[a-z_]+\b")
ALERTS = {rule["alert"]: rule for rule in rules()}


def known_metrics() -> set[str]:
    found = {spec.name for spec in METRICS}
    for metric in JVM_METRICS:
        name = metric.names[0]
        found |= {f"{name}_count", f"{name}_sum"} if metric.kind == "summary" else {name}
    return found


def test_the_generated_files_are_up_to_date() -> None:
    pytest.importorskip("grafana_foundation_sdk", reason="the dev group is not installed")
    done = subprocess.run(
        [sys.executable, "-B", str(FOLDER / "generate.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_finds_the_rules_in_order() -> None:
    assert "SUCCESS" in run([need("promtool"), "check", "rules", FOLDER / "rules.yaml"])


def test_the_pod_monitor_asks_for_our_page() -> None:
    document = yaml.safe_load((FOLDER / "podmonitor.yaml").read_text())
    (endpoint,) = document["spec"]["podMetricsEndpoints"]
    assert (document["kind"], endpoint["path"]) == ("PodMonitor", "/metrics")


def rules_pass_their_tests(folder: Path) -> bool:
    done = subprocess.run(
        [need("promtool"), "test", "rules", "tests.yaml"],
        cwd=folder,
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


def test_each_alert_fires_and_does_not_fire() -> None:
    assert rules_pass_their_tests(FOLDER)


@pytest.mark.parametrize("alert", ALERTS)
def test_a_broken_alert_fails_its_tests(alert: str, tmp_path: Path) -> None:
    """One that never fires, and one that fires always: both are noticed."""
    shutil.copy(FOLDER / "tests.yaml", tmp_path)
    series = METRIC.findall(ALERTS[alert]["expr"])[0]
    for broken in ("vector(0) > 1", f"max_over_time({series}[20m]) * 0 == 0"):
        document = yaml.safe_load((FOLDER / "rules.yaml").read_text())
        for rule in document["groups"][0]["rules"]:
            if rule["alert"] == alert:
                rule["expr"] = broken
        (tmp_path / "rules.yaml").write_text(yaml.safe_dump(document))
        assert not rules_pass_their_tests(tmp_path), broken


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_what_it_means_and_where_to_read_on(alert: str) -> None:
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    said = rule["annotations"]
    assert "{{ $labels.namespace }}/{{ $labels.pod }}" in said["summary"]
    assert said["description"].endswith(".")
    page, _, anchor = said["runbook_url"].partition("#")
    assert anchor in anchors((ROOT / page).read_text())
    assert f"`{alert}`" in (ROOT / "docs/how-to/monitoring.md").read_text()


def test_the_prometheus_rule_holds_the_same_rules() -> None:
    document = yaml.safe_load((FOLDER / "prometheusrule.yaml").read_text())
    assert document["kind"] == "PrometheusRule"
    assert document["spec"] == yaml.safe_load((FOLDER / "rules.yaml").read_text())


def test_every_metric_that_is_asked_for_exists() -> None:
    expressions = [expression for _, _, expression in queries()]
    expressions += [rule["expr"] for rule in rules()]
    asked = {name for expression in expressions for name in METRIC.findall(expression)}
    assert asked <= known_metrics()


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_is_in_order(name: str) -> None:
    made = dashboard(name)
    assert [one["name"] for one in made["templating"]["list"]] == ["datasource", "namespace", "pod"]
    assert made["uid"]
    ids = [panel["id"] for panel in made["panels"]]
    assert sorted(set(ids)) == sorted(ids)
    taken: set[tuple[int, int]] = set()
    for panel in made["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24, panel["title"]
        assert not cells & taken, f"{panel['title']} lies on another panel"
        taken |= cells


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_panel_says_what_it_shows(name: str) -> None:
    for panel in panels(name):
        assert panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}"
        if panel["type"] != "state-timeline":
            assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        for target in panel["targets"]:
            assert "$pod" in target["expr"], panel["title"]
            assert target["datasource"]["uid"] == "${datasource}"
