"""Reading HTML: tables, forms, messages, and whatever else comes along."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from entrypoint.integrations.html import parse

FORM = """
<form><input type="hidden" name="_csrf_token" value="t&amp;1"/>
<input type="text" name="name" value="n"/><input type="radio" name="u" value="true"/>
<input type="radio" name="u" value="false" checked="checked"/>
<input type="submit" name="go" value="x"/>
<table><tr><td><select name="a"><option value="1">one</option>
<option value="2" selected>two</option></td></tr>
<tr><td><textarea name="d">text &lt;here&gt;</textarea></td></tr></table>
<span class="red">*</span><span class="red"> a name is
 missing </span></form>
"""


def test_a_form_is_what_a_browser_would_send() -> None:
    form = parse(FORM).form
    assert dict(form.fields) == {
        "_csrf_token": "t&1", "name": "n", "u": "false", "a": "2", "d": "text <here>",
    }  # fmt: skip
    assert form.options == {"a": (("1", "one"), ("2", "two"))}
    assert form.chosen == {"a"}


def test_a_select_without_a_mark_sends_its_first_choice() -> None:
    form = parse(
        '<select name="a"><option value="7">x</option><option value="8">y</option></select>'
    ).form
    assert form.fields["a"] == "7"
    assert not form.chosen


def test_messages_are_what_is_red_and_not_a_star() -> None:
    assert parse(FORM).messages == ("a name is missing",)


def test_a_row_has_cells_with_text_and_links() -> None:
    text = """<table><tr><th>head</th></tr><tr><td> 7 </td><td><a href="x?id=7">name</a>
    <div>a description</div></td><td><a href="y">on</a> <a href="z">off</a></td></tr></table>"""
    ((number, name, links),) = parse(text).rows
    assert number.text == "7"
    assert (name.text, name.link, name.targets) == ("name a description", "name", ("x?id=7",))
    assert links.targets == ("y", "z")


def test_a_login_page_is_known_by_its_password_field() -> None:
    assert parse('<input type="password" name="p"/>').password
    assert not parse(FORM).password


@given(some.text(alphabet="<>/=\"' atdrselcopinuv&;!-[]", max_size=300))
def test_garbage_is_an_empty_page_or_a_strange_one(text: str) -> None:
    page = parse(text)
    assert all(row for row in page.rows)
