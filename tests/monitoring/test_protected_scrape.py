"""A real Prometheus scrapes a port with a token and TLS, as docs/how-to/protect-metrics.md says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import certificates
from lab.needs import need
from lab.prometheus import Prometheus
from monitoring.parts import FOLDER, ROOT
from process.harness import Launcher, actor, until

TOKEN = "correct-horse-battery"
OTHER = "staple-correct-battery"
PAGE = ROOT / "docs" / "how-to" / "protect-metrics.md"


def documented() -> dict[str, Any]:
    """Return the job that the page tells to write."""
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (block,) = (block for block in blocks if block.startswith("scrape_configs:"))
    (job,) = yaml.safe_load(block)["scrape_configs"]
    found: dict[str, Any] = job
    return found


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[Launcher]:
    found = Launcher(tmp_path, as_pid1=False)
    yield found
    found.clean_up()


def test_the_documented_job_scrapes_it_also_after_a_rotation(launcher: Launcher) -> None:
    program = need("prometheus")
    folder = launcher.folder
    pair = certificates.make(need("openssl"), folder / "tls")
    token, theirs = folder / "token", folder / "token-of-prometheus"
    token.write_text(TOKEN)
    theirs.write_text(TOKEN)
    run = launcher.profile(
        actor("report"),
        env={
            "ENTRYPOINT_TOKEN_FILE": str(token),
            "ENTRYPOINT_TLS_CERT_FILE": str(pair.certificate),
            "ENTRYPOINT_TLS_KEY_FILE": str(pair.key),
        },
    )
    run.says("to=running")
    job = documented()
    job["authorization"]["credentials_file"] = str(theirs)
    job["tls_config"]["ca_file"] = str(pair.certificate)
    assert job["tls_config"]["server_name"] == certificates.NAME
    job["static_configs"] = [{"targets": [f"127.0.0.1:{launcher.port}"]}]
    with Prometheus(program, job, FOLDER / "rules.yaml") as prometheus:

        def last(expression: str) -> str:
            series = prometheus.query(expression)
            return series[0]["values"][-1][1] if series else ""

        until(lambda: last("up") == "1", "a scrape")
        until(lambda: prometheus.query("entrypoint_info"), "metrics")
        # Ours first: what Prometheus shows is refused until it has the new one too.
        token.write_text(OTHER)
        until(lambda: last("up") == "0", "a scrape with the old token")
        theirs.write_text(OTHER)
        until(lambda: last("up") == "1", "a scrape with the new token")
    run.stop()
    assert TOKEN not in run.stderr and OTHER not in run.stderr


def test_the_annotated_scheme_is_taken() -> None:
    """The relabelling of the job for annotations: as Prometheus does it, by the whole value."""
    (job,) = yaml.safe_load((FOLDER / "scrape-config.yaml").read_text())["scrape_configs"]
    name = "__meta_kubernetes_pod_annotation_prometheus_io_scheme"
    (rule,) = (rule for rule in job["relabel_configs"] if rule["source_labels"] == [name])
    assert rule["target_label"] == "__scheme__"
    assert re.fullmatch(rule["regex"], "https") and not re.fullmatch(rule["regex"], "")
