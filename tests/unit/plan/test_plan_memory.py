"""How the budget gets into the plan: options of all sources, settings, notes, refusals."""

from __future__ import annotations

import json

import pytest

from entrypoint import sources
from entrypoint.errors import ProblemsError, format_problems
from entrypoint.plan import build
from entrypoint.plan.document import plan_document
from entrypoint.plan.explain import explain_plan
from entrypoint.plan.model import Plan
from entrypoint.profile.load import load
from entrypoint.settings.model import Facts, Inputs

MIB = 1 << 20


def plan(
    limit: int | None,
    memory: str = "",
    profile: str = "zookeeper",
    cpus: float = 2,
    held: int = 0,
    **env: str,
) -> Plan:
    builtin = sources.builtin_profiles()
    texts = [(f"{profile}.yaml", builtin[profile])]
    if memory:
        texts.append(("/o.yaml", f"memory: {memory}"))
    found = load(texts, builtin)
    facts = Facts(
        hostname="h", memory_limit=None if limit is None else limit * MIB, cgroup="v1", cpus=cpus,
        held_in_memory=held * MIB,
        java_home="/jdk", java="/jdk/bin/java", release_text='JAVA_VERSION="17.0.15"\n',
    )  # fmt: skip
    inputs = Inputs(tuple(env.items()))
    names = build.template_names(found, inputs, facts.hostname)
    templates = {name: sources.template_text(name) for name in names}
    return build.build(build.resolve(found, inputs, facts, templates))


def rows(made: Plan) -> dict[str, tuple[int | None, str]]:
    return {
        row.region: (None if row.size is None else row.size // MIB, row.origin)
        for row in made.memory
    }


def sized(made: Plan) -> set[str]:
    heads = ("-Xm", "-Xss", "-XX:Max", "-XX:Reserved")
    return {word for word in made.launch.argv if word.startswith(heads)}


def test_the_command_line_has_what_the_table_says() -> None:
    made = plan(512)
    table = rows(made)
    assert sized(made) == {
        f"-Xms{table['heap'][0]}m",
        f"-Xmx{table['heap'][0]}m",
        f"-XX:MaxMetaspaceSize={table['metaspace'][0]}m",
        f"-XX:ReservedCodeCacheSize={table['code cache'][0]}m",
        f"-XX:MaxDirectMemorySize={table['direct'][0]}m",
    }
    assert sum(size for size, _ in table.values() if size) == 512


def test_without_a_limit_nothing_is_computed() -> None:
    made = plan(None)
    assert rows(made) == {"heap": (None, "the JVM decides: no container limit")}
    assert sized(made) == set()
    assert not [word for word in made.launch.argv if word.startswith("-XX:+Use")]
    assert rows(plan(None, JAVA_OPTIONS="-Xmx300m")) == {"heap": (300, "JAVA_OPTIONS -Xmx300m")}


@pytest.mark.parametrize(
    "variable", ["JAVA_OPTIONS", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"]
)
@pytest.mark.parametrize(
    ("option", "region", "size"),
    [
        ("-Xmx200m", "heap", 200),
        ("-XX:MaxRAMPercentage=50.0", "heap", 256),
        ("-XX:MaxMetaspaceSize=50m", "metaspace", 50),
        ("-XX:ReservedCodeCacheSize=40m", "code cache", 40),
        ("-XX:MaxDirectMemorySize=20m", "direct", 20),
    ],
)
def test_an_option_of_any_source_wins(variable: str, option: str, region: str, size: int) -> None:
    made = plan(512, **{variable: option})
    assert rows(made)[region] == (size, f"{variable} {option}")
    key = option.partition("=")[0].removesuffix("200m")
    assert [word for word in made.launch.argv if word.startswith(key)] == (
        [option] if variable == "JAVA_OPTIONS" else []
    )
    assert not [note for note in made.notes if "gives way" in note.text or "left out" in note.text]


def test_the_variable_that_the_jvm_reads_last_beats_the_command_line() -> None:
    made = plan(512, JAVA_OPTIONS="-Xmx200m", _JAVA_OPTIONS="-Xmx100m", JAVA_TOOL_OPTIONS="-Xmx50m")
    assert rows(made)["heap"] == (100, "_JAVA_OPTIONS -Xmx100m")
    made = plan(512, JAVA_OPTIONS="-Xmx200m", JAVA_TOOL_OPTIONS="-Xmx50m")
    assert rows(made)["heap"] == (200, "JAVA_OPTIONS -Xmx200m")


def test_a_collector_from_a_variable_is_counted_and_not_contradicted() -> None:
    made = plan(512, JAVA_TOOL_OPTIONS="-XX:+UseG1GC")
    assert rows(made)["collector"][1] == "G1: its own structures"
    assert not [word for word in made.launch.argv if word.startswith("-XX:+UseS")]


def test_an_option_that_is_dropped_counts_for_nothing() -> None:
    made = plan(512, JAVA_OPTIONS="-XX:MaxPermSize=400m")
    assert rows(made)["heap"] == rows(plan(512))["heap"]


def test_the_percentage_gives_way_to_the_users_heap_and_says_so() -> None:
    made = plan(512, ENTRYPOINT_HEAP_PERCENT="30", JAVA_OPTIONS="-Xmx200m")
    assert rows(made)["heap"][0] == 200
    assert [n.text for n in made.notes if "heap-percent" in n.text] == [
        "memory.heap-percent gives way to an option that sets the heap"
    ]
    assert rows(plan(512, ENTRYPOINT_HEAP_PERCENT="30"))["heap"][0] == 153
    assert rows(plan(500, "{heap-percent: 30%}"))["heap"] == (150, "profile: 30% of the limit")


def test_what_the_profile_knows_more_of_is_used() -> None:
    made = plan(
        1024, "{classes: 20000, threads: 300, direct: 96m, code-cache: 80m, thread-stack: 256k}"
    )
    table = rows(made)
    assert (table["code cache"], table["direct"][0]) == ((80, "profile"), 96)
    assert table["threads"] == (59, "profile: 300 × 200 KiB of a 256 KiB stack")
    assert "-Xss256k" in made.launch.argv


def test_kafka_leaves_a_quarter_to_the_file_cache() -> None:
    table = rows(plan(1024, profile="kafka"))
    expected = (256, "profile: 25% of the limit, for files it reads and writes")
    assert table["file cache"] == expected


def test_what_cannot_fit_is_refused_with_the_sum_and_the_limit_that_would_do() -> None:
    with pytest.raises(ProblemsError) as raised:
        plan(128)
    assert raised.value.exit_code == 78
    assert [problem.id for problem in raised.value.problems] == ["memory-does-not-fit"]
    text = format_problems(raised.value.problems)
    enough = int(text.partition("raise the memory limit to ")[2].split()[0])
    assert rows(plan(enough))["heap"][0] >= 48
    with pytest.raises(ProblemsError):
        plan(enough - 16)
    for region in rows(plan(512)):
        assert region == "left over" or f" {region} " in text


def test_a_heap_that_cannot_fit_is_refused_by_name() -> None:
    with pytest.raises(ProblemsError) as raised:
        plan(512, JAVA_TOOL_OPTIONS="-Xmx500m")
    assert "lower JAVA_TOOL_OPTIONS -Xmx500m" in format_problems(raised.value.problems)


def test_a_heap_that_may_fit_is_started_with_a_warning() -> None:
    made = plan(1024, JAVA_OPTIONS="-Xmx860m")
    (note,) = [note.text for note in made.notes if note.origin == "memory"]
    assert note.startswith("the memory may not be enough: the sum is 1074 of 1024 MiB")
    assert note.endswith("; 1088 MiB would do")
    assert rows(made)["missing"] == (50, "the sum is 1074 MiB")


def test_folders_that_may_hold_more_than_is_left_for_them_are_told() -> None:
    headroom = rows(plan(512))["headroom"][0]
    assert headroom == 16
    assert plan(512, held=16).notes == ()
    (note,) = plan(512, held=17).notes
    assert note.text == (
        "files in /tmp and the run directory may take 17 MiB of memory, which the plan has only 16 MiB"
        " for: make these folders smaller"
    )
    # What nobody needs is theirs too; and who has no limit has no plan.
    assert plan(512, held=100, JAVA_OPTIONS="-Xmx128m").notes == ()
    assert plan(None, held=1000).notes == ()


def test_the_operator_may_overcommit() -> None:
    made = plan(128, ENTRYPOINT_MEMORY_OVERCOMMIT="true")
    assert "-Xmx48m" in made.launch.argv
    assert "missing" in rows(made)
    made = plan(512, ENTRYPOINT_MEMORY_OVERCOMMIT="true", JAVA_OPTIONS="-Xmx600m")
    assert "-Xmx600m" in made.launch.argv


def test_text_and_document_tell_the_same() -> None:
    made = plan(512)
    document = json.loads(json.dumps(plan_document(made)))
    text = explain_plan(made)
    for row in document["memory"]:
        line = f"  {row['region']:<11} {row['bytes'] >> 20:>5}   {row['origin']}".rstrip()
        assert f"\n{line}\n" in text
