from __future__ import annotations

import re

import pytest
from containers import (
    BUILTIN,
    DEMO,
    PROPERTIES,
    built_in,
    get,
    mounted,
    problems_of,
    profile,
    settings_of,
    shipped,
)

from entrypoint.errors import format_problem, format_problems
from entrypoint.settings.model import FileInput, Inputs
from entrypoint.settings.resolve import default_problems, home_of, wanted_files
from entrypoint.values import MASK, Secret


def required(text: str) -> str:
    return text.replace("type: jdbc-url", "type: jdbc-url, required: true")


def test_the_problem_of_a_missing_value_reads_as_the_design_says() -> None:
    missing = problems_of(built_in("otter-manager"))
    text = re.sub(r"otter-manager.yaml:\d+", "otter-manager.yaml:N", format_problem(missing[0]))
    assert text == (
        'entrypoint: cannot resolve setting "database.url": no value'
        "                        [setting-missing]\n"
        "  where     profile otter-manager, otter-manager.yaml:N\n"
        "  looked at $OTTER_DATABASE_URL (unset), /run/config/database.url (missing),\n"
        "            /opt/otter-manager/conf/otter.properties (missing)\n"
        "  expected  a JDBC URL, for example jdbc:mysql://mysql:3306/otter\n"
        "  fix       set OTTER_DATABASE_URL, or mount the key in a ConfigMap at /run/config\n"
        "            or give otter.database.driver.url in /opt/otter-manager/conf/otter.properties"
    )


def test_all_problems_come_at_once() -> None:
    environment = {"OTTER_PORT": "80800", "OTTER_LOG_LEVEL": "loud"}
    found = problems_of(built_in("otter-manager"), environment, assignments=[("htp.port", "1")])
    assert [problem.id for problem in found] == [
        "setting-unknown",
        "setting-invalid",
        "setting-missing",
        "setting-missing",
        "setting-missing",
        "setting-missing",
        "setting-invalid",
    ]
    assert format_problems(found).startswith("entrypoint: 7 problems in the configuration")


def test_no_line_of_a_problem_is_wider_than_100_columns() -> None:
    for name in BUILTIN:
        text = format_problems(problems_of(built_in(name), {"OTTER_PORT": "80800"}))
        assert [line for line in text.splitlines() if len(line) > 100] == []


def test_a_misspelt_variable_is_the_fix_of_the_missing_one() -> None:
    text = required(DEMO)
    (problem,) = problems_of(profile(text), {"DEMO_ULR": "jdbc:x:y"})
    assert dict(problem.details)["fix"] == "rename DEMO_ULR, which is set, to DEMO_URL"


def test_a_wrong_value_names_its_place_and_what_was_expected() -> None:
    layers = {PROPERTIES: [("app.port", "http", 12)]}
    (problem,) = problems_of(profile(), {}, [mounted(PROPERTIES)], layers)
    assert problem.id == "setting-invalid"
    assert problem.details == (
        ("where", f"{PROPERTIES}:12"),
        ("value", "http"),
        ("expected", "a port from 1 to 65535"),
    )


@pytest.mark.parametrize(
    ("environment", "place"),
    [({"DEMO_PORT": "x"}, "$DEMO_PORT"), ({"DEMO_PORT_FILE": "/s"}, "/s ($DEMO_PORT_FILE)")],
)
def test_places_of_wrong_values(environment: dict[str, str], place: str) -> None:
    (problem,) = problems_of(profile(), environment, [mounted("/s", "x")])
    assert dict(problem.details)["where"] == place


def test_a_secret_is_never_told() -> None:
    secret = "hunter2\nhunter2"
    places = (
        ({"DEMO_PASSWORD": secret}, []),
        ({}, [mounted("/run/secrets/password", secret)]),
        ({"DEMO_PASSWORD_FILE": "/pw"}, [mounted("/pw", secret)]),
    )
    for environment, files in places:
        found = problems_of(profile(), environment, files)
        assert [problem.id for problem in found] == ["setting-invalid"]
        assert "hunter2" not in format_problems(found) + repr(found)
        assert dict(found[0].details)["value"] == MASK
    (problem,) = problems_of(profile(), assignments=[("password", "hunter2")])
    assert problem.id == "setting-secret-on-command-line"
    assert "hunter2" not in repr(problem)


def test_a_secret_stays_a_secret_everywhere() -> None:
    files = [mounted("/run/secrets/password", "file-hunter2")]
    settings = settings_of(profile(), {"DEMO_PASSWORD": "env-hunter2"}, files)
    assert get(settings, "password").text == Secret("env-hunter2")
    assert "hunter2" not in repr(settings)


def test_a_default_made_of_a_secret_is_a_secret() -> None:
    text = DEMO.replace("'port {port} of {host}'", "'user:{password}'")
    settings = settings_of(profile(text), {"DEMO_PASSWORD": "pw"})
    assert get(settings, "label").text == Secret("user:pw")


def test_defaults_are_filled_with_settings_and_names() -> None:
    assert get(settings_of(profile(), {"DEMO_PORT": "99"}), "label").text == "port 99 of pod-0"


def test_a_default_whose_reference_has_no_value_is_none() -> None:
    text = DEMO.replace("'port {port} of {host}'", "'{id}'")
    assert get(settings_of(profile(text)), "label").text is None
    assert get(settings_of(profile(text), {"DEMO_ID": "5"}), "label").text == "5"


def test_a_failed_value_is_told_once_and_not_for_those_that_refer_to_it() -> None:
    text = DEMO.replace("{env: DEMO_LABEL,", "{env: DEMO_LABEL, required: true,")
    assert [p.id for p in problems_of(profile(text), {"DEMO_PORT": "x"})] == ["setting-invalid"]


def test_a_java_placeholder_is_taken_as_it_is() -> None:
    layers = {PROPERTIES: [("app.port", "${other.port}", 3), ("app.timeout", "${t}", 4)]}
    settings = settings_of(profile(), {}, [mounted(PROPERTIES)], layers)
    assert get(settings, "port").text == "${other.port}"
    assert get(settings, "timeout").text == "${t}"
    assert [p.id for p in problems_of(profile(), {"DEMO_PORT": "${x}"})] == ["setting-invalid"]


def test_empty_is_unset_and_said_so() -> None:
    layers = {PROPERTIES: [("app.url", "", 9)]}
    files = [mounted(PROPERTIES), mounted("/run/config/url", "\n")]
    setting = get(settings_of(profile(), {"DEMO_URL": ""}, files, layers), "url")
    assert setting.text is None
    assert setting.looked_at == (
        "$DEMO_URL (empty)",
        "/run/config/url (empty)",
        f"{PROPERTIES}:9 (empty)",
    )


def test_an_empty_text_in_a_properties_file_is_a_value() -> None:
    layers = {PROPERTIES: [("app.password", "", 9)]}
    setting = get(settings_of(profile(), {}, [mounted(PROPERTIES)], layers), "password")
    assert setting.text == Secret("")


@pytest.mark.parametrize(
    ("environment", "files", "says"),
    [
        ({"DEMO_URL_FILE": "/nowhere"}, [], "no such file"),
        ({"DEMO_URL_FILE": "relative"}, [], "not an absolute path"),
        ({"DEMO_URL_FILE": "/x"}, [mounted("/x", problem="permission denied")], "permission denied"),
        ({"DEMO_URL_FILE": "/x"}, [mounted("/x", b"\xff\xfe")], "not UTF-8 text"),
        ({"DEMO_URL_FILE": "/x"}, [mounted("/x", b"x" * 70_000)], "larger than 64 KiB"),
        ({}, [mounted("/run/secrets/url", problem="permission denied")], "permission denied"),
        ({}, [mounted("/run/config/url", problem="is a directory")], "is a directory"),
        ({}, [mounted(PROPERTIES, problem="permission denied")], "permission denied"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_told_with_path_and_reason(
    environment: dict[str, str], files: list[FileInput], says: str
) -> None:
    found = problems_of(profile(), environment, files)
    assert {problem.id for problem in found} == {"setting-file-unreadable"}
    details = dict(found[0].details)
    assert details["says"] == says
    assert ("fsGroup" in details.get("fix", "")) is (says == "permission denied")
    assert details.get("value", PROPERTIES) in {
        *environment.values(),
        *(file.path for file in files),
    }


def test_an_unreadable_properties_file_is_told_once() -> None:
    found = problems_of(profile(), {}, [mounted(PROPERTIES, problem="permission denied")])
    assert len(found) == 1


def test_an_unknown_assignment_is_told_with_the_one_that_was_meant() -> None:
    fixes = [
        dict(problem.details)["fix"]
        for problem in problems_of(
            profile(), assignments=[("prot", "1"), ("DEMO_PORT", "1"), ("wholly-other", "1")]
        )
    ]
    assert fixes == [
        'did you mean "port"?',
        'did you mean "port"?',
        "`entrypoint explain` lists the settings",
    ]


def test_the_settings_come_in_the_order_of_the_profile() -> None:
    demo = profile()
    assert [s.spec for s in settings_of(demo).settings] == list(demo.settings)


def test_wanted_files_are_all_places_where_a_value_may_be() -> None:
    inputs = Inputs((("DEMO_URL_FILE", "/secret/url"), ("DEMO_PORT_FILE", "relative")))
    wanted = wanted_files(profile(), inputs)
    for path in (
        "/run/config/url",
        "/run/secrets/url",
        "/run/secrets/DEMO_URL",
        "/secret/url",
        "/opt/app/conf/id",
        PROPERTIES,
    ):
        assert wanted.count(path) == 1
    assert "relative" not in wanted


def test_wanted_files_follow_a_home_that_was_found_in_a_file() -> None:
    first = wanted_files(profile(), Inputs(()))
    assert "/run/config/entrypoint.home" in first
    found = Inputs((), (mounted("/run/config/entrypoint.home", "/srv\n"),))
    second = wanted_files(profile(), found)
    assert {"/srv/conf/id", "/srv/conf/app.properties"} <= set(second)
    assert PROPERTIES not in second


def test_home_of_is_the_setting_or_the_profiles_own() -> None:
    demo = profile()
    assert home_of(demo, settings_of(demo)) == "/opt/app"
    assert home_of(demo, settings_of(demo, {"ENTRYPOINT_HOME": "/srv"})) == "/srv"


def test_looked_at_says_why_a_properties_file_gave_nothing() -> None:
    layers = {PROPERTIES: [("other", "1", 1)]}
    setting = get(settings_of(profile(), {}, [shipped(PROPERTIES)], layers), "url")
    assert setting.looked_at[-1] == f"{PROPERTIES} (no app.url)"


def test_built_in_defaults_fit_their_types() -> None:
    for name in BUILTIN:
        assert default_problems(built_in(name)) == ()


def test_a_default_that_does_not_fit_is_told_with_its_line() -> None:
    (problem,) = default_problems(profile(DEMO.replace("default: 8080", "default: 80800")))
    assert (problem.id, problem.details[0]) == ("setting-invalid", ("where", "demo.yaml:5"))


def test_kafka_defaults_follow_each_other() -> None:
    settings = settings_of(built_in("kafka"), {"KAFKA_CONTROLLER_PORT": "19093"})
    assert get(settings, "listeners").text == "PLAINTEXT://:9092,CONTROLLER://:19093"
    assert get(settings, "controller.quorum.voters").text == "1@localhost:19093"


BOUNDED = """\
profile: demo
home: /opt/app
settings:
  number: {env: NUMBER, property: app.number, type: int, below: count}
  count: {env: COUNT, property: app.count, type: int, description: How many there are}
files:
  app.properties: {properties: '{home}/conf/app.properties', target: '{run}/app.properties'}
java: {main: M}
"""


@pytest.mark.parametrize(
    ("number", "count", "fits"),
    [("4", "5", True), ("5", "5", False), ("10", "9", False), ("-1", "0", True), ("7", "", True)],
)
def test_a_number_stays_below_its_bound_where_there_is_one(
    number: str, count: str, fits: bool
) -> None:
    environment = {"NUMBER": number} | ({"COUNT": count} if count else {})
    if fits:
        assert get(settings_of(profile(BOUNDED), environment), "number").text == number
        return
    (problem,) = problems_of(profile(BOUNDED), environment)
    assert (problem.id, dict(problem.details)) == (
        "setting-beyond",
        {
            "where": "$NUMBER",
            "value": number,
            "expected": f"a number below {count} ($COUNT)",
            "fix": "lower it, or raise COUNT:\nHow many there are",
        },
    )


def test_a_bound_with_a_java_placeholder_is_not_compared() -> None:
    layers = {PROPERTIES: [("app.count", "${n}", 1)]}
    found = settings_of(profile(BOUNDED), {"NUMBER": "5"}, [shipped(PROPERTIES)], layers)
    assert get(found, "count").text == "${n}"


def test_a_bound_that_is_secret_is_not_told() -> None:
    text = BOUNDED.replace("type: int, description", "type: int, secret: true, description")
    (problem,) = problems_of(profile(text), {"NUMBER": "77", "COUNT": "53"})
    assert "53" not in format_problem(problem) and MASK in format_problem(problem)
