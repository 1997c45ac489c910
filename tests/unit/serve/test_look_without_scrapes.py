"""A look at java where nobody scrapes: without an HTTP server java is watched all the same."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import os, sys
from entrypoint.serve.metrics import Exporter
data, answers = Exporter(lambda: None, lambda: 0.0).look(os.getpid())
print(data, {"prometheus_client", "psutil"} & set(sys.modules))
"""


def test_it_loads_nothing_that_only_scrapes_need() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("None set()\n", "")
