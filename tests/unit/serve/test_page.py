from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrypoint.lifecycle.health import CheckStatus, GateStatus
from entrypoint.lifecycle.previous import Run
from entrypoint.lifecycle.status import Status
from entrypoint.records import replace
from entrypoint.serve.escape import escape
from entrypoint.serve.page import POLICY, page
from entrypoint.serve.routes import ENDPOINTS
from entrypoint.serve.style import CSS, HASH
from statuses import NOW, TIME, status

HOSTILE = (
    "<script>alert(1)</script>",
    "</pre></style></title></svg><img src=x onerror=alert(1)>",
    '"><a href="javascript:alert(1)">x</a>',
    "' onmouseover='alert(1)",
    "&lt;b&gt; &amp;amp; &#60;i&#62;",
    "a\x00b\x1b[31mc\r\nd\u202eefg\u2028h\ud800i",
    "<!--",
    "]]>",
)
VOID = {"meta", "br", "path", "img", "link"}


class Outline(HTMLParser):
    """Tags, attributes and text of a page; fails where the tags do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile(text: str) -> Status:
    """The status with this text in every place that somebody else fills."""
    one = status()
    check = CheckStatus(text, text, (text,), 3, ok=False, detail=text, seconds=1, answered=NOW)
    snapshot = replace(
        one.snapshot,
        name=text,
        digest=text,
        version=text,
        checks=(check,),
        gates=(GateStatus(text, text, "waiting", 1, 1.0, text),),
        previous=Run(1, TIME - 9, TIME - 5, 1, text, text),
    )
    return replace(one, snapshot=snapshot, host=text, plan=text, remarks=(text,))


@pytest.mark.parametrize("text", HOSTILE)
def test_nobody_else_can_add_a_tag_or_an_attribute(text: str) -> None:
    plain, attacked = (
        Outline(page(hostile("x"), ENDPOINTS)),
        Outline(page(hostile(text), ENDPOINTS)),
    )
    assert attacked.tags == plain.tags
    names = [(tag, name) for tag, name, _ in attacked.attributes]
    assert names == [(tag, name) for tag, name, _ in plain.attributes]


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=80))
def test_no_text_at_all_adds_a_tag(text: str) -> None:
    assert (
        Outline(page(hostile(text + "x"), ENDPOINTS)).tags
        == Outline(page(hostile("x"), ENDPOINTS)).tags
    )


@given(st.text())
def test_what_is_escaped_is_read_back_as_it_was(text: str) -> None:
    told = "".join(c if c.isprintable() else "\ufffd" for c in text)
    assert Outline(f"<p>{escape(text)}</p>").text == told
    ((_, _, value),) = Outline(f'<p title="{escape(text)}"></p>').attributes
    assert value == told


def test_only_where_it_is_asked_for_are_lines_kept() -> None:
    assert escape("a\nb") == "a\ufffdb"
    assert escape("a\nb\r\0", lines=True) == "a\nb\ufffd\ufffd"


@pytest.mark.parametrize("text", HOSTILE)
def test_every_page_is_good_utf_8(text: str) -> None:
    page(hostile(text), ENDPOINTS).encode()


def test_the_policy_lets_in_this_style_sheet_and_nothing_else() -> None:
    digest = base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()
    assert f"sha256-{digest}" == HASH, f'put HASH: Final = "sha256-{digest}" into serve/style.py'
    assert (
        f"default-src 'none'; style-src '{HASH}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ) == POLICY
    (style,) = re.findall(r"<style>(.*?)</style>", page(status(), ENDPOINTS), re.S)
    assert style == CSS


def test_it_needs_nothing_from_anywhere() -> None:
    outline = Outline(page(status(), ENDPOINTS))
    assert not {"script", "link", "img", "iframe", "object", "form"} & set(outline.tags)
    names = {name for _, name, _ in outline.attributes}
    assert not {"src", "style", "srcset"} & names
    assert not [name for name in names if name.startswith("on")]
    links = [value for _, name, value in outline.attributes if name == "href"]
    assert links
    assert all(link.startswith("/") and not link.startswith("//") for link in links)
    assert "url(" not in CSS
    assert "@import" not in CSS


def test_every_endpoint_has_a_link() -> None:
    links = [
        value for _, name, value in Outline(page(status(), ENDPOINTS)).attributes if name == "href"
    ]
    assert [path for path, _ in ENDPOINTS if path not in links] == []


def test_it_can_be_read_out() -> None:
    outline = Outline(page(status(), ENDPOINTS))
    assert outline.tags.count("h1") == 1
    assert ("html", "lang", "en") in outline.attributes
    assert {"header", "main", "footer"} <= set(outline.tags)
    labels = [
        value for tag, name, value in outline.attributes if (tag, name) == ("svg", "aria-label")
    ]
    assert len(labels) == 5
    assert labels[1].startswith("GC in the last hour: now ")
    ids = [value for _, name, value in outline.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    named = [value for _, name, value in outline.attributes if name == "aria-labelledby"]
    assert set(named) <= set(ids)
    scopes = [value for tag, name, value in outline.attributes if (tag, name) == ("th", "scope")]
    assert len(scopes) == outline.tags.count("th")


def test_no_colour_stands_alone() -> None:
    text = page(status(), ENDPOINTS)
    for sign, word in (("✗", "failed"), ("✓", "ok"), ("✓", "passed")):
        assert f">{sign} {word}</b>" in text
    assert 'id="state">✗ RUNNING, not ready</span>' in text


def test_it_asks_again_unless_told_not_to() -> None:
    assert '<meta http-equiv="refresh" content="10">' in page(status(), ENDPOINTS)
    assert "http-equiv" not in page(status(), ENDPOINTS, refresh=False)


def test_a_gap_is_two_pieces_of_line() -> None:
    text = page(status(), ENDPOINTS)
    (line,) = re.findall(
        r'<path class="line" d="([^"]*)"', text.split('id="heap"')[1].split("</svg>")[0]
    )
    assert line.count("M") == 2


def test_nothing_is_drawn_where_nothing_is_known() -> None:
    young = replace(status(), sample=None, series=None)
    outline = Outline(page(young, ENDPOINTS))
    assert "svg" not in outline.tags
    assert "No numbers yet" in outline.text


def test_an_hour_stays_a_small_page() -> None:
    assert len(page(status(), ENDPOINTS).encode()) < 64 * 1024
