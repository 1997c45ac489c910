"""A real Prometheus that scrapes what a test names, evaluates rules, and answers queries."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict
from urllib.parse import urlencode

from lab.service import Service


class Series(TypedDict):
    """One series of an answer: its labels, and pairs of time and value."""

    metric: dict[str, str]
    values: list[tuple[float, str]]


class Prometheus(Service):
    """Scrapes every second; `job` is an entry of `scrape_configs`, `rules` a rules file."""

    name = "prometheus"

    def __init__(self, program: Path, job: Mapping[str, object], rules: Path) -> None:
        super().__init__()
        self._program = program
        self._job = job
        self._rules = rules
        self._began = time.time()

    def prepare(self) -> None:
        """Write the configuration; JSON is YAML too."""
        config = {
            "global": {"evaluation_interval": "1s"},
            "rule_files": [str(self._rules)],
            "scrape_configs": [{**self._job, "scrape_interval": "1s", "scrape_timeout": "1s"}],
        }
        (self.folder / "prometheus.yml").write_text(json.dumps(config))

    def command(self) -> Sequence[str | Path]:
        """Return the command line."""
        return (
            self._program,
            f"--config.file={self.folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address={self.address}",
        )

    def answers(self) -> bool:
        """Tell whether it is ready."""
        return self._get("/-/ready")[0] == 200

    def query(self, expression: str) -> list[Series]:
        """Return every series that an expression had since the start, second by second.

        AssertionError where Prometheus refuses the expression.
        """
        now = time.time()
        step = max(1, int(now - self._began) // 1000)
        asked = {"query": expression, "start": self._began, "end": now, "step": step}
        status, body = self._get(f"/api/v1/query_range?{urlencode(asked)}")
        answer = json.loads(body)
        assert status == 200, f"{expression}: {answer.get('error', answer)}"
        found: list[Series] = answer["data"]["result"]
        return found

    def alerts(self) -> list[dict[str, object]]:
        """Return the alerts that are pending or firing now."""
        found: list[dict[str, object]] = json.loads(self._get("/api/v1/alerts")[1])["data"][
            "alerts"
        ]
        return found

    def _get(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()
