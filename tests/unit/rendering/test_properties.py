r"""What parse tells about a file, and what merge leaves alone. Java's own view is in tests/jvm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.errors import Problem, ProblemsError
from entrypoint.rendering.properties import ENTRY_LIMIT, SIZE_LIMIT, PropertiesFile, merge, parse

ARTICLE = b"""\
## otter manager\r
otter.domainName = 127.0.0.1\r
otter.port=8080\r
\r
! \xe6\x95\xb0\xe6\x8d\xae\xe5\xba\x93 (a comment may hold any bytes)\r
otter.database.driver.url : jdbc:mysql://db:3306/otter\\\r
    ?useUnicode=true\r
otter.manager.address=${otter.domainName}:${otter.communication.manager.port}\r
unknown.key   =  caf\xe9  \r
otter.port=8081\r
"""


def problems_of(data: bytes) -> tuple[Problem, ...]:
    with pytest.raises(ProblemsError) as caught:
        parse(data, "conf/otter.properties")
    return caught.value.problems


def test_values_and_line_numbers_of_every_key() -> None:
    file = parse(ARTICLE, "otter.properties")
    assert file.values() == {
        "otter.domainName": "127.0.0.1",
        "otter.port": "8081",
        "otter.database.driver.url": "jdbc:mysql://db:3306/otter?useUnicode=true",
        "otter.manager.address": "${otter.domainName}:${otter.communication.manager.port}",
        "unknown.key": "caf\xe9  ",
    }
    assert file.lines() == {
        "otter.domainName": (2,),
        "otter.port": (3, 10),
        "otter.database.driver.url": (6,),
        "otter.manager.address": (8,),
        "unknown.key": (9,),
    }


def test_a_key_given_twice_is_a_warning_with_both_lines() -> None:
    assert parse(ARTICLE, "otter.properties").warnings == (
        "otter.properties:10 repeats 'otter.port' (also in line 3): the last counts",
    )


def test_merge_changes_declared_keys_and_not_one_byte_more() -> None:
    merged = merge(
        parse(ARTICLE),
        {
            "otter.port": "9090",
            "otter.domainName": "otter.example.com",
            "otter.database.driver.url": "jdbc:mysql://mysql/otter",
            "new.key": "line\nline",
        },
        "From the environment\nand the profile",
    )
    assert merged == ARTICLE.replace(b"otter.port=8080\r\n", b"").replace(b"8081", b"9090").replace(
        b"127.0.0.1", b"otter.example.com"
    ).replace(
        b"jdbc:mysql://db:3306/otter\\\r\n    ?useUnicode=true", b"jdbc:mysql://mysql/otter"
    ) + (b"# From the environment\r\n# and the profile\r\nnew.key=line\\nline\r\n")


def test_merge_leaves_a_file_alone_that_says_it_all_already() -> None:
    assert merge(parse(ARTICLE), {"otter.port": "8081", "unknown.key": "caf\xe9  "}) == ARTICLE
    assert merge(parse(ARTICLE), {}) == ARTICLE


@given(st.binary(max_size=60))
def test_any_bytes_survive_a_merge_of_nothing(data: bytes) -> None:
    try:
        file = parse(data)
    except ProblemsError:
        return
    assert merge(file, {}) == data


@pytest.mark.parametrize(
    ("base", "merged"),
    [
        (b"", b"# by us\nnew=1\n"),
        (b"a=1", b"a=1\n# by us\nnew=1\n"),
        (b"a=1\r", b"a=1\r# by us\rnew=1\r"),
        (b"# comment \\", b"# comment \\\n# by us\nnew=1\n"),
        (b"a=1\\", b"a=1\\\n\n# by us\nnew=1\n"),
        (b"a=1\\\n", b"a=1\\\n\n# by us\nnew=1\n"),
        (b"a=1\\\\", b"a=1\\\\\n# by us\nnew=1\n"),
    ],
)
def test_an_added_key_never_continues_the_last_line(base: bytes, merged: bytes) -> None:
    assert merge(parse(base), {"new": "1"}, "by us") == merged


@pytest.mark.parametrize(
    ("base", "merged"),
    [
        (b"  key\t= old", b"  key\t= new"),
        (b"key old\n", b"key=new\n"),
        (b"key\n", b"key=new\n"),
        (b"key=\n", b"key=new\n"),
        (b"key \\\n = old\n", b"key=new\n"),
        (b"\\\nkey=old\n", b"key=new\n"),
        (b"k\\u0065y=old\n", b"k\\u0065y=new\n"),
        (b"key=o\\\n  ld\n# end", b"key=new\n# end"),
    ],
)
def test_a_rewritten_line_keeps_its_look(base: bytes, merged: bytes) -> None:
    assert merge(parse(base), {"key": "new"}) == merged


def test_a_value_that_is_not_text_is_refused_without_showing_it() -> None:
    with pytest.raises(ProblemsError) as caught:
        merge(parse(b""), {"database.password": "hidden\udc80"})
    (problem,) = caught.value.problems
    assert problem.id == "value-not-text"
    assert "database.password" in problem.what
    assert "hidden" not in repr(problem)


def test_all_malformed_escapes_are_told_with_their_own_lines() -> None:
    found = problems_of(
        b"a=1\nb=C:\\users\nok=\\\\users\nc=x\\\n\\\n  \\u12\nd\\uZZZZ=\nf=\\ud83d\n"
    )
    assert [(problem.id, problem.details[0]) for problem in found] == [
        ("properties-escape", ("where", "conf/otter.properties:2")),
        ("properties-escape", ("where", "conf/otter.properties:6")),
        ("properties-escape", ("where", "conf/otter.properties:7")),
        ("properties-surrogate", ("where", "conf/otter.properties:8")),
    ]


def test_a_problem_does_not_show_the_value() -> None:
    assert "pass" not in repr(problems_of(b"password=pass\\uword\n"))


def test_a_file_beyond_the_limit_is_refused() -> None:
    assert parse(b"#" * SIZE_LIMIT).values() == {}
    assert [problem.id for problem in problems_of(b"#" * (SIZE_LIMIT + 1))] == [
        "properties-too-large"
    ]


@pytest.mark.parametrize(
    "filler", [b"\\", b"\\\n", b"a\\\n", b"=", b"\\u0041", b" ", b"\r", b"#", b"#\\\n"]
)
def test_a_hostile_file_of_full_size_is_read_through(filler: bytes) -> None:
    data = filler * (SIZE_LIMIT // len(filler))
    assert merge(parse(data), {}) == data


def test_a_file_with_too_many_keys_is_refused() -> None:
    assert len(parse(b"a\n" * ENTRY_LIMIT).pieces) == ENTRY_LIMIT
    assert [p.id for p in problems_of(b"a\n" * (ENTRY_LIMIT + 1))] == ["properties-too-large"]


def test_many_repeated_keys_make_few_warnings() -> None:
    file = parse(b"".join(b"k%d=1\n" % (number % 50) for number in range(1000)))
    assert len(file.warnings) == 6
    assert max(map(len, file.warnings)) < 100


def test_a_byte_order_mark_is_told_and_belongs_to_the_first_key() -> None:
    file = parse(b"\xef\xbb\xbfotter.port=1\n", "f")
    assert list(file.values()) == ["\xef\xbb\xbfotter.port"]
    assert [warning[:7] for warning in file.warnings] == ["f:1 sta"]
    assert b"\notter.port=2\n" in merge(file, {"otter.port": "2"})


def test_utf8_in_a_value_is_told_and_read_as_java_reads_it() -> None:
    file = parse("# schön\nname=schön\nlatin=\xff\n".encode().replace(b"\xc3\xbf", b"\xff"), "f")
    assert file.values() == {"name": "schÃ¶n", "latin": "\xff"}
    assert [warning.split(":")[1][:17] for warning in file.warnings] == ["2 holds UTF-8 tex"]


def test_the_repr_of_a_file_holds_no_values() -> None:
    assert "hidden" not in repr(parse(b"password=hidden\n"))


def test_an_absent_file_is_an_empty_one() -> None:
    assert merge(PropertiesFile("absent"), {"a": "1"}, "by us") == b"# by us\na=1\n"
