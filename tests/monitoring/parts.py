"""What manifests/components/monitoring holds, read for the tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "manifests" / "components" / "monitoring"
DASHBOARDS: Final = ("jvm", "entrypoint", "otter")


def dashboard(name: str) -> dict[str, Any]:
    """Return a dashboard."""
    found: dict[str, Any] = json.loads((FOLDER / "dashboards" / f"{name}.json").read_text())
    return found


def panels(name: str) -> list[dict[str, Any]]:
    """Return the panels of a dashboard that show something: no rows."""
    return [panel for panel in dashboard(name)["panels"] if panel["type"] != "row"]


def queries() -> Iterator[tuple[str, str, str]]:
    """Yield the dashboard, the panel's title and the expression of every query."""
    for name in DASHBOARDS:
        for panel in panels(name):
            for target in panel["targets"]:
                yield name, panel["title"], target["expr"]


def rules() -> list[dict[str, Any]]:
    """Return the alert rules."""
    document = yaml.safe_load((FOLDER / "rules.yaml").read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


def as_grafana_asks(expression: str, pod: str = ".*") -> str:
    """Return the expression with its variables filled in, for a Prometheus that scrapes every second."""
    for variable, value in (
        ("$__rate_interval", "15s"),
        ("$__range", "5m"),
        ("$namespace", ".*"),
        ("$pod", pod),
    ):
        expression = expression.replace(variable, value)
    assert "$" not in expression, expression
    return expression
