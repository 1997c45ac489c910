"""Class-data sharing as HotSpot has it: by JDK, by option, and by what an archive belongs to."""

from __future__ import annotations

import pytest

from entrypoint.jvm import sharing
from entrypoint.jvm.flags import Keep, judge
from entrypoint.jvm.release import Jdk
from entrypoint.records import replace

GIB = 1 << 30
JDK = Jdk("/jdk", "/jdk/bin/java", 17, "17.0.15", "Debian")


@pytest.mark.parametrize(
    ("feature", "kinds"),
    [
        (8, ()), (11, ()), (12, ()), (13, ("jsa",)), (17, ("jsa",)), (21, ("jsa",)), (24, ("jsa",)),
        (25, ("aot", "jsa")), (26, ("aot", "jsa")),
    ],
)  # fmt: skip
def test_each_jdk_has_its_kinds(feature: int, kinds: tuple[str, ...]) -> None:
    assert sharing.kinds(replace(JDK, feature=feature)) == kinds
    assert sharing.kinds(replace(JDK, feature=feature, vm="OpenJ9")) == ()


@pytest.mark.parametrize("feature", [13, 17, 19, 21, 24, 25])
def test_the_jdk_takes_every_option_that_we_add(feature: int) -> None:
    for kind in sharing.kinds(replace(JDK, feature=feature)):
        added = (*sharing.use(kind, "/f"), *sharing.make(kind, "/f"))
        assert all(isinstance(judge(option, feature), Keep) for option in added), added


@pytest.mark.parametrize(
    "option",
    [
        "-Xshare:off", "-Xshare:auto", "-XX:SharedArchiveFile=/x", "-XX:ArchiveClassesAtExit=/x",
        "-XX:+AutoCreateSharedArchive", "-XX:AOTCache=/x", "-XX:AOTCacheOutput=/x", "-XX:AOTMode=off",
        "-XX:AOTConfiguration=/x", "-XX:-UseSharedSpaces",
    ],
)  # fmt: skip
def test_the_user_decides_by_any_of_these(option: str) -> None:
    assert sharing.own_option(["-Xmx1g", option]) == option


def test_other_options_decide_nothing() -> None:
    assert sharing.own_option(["-Xmx1g", "-XX:+UseG1GC", "-Dx=-Xshare:off"]) == ""


@pytest.mark.parametrize(
    ("option", "named"),
    [
        ("-javaagent:/a.jar=x", "-javaagent"),
        ("-agentlib:jdwp=transport=dt_socket", "-agentlib"),
        ("-agentpath:/a.so", "-agentpath"),
        ("-Xbootclasspath/a:/x.jar", "-Xbootclasspath"),
        ("--patch-module=a=b", "--patch-module"),
        ("--limit-modules java.base", "--limit-modules"),
        ("-p /mods", "-p"),
    ],
)
def test_with_these_the_jvm_shares_no_classes(option: str, named: str) -> None:
    assert sharing.obstacle(["-Xmx1g", option]) == named


def test_nothing_else_stands_in_the_way() -> None:
    assert sharing.obstacle(["-Xmx1g", "--add-opens=a/b=c", "-XX:+UseZGC", "-Dp=1"]) == ""


def test_the_second_jvm_of_an_aot_cache_has_the_same_options_and_must_do_no_harm() -> None:
    harmless = ("-Dcom.sun.management.jmxremote", "-Xlog:gc*", "-Xlog:gc*:file=/d/gc-%t.log")
    assert sharing.can_make_cache(harmless)
    for option in ("-Dcom.sun.management.jmxremote.port=9010", "-Xlog:gc:file=/gc", "-Xloggc:/gc"):
        assert not sharing.can_make_cache([option])


def name(
    *options: str, jdk: Jdk = JDK, path: str = "p", heap: int | None = None, kind: str = "jsa"
) -> str:
    return sharing.archive_name(jdk, kind, path, options, heap)


def test_the_name_changes_with_all_that_makes_an_archive_unfit() -> None:
    names = [
        name(),
        name(jdk=replace(JDK, version="17.0.16")),
        name(jdk=replace(JDK, vendor="Other")),
        name(jdk=replace(JDK, home="/other")),
        name(path="q"),
        name("-XX:+UseZGC"),
        name("-XX:+UseShenandoahGC"),
        name("-XX:-UseCompressedOops"),
        name("-XX:ObjectAlignmentInBytes=16"),
        name(heap=32 * GIB),
        name(kind="aot"),
    ]
    assert len(set(names)) == len(names)
    assert all(map(sharing.is_ours, names))


def test_the_name_does_not_change_with_what_an_image_build_cannot_know() -> None:
    """Serial, Parallel and G1 take each other's archives, and a heap is a heap below 32 GiB."""
    same = {
        name(), name("-XX:+UseSerialGC"), name("-XX:+UseG1GC", "-Xmx1g"), name(heap=31 * GIB),
        name("-Dx=1", "-Xss512k", "-XX:MaxMetaspaceSize=99m"),
    }  # fmt: skip
    assert len(same) == 1


@pytest.mark.parametrize("left", ["", ".config", ".seal"])
def test_only_our_names_are_ours(left: str) -> None:
    assert sharing.is_ours(f"classes-0123456789abcdef.aot{left}")
    assert not sharing.is_ours(f"classes-0123456789abcde.aot{left}")
    assert not sharing.is_ours(f"classes-0123456789abcdef.zip{left}")
    assert not sharing.is_ours("classes.jsa")
