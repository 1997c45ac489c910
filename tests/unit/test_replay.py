"""A recording is read back as it was written, and what is none is told."""

from __future__ import annotations

import pytest
import yaml

from entrypoint import replay, sources
from entrypoint.errors import ProblemsError
from entrypoint.plan import build
from entrypoint.plan.explain import explain_plan
from entrypoint.settings.model import Facts, FileInput, Inputs
from entrypoint.values import MASK

BUILTIN = sources.builtin_profiles()
HOME = "/usr/lib/jvm/java"
FACTS = Facts(
    hostname="app-0",
    memory_limit=1 << 30,
    cpus=1.5,
    java_home=HOME,
    java=f"{HOME}/bin/java",
    release_text='JAVA_VERSION="17.0.15"\n',
    archives=(("jvm-17.0.15-1.jsa", 1000),),
    class_path="abc",
    class_path_jars=("/app/a.jar",),
)


def found_of(inputs: Inputs) -> build.Found:
    profile = sources.merge([("jvm.yaml", BUILTIN["jvm"])])
    return build.resolve(profile, inputs, FACTS, {})


def test_a_recording_makes_the_same_plan_again() -> None:
    inputs = Inputs(
        (("APP_JAR", "/app/a.jar"), ("JAVA_OPTIONS", "-Dno.text=\udcff\udc80"), ("JAVA_X", "é\n")),
        (FileInput("/run/config/entrypoint.log.level", b"warning\n", True),),
        (("stop.timeout", "5s"),),
        ("--one", "two words"),
    )  # fmt: skip
    found = found_of(inputs)
    text = yaml.safe_dump(replay.dump(found, [("jvm.yaml", BUILTIN["jvm"])]), allow_unicode=True)
    text.encode()
    again = replay.load(text, BUILTIN, lambda _: "")
    assert again.facts == FACTS
    assert dict(again.inputs.environment)["JAVA_OPTIONS"] == "-Dno.text=\udcff\udc80"
    assert explain_plan(build.build(again)) == explain_plan(build.build(found))


@pytest.mark.parametrize(
    ("given", "recorded"),
    [
        ("-Dshop.password=hunter2 -Dx=1", f"-Dshop.password={MASK} -Dx=1"),
        ("-Durl=http://shop:hunter2@pod/", f"-Durl=http://shop:{MASK}@pod/"),
        ("-Dx=what-hides-in-a-variable", f"-Dx={MASK}"),
    ],
)
def test_a_secret_that_is_set_on_the_command_line_is_not_recorded(
    given: str, recorded: str
) -> None:
    """What a setting hides is refused there; a password inside of another value is not."""
    environment = (("APP_JAR", "/a.jar"), ("ENTRYPOINT_TOKEN", "what-hides-in-a-variable"))
    found = found_of(Inputs(environment, assignments=(("java.options", given),)))
    recording = replay.dump(found, [("jvm.yaml", BUILTIN["jvm"])])
    assert recording["set"] == {"java.options": recorded}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"facts": {"uid": "root"}}, "facts.uid"),
        ({"facts": {"uid": -1}}, "facts.uid"),
        ({"facts": {"memory_limit": True}}, "facts.memory_limit"),
        ({"facts": {"archives": [["a"]]}}, "facts.archives"),
        ({"facts": {"class_path_jars": "a"}}, "class_path_jars is no list"),
        ({"environment": ["a"]}, "no mapping"),
        ({"environment": {"a": ["b"]}}, "a list or mapping where a text belongs"),
        ({"files": [{"content": "x"}]}, "path is no text"),
        ({"profile": []}, "no profile"),
        ({"profile": ["x"]}, "no mapping"),
        ({"arguments": {"a": 1}}, "arguments is no list"),
    ],
)
def test_what_is_no_recording_says_where(change: dict[str, object], says: str) -> None:
    good = replay.dump(found_of(Inputs((("APP_JAR", "/a.jar"),))), [("jvm.yaml", BUILTIN["jvm"])])
    with pytest.raises(ProblemsError) as caught:
        replay.load(yaml.safe_dump(good | change), BUILTIN, lambda _: "")
    (problem,) = caught.value.problems
    assert problem.id == "recording-invalid"
    assert says in dict(problem.details)["says"]


def test_aliases_and_depth_are_refused() -> None:
    for text, says in (("a: &a [1]\nb: *a\n", "alias"), ("a: " + "[" * 50 + "]" * 50, "levels")):
        with pytest.raises(ProblemsError) as caught:
            replay.load(text, BUILTIN, lambda _: "")
        assert says in dict(caught.value.problems[0].details)["says"]
