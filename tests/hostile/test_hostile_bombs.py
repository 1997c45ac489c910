"""Inputs that are small, and large once they are read: refused, in a child with bounds of its own."""

# Tables of inputs read best with one on a line.
# ruff: noqa: E501, PT017

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

import pytest
from bounded import bounded
from fuzz_plans import BUILTIN, GIVEN, built_in, planned, template

from entrypoint import replay
from entrypoint.errors import MAX_SHOWN, ProblemsError, format_problems
from entrypoint.integrations import html
from entrypoint.jvm import argfile, option_files, options
from entrypoint.profile import load as profiles
from entrypoint.profile.yaml_nodes import MAX_PROBLEMS
from entrypoint.rendering import properties
from entrypoint.settings.model import FileInput, Inputs
from entrypoint.settings.resolve import survey
from entrypoint.sql_script import split

HEAD = "profile: mine\nextends: jvm\n"
SETTINGS = HEAD + "settings:\n"
RECORDING = (
    "recording: 1\nprofile:\n- name: jvm.yaml\n  text: |\n    profile: mine\n    extends: jvm\n"
)


def ids(call: Callable[[], object]) -> set[str]:
    """Return the ids of the problems with which a call is refused."""

    def attempt() -> set[str]:
        try:
            call()
        except ProblemsError as error:
            assert len(format_problems(error.problems)) < 200_000
            return {problem.id for problem in error.problems}
        return set()

    return bounded(attempt)


def laughs(levels: int = 10, indent: str = "") -> str:
    """Return a billion laughs: each level is nine times the one before."""
    names = "abcdefghijklmnop"[:levels]
    lines = [f"{indent}a: &a [{', '.join(['lol'] * 9)}]\n"]
    lines += [
        f"{indent}{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
        for before, name in itertools.pairwise(names)
    ]
    return "".join(lines)


YAML: Mapping[str, tuple[str, str]] = {
    "billion laughs": (laughs(), "profile-syntax"),
    "merge keys": ("a: &a {b: 1}\nc: {<<: *a, <<: *a}\n", "profile-syntax"),
    "anchors": ("&a " * 80_000, "profile-syntax"),
    "a python object": ("a: !!python/object/apply:os.system ['id']\n", "profile-syntax"),
    "a python name": ("a: !!python/name:os.system\n", "profile-syntax"),
    "a binary": ("a: !!binary aGVsbG8=\n", "profile-syntax"),
    "a set": ("a: !!set {b, c}\n", "profile-syntax"),
    "its own tag": ("%TAG ! tag:x,2000:\n---\na: !b c\n", "profile-syntax"),
    "tag directives": ("".join(f"%TAG !a{n}! x\n" for n in range(13_000)) + "---\na: b\n", "profile-missing-key"),
    "deep lists": ("a: " + "[" * 100_000, "profile-too-large"),
    "deep mappings": ("a: " + "{a: " * 60_000, "profile-too-large"),
    "deep keys": ("? " * 100_000, "profile-too-large"),
    "deep dashes": ("- " * 100_000, "profile-too-large"),
    "a billion keys": ("".join(f"{n:x}:\n" for n in range(20_000)), "profile-too-large"),
    "too many bytes": ("a" * (300 * 1024), "profile-too-large"),
    "one huge text": ("a: '" + "x" * 250_000 + "'", "profile-missing-key"),
    "one huge key": ("? " + "a" * 200_000 + "\n: 1\n", "profile-missing-key"),
    "the same key": ("{" + "a," * 60_000, "profile-too-large"),
    "many documents": ("---\na: 1\n" * 20_000, "profile-too-large"),
    "quotes": ("a: " + '"' * 250_000, "profile-syntax"),
    "backslashes": ('a: "' + "\\" * 250_000, "profile-syntax"),
    "comments": ("#\n" * 120_000, "profile-empty"),
    "NULs": ("\0" * 1000, "profile-syntax"),
}  # fmt: skip


@pytest.mark.parametrize("name", YAML)
def test_a_yaml_bomb_is_refused(name: str) -> None:
    text, expected = YAML[name]
    assert expected in ids(lambda: profiles.load([("p.yaml", text)], BUILTIN))
    over = [("jvm.yaml", BUILTIN["jvm"]), ("o.yaml", text)]
    assert ids(lambda: profiles.load(over, BUILTIN))


def test_each_recording_bomb_is_refused() -> None:
    for text in (
        RECORDING + "environment:\n" + laughs(indent="  "),
        laughs(),
        "profile: &a [*a]\n",
        "a: " + "[" * 5000,
        "a: {" + "a: {" * 5000,
        "profile: !!python/object/apply:os.system ['id']",
        "profile: [" + "{}, " * 60_000 + "]",
        RECORDING + "facts: {memory_limit: .inf}",
        RECORDING + "facts: {hostname: [1]}",
        RECORDING + "facts: {archives: [[1, 2, 3]]}",
        RECORDING + "files: [{path: [1]}]",
        RECORDING + "set: [1]",
        "profile: []",
        "recording: 9999-99-99",
        "",
    ):
        found = ids(lambda text=text: replay.load(text, BUILTIN, template))
        assert found == {"recording-invalid"}, text[:100]


def test_hints_for_thousands_of_misspelt_names_take_no_time() -> None:
    known = "".join(f"  abcdefgh{n:04x}: {{}}\n" for n in range(5000))
    wrong = "".join(f"  abcdefgx{n:04x}:\n" for n in range(9000))
    texts = [("p.yaml", SETTINGS + known), ("o.yaml", "settings:\n" + wrong)]
    assert ids(lambda: profiles.load(texts, BUILTIN)) == {"profile-nothing-to-remove"}
    refer = "".join(f"  abcdefgh{n:04x}: {{default: '{{abcdefgz{n:04x}}}'}}\n" for n in range(4500))
    found = ids(lambda: profiles.load([("p.yaml", SETTINGS + refer)], BUILTIN))
    assert found == {"profile-unknown-reference"}
    keys = HEAD + "".join(f"settingz{n:x}: 1\n" for n in range(9000))
    assert ids(lambda: profiles.load([("p.yaml", keys)], BUILTIN)) == {"profile-unknown-key"}


def test_a_hundred_thousand_variables_that_nothing_reads() -> None:
    for profile, prefix in (("otter-node", "OTTER_NODE_ADDRES"), ("kafka", "KAFKA_LOG_DI")):
        given = Inputs(tuple((f"{prefix}{n:x}", "x") for n in range(100_000)))
        assert bounded(lambda p=profile, g=given: len(survey(built_in(p), g)[0].suggestions)) < 1000


def test_references_cannot_make_gigabytes_of_a_long_value() -> None:
    long = "  a: {default: '" + "x" * 30_000 + "'}\n"
    for text in (
        SETTINGS + long + "java:\n  jar: /x.jar\n  arguments: ['" + "{a}" * 60_000 + "']\n",
        SETTINGS + long + "  b: {default: '" + "{a}" * 60_000 + "'}\njava: {jar: /x.jar}\n",
        SETTINGS + long + "java: {jar: /x.jar}\nenvironment:\n"
        + "".join(f"  A{n}: '{{a}}{{a}}{{a}}{{a}}'\n" for n in range(5000)),
        SETTINGS + long + "".join(f"  b{n}: {{default: '{{a}}'}}\n" for n in range(5000)) + "java: {jar: /x}\n",
    ):  # fmt: skip
        found = ids(
            lambda text=text: planned(
                profiles.load([("p.yaml", text)], BUILTIN), Inputs(GIVEN), all_of_it=False
            )
        )
        assert "profile-too-large" in found


def test_a_chain_of_settings_is_short() -> None:
    chain = "".join(
        f"  a{n}: {{default: '{{a{n - 1}}}{{a{n - 1}}}'}}\n" if n else "  a0: {default: x}\n"
        for n in range(3000)
    )
    assert ids(lambda: profiles.load([("p.yaml", SETTINGS + chain)], BUILTIN))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'" * 100_000, set()),
        ("\\" * 100_000, set()),
        ("a'b'" * 30_000, set()),
        ("'" * 99_999, {"jvm-options-quote"}),
        ("-Dx " * 30_000, {"jvm-options-long"}),
        ("x" * 200_000, {"jvm-options-long"}),
    ],
)
def test_options_that_take_long_to_read(text: str, expected: set[str]) -> None:
    assert ids(lambda: options.split(text)) == expected
    assert ids(lambda: options.split_as_jvm(text, "JAVA_TOOL_OPTIONS")) <= {
        "jvm-options-long",
        "jvm-options-quote",
    }


def test_files_of_options_are_bounded() -> None:
    files = (b"x\n" * 60_000, b"-Xint\n" * 20_000, b"x" * 200_000, b"999-1:-Xint\n" * 9000)
    for content in files:
        found = bounded(lambda content=content: option_files.parse(content, "/x", 17))
        assert found.problems
        assert len(found.problems) <= option_files.MAX_PROBLEMS
        assert len(found.options) <= options.MAX_OPTIONS
    for content in (b'"' + b"\\\n" * 60_000 + b'"', b"-Dx\n" * 30_000, b"x" * 200_000):
        assert ids(lambda content=content: argfile.parse(content, "/x")) <= {
            "jvm-options-long",
            "options-file-unreadable",
        }


def test_all_files_of_options_together_are_bounded() -> None:
    files = tuple(FileInput(f"/app/conf/{n}.options", b"-Da=1\n" * 1900, True) for n in range(200))
    overlay = "java: {options-files: ['/app/conf/*.options'], jar: /x.jar}\n"
    texts = [("jvm.yaml", BUILTIN["jvm"]), ("o.yaml", overlay)]
    profile = profiles.load(texts, BUILTIN)
    given = Inputs(GIVEN, files)
    assert ids(lambda: planned(profile, given, all_of_it=False)) == {"jvm-options-long"}


@pytest.mark.parametrize(
    "data",
    [
        b"a=" + b"\\" * 1_000_000,
        b"a\\\n" * 300_000,
        b"\\\n" * 500_000,
        b"a=\\u12\n" * 9999,
        b" " * 1_000_000 + b"a",
        b"\r" * 1_000_000,
        b"a=b\n" * 10_000,
        b"a" * (1 << 20),
        b"a=" + b"\\u0041" * 170_000,
        b"k=v\n" * 20_000,
        b"x" * (2 << 20),
    ],
)
def test_properties_that_take_long_to_read(data: bytes) -> None:
    def read() -> None:
        file = properties.parse(data)
        properties.merge(file, {"a": "c"})

    assert ids(read) <= {"properties-too-large", "properties-escape"}


def test_of_many_problems_a_hundred_are_shown() -> None:
    with pytest.raises(ProblemsError) as caught:
        properties.parse(b"a=\\u12\n" * 9000)
    said = format_problems(caught.value.problems)
    assert said.startswith("entrypoint: 9000 problems")
    assert f"and {9000 - MAX_SHOWN} more" in said
    assert MAX_PROBLEMS <= MAX_SHOWN


@pytest.mark.parametrize(
    "piece",
    ["<![CDATA[", "<!", "</", "<a ", "<a b='", "<!--", "<?", "<![ >", "&", "&#x", "<option>x<!---->y", "x<!---->",
     "<td>", "<tr>", "<a <b>"],
)  # fmt: skip
@pytest.mark.parametrize("before", ["", "<select name=a><option>", "<textarea name=a>"])
def test_a_page_of_nothing_but_beginnings(before: str, piece: str) -> None:
    text = before + piece * ((1 << 19) // len(piece))
    assert bounded(lambda: len(html.parse(text).form.fields)) <= 1


def test_a_script_of_many_statements() -> None:
    assert bounded(lambda: len(split("x;\n" * 300_000))) == 300_000
