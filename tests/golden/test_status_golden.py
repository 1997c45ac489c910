"""Golden status: the page, the text and the JSON of one status with everything in it, whole.

After a change that is meant: `pytest tests/golden --update-golden`, then read the diff, and look at the
page in a browser.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from entrypoint.serve.document import status_document, to_json
from entrypoint.serve.page import page
from entrypoint.serve.routes import ENDPOINTS
from entrypoint.serve.status_text import status_text
from statuses import status

FOLDER = Path(__file__).parent / "status"


def shown(name: str) -> str:
    if name == "page.html":
        return page(status(), ENDPOINTS)
    if name == "status.json":
        document = json.loads(to_json(status_document(status())))
        return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    return status_text(status())


@pytest.mark.parametrize("name", ["page.html", "status.txt", "status.json"])
def test_it_looks_as_it_did(name: str, request: pytest.FixtureRequest) -> None:
    said = shown(name)
    golden = FOLDER / name
    if request.config.getoption("--update-golden"):
        FOLDER.mkdir(exist_ok=True)
        golden.write_text(said)
    assert said == golden.read_text()


def test_nothing_is_wider_than_it_has_to_be() -> None:
    for line in shown("status.txt").splitlines():
        assert len(line) <= 100, line
