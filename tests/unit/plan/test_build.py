"""Decisions of the plan that a golden file would show but not explain."""

from __future__ import annotations

import pytest

from entrypoint import sources as own
from entrypoint.errors import ProblemsError
from entrypoint.plan import build
from entrypoint.plan.document import plan_document
from entrypoint.plan.model import CheckPlan, Plan
from entrypoint.profile.load import load
from entrypoint.records import replace
from entrypoint.settings.model import Facts, FileInput, Inputs
from entrypoint.values import Secret

FACTS = Facts(
    hostname="otter-0",
    java_home="/jdk",
    java="/jdk/bin/java",
    release_text='JAVA_VERSION="17.0.15"\n',
)
MANAGER = {
    "OTTER_DATABASE_URL": "jdbc:mysql://db:3306/otter",
    "OTTER_DATABASE_USERNAME": "otter",
    "OTTER_DATABASE_PASSWORD": "hunter2-hunter2",
    "OTTER_ZOOKEEPER_SERVERS": "zk:2181",
}


def plan(name: str, environment: dict[str, str], overlay: str = "", **more: object) -> Plan:
    builtin = own.builtin_profiles()
    sources = [(f"{name}.yaml", builtin[name]), ("/o.yaml", overlay)]
    profile = load(sources if overlay else sources[:1], builtin)
    inputs = replace(Inputs(tuple(environment.items())), **more)
    names = build.template_names(profile, inputs, FACTS.hostname)
    texts = {name: own.template_text(name) for name in names}
    return build.build(build.resolve(profile, inputs, FACTS, texts))


def manager(environment: dict[str, str] | None = None, **more: object) -> Plan:
    return plan("otter-manager", MANAGER | (environment or {}), "java: {supported: 8-25}", **more)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("jdbc:mysql://db/shop?useSSL=false", "db:3306/shop"),
        ("jdbc:mariadb://otter:hunter2-hunter2@a,b:3307/shop", "a:3306,b:3307/shop"),
        ("jdbc:mysql+srv://u:hunter2-hunter2@db/shop?password=x", "db/shop"),
    ],
)
def test_the_gate_of_a_database_names_the_port_that_it_asks(url: str, target: str) -> None:
    gates = manager({"OTTER_DATABASE_URL": url}).launch.gates
    assert [gate.target for gate in gates if gate.kind == "mysql"] == [target]


def session(environment: dict[str, str]) -> CheckPlan:
    node = {
        "OTTER_NID": "7",
        "OTTER_MANAGER_ADDRESS": "m:1099",
        "OTTER_ZOOKEEPER_SERVERS": "zk:2181",
    }
    checks = plan("otter-node", node | environment).launch.checks
    return next(check for check in checks if check.name == "session")


def test_a_node_whose_session_is_lost_is_not_live_by_default() -> None:
    assert session({}).roles == ("startup", "readiness", "liveness")
    assert session({}).lost_after == 120.0
    assert session({"OTTER_ZOOKEEPER_SESSION_LOST_AFTER": "5m"}).lost_after == 300.0


def test_lost_after_zero_takes_liveness_away_and_nothing_else() -> None:
    never = session({"OTTER_ZOOKEEPER_SESSION_LOST_AFTER": "0s"})
    assert never == replace(session({}), roles=("startup", "readiness"), lost_after=None)


def test_a_check_that_is_left_with_no_role_is_left_out() -> None:
    overlay = """
        checks: {up: {http: {url: http://h/}, for: [liveness], lost-after: 0s}}
    """
    made = plan("jvm", {"APP_JAR": "/app.jar"}, overlay)
    assert made.launch.checks == ()
    assert [(note.text, note.origin) for note in made.left_out if "up" in note.text] == [
        ("check up", "its lost-after is 0s")
    ]


def test_java_does_not_get_the_variable_of_a_secret_that_goes_into_a_file() -> None:
    environment = dict(manager({"TZ": "Asia/Shanghai"}).launch.environment)
    assert "OTTER_DATABASE_PASSWORD" not in environment
    assert environment["TZ"] == "Asia/Shanghai"


def test_secrets_stay_secrets_in_checks_files_and_documents() -> None:
    made = manager()
    gate = next(gate for gate in made.launch.gates if gate.name == "mysql")
    assert gate.argument("password") == Secret("hunter2-hunter2")
    assert "hunter2" not in repr(made)
    assert "hunter2" not in str(plan_document(made))
    properties = next(file for file in made.files if file.target.endswith("otter.properties"))
    assert b"hunter2-hunter2" in properties.content
    assert properties.mode == 0o600


def test_a_secret_that_the_user_puts_on_the_command_line_is_said() -> None:
    made = manager({"JAVA_OPTIONS": "-Dpw=hunter2-hunter2"})
    assert any("database.password" in note.text for note in made.notes)


def test_the_digest_changes_with_what_java_sees_and_only_with_that() -> None:
    first = manager().launch.digest
    assert manager({"UNRELATED": "1"}).launch.digest == first
    assert manager({"OTTER_PORT": "8081"}).launch.digest != first
    assert manager({"OTTER_DATABASE_PASSWORD": "other"}).launch.digest != first
    assert manager({"JAVA_OPTIONS": "-Xmx64m"}).launch.digest != first


def test_a_ladder_that_is_longer_than_the_grace_period_is_said() -> None:
    assert not [note for note in manager().notes if "stop ladder" in note.text]
    noted = manager({"ENTRYPOINT_GRACE_PERIOD": "10s"}).notes
    assert any("stop ladder takes up to 23s" in note.text for note in noted)


def test_the_grace_period_has_to_be_enough_for_telling_how_it_ended_too() -> None:
    enough = manager({"ENTRYPOINT_GRACE_PERIOD": "25s"}).notes
    assert not [note for note in enough if "stop ladder" in note.text]
    noted = manager({"ENTRYPOINT_GRACE_PERIOD": "24s"}).notes
    assert any("telling how it ended 2s" in note.text for note in noted)


def test_the_rendered_folder_comes_first_on_the_class_path() -> None:
    argv = manager().launch.argv
    assert argv[argv.index("-cp") + 1].startswith("/run/entrypoint/conf:")


def test_the_applications_arguments_come_last() -> None:
    made = plan("jvm", {"APP_JAR": "/app.jar"}, arguments=("--port", "two words"))
    assert made.launch.argv[-4:] == ("-jar", "/app.jar", "--port", "two words")


def test_keys_of_the_mounted_file_that_no_setting_knows_survive() -> None:
    text = b"custom.key = ${java.home}\n# a comment\notter.port=9\n"
    file = FileInput("/opt/otter-manager/conf/otter.properties", text, mounted=True)
    made = manager({"OTTER_PORT": "8081"}, files=(file,))
    content = next(f for f in made.files if f.target.endswith("otter.properties")).content
    assert content.startswith(b"custom.key = ${java.home}\n# a comment\notter.port=8081\n")


def test_problems_of_independent_parts_come_together() -> None:
    with pytest.raises(ProblemsError) as raised:
        manager({"JAVA_OPTIONS": "-Xmx64m -Xms128m"})
    assert [problem.id for problem in raised.value.problems] == ["jvm-heap-sizes"]
    with pytest.raises(ProblemsError) as raised:
        plan("jvm", {"APP_JAR": "/a", "APP_MAIN": "B"})
    assert raised.value.problems[0].id == "program-unclear"
