from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from profiles import BUILTIN, loaded, over, problems, told

from entrypoint.errors import ProblemsError, format_problems
from entrypoint.profile.load import load
from entrypoint.profile.schema import OptionSpec, Place, Profile, SettingSpec, StopSpec

MINIMAL = "profile: mine\njava: {main: com.example.Main}\n"


def setting(profile: Profile, name: str) -> SettingSpec:
    return next(spec for spec in profile.settings if spec.name == name)


@pytest.mark.parametrize("name", sorted(BUILTIN))
def test_every_built_in_profile_loads(name: str) -> None:
    profile = load([(f"{name}.yaml", BUILTIN[name])], BUILTIN)
    assert profile.name == name
    assert profile.sources[0] == "base.yaml"
    assert profile.sources[-1] == f"{name}.yaml"


def test_otter_manager_is_read_as_it_is_written() -> None:
    profile = over("otter-manager")
    assert profile.version == "4.2.18"
    assert profile.home == "/opt/otter-manager"
    assert profile.java is not None
    assert profile.java.main == "com.alibaba.otter.manager.deployer.OtterManagerLauncher"
    assert profile.java.jar == ""
    assert profile.java.supported == "8"
    assert profile.memory.classes == 12000
    assert [gate.name for gate in profile.gates] == ["mysql", "zookeeper"]
    assert [check.name for check in profile.checks] == [
        "monitor-ok",
        "channel-list",
        "communication",
    ]
    assert dict(profile.ports) == {"http": "{http.port}", "communication": "{communication.port}"}
    assert [spec.mode for spec in profile.files] == [0o600, 0o644]
    assert [exit_.code for exit_ in profile.exits] == [0]
    password = setting(profile, "database.password")
    assert (password.secret, password.required, password.env) == (
        True,
        True,
        "OTTER_DATABASE_PASSWORD",
    )


def test_places_name_file_and_line() -> None:
    text = BUILTIN["otter-manager"]
    line = 1 + text[: text.index("\n  http.port:\n")].count("\n") + 1
    spec = setting(over("otter-manager"), "http.port")
    assert spec.place == Place("otter-manager.yaml", line)
    assert spec.default_place == Place("otter-manager.yaml", line + 4)


def test_base_is_extended_where_nothing_is() -> None:
    profile = loaded(MINIMAL)
    assert setting(profile, "entrypoint.run-dir").default == "/run/entrypoint"
    assert profile.sources == ("base.yaml", "mine.yaml")
    assert [step.action for step in profile.stop] == ["drain", "TERM", "thread-dump", "KILL"]


def test_an_overlay_changes_one_value_and_leaves_the_rest() -> None:
    profile = over("otter-manager", "settings:\n  http.port:\n    default: 9090\n")
    spec = setting(profile, "http.port")
    assert (spec.default, spec.type, spec.env) == ("9090", "port", "OTTER_PORT")
    assert spec.place.file == "otter-manager.yaml"
    assert spec.default_place == Place("over1.yaml", 3)
    assert profile.sources[-1] == "over1.yaml"


def test_a_later_overlay_wins() -> None:
    first, second = "home: /one\n", "profile: kafka\nhome: /two\n"
    assert over("kafka", first, second).home == "/two"
    assert over("kafka", second, first).home == "/one"


def test_null_takes_an_entry_away() -> None:
    profile = over("kafka", "checks: {client-port: null}\nports: null\n")
    assert profile.checks == ()
    assert profile.ports == ()


def test_null_takes_a_default_away() -> None:
    spec = setting(over("kafka", "settings: {data.dir: {default: }}\n"), "data.dir")
    assert (spec.default, spec.default_place) == (None, None)


def test_lists_replace() -> None:
    ladder = "stop: [{signal: INT, wait: 1s}, {signal: KILL, wait: 1s}]\n"
    profile = over("kafka", ladder)
    place = Place("over1.yaml", 1)
    assert profile.stop == (StopSpec("INT", "1s", place), StopSpec("KILL", "1s", place))


def test_java_options_of_an_overlay_come_after_those_below() -> None:
    profile = over("kafka", "java: {options: [-Xss1m, {jdk: 17-, options: [-XX:+UseZGC]}]}\n")
    assert profile.java is not None
    place = Place("over1.yaml", 1)
    assert profile.java.options[-2:] == (
        OptionSpec(("-Xss1m",), place),
        OptionSpec(("-XX:+UseZGC",), place, jdk="17-"),
    )
    assert profile.java.options[0].options == ("-XX:+ExitOnOutOfMemoryError",)


def test_options_can_be_taken_away_and_given_anew() -> None:
    profile = over("kafka", "java: {options: null}\n", "java: {options: [-Xss1m]}\n")
    assert profile.java is not None
    assert [option.options for option in profile.java.options] == [("-Xss1m",)]


def test_another_alternative_takes_the_place_of_the_one_below() -> None:
    profile = over(
        "kafka",
        "java: {jar: /k.jar}\n"
        "checks: {client-port: {http: {url: 'http://127.0.0.1:1/'}}}\n"
        "files: {log4j.properties: {copy: /etc/log4j}}\n",
    )
    assert profile.java is not None
    assert (profile.java.main, profile.java.jar) == ("", "/k.jar")
    assert (profile.checks[0].kind, profile.checks[0].timeout) == ("http", "1s")
    assert next(f.kind for f in profile.files if f.name == "log4j.properties") == "copy"


def test_main_over_profile_jvm_leaves_no_jar() -> None:
    profile = loaded("profile: mine\nextends: jvm\njava: {main: com.example.Main}\n")
    assert profile.java is not None
    assert (profile.java.main, profile.java.jar) == ("com.example.Main", "")


def test_extends_finds_a_given_text() -> None:
    team = "profile: team\nextends: jvm\nhome: /team\n"
    profile = loaded("profile: mine\nextends: team\njava: {main: M}\n", team, "version: '2'\n")
    assert (profile.name, profile.home, profile.version) == ("mine", "/team", "2")
    assert profile.sources == ("base.yaml", "jvm.yaml", "over1.yaml", "mine.yaml", "over2.yaml")


def test_extends_in_a_circle_is_refused() -> None:
    (problem,) = problems("profile: mine\nextends: mine\n")
    assert told(problem) == (
        "profile-cycle",
        "mine.yaml:2",
        "profiles extend each other in a circle",
    )
    (problem,) = problems("profile: mine\nextends: team\n", "profile: team\nextends: mine\n")
    assert dict(problem.details)["value"] == "mine → team → mine"


def test_an_unknown_profile_is_told_with_the_one_that_was_meant() -> None:
    (problem,) = problems("profile: mine\nextends: otter-manger\n")
    assert told(problem)[:2] == ("profile-unknown", "mine.yaml:2")
    assert dict(problem.details)["fix"] == 'did you mean "otter-manager"?'


def test_an_overlay_of_another_profile_is_refused() -> None:
    (problem,) = problems(MINIMAL, "profile: other\n")
    assert told(problem)[:2] == ("profile-unknown", "over1.yaml:1")


def test_a_profile_needs_a_name() -> None:
    (problem,) = problems("java: {main: M}\n")
    assert told(problem) == ("profile-missing-key", "mine.yaml:1", "mine.yaml has no name")


def test_all_problems_of_all_files_come_at_once_in_order() -> None:
    found = problems("profile: mine\njava: {mian: M}\nhome: x\n", "setings: {}\nhome: [\n")
    assert [told(problem)[:2] for problem in found] == [
        ("profile-unknown-key", "mine.yaml:2"),
        ("profile-invalid-value", "mine.yaml:3"),
        ("profile-syntax", "over1.yaml:3, column 1"),
    ]


def test_problems_come_even_where_extends_leads_nowhere() -> None:
    found = problems("profile: mine\nsettigns: {}\nextends: nowhere\n")
    assert [problem.id for problem in found] == ["profile-unknown-key", "profile-unknown"]


def test_the_text_of_the_problems_is_what_a_person_reads() -> None:
    with pytest.raises(ProblemsError) as caught:
        loaded(
            "profile: mine\njava: {main: M, suported: 8}\nchecks: {a: {tcp: {}, for: [ready]}}\n"
        )
    text = re.sub(r" {3,}(?=\[)", "  ", format_problems(caught.value.problems))
    assert text == (
        "entrypoint: 3 problems in the configuration, nothing was started\n"
        'entrypoint: unknown key "suported" in java  [profile-unknown-key]\n'
        "  where     mine.yaml:2\n"
        '  fix       did you mean "supported"?\n'
        "entrypoint: checks.a.tcp lacks address  [profile-missing-key]\n"
        "  where     mine.yaml:3\n"
        "entrypoint: checks.a.for[1] has a wrong value  [profile-invalid-value]\n"
        "  where     mine.yaml:3\n"
        "  value     ready\n"
        "  expected  startup, readiness, liveness\n"
        '  fix       did you mean "readiness"?\n'
    )


def test_all_settings_can_not_be_taken_away() -> None:
    found = problems(MINIMAL + "settings: null\nstop: [{signal: KILL, wait: 1s}]\n")
    assert [told(problem)[:2] for problem in found] == [("profile-conflict", "mine.yaml:3")]


def test_importing_the_loader_does_not_import_yaml() -> None:
    code = "import sys, entrypoint.profile.load; sys.exit('yaml' in sys.modules)"
    root = os.path.join(os.path.dirname(__file__), "..", "..", "..")
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
