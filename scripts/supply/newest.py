"""Prints as JSON what the configured index tells about the newest release of each NAME.

Run by the Python of the upkeep tools, whose pip knows where the index is.
"""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import urllib.request

from pip._internal.models.index import PyPI


def main(names: list[str]) -> None:
    """Run the command line."""
    pages = f"{index()}/pypi"
    context = ssl.create_default_context(cafile=os.environ.get("PIP_CERT"))
    found: dict[str, dict[str, object]] = {}
    for name in names:
        first = next(iter(found.values()), {})
        # Where the first one has no answer the others have none, and each would wait for it.
        found[name] = first if "error" in first else page(f"{pages}/{name}/json", context)
    json.dump(found, sys.stdout)


def index() -> str:
    """Return the address that pip is configured with, without the part that pip adds."""
    command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    configured = os.environ.get("PIP_INDEX_URL")
    if configured is None:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        configured = done.stdout.strip() if done.returncode == 0 else ""
    return (configured or PyPI.simple_url).rstrip("/").removesuffix("/simple")


def page(url: str, context: ssl.SSLContext) -> dict[str, object]:
    """Return version and ids of advisories, or why there is no answer; addresses are not shown."""
    try:
        with urllib.request.urlopen(url, timeout=20, context=context) as answer:
            found = json.load(answer)
        known = [one for one in found["vulnerabilities"] if not one.get("withdrawn")]
        return {"version": found["info"]["version"], "ids": sorted(one["id"] for one in known)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        return {"error": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    main(sys.argv[1:])
