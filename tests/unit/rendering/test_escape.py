from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.rendering import escape

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
XML_TEXT = st.text(
    st.one_of(
        st.sampled_from("\t\n\r<>&'\"]"),
        st.characters(
            min_codepoint=32, exclude_categories=["Cs"], exclude_characters="\ufffe\uffff"
        ),
    )
)


@given(XML_TEXT)
def test_xml_reads_back_as_content_and_as_attribute(text: str) -> None:
    element = ET.fromstring(
        f"<a b=\"{escape.xml(text)}\" c='{escape.xml(text)}'>{escape.xml(text)}</a>"
    )
    assert (element.text or "", element.get("b"), element.get("c")) == (text, text, text)


@pytest.mark.parametrize("text", ["\0", "\x0b", "\x1f", "\ud800", "\ufffe", "\uffff"])
def test_what_xml_cannot_carry_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="control characters"):
        escape.xml(f"a{text}b")


@given(TEXT)
def test_a_yaml_scalar_reads_back(text: str) -> None:
    scalar = escape.yaml_scalar(text)
    assert scalar.isascii()
    assert yaml.safe_load(f"a: {scalar}\nb: 1\n") == {"a": text, "b": 1}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("jdbc:mysql://db/otter?a=b#c!", "jdbc:mysql://db/otter?a=b#c!"),
        (" a b ", "\\ a b\\ "),
        (" ", "\\ "),
        ("\t\n\r\f\\\0\x7f", "\\t\\n\\r\\f\\\\\\u0000\\u007f"),
        ("é中😀", "\\u00e9\\u4e2d\\ud83d\\ude00"),
        ("${java}", "${java}"),
    ],
)
def test_a_properties_value_stays_readable(value: str, written: str) -> None:
    assert escape.properties_value(value) == written


def test_a_properties_key_has_its_blanks_and_separators_escaped() -> None:
    assert escape.properties_key("a b=c:d#e!\té") == "a\\ b\\=c\\:d\\#e\\!\\t\\u00e9"


@pytest.mark.parametrize(
    "function", [escape.properties_key, escape.properties_value, escape.yaml_scalar]
)
def test_half_a_surrogate_pair_is_not_text(function: object) -> None:
    assert callable(function)
    with pytest.raises(ValueError, match="Unicode"):
        function("a\ud83d")
