"""What protects the port, from settings to the plan."""

from __future__ import annotations

import pytest

from entrypoint import sources as own
from entrypoint.errors import ProblemsError
from entrypoint.plan import build
from entrypoint.plan.document import plan_document
from entrypoint.plan.explain import Style, explain_plan
from entrypoint.plan.model import Plan, Protection
from entrypoint.profile.load import load
from entrypoint.settings.model import Facts, FileInput, Inputs
from entrypoint.values import Secret

TOKEN = "correct-horse-battery"
FACTS = Facts(java_home="/jdk", java="/jdk/bin/java", release_text='JAVA_VERSION="17.0.15"\n')


def plan(files: tuple[FileInput, ...] = (), **variables: str) -> Plan:
    environment = {"APP_MAIN": "example.Main"} | variables
    profile = load([("jvm.yaml", own.builtin_profiles()["jvm"])], own.builtin_profiles())
    inputs = Inputs(tuple(environment.items()), files)
    return build.build(build.resolve(profile, inputs, FACTS, {}))


def problems(files: tuple[FileInput, ...] = (), **variables: str) -> ProblemsError:
    with pytest.raises(ProblemsError) as caught:
        plan(files, **variables)
    return caught.value


def test_by_default_nothing_is_asked_for() -> None:
    assert plan().launch.protection == Protection()


def test_a_token_from_a_variable_is_a_secret_and_java_does_not_get_it() -> None:
    made = plan(ENTRYPOINT_TOKEN=TOKEN)
    assert made.launch.protection == Protection(Secret(TOKEN))
    assert "ENTRYPOINT_TOKEN" not in dict(made.launch.environment)
    assert TOKEN not in repr(made) and TOKEN not in str(plan_document(made))
    assert made.launch.digest == plan().launch.digest


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"ENTRYPOINT_LISTEN": "off", "ENTRYPOINT_TOKEN": TOKEN}, "off"),
        ({}, "0.0.0.0:9404   /startupz /readyz /livez /metrics"),
        ({"ENTRYPOINT_TOKEN": TOKEN}, "/metrics   all but probes: token"),
        (
            {
                "ENTRYPOINT_TOKEN": TOKEN,
                "ENTRYPOINT_TLS_CERT_FILE": "/a.crt",
                "ENTRYPOINT_TLS_KEY_FILE": "/a.key",
            },
            "/metrics   all but probes: token and TLS",
        ),
    ],
)
def test_a_person_reads_in_the_plan_what_protects_the_port(
    variables: dict[str, str], told: str
) -> None:
    lines = explain_plan(plan(**variables), Style()).splitlines()
    (row,) = [line for line in lines if line.startswith("Probes ")]
    assert row.endswith(f" {told}")
    assert len(row) <= 100


@pytest.mark.parametrize(
    ("path", "variables"),
    [
        ("/run/secrets/entrypoint.token", {}),
        ("/run/secrets/ENTRYPOINT_TOKEN", {}),
        ("/etc/token (odd)", {"ENTRYPOINT_TOKEN_FILE": "/etc/token (odd)"}),
        ("/run/config/entrypoint.token", {}),
    ],
)
def test_a_token_from_a_file_is_read_again_there(path: str, variables: dict[str, str]) -> None:
    made = plan((FileInput(path, TOKEN.encode() + b"\n", mounted=True),), **variables)
    assert made.launch.protection == Protection(Secret(TOKEN), path)


@pytest.mark.parametrize(
    "text", ["fifteen-letters", "with a blank inside", "x" * 513, "ünïcödé-ünïcödé-x"]
)
def test_a_weak_token_is_a_problem_that_does_not_show_it(text: str) -> None:
    error = problems(ENTRYPOINT_TOKEN=text)
    (problem,) = error.problems
    assert (problem.id, error.exit_code) == ("token-weak", 78)
    assert text not in str(problem)


def test_it_is_told_together_with_other_problems() -> None:
    found = problems(ENTRYPOINT_TOKEN="short", JAVA_OPTIONS="-Xmx99999g -Xms1x").problems
    assert "token-weak" in {problem.id for problem in found}
    assert len(found) > 1


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ("ENTRYPOINT_TLS_CERT_FILE", "ENTRYPOINT_TLS_KEY_FILE"),
        ("ENTRYPOINT_TLS_KEY_FILE", "ENTRYPOINT_TLS_CERT_FILE"),
    ],
)
def test_half_of_a_key_pair_is_a_problem(given: str, missing: str) -> None:
    (problem,) = problems(**{given: "/tls/x"}).problems
    assert problem.id == "setting-missing"
    assert dict(problem.details)["where"] == f"${missing}"


def test_a_key_in_place_of_its_path_is_not_shown() -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIHunter2\n-----END PRIVATE KEY-----\n"
    found = problems(ENTRYPOINT_TLS_KEY_FILE=key, ENTRYPOINT_TLS_CERT_FILE="/tls/tls.crt").problems
    assert found and "Hunter2" not in str(found)


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, True),
        ({"ENTRYPOINT_LISTEN": "127.0.0.1:9404"}, False),
        ({"ENTRYPOINT_LISTEN": "off"}, False),
        ({"ENTRYPOINT_TLS_CERT_FILE": "/c", "ENTRYPOINT_TLS_KEY_FILE": "/k"}, False),
    ],
)
def test_a_token_in_the_clear_is_noted(variables: dict[str, str], told: bool) -> None:
    notes = [note.text for note in plan(ENTRYPOINT_TOKEN=TOKEN, **variables).notes]
    assert any("in the clear" in text for text in notes) is told
