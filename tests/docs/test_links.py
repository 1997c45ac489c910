"""Links inside the documentation lead somewhere, and nothing of a build machine is in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest
from documentation import ROOT, anchors, markdown, page, pages, prose

LINK: Final = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
BUILD_MACHINE: Final = re.compile(rf"{re.escape(str(ROOT))}/|/(?:root|home/\w+)/")


@pytest.mark.parametrize("path", markdown(), ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_resolve(path: Path) -> None:
    for link in LINK.findall(prose(path.read_text(encoding="utf-8"))):
        if link.startswith(("https://", "http://")):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), f"{link}: no such file"
        assert target.is_relative_to(ROOT), f"{link}: outside of the project"
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), f"{link}: no such heading"


@pytest.mark.parametrize("path", markdown(), ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_of_a_build_machine_is_in_a_page(path: Path) -> None:
    assert not BUILD_MACHINE.search(path.read_text(encoding="utf-8"))


def test_files_beside_the_documentation_are_looked_at() -> None:
    found = {str(path.relative_to(ROOT)) for path in markdown()}
    assert {str(path.relative_to(ROOT)) for path in pages()} <= found
    assert {"SECURITY.md", "tests/lab/README.md", "bench/README.md", "manifests/README.md"} <= found


def test_every_page_can_be_found_from_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {
        (index.parent / link.partition("#")[0]).resolve()
        for link in LINK.findall(page("docs/README.md"))
    }
    below = {path for path in pages() if path.is_relative_to(ROOT / "docs")} - {index}
    assert below <= linked


def test_the_readme_is_short() -> None:
    assert len(page("README.md").splitlines()) <= 160


def test_decisions_have_a_number_of_their_own() -> None:
    numbers = [path.name[:4] for path in (ROOT / "docs" / "decisions").glob("*.md")]
    assert len(numbers) == len(set(numbers))
    for path in (ROOT / "docs" / "decisions").glob("*.md"):
        assert re.match(rf"# {int(path.name[:4])}[.:] ", path.read_text(encoding="utf-8")), (
            path.name
        )
