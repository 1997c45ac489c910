"""Splitting, pairing, classifying and showing JVM options."""

from __future__ import annotations

import shlex
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrypoint.errors import ProblemsError, format_problems
from entrypoint.jvm import options
from entrypoint.jvm.options import keys, kind, pair, show, split, split_as_jvm, unexpanded


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ()),
        ("  \n\t ", ()),
        ("-Xmx1g -Xms1g", ("-Xmx1g", "-Xms1g")),
        ("-Xmx1g\n-Xms1g\r\n", ("-Xmx1g", "-Xms1g")),
        ("'-Da=b c'", ("-Da=b c",)),
        ('-Da="b c"', ("-Da=b c",)),
        (r"-Da=b\ c", ("-Da=b c",)),
        (r'-Da="b\"c\d"', (r'-Da=b"c\d',)),
        (r"-Da='b\c'", (r"-Da=b\c",)),
        ("''", ("",)),
        ("-Da= '' x", ("-Da=", "", "x")),
        ("a\\\nb \\\n c", ("ab", "c")),
        ("-Da=1 # -Db=2", ("-Da=1", "#", "-Db=2")),
        ("-Da=$HOME `id` $(id) *", ("-Da=$HOME", "`id`", "$(id)", "*")),
        ("a\\", ("a\\",)),
    ],
)
def test_split(text: str, words: tuple[str, ...]) -> None:
    assert split(text) == words


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\0"), max_size=8), max_size=6))
def test_split_reads_what_a_shell_would_quote(words: list[str]) -> None:
    assert split(shlex.join(words)) == tuple(words)


@settings(max_examples=150, deadline=None)
@given(st.text("ab =-'\"\\\t", max_size=14))
def test_split_agrees_with_a_real_shell(text: str) -> None:
    real = subprocess.run(["sh", "-c", f"printf '%s\\0' {text}"], capture_output=True, check=False)
    try:
        ours = split(text)
    except ProblemsError:
        assert real.returncode != 0
    else:
        assert real.returncode == 0
        assert ("\0".join(ours) + "\0").encode() == real.stdout


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("-Da=1 '-Dpassword=hunter2", "line 1, column 7: '"),
        ('-Da=1\n  -Dpassword="hunter2', 'line 2, column 14: "'),
        ('-Dpassword="hunter2\\"', 'line 1, column 12: "'),
    ],
)
def test_open_quote_is_told_by_its_place_and_never_shown(text: str, place: str) -> None:
    with pytest.raises(ProblemsError) as caught:
        split(text, "$SOME_OPTIONS")
    shown = format_problems(caught.value.problems)
    assert place in shown
    assert "$SOME_OPTIONS" in shown
    assert "hunter2" not in shown
    assert caught.value.problems[0].id == "jvm-options-quote"


def test_a_text_longer_than_an_environment_string_is_refused() -> None:
    with pytest.raises(ProblemsError, match="too many"):
        split("x" * (options.MAX_TEXT + 1))


def test_the_jvm_does_not_know_backslashes() -> None:
    assert split_as_jvm(r"'-Da=b c' -Dw=C:\x" + '\n-Dq=a"b c"d', "X") == (
        "-Da=b c",
        r"-Dw=C:\x",
        "-Dq=ab cd",
    )


def test_pair_joins_an_option_with_its_word() -> None:
    words = ("--add-opens", "java.base/java.lang=ALL-UNNAMED", "-p", "/mods", "-Xmx1g", "@file")
    assert pair(words).options == (
        "--add-opens=java.base/java.lang=ALL-UNNAMED",
        "--module-path=/mods",
        "-Xmx1g",
        "@file",
    )


def test_pair_finds_stray_words_by_position() -> None:
    paired = pair(("-Da=my", "secret", "-cp", "/lib", "-jar", "app.jar", "Main", ""))
    assert paired.options == ("-Da=my", "-classpath", "-jar")
    assert paired.stray == (2, 7, 8)


def test_pair_survives_a_missing_last_word() -> None:
    assert pair(("--add-opens",)) == options.Words(("--add-opens",))
    assert pair(("-cp",)) == options.Words(("-classpath",))


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("-XX:+UseG1GC", "flag"),
        ("-XX:-UseG1GC", "flag"),
        ("-XX:MaxHeapSize=1g", "value"),
        ("-Xmx1g", "x"),
        ("-Dname=value", "property"),
        ("-javaagent:/a.jar", "agent"),
        ("-agentlib:jdwp=x", "agent"),
        ("-Xrunjdwp:x", "agent"),
        ("--add-opens=a/b=c", "module"),
        ("@/etc/options", "argfile"),
        ("-server", "standard"),
        ("-classpath", "launch"),
        ("--class-path=/x", "launch"),
        ("-cp", "launch"),
        ("-version", "launch"),
        ("-d64", "standard"),
        ("com.example.Main", "word"),
        ("", "word"),
    ],
)
def test_kind(option: str, expected: str) -> None:
    assert kind(option) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("-Xmx1g", "-XX:MaxHeapSize=2g"),
        ("-Xms1g", "-XX:InitialHeapSize=2g"),
        ("-Xss1m", "-XX:ThreadStackSize=512"),
        ("-XX:+UseG1GC", "-XX:-UseG1GC"),
        ("-Dname=1", "-Dname=2"),
        ("-Dname", "-Dname=2"),
        ("-Xverify:none", "-noverify"),
        ("-Xint", "-Xmixed"),
        ("-Xloggc:/a", "-Xloggc:/b"),
        ("-Xrunjdwp:a", "-agentlib:jdwp=b"),
        ("-server", "-client"),
        ("-Xmaxjitcodesize64m", "-XX:ReservedCodeCacheSize=64m"),
    ],
)
def test_options_that_set_the_same_share_their_keys(one: str, other: str) -> None:
    assert keys(one) == keys(other) != ()


@pytest.mark.parametrize(
    "option",
    [
        "--add-opens=a/b=c",
        "-javaagent:/a.jar",
        "-Xlog:gc",
        "-XX:OnOutOfMemoryError=a",
        "-ea:x",
        "@f",
        "-agentlib:hprof",
    ],
)
def test_options_that_add_up_have_no_key(option: str) -> None:
    assert keys(option) == ()


def test_young_generation_in_one_option_sets_two() -> None:
    assert set(keys("-Xmn1g")) == {*keys("-XX:NewSize=1g"), *keys("-XX:MaxNewSize=1g")}
    assert keys("-Dname=1") != keys("-Dnames=1")


def test_show_hides_values_that_can_be_secret() -> None:
    assert show("-Dpassword=hunter2") == "-Dpassword=…"
    assert show("-Dflag") == "-Dflag"
    assert show("-javaagent:/a.jar=key=hunter2") == "-javaagent:/a.jar=…"
    assert show("hunter2") == "…"
    assert show("-Xmx1g") == "-Xmx1g"
    assert len(show("-XX:OnError=" + "x" * 500)) == 100


@pytest.mark.parametrize(
    ("option", "found"),
    [
        ("-Da=$HOME/x", "$HOME"),
        ("-Da=${HOME}/x", "${HOME}"),
        ("-Da=$(cat /secret)", "$("),
        ("-Da=`id`", "`"),
        ("-Da=cost$", ""),
        ("-Da=100", ""),
    ],
)
def test_what_a_shell_would_have_expanded_is_found(option: str, found: str) -> None:
    assert unexpanded(option) == found
