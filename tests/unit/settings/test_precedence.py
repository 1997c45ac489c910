"""The ladder of precedence: each rung beats all below it, and the beaten ones are remembered."""

from __future__ import annotations

import itertools

import pytest
from containers import (
    PROPERTIES,
    built_in,
    get,
    mounted,
    problems_of,
    profile,
    settings_of,
    shipped,
)

from entrypoint.settings.model import FileInput
from entrypoint.values import PRECEDENCE, Secret, reveal

IMAGE = "/opt/app/conf/image.properties"
RUNGS = {
    "command line": "1",
    "environment": "2",
    "secret file": "3",
    "mounted file": "4",
    "image file": "5",
    "profile": "8080",
}
TWO_FILES = """\
profile: demo
home: /opt/app
settings:
  port: {env: DEMO_PORT, property: app.port, type: port, default: 8080}
files:
  a: {properties: '{home}/conf/image.properties', target: '{run}/a'}
  b: {properties: '{home}/conf/app.properties', target: '{run}/b'}
java: {main: M}
"""


def given(
    rungs: set[str],
) -> tuple[
    dict[str, str], list[FileInput], dict[str, list[tuple[str, str, int]]], list[tuple[str, str]]
]:
    environment = {"DEMO_PORT": RUNGS["environment"]} if "environment" in rungs else {}
    files = []
    layers = {}
    if "secret file" in rungs:
        environment["DEMO_PORT_FILE"] = "/secret/port"
        files.append(mounted("/secret/port", RUNGS["secret file"] + "\n"))
    if "mounted file" in rungs:
        files.append(mounted(PROPERTIES))
        layers[PROPERTIES] = [("app.port", RUNGS["mounted file"], 7)]
    if "image file" in rungs:
        files.append(shipped(IMAGE))
        layers[IMAGE] = [("app.port", RUNGS["image file"], 7)]
    assignments = [("port", RUNGS["command line"])] if "command line" in rungs else []
    return environment, files, layers, assignments


@pytest.mark.parametrize("mask", range(32))
def test_the_highest_rung_wins_and_the_others_are_kept_in_order(mask: int) -> None:
    high_to_low = list(reversed(PRECEDENCE))
    rungs = [kind for bit, kind in enumerate(high_to_low[:-1]) if mask >> bit & 1]
    setting = get(settings_of(profile(TWO_FILES), *given(set(rungs))), "port")
    assert setting.origin is not None
    kinds = [setting.origin.kind, *(candidate.origin.kind for candidate in setting.rejected)]
    assert kinds == [*rungs, "profile"]
    texts = [setting.text, *(candidate.value for candidate in setting.rejected)]
    assert texts == [RUNGS[kind] for kind in kinds]


def test_places_are_exact() -> None:
    environment, files, layers, assignments = given(set(PRECEDENCE))
    setting = get(settings_of(profile(TWO_FILES), environment, files, layers, assignments), "port")
    assert [str(setting.origin)] + [str(c.origin) for c in setting.rejected] == [
        "command line --set port",
        "environment $DEMO_PORT",
        "secret file /secret/port ($DEMO_PORT_FILE)",
        f"mounted file {PROPERTIES}:7",
        f"image file {IMAGE}:7",
        "profile demo.yaml:4",
    ]


def test_the_same_path_is_a_mounted_or_an_image_file() -> None:
    layers = {PROPERTIES: [("app.port", "1", 1)]}
    for file, kind in ((mounted(PROPERTIES), "mounted file"), (shipped(PROPERTIES), "image file")):
        setting = get(settings_of(profile(), {}, [file], layers), "port")
        assert setting.origin is not None
        assert setting.origin.kind == kind


def test_of_equal_keys_and_assignments_the_last_one_counts() -> None:
    layers = {PROPERTIES: [("app.port", "1", 1), ("app.port", "2", 5)]}
    setting = get(settings_of(profile(), {}, [mounted(PROPERTIES)], layers), "port")
    assert (setting.text, setting.rejected[0].value) == ("2", "1")
    chosen = settings_of(profile(), assignments=[("port", "1"), ("port", "2")])
    assert get(chosen, "port").text == "2"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/run/config/port", "mounted file"),
        ("/run/secrets/port", "secret file"),
        ("/run/secrets/DEMO_PORT", "secret file"),
    ],
)
def test_files_named_like_the_setting(path: str, kind: str) -> None:
    setting = get(settings_of(profile(), {}, [mounted(path, "99\n")]), "port")
    assert setting.origin is not None
    assert (setting.text, setting.origin.kind, setting.origin.place) == ("99", kind, path)


def test_a_settings_own_file() -> None:
    setting = get(settings_of(profile(), {}, [mounted("/opt/app/conf/id", "7\r\n")]), "id")
    assert (setting.text, str(setting.origin)) == ("7", "mounted file /opt/app/conf/id")


def test_its_own_file_moves_with_the_home() -> None:
    environment = {"ENTRYPOINT_HOME": "/srv/app/"}
    setting = get(settings_of(profile(), environment, [shipped("/srv/app/conf/id", "7")]), "id")
    assert setting.text == "7"


@pytest.mark.parametrize(
    ("order", "text"),
    [
        (order, order[0])
        for order in itertools.permutations(("secret", "config"), 2)
        if order[0] == "secret"
    ],
)
def test_a_secret_file_beats_a_config_file(order: tuple[str, str], text: str) -> None:
    files = [mounted("/run/config/label", "config"), mounted("/run/secrets/label", "secret")]
    assert get(settings_of(profile(), {}, files), "label").text == text


def test_both_a_variable_and_its_file_the_variable_wins_and_the_file_is_remembered() -> None:
    environment = {"DEMO_PASSWORD": "one", "DEMO_PASSWORD_FILE": "/secret/pw"}
    setting = get(settings_of(profile(), environment, [mounted("/secret/pw", "two")]), "password")
    assert setting.text == Secret("one")
    (rejected,) = setting.rejected
    assert (rejected.value, rejected.origin.kind) == (Secret("two"), "secret file")


def test_an_unreadable_file_below_the_value_does_not_matter() -> None:
    environment = {"DEMO_PASSWORD": "one", "DEMO_PASSWORD_FILE": "/secret/pw"}
    assert problems_of(profile(), environment) == ()
    broken = mounted("/run/config/port", problem="permission denied")
    assert problems_of(profile(), {"DEMO_PORT": "1"}, [broken]) == ()


def test_a_declared_variable_that_ends_in_file_is_no_file_of_another() -> None:
    text = """\
profile: demo
settings:
  log: {env: DEMO_LOG}
  log-file: {env: DEMO_LOG_FILE}
java: {main: M}
"""
    settings = settings_of(profile(text), {"DEMO_LOG_FILE": "out.log"})
    assert get(settings, "log").text is None
    assert get(settings, "log-file").text == "out.log"


def test_the_articles_way_needs_nothing_else() -> None:
    """A whole otter.properties by subPath, JAVA_OPTIONS in env, nid as a mounted file."""
    path = "/opt/otter-manager/conf/otter.properties"
    layer = [
        ("otter.domainName", "127.0.0.1", 2),
        ("otter.port", "8080", 4),
        ("otter.database.driver.url", "jdbc:mysql://127.0.0.1:3306/otter", 12),
        ("otter.database.driver.username", "root", 13),
        ("otter.database.driver.password", "hello", 14),
        ("otter.zookeeper.cluster.default", "127.0.0.1:2181", 20),
        ("otter.zookeeper.sessionTimeout", "60000", 22),
        ("otter.manager.productionMode", "true", 25),
    ]
    manager = settings_of(
        built_in("otter-manager"),
        {"JAVA_OPTIONS": "-Xmx1g\n-Xms1g"},
        [mounted(path)],
        {path: layer},
    )
    assert get(manager, "database.password").text == Secret("hello")
    assert str(get(manager, "database.url").origin) == f"mounted file {path}:12"
    assert get(manager, "zookeeper.session-timeout").text == "60000"
    assert get(manager, "java.options").text == "-Xmx1g -Xms1g"
    path = "/opt/otter-node/conf/otter.properties"
    files = [mounted(path), mounted("/opt/otter-node/conf/nid", "3\n")]
    layer = [
        ("otter.nodeHome", "${user.dir}/../", 2),
        ("otter.manager.address", "manager:1099", 17),
    ]
    node = settings_of(built_in("otter-node"), {}, files, {path: layer})
    assert get(node, "nid").text == "3"
    assert get(node, "node.home").text == "${user.dir}/../"
    assert reveal(get(node, "manager.address").text or "") == "manager:1099"
