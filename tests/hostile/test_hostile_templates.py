"""A template is a ConfigMap's: it fills in values, and can do nothing else, however it is written.

Each attack runs in a child with bounds of its own: one that comes through takes down that child alone.
"""

# Tables of inputs read best with one on a line.
# ruff: noqa: E501

from __future__ import annotations

import os

import pytest
from bounded import bounded
from fuzzing import CANARY

from entrypoint.errors import ProblemsError, format_problems
from entrypoint.rendering.bounds import ARGUMENT_LIMIT, NUMBER_BITS, STEPS, TEXT_LIMIT
from entrypoint.rendering.templates import TEMPLATE_LIMIT, render
from entrypoint.values import Secret

VARIABLES = {
    "s": {"text": "a<b", "list": ("x", "y"), "password": Secret(CANARY)},
    "run": "/run/entrypoint",
}
TOO_MUCH = f"more than {STEPS} steps"
TOO_LONG = f"longer than {TEXT_LIMIT}"
GROW = "{% set x = 'aaaaaaaaaa' %}"
NEST = "{% set x = ['a'] %}"


def refusal(template: str, kind: str = "text") -> str:
    """Return the words with which a template is refused."""

    def attempt() -> str:
        try:
            render("t.j2", template, VARIABLES, kind)  # type: ignore[arg-type]
        except ProblemsError as error:
            (problem,) = error.problems
            assert problem.id == "template-failed"
            assert dict(problem.details)["where"].startswith("t.j2:")
            said = format_problems(error.problems)
            assert CANARY not in said
            return said
        return "it was rendered"

    return " ".join(bounded(attempt).split())


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__ }}",
        "{{ ''['__class__'] }}",
        "{{ ''['__cl' ~ 'ass__'] }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ range.__globals__ }}",
        "{{ self.__init__.__globals__ }}",
        "{{ self._TemplateReference__context }}",
        "{{ s.get.__self__ }}",
        "{{ ([1] | map('string')).gi_frame }}",
        "{% macro m() %}{% endmacro %}{{ m._func }}",
        "{% macro m() %}{% endmacro %}{{ m.__globals__ }}",
        "{% for a in [1] %}{{ loop._iterable }}{% endfor %}",
        "{% for a in [1] %}{{ loop.__class__ }}{% endfor %}",
        "{{ nothing._fail_with_undefined_error }}",
        "{{ [''] | map(attribute='__class__') | join }}",
        "{{ [''] | selectattr('__class__') | list | join }}",
        "{{ s.password._text }}",
        "{{ s.password['_text'] }}",
        "{{ [s.password] | map(attribute='_text') | join }}",
    ],
)
def test_attributes_of_objects_are_out_of_reach(template: str) -> None:
    said = refusal(template)
    assert "unsafe" in said or "undefined" in said or "cannot be called" in said


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{ '' | attr('__class__') }}", "No filter named 'attr'"),
        ("{{ [''] | map('attr', '__class__') | list }}", "No filter named 'attr'"),
        ("{{ '<b>' | safe }}", "No filter named 'safe'"),
        ("{{ '{0.__class__}'.format(s) }}", "cannot be called"),
        ("{{ '{x}'.format_map(s) }}", "cannot be called"),
        ("{{ '%s' % s }}", "% is not available"),
        ("{{ 'x'.translate({}) }}", "translate cannot be called"),
        ("{{ 'x'.encode() }}", "encode cannot be called"),
        ("{{ (1).to_bytes(4000000000, 'big') }}", "to_bytes cannot be called"),
        ("{{ s() }}", "cannot be called"),
        ("{{ s.text() }}", "cannot be called"),
        ("{{ (s.password | reveal)() }}", "cannot be called"),
        ("{% include '/etc/passwd' %}", "no loader"),
        ("{% include '/etc/passwd' ignore missing %}", "no loader"),
        ("{% import '/etc/passwd' as x %}", "no loader"),
        ("{% from '/etc/passwd' import x %}", "no loader"),
        ("{% extends '/etc/passwd' %}", "no loader"),
        ("{% debug %}", "unknown tag"),
        ("{% do 1 %}", "unknown tag"),
        ("{% set s.text = 1 %}", "cannot assign"),
        ("{{ namespace() }}", "undefined"),
        ("{{ lipsum() }}", "undefined"),
        ("{{ cycler(1) }}", "undefined"),
        ("{{ environment }}{{ context }}", "undefined"),
        ("{{ ['a'] | map(*['upper']) | list }}", "takes no *"),
        ("{{ '\\ud800' }}", "UTF-16"),
    ],
)
def test_what_is_not_there_is_told(template: str, says: str) -> None:
    assert says in refusal(template)


@pytest.mark.parametrize(
    ("template", "says"),
    [
        (GROW + "{% set x = x ~ x %}" * 40 + "{{ x | length }}", TOO_LONG),
        (GROW + "{% set x = x + x %}" * 40 + "{{ x | length }}", TOO_LONG),
        (GROW + "{% set x = [x, x, x, x] | join %}" * 20 + "{{ x | length }}", TOO_LONG),
        (GROW + "{% set x = x | replace('a', 'aaaaaaaaaa') %}" * 12 + "{{ x | length }}", TOO_LONG),
        (GROW + "{% set x = x.replace('a', 'aaaaaaaaaa') %}" * 12 + "{{ x | length }}", TOO_LONG),
        ("{% set x = '\"' %}" + "{% set x = x | json %}" * 36 + "{{ x | length }}", TOO_LONG),
        ("{{ range(100000) | join('" + "x" * 1000 + "') | length }}", TOO_LONG),
        ("{% set x %}aaaaaaaa{% endset %}" + "{% set x %}{{ x }}{{ x }}{{ x }}{% endset %}" * 20, TOO_LONG),
        ("{% macro m() %}{% for a in range(99999) %}" + "x" * 99999 + "{% endfor %}{% endmacro %}{{ m() | length }}",
         TOO_MUCH),
        ("{% set x = [1] %}" + "{% set x = x + x %}" * 32 + "{{ x | length }}", TOO_MUCH),
        (NEST + "{% set x = [x, x] %}" * 40 + "{{ x | json | length }}", TOO_MUCH),
        (NEST + "{% set x = [x, x] %}" * 40 + "{{ x | string | length }}", TOO_MUCH),
        (NEST + "{% set x = [x, x] %}" * 40 + "{{ x == x }}", TOO_MUCH),
        ("{% set x = ('a',) %}" + "{% set x = (x, x) %}" * 40 + "{{ x in {} }}", TOO_MUCH),
        (NEST + "{% set x = {'a': x, 'b': x} %}" * 40, TOO_MUCH),
        ("{% set x = ('a',) %}" + "{% set x = (x, x) %}" * 14 + "{% for i in range(99999) %}{% if {}[x] is defined %}"
         "{% endif %}{% endfor %}", TOO_MUCH),
        ("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}", TOO_MUCH),
        ("{% set r = range(100000) | list %}" + "{% set y = r | sort %}" * 4000, TOO_MUCH),
        ("{% set r = range(90000) | list %}" + "{% if r == 1 %}{% endif %}" * 4000, TOO_MUCH),
        ("{{ range(90000) | map(attribute='" + "real." * 39 + "real') | list | length }}", TOO_MUCH),
        ("{% macro m(n) %}{% for i in range(10) %}{{ m(n - 1) if n else 'x' }}{% endfor %}{% endmacro %}{{ m(9) }}",
         TOO_MUCH),
        ("{{ 'x' | trim('" + "y" * (ARGUMENT_LIMIT + 1) + "') }}", f"longer than {ARGUMENT_LIMIT}"),
        ("{{ 'x'.strip('" + "y" * (ARGUMENT_LIMIT + 1) + "') }}", f"longer than {ARGUMENT_LIMIT}"),
        ("{{ range(10 ** 9) }}", "not available"),
        ("{% for i in range(1000000000) %}{% endfor %}", "Range too big"),
        ("{{ 'x' * 1000000000 }}", "not available"),
        ("{{ [1] * 1000000000 }}", "not available"),
        ("{{ 9 ** 9 ** 9 }}", "not available"),
        ("{% set x = 99999999999999999999 %}" + "{% set x = x * x %}" * 40 + "{{ 1 }}", f"{NUMBER_BITS} bits"),
        ("{{ 1 | round(100000000, 'ceil') }}", "100 digits"),
        ("{{ [[1]] | sum(start=[]) }}", "numbers only"),
        ("{{ 'x'.ljust(4000000000) | length }}", "ljust cannot be called"),
        ("{{ 'x'.zfill(4000000000) | length }}", "zfill cannot be called"),
        ("{{ 'a\tb'.expandtabs(2000000000) | length }}", "expandtabs cannot be called"),
        ("{{ '{:4000000000d}'.format(1) | length }}", "cannot be called"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "recursion"),
        ("{% for x in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}", "recursion"),
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "recursion"),
        ("{{ " + "not " * 5000 + "1 }}", "recursion"),
        ("{{ 'a'" + " | upper" * 5000 + " }}", "recursion"),
        ("{% if 1 %}" * 3000 + "{% endif %}" * 3000, "recursion"),
        ("{% for a in [1] %}" * 30 + "{% endfor %}" * 30, "too many"),
        ("x" * (TEMPLATE_LIMIT + 1), f"longer than {TEMPLATE_LIMIT}"),
        ("{% for i in range(2000) %}" + "x" * 1000 + "{% endfor %}", "output is longer"),
    ],
)  # fmt: skip
def test_no_template_takes_time_or_memory_without_end(template: str, says: str) -> None:
    assert says in refusal(template)


@pytest.mark.parametrize(
    "expression",
    [
        "s[s.password | reveal]",
        "s[s.password | reveal | upper]",
        "s[(s.password | reveal | upper)[1:]]",
        "['a'] | map(s.password | reveal | lower) | list",
        "(s.password | reveal) / 2",
        "range(s.password | reveal)",
        "{}[s.password | reveal | list | first]",
        "(s.password | reveal).format()",
        "s.text[s.password | reveal]",
        "1 is divisibleby(s.password | reveal)",
    ],
)
def test_a_revealed_secret_is_in_no_message_in_any_letters(expression: str) -> None:
    said = refusal("{{ " + expression + " }}").lower()
    assert CANARY.lower() not in said
    assert CANARY.lower()[1:] not in said


def test_what_templates_are_for_still_works() -> None:
    template = (
        "{% macro row(k, v) %}{{ k }}={{ v }};{% endmacro %}"
        "{% for part in 'b=2,a=1'.replace(',', ' ').split() %}{% set k, v = part.split('=', 1) %}"
        "{{ row(k, v) }}"
        "{{ loop.index }}{{ loop.cycle('x', 'y') }}{% endfor %}"
        "{{ [3, 1, 2] | sort | join('-') }} {{ 7 % 4 }} {{ 2 * 3 + 1 }} {{ 'ab'[1:] }} {{ s.list | length }}"
        "{{ {'a': [1, 2]} | json }}ok{% for k, v in {'p': 1}.items() %}{{ k if loop is defined }}{% endfor %}"
        "{{ 'long text ' ~ s.text ~ '!' }}{{ s.absent | default('dd') }}"
        "{{ ['ab', 'cd'] | map('upper') | join }}{{ ('x' ~ 1).startswith('x') }}{{ 2.456 | round(1) }}"
    )
    said = render("t.j2", template, VARIABLES, "text")
    assert said == 'b=2;1xa=1;2y1-2-3 3 7 b 2{"a": [1, 2]}okplong text a<b!ddABCDtrue2.5'


def test_a_large_template_that_is_honest_is_rendered() -> None:
    lines = "".join(f"key{n}={{{{ s.text }}}}\n" for n in range(5000))
    assert bounded(lambda: len(render("t.j2", lines, VARIABLES, "text"))) > 50_000


def test_the_bounds_hold_in_each_kind_of_file() -> None:
    for kind in ("xml", "properties"):
        assert TOO_LONG in refusal(GROW + "{% set x = x ~ x %}" * 40 + "<a>{{ x }}</a>", kind)
        assert "cannot be called" in refusal("{{ s.text.format() }}", kind)


def test_no_file_is_opened(tmp_path: os.PathLike[str]) -> None:
    for name in ("/proc/self/environ", f"{os.fspath(tmp_path)}/x", "../x"):
        for tag in ("include", "extends"):
            assert "no loader" in refusal(f"{{% {tag} '{name}' %}}")
