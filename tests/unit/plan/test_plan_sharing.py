"""Whether java starts from an archive of classes or makes one, what the plan says, and why not."""

from __future__ import annotations

import pytest

from entrypoint import sources
from entrypoint.errors import ProblemsError
from entrypoint.plan import build
from entrypoint.plan.document import plan_document
from entrypoint.plan.explain import explain_plan
from entrypoint.plan.model import Plan
from entrypoint.profile.load import load
from entrypoint.records import replace
from entrypoint.settings.model import Facts, Inputs

MIB = 1 << 20
RELEASES = {8: "1.8.0_504", 17: "17.0.15", 21: "21.0.13", 25: "25.0.3"}
FACTS = Facts(
    hostname="h",
    java_home="/jdk",
    java="/jdk/bin/java",
    release_text='JAVA_VERSION="17.0.15"\n',
    class_path="abc",
    class_path_jars=("/opt/zookeeper/lib/a.jar", "/opt/zookeeper/lib/b.jar"),
)


def found(jdk: int, environment: dict[str, str], overlay: str = "", **facts: object) -> build.Found:
    builtin = sources.builtin_profiles()
    texts = [("zookeeper.yaml", builtin["zookeeper"])]
    if overlay:
        texts.append(("/o.yaml", overlay))
    profile = load(texts, builtin)
    release = f'JAVA_VERSION="{RELEASES[jdk]}"\n'
    observed = replace(FACTS, release_text=release, **facts)
    templates = {file.source: sources.template_text(file.source) for file in profile.files}
    return build.resolve(profile, Inputs(tuple(environment.items())), observed, templates)


def plan(mode: str, jdk: int = 17, overlay: str = "", **facts: object) -> Plan:
    options = str(facts.pop("options", ""))
    more = dict(facts.pop("env", {}))  # type: ignore[call-overload]
    environment = {"ENTRYPOINT_SHARING": mode, "JAVA_OPTIONS": options, **more}
    return build.build(found(jdk, environment, overlay, **facts))


def added(made: Plan) -> tuple[str, ...]:
    parts = [part.words for part in made.command if part.origin == "computed (java.sharing)"]
    return parts[0] if parts else ()


def said(made: Plan) -> str:
    return "\n".join(note.text for note in made.notes if note.origin == "java.sharing")


def with_archive(jdk: int = 17, **more: object) -> dict[str, object]:
    """Facts with the archive that the same plan would make."""
    made = plan("train", jdk, **more)
    return {"archives": ((made.launch.sharing.archive.rpartition("/")[2], 44 * MIB),)}


def test_off_is_off_whatever_is_there() -> None:
    made = plan("off", **with_archive())
    assert added(made) == ()
    assert said(made) == ""


def test_by_default_an_archive_is_used_and_none_is_made() -> None:
    there = with_archive()
    for mode in ("use", "auto"):
        made = plan(mode, **there)
        file = made.launch.sharing.archive
        assert added(made) == (f"-XX:SharedArchiveFile={file}", "-Xshare:auto")
        assert not made.launch.sharing.making
        assert said(made) == f"java starts from the classes in {file} (44 MiB)"
    made = plan("use")
    assert (added(made), said(made)) == ((), "")


def test_the_first_run_makes_what_the_next_one_uses() -> None:
    made = plan("auto")
    file = made.launch.sharing.archive
    assert file.startswith("/data/sharing/classes-")
    assert added(made) == (f"-XX:ArchiveClassesAtExit={file}", "-Xlog:cds=error")
    assert made.launch.sharing.making
    assert not made.launch.stop_when_ready
    assert "will be kept in" in said(made)
    assert plan("auto", archives=((file.rpartition("/")[2], 1),)).launch.sharing.archive == file


def test_25_has_the_aot_cache_but_not_where_a_second_jvm_may_not_fit() -> None:
    assert added(plan("auto", 25))[0].startswith("-XX:AOTCacheOutput=")
    assert added(plan("train", 25, memory_limit=1024 * MIB))[0].startswith("-XX:AOTCacheOutput=")
    for made in (
        plan("auto", 25, memory_limit=1024 * MIB),
        plan("auto", 25, env={"JAVA_JMX": "9010"}),
    ):
        assert added(made)[0].startswith("-XX:ArchiveClassesAtExit=")
    there = with_archive(25)
    assert added(plan("use", 25, memory_limit=1024 * MIB, **there))[0].startswith("-XX:AOTCache=")


def test_an_archive_of_something_else_is_not_used_and_told() -> None:
    made = plan("use", archives=(("classes-0000000000000000.jsa", 1),))
    assert added(made) == ()
    assert "no archive in /data/sharing (1 there) belongs to this JDK" in said(made)


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ({"jdk": 8}, "JDK 8u504 has no archives of an application's classes; 13 and later do"),
        ({"class_path_folder": "/app/conf"}, "a folder with files, /app/conf"),
        ({"options": "-javaagent:/a.jar"}, "with -javaagent the JVM shares no classes"),
        ({"env": {"JAVA_TOOL_OPTIONS": "-javaagent:/a.jar"}}, "with -javaagent"),
        ({"env": {"JAVA_DEBUG": "5005"}}, "with -agentlib the JVM"),
        ({"options": "-XX:SharedArchiveFile=/mine"}, "-XX:SharedArchiveFile is given"),
        ({"options": "-Xshare:off"}, "-Xshare:off is given, which decides"),
        ({"sharing_problem": "no folder /data"}, "no folder /data"),
        ({"sharing_in_memory": True}, "its folder is in memory"),
        ({"env": {"ENTRYPOINT_STOP_TIMEOUT": "9s"}}, "java has 9s to stop"),
    ],
)
def test_what_stands_in_the_way_is_told_to_whoever_asked(
    case: dict[str, object], reason: str
) -> None:
    made = plan("auto", **case)
    assert added(made) == ()
    assert made.launch.sharing.archive == ""
    assert reason in said(made)
    assert said(plan("use", **case)) == ""
    with pytest.raises(ProblemsError) as raised:
        plan("train", **case)
    (problem,) = raised.value.problems
    assert problem.id == "sharing-impossible"
    assert reason in dict(problem.details)["says"]


def test_a_short_ladder_or_a_read_only_folder_does_not_keep_from_using_one() -> None:
    there = with_archive(21)
    for case in ({"env": {"ENTRYPOINT_STOP_TIMEOUT": "3s"}}, {"sharing_problem": "read-only"}):
        assert added(plan("auto", 21, **case, **there))[0].startswith("-XX:SharedArchiveFile=")


def test_training_stops_when_ready_and_needs_a_check_that_tells() -> None:
    made = plan("train")
    assert made.launch.stop_when_ready
    assert made.launch.sharing.making
    with pytest.raises(ProblemsError) as raised:
        plan("train", overlay="checks: {srvr: null}")
    assert "no check tells when it is ready" in dict(raised.value.problems[0].details)["says"]


def test_training_makes_it_anew_though_it_is_there() -> None:
    assert added(plan("train", **with_archive()))[0].startswith("-XX:ArchiveClassesAtExit=")


def test_the_plan_and_its_document_show_it() -> None:
    made = plan("auto")
    assert "computed (java.sharing)" in explain_plan(made)
    assert plan_document(made)["sharing"] == {
        "archive": made.launch.sharing.archive,
        "making": True,
        "stop-when-ready": False,
    }


def test_what_is_to_be_looked_at() -> None:
    wanted = build.sharing_wanted(found(17, {"ENTRYPOINT_SHARING": "auto"}))
    assert wanted is not None
    assert wanted.class_path == ("/opt/zookeeper/lib/*", "/opt/zookeeper/*")
    assert "/run/entrypoint/conf" in wanted.soon
    assert wanted.makes
    used = build.sharing_wanted(found(17, {}))
    assert used is not None
    assert not used.makes
    assert build.sharing_wanted(found(17, {"ENTRYPOINT_SHARING": "off"})) is None
