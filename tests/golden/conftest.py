from __future__ import annotations

import pytest  # noqa: TC002 - pytest looks at the annotation


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew")
