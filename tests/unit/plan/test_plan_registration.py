"""A setting that somebody else assigns: what the plan says before, and what comes of it after."""

from __future__ import annotations

import pytest

from entrypoint import sources as own
from entrypoint.errors import EXIT_CONFIG, ProblemsError
from entrypoint.plan import build
from entrypoint.plan.document import plan_document
from entrypoint.plan.explain import explain_plan
from entrypoint.plan.explain_settings import explain_setting, explain_settings
from entrypoint.plan.model import Plan
from entrypoint.profile.load import load
from entrypoint.settings.model import Facts, Inputs
from entrypoint.values import Secret

PASSWORD = "hunter2-hunter2"
NODE = {
    "OTTER_MANAGER_ADDRESS": "otter-manager:1099",
    "OTTER_MANAGER_URL": "http://otter-manager:8080",
    "OTTER_MANAGER_PASSWORD": PASSWORD,
    "OTTER_ZOOKEEPER_SERVERS": "zk:2181",
}
FACTS = Facts(
    hostname="otter-node-3",
    java_home="/jdk",
    java="/jdk/bin/java",
    release_text='JAVA_VERSION="17.0.15"\n',
)


def found(**changed: str) -> build.Found:
    builtin = own.builtin_profiles()
    profile = load([("otter-node.yaml", builtin["otter-node"])], builtin)
    environment = {name: text for name, text in (NODE | changed).items() if text}
    inputs = Inputs(tuple(environment.items()))
    names = build.template_names(profile, inputs, FACTS.hostname)
    texts = {name: own.template_text(name) for name in names}
    return build.resolve(profile, inputs, FACTS, texts)


def plan(**changed: str) -> Plan:
    return build.build(found(**changed))


def test_a_required_setting_that_is_assigned_is_pending_and_not_missing() -> None:
    made = plan()
    asked = made.launch.registration
    assert asked is not None
    assert asked.pending == (
        "nid", "node.address", "node.port", "node.download-port", "node.mbean-port",
    )  # fmt: skip
    assert dict(asked.arguments)["nid"] == ""
    assert dict(asked.arguments)["name"] == "otter-node-3"
    assert "-Dnid=<nid>" in made.launch.argv
    assert made.launch.ports == (), "nobody knows yet which"
    pending = {gate.name for gate in made.launch.gates if gate.pending}
    assert pending == {"old-session"}


def test_without_the_one_who_assigns_it_is_missing() -> None:
    with pytest.raises(ProblemsError) as error:
        plan(OTTER_MANAGER_URL="")
    (problem,) = error.value.problems
    assert problem.id == "setting-missing" and '"nid"' in problem.what


def test_the_plan_says_who_assigns_what() -> None:
    made = plan()
    text = explain_plan(made)
    assert "Registers      otter at http://otter-manager:8080   at most 2m\n" in text
    assert "               assigns nid, node.address, node.port, node.download-port" in text
    assert max(map(len, text.partition("Registers")[2].partition("Before")[0].splitlines())) <= 100
    assert "what ran at the stop is resumed when ready" in text
    assert "leave, 5s → TERM" in text
    nid = next(one for one in made.settings if one.spec.name == "nid")
    said = "assigned at start by otter at http://otter-manager:8080"
    assert said in explain_setting(nid)
    assert said in explain_settings([nid])
    document = plan_document(made)
    assert document["registration"] == {
        "with": "otter", "target": "http://otter-manager:8080", "at-most": 120.0, "resumes": True,
        "assigns": ["nid", "node.address", "node.port", "node.download-port", "node.mbean-port"],
        "pending": ["nid", "node.address", "node.port", "node.download-port", "node.mbean-port"],
    }  # fmt: skip


def test_the_password_is_for_the_integration_alone() -> None:
    made = plan()
    asked = made.launch.registration
    assert asked is not None
    assert dict(asked.arguments)["password"] == Secret(PASSWORD)
    assert PASSWORD not in explain_plan(made) + repr(made) + str(plan_document(made))
    assert "OTTER_MANAGER_PASSWORD" not in dict(made.launch.environment)


def test_a_password_in_the_url_is_masked_wherever_the_url_is_shown() -> None:
    made = plan(OTTER_MANAGER_URL=f"http://admin:{PASSWORD}@otter-manager:8080")
    shown = explain_plan(made) + explain_settings(made.settings) + str(plan_document(made))
    assert PASSWORD not in shown


def test_what_is_assigned_becomes_the_value_with_its_origin() -> None:
    assigned = build.assign(
        found(),
        {"nid": "7", "node.address": "n.svc", "node.port": "2088"},
        "node list of http://otter-manager:8080",
    )
    made = build.build(assigned)
    assert "-Dnid=7" in made.launch.argv
    assert "-Djava.rmi.server.hostname=n.svc" in made.launch.argv
    assert made.launch.ports == (("node", 2088),)
    gate = next(gate for gate in made.launch.gates if gate.name == "old-session")
    assert gate.argument("path") == "/otter/node/7" and not gate.pending
    nid = next(one for one in made.settings if one.spec.name == "nid")
    assert str(nid.origin) == "registration node list of http://otter-manager:8080"
    asked = made.launch.registration
    assert asked is not None and dict(asked.arguments)["nid"] == "7"


def test_a_value_that_was_given_wins() -> None:
    made = build.build(build.assign(found(OTTER_NID="3"), {"nid": "7"}, "node list"))
    assert "-Dnid=3" in made.launch.argv
    asked = plan(OTTER_NID="3").launch.registration
    assert asked is not None and "nid" not in asked.pending
    assert dict(asked.arguments)["nid"] == "3"


def test_ordinals_fix_the_number_and_the_ports() -> None:
    made = plan(OTTER_NID_OFFSET="100", OTTER_NODE_PORT_BASE="30100", OTTER_MANAGER_URL="")
    assert "-Dnid=103" in made.launch.argv
    assert made.launch.ports == (("node", 30109),)
    asked = plan(OTTER_NODE_PORT_BASE="30100").launch.registration
    assert asked is not None
    arguments = dict(asked.arguments)
    assert [arguments[name] for name in ("port", "download-port", "mbean-port")] == [
        "30109", "30110", "30111",
    ]  # fmt: skip
    assert dict(plan(OTTER_NID="5", OTTER_NODE_ORDINAL="9").launch.ports) == {}


def test_a_node_beyond_the_node_ports_is_refused_before_it_registers() -> None:
    assert plan(OTTER_NODE_PORT_COUNT="4").launch.registration is not None
    for changed in (
        {"OTTER_NODE_PORT_COUNT": "3"},
        {"OTTER_NODE_PORT_COUNT": "9", "OTTER_NODE_ORDINAL": "9"},
    ):
        with pytest.raises(ProblemsError) as error:
            plan(**changed)
        (problem,) = error.value.problems
        assert (problem.id, problem.exit_code) == ("setting-beyond", EXIT_CONFIG)
        assert (
            "`entrypoint manifests nodeport --nodes N` makes more" in dict(problem.details)["fix"]
        )


def test_without_a_registration_nobody_leaves() -> None:
    assert plan(OTTER_NID="1", OTTER_MANAGER_URL="").launch.registration is None
    for changed in (
        {"OTTER_NID": "1", "OTTER_MANAGER_URL": ""},
        {"OTTER_NODE_RESUME_CHANNELS": "false"},
    ):
        assert "leave" not in [step.action for step in plan(**changed).launch.stop]


def test_a_missing_nid_names_the_way_to_have_one_assigned() -> None:
    with pytest.raises(ProblemsError) as caught:
        found(OTTER_MANAGER_URL="")
    (problem,) = (one for one in caught.value.problems if '"nid"' in one.what)
    assert "or set OTTER_MANAGER_URL: then it is assigned" in dict(problem.details)["fix"]
