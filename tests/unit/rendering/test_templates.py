from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest
import yaml

from entrypoint.errors import Problem, ProblemsError
from entrypoint.rendering.templates import OUTPUT_LIMIT, TEMPLATE_LIMIT, kind_of, render
from entrypoint.values import Secret

if TYPE_CHECKING:
    from entrypoint.rendering.templates import TemplateKind

VARIABLES: Mapping[str, object] = {
    "s": {
        "log.level": "info",
        "text": "a<b>&\"c' d\n",
        "key": "a b",
        "port": 8080,
        "on": True,
        "none": None,
        "list": ["x", "y"],
        "password": Secret("top<secret"),
        "empty": Secret(""),
    },
    "run": "/run/entrypoint",
}


def text_of(template: str, kind: TemplateKind = "text") -> str:
    return render("t.j2", template, VARIABLES, kind)


def problem_of(template: str, kind: TemplateKind = "text") -> Problem:
    with pytest.raises(ProblemsError) as caught:
        text_of(template, kind)
    (problem,) = caught.value.problems
    assert problem.id == "template-failed"
    assert "t.j2" in problem.what
    assert "secret<" not in repr(problem)
    assert "top" not in repr(problem)
    return problem


def detail(problem: Problem, label: str) -> str:
    return dict(problem.details).get(label, "")


@pytest.mark.parametrize(
    ("kind", "template", "expected"),
    [
        ("text", "{{ s['text'] }}", "a<b>&\"c' d\n"),
        ("xml", "<a>{{ s['text'] }}</a>", "<a>a&lt;b&gt;&amp;&quot;c&#39; d&#10;</a>"),
        ("xml", "<a>{{ s['text'] | xml }}</a>", "<a>a&lt;b&gt;&amp;&quot;c&#39; d&#10;</a>"),
        ("xml", "<a>{{ 'a<b' }}</a>", "<a>a&lt;b</a>"),
        ("xml", "{% macro m(x) %}<b>{{ x }}</b>{% endmacro %}{{ m('&') }}", "<b>&amp;</b>"),
        ("xml", "<a>{{ s['text'] | json }}</a>", None),
        ("properties", "k={{ s['text'] }}", "k=a<b>&\"c' d\\n"),
        ("properties", "k={{ s['text'] | properties }}", "k=a<b>&\"c' d\\n"),
        ("properties", "{{ s['key'] | properties_key }}=1", "a\\ b=1"),
        ("properties", "k={{ s['text'] | xml }}", "k=a&lt;b&gt;&amp;&quot;c&#39; d&#10;"),
        ("text", "{{ s['port'] }} {{ s['on'] }} {{ 1.5 }}", "8080 true 1.5"),
        ("text", "{{ s['log.level'] | upper }} {{ s.list | join(',') }}", "INFO x,y"),
        ("text", "line\n{# gone #}\n  {% if true %}\nx\n  {% endif %}\n\n", "line\nx\n\n"),
        ("text", "{{ s['password'] | reveal }}", "top<secret"),
        ("xml", "<a>{{ s['password'] | reveal }}</a>", "<a>top&lt;secret</a>"),
        ("text", "{{ s['log.level'] | reveal }}", "info"),
        ("text", "{% if s['password'] and not s['empty'] %}yes{% endif %}", "yes"),
        ("text", "{{ s['absent'] | default('none') }}{{ run is defined }}", "nonetrue"),
        ("text", "{{ s['none'] | default('-', true) }}", "-"),
        ("text", "{% for i in range(3) %}{{ i * 2 }}{% endfor %}", "024"),
    ],
)
def test_values_are_escaped_for_the_kind_of_file(
    kind: TemplateKind, template: str, expected: str | None
) -> None:
    rendered = text_of(template, kind)
    assert expected is None or rendered == expected


def test_json_and_yaml_filters_read_back() -> None:
    assert json.loads(text_of("{{ s['text'] | json }}")) == VARIABLES["s"]["text"]  # type: ignore[index]
    assert json.loads(text_of("{{ s.list | json }}")) == ["x", "y"]
    assert yaml.safe_load(text_of("{{ s['text'] | yaml_scalar }}")) == "a<b>&\"c' d\n"
    assert yaml.safe_load(text_of("{{ s.port | yaml_scalar }} ")) == 8080
    assert yaml.safe_load(text_of("{{ s.on | yaml_scalar }}")) is True


@pytest.mark.parametrize(
    ("template", "line", "says"),
    [
        ("a\n{{ s['log.levle'] }}", 2, "log.levle is undefined"),
        ("a\n\n{{ rum }}", 3, "rum is undefined"),
        ("{{ s['log.levle'] | upper }}", 1, "log.levle is undefined"),
        ("{% if s.nothing %}{% endif %}", 1, "nothing is undefined"),
        ("{{ s.none }}", 1, "not set"),
        ("{{ s.list }}", 1, "a tuple is printed"),
        ("\n{{ s | upper | nonsense }}", 2, "No filter named 'nonsense'"),
        ("\n{{ 'x' | safe }}", 2, "No filter named 'safe'"),
        ("\n{% if %}", 2, "Expected an expression"),
        ("\n{% include 'other' %}", 2, "no loader"),
        ("{{ 1 / 0 }}", 1, "division by zero"),
        ("{{ ''.__class__.__mro__ }}", 1, "unsafe"),
        ("{{ s.list.append }}", 1, "undefined"),
        ("{{ 'x' * 1000000000 }}", 1, "not available"),
        ("{{ 10 ** 10 ** 10 }}", 1, "not available"),
        ("{{ '%1000000000d' % 1 }}", 1, "not available"),
        ("{% for i in range(1000000000) %}x{% endfor %}", 1, "Range too big"),
        ("{% macro m() %}\n{{ m() }}\n{% endmacro %}\n{{ m() }}", 2, "recursion"),
        ("{% macro m(x) %}\n{{ x.a }}\n{% endmacro %}\n{{ m(s) }}", 2, "a is undefined"),
    ],
)
def test_what_fails_is_told_with_its_line(template: str, line: int, says: str) -> None:
    problem = problem_of(template)
    assert detail(problem, "where") == f"t.j2:{line}"
    assert says in detail(problem, "says")


@pytest.mark.parametrize(
    ("template", "fix"),
    [
        ("{{ s['log.levle'] }}", "did you mean log.level?"),
        ("{{ rum }}", "did you mean run?"),
        ("{{ s['quite.another'] }}", "declare it in the profile, or ask `is defined` first"),
    ],
)
def test_an_undefined_name_gets_a_suggestion(template: str, fix: str) -> None:
    assert detail(problem_of(template), "fix") == fix


@pytest.mark.parametrize(
    "template",
    [
        "{{ s['password'] }}",
        "{{ s['password'] | upper }}",
        "{{ s['password'] ~ 'x' }}",
        "{{ s['password'] | default('x') | trim }}",
        "{{ s['password'] | json }}",
        "{{ s | json }}",
        "{{ s['password'] | int }}",
        "{{ s['password'] | string }}",
        "{{ [s['password']] | join(',') }}",
        "{% if s['password'] == 'guess' %}{% endif %}",
        "{{ s['password'] | xml }}{{ s['password'] | properties }}",
        "{{ s['password'] | yaml_scalar }}",
        "{{ s['password'].reveal() }}",
        "{{ s['password']._text }}",
        "{{ 'a%s' | replace('%s', s['password']) }}",
    ],
)
@pytest.mark.parametrize("kind", ["text", "xml", "properties"])
def test_a_secret_needs_reveal(template: str, kind: TemplateKind) -> None:
    says = detail(problem_of(f"\n{template}", kind), "says")
    assert "without `| reveal`" in says or "undefined" in says or "unsafe" in says


def test_a_revealed_secret_does_not_come_back_in_a_problem() -> None:
    problem = problem_of("{{ s[s['password'] | reveal] }}")
    assert "is undefined" in detail(problem, "says")


@pytest.mark.parametrize("kind", ["xml", "properties"])
def test_what_the_format_cannot_carry_is_a_problem(kind: TemplateKind) -> None:
    with pytest.raises(ProblemsError) as caught:
        render("t.j2", "\n{{ x }}", {"x": "hidden\ud800"}, kind)
    assert "hidden" not in repr(caught.value.problems)
    assert dict(caught.value.problems[0].details)["where"] == "t.j2:2"


def test_a_value_cannot_add_a_key_or_an_element() -> None:
    hostile = {"x": "1\nadmin=true\r\nb=c", "y": "</a><b/>"}
    assert render("t", "k={{ x }}\n", hostile, "properties").count("\n") == 1
    assert "<b/>" not in render("t", "<a>{{ y }}</a>", hostile, "xml")


def test_xml_that_no_parser_takes_is_a_problem() -> None:
    problem = problem_of("<a>\n<b></a>", "xml")
    assert detail(problem, "where") == "t.j2, line 2 of the rendered text"
    assert "mismatched tag" in detail(problem, "says")


def test_output_and_template_are_bounded() -> None:
    much = "{% for i in range(1000) %}" + "x" * 2000 + "{% endfor %}"
    assert f"longer than {OUTPUT_LIMIT}" in detail(problem_of(much), "says")
    double = "{% for i in range(1000) %}{% for j in range(2000) %}{% endfor %}{% endfor %}"
    assert "more than 1000000 steps" in detail(problem_of(double), "says")
    assert f"longer than {TEMPLATE_LIMIT}" in detail(problem_of("x" * (TEMPLATE_LIMIT + 1)), "says")


def test_the_kind_follows_the_target() -> None:
    assert kind_of("/run/conf/logback.xml") == "xml"
    assert kind_of("server.properties") == kind_of("zoo.cfg") == "properties"
    assert kind_of("myid") == "text"


def test_jinja2_is_not_imported_before_a_template_is_rendered() -> None:
    program = (
        "import sys; from entrypoint.rendering import templates, properties, placeholders;"
        "heavy = {'jinja2', 'json', 'difflib', 'xml', 'dataclasses', 'typing', 'pathlib'};"
        "assert not heavy & sys.modules.keys(), heavy & sys.modules.keys();"
        "assert templates.render('t', '{{ x }}', {'x': 1}, 'text') == '1'"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
