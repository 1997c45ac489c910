"""The final command line: who wins over whom, and that nothing is lost without a word."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrypoint.errors import format_problems
from entrypoint.jvm.command import JvmOptions, assemble, is_default
from entrypoint.jvm.options import COLLECTORS, collector, split
from entrypoint.jvm.release import Jdk

FEATURES = (8, 11, 17, 21, 25)
OTTER = (Path(__file__).parents[2] / "data" / "otter-startup-options.txt").read_text()
MIB = 1 << 20


def jdk(feature: int, version: str = "", vm: str = "HotSpot") -> Jdk:
    return Jdk("/jdk", "/jdk/bin/java", feature, version or f"{feature}.0.1", "OpenJDK", vm)


def given_options(
    feature: int = 17,
    user: str = "",
    *,
    computed: str = "",
    profile: str = "",
    **external: str,
) -> JvmOptions:
    groups = (
        ("computed", split(computed)),
        ("profile app.yaml:3", split(profile)),
        ("JAVA_OPTIONS", split(user)),
    )
    return assemble(jdk(feature), groups, external)


def notes_about(result: JvmOptions, text: str) -> list[str]:
    return [f"{note.text} ({note.origin})" for note in result.notes if text in note.text]


def problem_ids(result: JvmOptions) -> list[str]:
    return [problem.id for problem in result.problems]


# --- otter's own line ---


@pytest.mark.parametrize("feature", FEATURES)
def test_otters_own_line_comes_out_clean(feature: int) -> None:
    result = given_options(feature, OTTER, profile="-XX:+UseSerialGC -Xmx512m")
    assert result.problems == ()
    assert result.needs_dry_run is False
    assert not [option for option in result.argv if "Perm" in option]
    assert "-Xmx3072m" in result.argv
    assert "-Dfile.encoding=UTF-8" in result.argv
    expected = "-XX:+UseConcMarkSweepGC" if feature == 8 else "-XX:+UseG1GC"
    assert [option for option in result.argv if collector(option)] == [expected]


@pytest.mark.parametrize("feature", FEATURES)
def test_no_option_of_otters_line_is_lost_without_a_note(feature: int) -> None:
    result = given_options(feature, OTTER)
    for option in split(OTTER):
        assert option in result.argv or notes_about(result, option), option


def test_metaspace_never_gets_the_size_of_the_permanent_generation() -> None:
    assert given_options(17, "-XX:MaxPermSize=256m").argv == ()


# --- the same key ---


def test_the_user_wins_over_the_profile_and_each_option_keeps_its_origin() -> None:
    result = given_options(17, "-Dname=user -Xss1m", profile="-Dname=profile -Xss256k -Dother=1")
    assert [(option.text, option.origin) for option in result.options] == [
        ("-Dother=1", "profile app.yaml:3"),
        ("-Dname=user", "JAVA_OPTIONS"),
        ("-Xss1m", "JAVA_OPTIONS"),
    ]
    assert notes_about(result, "-Xss256k") == [
        "-Xss256k gives way to -Xss1m (JAVA_OPTIONS) (profile app.yaml:3)"
    ]


def test_one_option_may_be_written_in_two_ways() -> None:
    assert given_options(17, "-Xss1m", profile="-XX:ThreadStackSize=512").argv == ("-Xss1m",)
    assert given_options(17, "-XX:-UseNUMA", profile="-XX:+UseNUMA").argv == ("-XX:-UseNUMA",)


def test_young_generation_gives_way_only_as_a_whole() -> None:
    profile = "-Xmn64m"
    assert given_options(17, "-XX:NewSize=8m -XX:MaxNewSize=9m", profile=profile).argv == (
        "-XX:NewSize=8m",
        "-XX:MaxNewSize=9m",
    )
    assert given_options(17, "-XX:NewSize=8m", profile=profile).argv == (
        "-Xmn64m",
        "-XX:NewSize=8m",
    )
    assert given_options(17, "-Xmn9m", profile="-XX:NewSize=8m").argv == ("-Xmn9m",)


def test_options_that_add_up_all_stay() -> None:
    line = "-javaagent:/a.jar --add-opens=a/b=c"
    result = given_options(17, line, profile=line.replace("/a", "/b"))
    assert len(result.argv) == 4


def test_a_default_gives_way_even_to_the_variable_that_the_jvm_reads_first() -> None:
    result = given_options(17, profile="-Dname=profile", JAVA_TOOL_OPTIONS="-Dname=tool")
    assert result.argv == ()
    assert notes_about(result, "-Dname")


def test_the_users_option_wins_over_java_tool_options_and_loses_to_java_options_of_the_jvm() -> (
    None
):
    first = given_options(17, "-Dname=user", JAVA_TOOL_OPTIONS="-Dname=tool")
    assert first.argv == ("-Dname=user",)
    last = given_options(17, "-Dname=user", _JAVA_OPTIONS="-Dname=last")
    assert last.argv == ()
    assert "_JAVA_OPTIONS" in notes_about(last, "-Dname")[0]


# --- collectors ---


def test_a_default_collector_is_left_out_when_the_user_names_one() -> None:
    result = given_options(17, "-XX:+UseParallelGC", profile="-XX:+UseG1GC")
    assert result.argv == ("-XX:+UseParallelGC",)
    assert notes_about(result, "-XX:+UseG1GC left out")


@pytest.mark.parametrize("variable", ["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"])
def test_a_default_collector_is_left_out_when_a_variable_names_one(variable: str) -> None:
    result = given_options(17, profile="-XX:+UseG1GC", **{variable: "-XX:+UseSerialGC"})
    assert result.argv == ()
    assert result.problems == ()
    assert variable in notes_about(result, "-XX:+UseG1GC left out")[0]


def test_the_profiles_collector_wins_over_a_computed_one() -> None:
    assert given_options(17, computed="-XX:+UseSerialGC", profile="-XX:+UseG1GC").argv == (
        "-XX:+UseG1GC",
    )


@pytest.mark.parametrize(
    "external", [{}, {"JAVA_TOOL_OPTIONS": "-XX:+UseSerialGC"}, {"_JAVA_OPTIONS": "-XX:+UseZGC"}]
)
def test_two_collectors_of_the_user_are_a_problem_that_names_both_places(
    external: dict[str, str],
) -> None:
    user = "-XX:+UseG1GC" if external else "-XX:+UseG1GC -XX:+UseParallelGC"
    result = given_options(17, user, **external)
    assert problem_ids(result) == ["jvm-collectors"]
    where = dict(result.problems[0].details)["where"]
    assert "-XX:+UseG1GC (JAVA_OPTIONS)" in where
    assert all(name in where for name in external)


@pytest.mark.parametrize(
    "line",
    [
        "-XX:+UseG1GC -XX:-UseG1GC -XX:+UseSerialGC",
        "-XX:+UseConcMarkSweepGC -XX:+UseParNewGC",
        "-XX:+UseParallelGC -XX:+UseParallelOldGC",
        "-XX:+UseG1GC -XX:+UseG1GC",
    ],
)
@pytest.mark.parametrize("feature", FEATURES)
def test_no_conflict(line: str, feature: int) -> None:
    assert given_options(feature, line, profile="-XX:+UseG1GC").problems == ()


@settings(deadline=None)
@given(
    st.sampled_from(FEATURES),
    st.lists(st.sampled_from(sorted(COLLECTORS)), max_size=2),
    st.lists(st.sampled_from(sorted(COLLECTORS)), max_size=2),
    st.lists(st.sampled_from(sorted(COLLECTORS)), max_size=1),
)
def test_collectors_never_conflict_unless_that_is_said(
    feature: int, profile: list[str], user: list[str], tool: list[str]
) -> None:
    result = given_options(
        feature,
        " ".join(f"-XX:+{name}" for name in user),
        profile=" ".join(f"-XX:+{name}" for name in profile),
        JAVA_TOOL_OPTIONS=" ".join(f"-XX:+{name}" for name in tool),
    )
    outside = tuple(f"-XX:+{name}" for name in tool)
    chosen = {collector(option) for option in result.argv + outside} - {""}
    assert result.problems or len(chosen) <= 1


# --- heap ---


@pytest.mark.parametrize(
    "user",
    [
        "-Xmx1g", "-XX:MaxHeapSize=1g", "-XX:MaxRAMPercentage=60", "-XX:MaxRAMFraction=2",
        "-XX:MaxRAM=1g", "-XX:+AggressiveHeap",
    ],
)  # fmt: skip
@pytest.mark.parametrize("variable", ["", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS"])
def test_a_default_heap_is_left_out_when_any_source_sets_the_heap(user: str, variable: str) -> None:
    external = {variable: user} if variable else {}
    result = given_options(17, "" if variable else user, computed="-Xms700m -Xmx700m", **external)
    assert not [option for option in result.argv if "700m" in option]
    assert len(notes_about(result, "700m")) == 2


def test_the_profiles_heap_wins_over_the_computed_one() -> None:
    result = given_options(17, computed="-Xms700m -Xmx700m", profile="-XX:MaxRAMPercentage=50.0")
    assert result.argv == ("-XX:MaxRAMPercentage=50.0",)


def test_an_initial_heap_alone_replaces_only_the_initial_heap() -> None:
    result = given_options(17, "-Xms100m", computed="-Xms700m -Xmx700m")
    assert result.argv == ("-Xmx700m", "-Xms100m")
    percentage = given_options(17, "-XX:InitialRAMPercentage=5", computed="-Xms700m -Xmx700m")
    assert percentage.argv == ("-Xmx700m", "-XX:InitialRAMPercentage=5")
    reason = "-XX:InitialRAMPercentage=5 (JAVA_OPTIONS) sets the heap (computed)"
    assert notes_about(percentage, "700m") == [f"-Xms700m left out: {reason}"]


def test_the_rest_of_the_defaults_stays_when_the_user_sets_the_heap() -> None:
    result = given_options(17, "-Xmx1g", computed="-Xmx700m", profile="-XX:MaxMetaspaceSize=256m")
    assert result.argv == ("-XX:MaxMetaspaceSize=256m", "-Xmx1g")


@pytest.mark.parametrize(
    ("options", "external"),
    [
        ({"user": "-Xms2g -Xmx1g"}, {}),
        ({"user": "-XX:InitialHeapSize=2048m -XX:MaxHeapSize=1g"}, {}),
        ({"user": "-Xms900m", "computed": "-Xms700m -Xmx700m"}, {}),
        ({"user": "-Xms2g"}, {"_JAVA_OPTIONS": "-Xmx1g"}),
    ],
)
def test_a_heap_that_begins_too_large_is_a_problem(
    options: dict[str, str], external: dict[str, str]
) -> None:
    assert problem_ids(given_options(17, **options, **external)) == ["jvm-heap-sizes"]


def test_heap_sizes_compare_by_value() -> None:
    assert given_options(17, "-Xms1g -Xmx1024m").problems == ()
    assert given_options(17, "-Xmx1g -Xms2g -Xms512m").problems == ()


# --- G1 ---


def test_under_g1_the_profiles_young_generation_is_left_out() -> None:
    profile = "-XX:+UseG1GC -Xmn64m -XX:SurvivorRatio=2 -XX:-UseAdaptiveSizePolicy -Xss512k"
    result = given_options(17, profile=profile)
    assert result.argv == ("-XX:+UseG1GC", "-Xss512k")
    assert len(notes_about(result, "left out")) == 3
    parallel = given_options(17, "-XX:+UseParallelGC", profile=profile)
    assert "-Xmn64m" in parallel.argv


def test_under_g1_the_users_young_generation_stays_with_a_note() -> None:
    result = given_options(17, "-XX:+UseG1GC -Xmn64m")
    assert result.argv == ("-XX:+UseG1GC", "-Xmn64m")
    assert notes_about(result, "-Xmn64m kept")


def test_g1_named_by_a_variable_counts() -> None:
    assert given_options(17, profile="-Xmn64m", JAVA_TOOL_OPTIONS="-XX:+UseG1GC").argv == ()


# --- translations in context ---


def test_legacy_gc_logging_becomes_one_option_in_its_place() -> None:
    line = "-Xloggc:/x.log -Da=1 -XX:+PrintGCDetails -XX:+PrintGCDateStamps -Db=2"
    result = given_options(17, line)
    assert result.argv == ("-Da=1", "-Xlog:gc*:file=/x.log:time,level,tags", "-Db=2")
    assert len(notes_about(result, "-Xloggc:/x.log")) == 1
    assert given_options(8, line).argv == split(line)


def test_gc_logging_that_asks_for_nothing_is_noted() -> None:
    result = given_options(17, "-XX:-PrintGC")
    assert result.argv == ()
    assert notes_about(result, "-XX:-PrintGC dropped")


def test_unlock_options_go_first_and_come_once() -> None:
    line = (
        "-XX:G1NewSizePercent=5 -Da=1 -XX:G1MaxNewSizePercent=50 -XX:+UnlockExperimentalVMOptions"
    )
    result = given_options(17, line)
    assert result.argv[0] == "-XX:+UnlockExperimentalVMOptions"
    assert result.argv.count("-XX:+UnlockExperimentalVMOptions") == 1
    assert result.needs_dry_run is False


# --- what does not belong into JAVA_OPTIONS ---


@pytest.mark.parametrize(
    ("line", "fix"),
    [
        ("-jar app.jar", "java.jar"),
        ("-cp /lib", "java.classpath"),
        ("-classpath /lib", "java.classpath"),
        ("--class-path=/lib", "java.classpath"),
        ("-m app/com.example.Main", "java.main"),
        ("-version", "by hand"),
        ("--help", "by hand"),
    ],
)
def test_misplaced_options_say_what_to_do_instead(line: str, fix: str) -> None:
    result = given_options(17, line)
    assert problem_ids(result) == ["jvm-option-misplaced"]
    assert fix in dict(result.problems[0].details)["fix"]
    assert result.argv == ()


def test_a_stray_word_is_told_by_its_place_and_never_shown() -> None:
    result = given_options(17, "-Xss1m -Dpassword=my hunter2 -Xrs")
    assert problem_ids(result) == ["jvm-option-stray"]
    shown = format_problems(result.problems)
    assert "word 3 of JAVA_OPTIONS, after -Dpassword" in shown
    assert "hunter2" not in shown


def test_nothing_shown_holds_a_value_of_a_property() -> None:
    result = given_options(
        17,
        "-Dpw=hunter2 -Dpw=hunter2x$HOME -javaagent:/a.jar=pw=hunter2 hunter2",
        profile="-Dpw=hunter2p",
        JAVA_TOOL_OPTIONS="-Dpw=hunter2t -XX:PermSize=1m",
        JDK_JAVA_OPTIONS="'-Dpw=hunter2j",
    )
    shown = format_problems(result.problems) + repr([e.shown for e in result.external])
    assert "hunter2" not in shown + repr(result.notes)


def test_all_problems_come_at_once() -> None:
    line = "-Xmx1x -Xss2g -jar a.jar word -XX:UseG1GC -XX:+UseSerialGC -XX:+UseParallelGC"
    assert sorted(problem_ids(given_options(17, line))) == [
        "jvm-collectors",
        "jvm-option-misplaced",
        "jvm-option-refused",
        "jvm-option-refused",
        "jvm-option-refused",
        "jvm-option-stray",
    ]


def test_shell_syntax_stays_and_is_noted() -> None:
    result = given_options(17, "-Da=$HOME -Db=`id`")
    assert result.argv == ("-Da=$HOME", "-Db=`id`")
    assert notes_about(result, "-Da holds $HOME")
    assert notes_about(result, "-Db holds `")
    assert given_options(17, profile="-Da=$HOME").notes == ()


# --- variables of the JVM ---


def test_variables_are_shown_as_the_jvm_reads_them() -> None:
    result = given_options(17, JAVA_TOOL_OPTIONS="'-Da=b c'  -Xrs", _JAVA_OPTIONS=" ")
    assert [(e.variable, e.options, e.applies) for e in result.external] == [
        ("JAVA_TOOL_OPTIONS", ("-Da=b c", "-Xrs"), True)
    ]
    assert result.argv == ()


def test_jdk_8_ignores_jdk_java_options() -> None:
    bad = "-XX:PermSize=1m -XX:+UseSerialGC -Xmx1g 'open"
    result = given_options(8, profile="-XX:+UseG1GC -Xmx2g", JDK_JAVA_OPTIONS=bad)
    assert result.argv == ("-XX:+UseG1GC", "-Xmx2g")
    assert result.problems == ()
    assert notes_about(result, "ignores")
    assert given_options(11, JDK_JAVA_OPTIONS=bad).problems


def test_an_option_in_a_variable_that_ends_the_jvm_is_a_problem() -> None:
    result = given_options(17, JAVA_TOOL_OPTIONS="-XX:MaxPermSize=1g")
    assert problem_ids(result) == ["jvm-option-refused"]
    assert "JAVA_TOOL_OPTIONS" in dict(result.problems[0].details)["where"]
    ignored = given_options(8, JAVA_TOOL_OPTIONS="-XX:MaxPermSize=1g")
    assert ignored.problems == ()
    assert notes_about(ignored, "ignored")
    lenient = "-XX:+IgnoreUnrecognizedVMOptions -XX:MaxPermSize=1g"
    assert given_options(17, JAVA_TOOL_OPTIONS=lenient).problems == ()


# --- when the JVM has to be asked ---


@pytest.mark.parametrize(
    ("user", "external"),
    [
        ("-XX:+NoSuchFlagEver", {}),
        ("-Xnosuch", {}),
        ("@/etc/options", {}),
        ("", {"JAVA_TOOL_OPTIONS": "-XX:+NoSuchFlagEver"}),
        ("", {"JAVA_TOOL_OPTIONS": "word"}),
        ("", {"JDK_JAVA_OPTIONS": "word"}),
    ],
)
def test_what_the_table_does_not_know_needs_a_dry_run(user: str, external: dict[str, str]) -> None:
    result = given_options(17, user, **external)
    assert result.needs_dry_run is True
    assert result.argv == split(user)


@pytest.mark.parametrize(
    ("one", "asked"),
    [
        (jdk(17), False),
        (jdk(25), False),
        (jdk(26), True),
        (jdk(8, "8u504"), False),
        (jdk(8, "8u121"), True),
        (jdk(17, vm="OpenJ9"), True),
    ],
)
def test_a_jvm_that_was_not_measured_needs_a_dry_run(one: Jdk, asked: bool) -> None:
    assert assemble(one, (("JAVA_OPTIONS", ("-Xmx1g",)),), {}).needs_dry_run is asked


def test_which_origins_are_defaults() -> None:
    assert is_default("computed")
    assert is_default("profile app.yaml:3")
    assert not is_default("JAVA_OPTIONS")


OPTIONS = st.sampled_from(
    [*split(OTTER), "-Xmx1g", "-Xloggc:/x", "-XX:+UseZGC", "-Xnosuch", "word"]
)


@settings(deadline=None)
@given(st.sampled_from(FEATURES), st.lists(OPTIONS, max_size=6), st.lists(OPTIONS, max_size=6))
def test_the_result_is_stable(feature: int, profile: list[str], user: list[str]) -> None:
    """What comes out goes in again unchanged: no rule makes work for another."""
    once = assemble(jdk(feature), (("profile", tuple(profile)), ("USER", tuple(user))), {})
    groups = tuple((option.origin, (option.text,)) for option in once.options)
    assert assemble(jdk(feature), groups, {}).argv == once.argv
