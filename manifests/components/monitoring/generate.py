"""Writes the Grafana dashboards and the PrometheusRule; `rules.yaml` is written by hand.

Run: python manifests/components/monitoring/generate.py     --check tells what has drifted
"""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from source import entrypoint, jvm, otter

HERE = Path(__file__).parent
DASHBOARDS = {
    "jvm": jvm.dashboard,
    "entrypoint": entrypoint.dashboard,
    "otter": otter.dashboard,
}
RULE = """\
# Made from rules.yaml by generate.py. Needs the Prometheus Operator's CRDs.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: entrypoint
  labels:
    app.kubernetes.io/part-of: entrypoint
spec:
"""


def files() -> dict[Path, str]:
    """Return every generated file with its text."""
    made = {
        HERE / "dashboards" / f"{name}.json": json.dumps(
            dashboard(), cls=JSONEncoder, indent=2, sort_keys=True
        )
        + "\n"
        for name, dashboard in DASHBOARDS.items()
    }
    rules = (HERE / "rules.yaml").read_text(encoding="utf-8")
    body = rules[rules.index("groups:") :]
    made[HERE / "prometheusrule.yaml"] = RULE + textwrap.indent(body, "  ")
    return made


def main(argv: list[str]) -> int:
    """Write all files, or with --check only tell which would change."""
    drifted = [
        (path, text)
        for path, text in files().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path, text in drifted:
        if "--check" in argv:
            print(f"{path.relative_to(HERE)}: has drifted; run generate.py")
        else:
            path.write_text(text, encoding="utf-8")
            print(f"{path.relative_to(HERE)}: written")
    return 1 if drifted and "--check" in argv else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
