"""Where a report goes: to standard output, to a file, and between the marks of a page."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))

import publish

PAGE = f"# Head\n\n{publish.BEGIN}\nold\n{publish.END}\n\ntail\n"


def test_a_report_takes_the_place_of_the_one_before_it() -> None:
    once = publish.into_page(PAGE, "new\n")
    assert once == f"# Head\n\n{publish.BEGIN}\n\nnew\n\n{publish.END}\n\ntail\n"
    assert publish.into_page(once, "new") == once


def test_a_report_goes_wherever_the_command_line_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, page = tmp_path / "out.md", tmp_path / "page.md"
    page.write_text(PAGE)
    parser = publish.command_line("some.py", "What it measures.\n\nMore.")
    publish.publish("µ\n", parser.parse_args([]))
    assert capsys.readouterr().out == "µ\n"
    publish.publish("µ\n", parser.parse_args(["--out", str(out), "--page", str(page)]))
    assert capsys.readouterr().out == "µ\n"
    assert out.read_text(encoding="utf-8") == "µ\n"
    assert page.read_text(encoding="utf-8") == publish.into_page(PAGE, "µ\n")


def test_a_page_without_marks_is_refused_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Head\n")
    asked = publish.command_line("some.py", "").parse_args(["--page", str(page)])
    with pytest.raises(SystemExit, match="no <!-- measured -->"):
        publish.publish("new\n", asked)
    # What took minutes to measure is not lost for it.
    assert capsys.readouterr().out == "new\n"
    assert page.read_text() == "# Head\n"
