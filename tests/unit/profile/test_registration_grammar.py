"""`registration:` and the rung `leave` in a profile: what is taken, and what is wrong."""

from __future__ import annotations

import pytest
from profiles import BUILTIN, problems

from entrypoint.profile.load import load

GOOD = """\
profile: mine
settings:
  id: {env: MY_ID, required: true}
  url: {env: MY_URL, type: url}
java: {main: M}
registration:
  with: otter
  target: "{url}"
  when: url
  assigns: [id]
  resume: "true"
  arguments: {url: "{url}", nid: "{id}"}
stop:
  - leave: 3s
  - {signal: KILL, wait: 1s}
"""


def test_it_is_taken_as_it_stands() -> None:
    found = load([("mine.yaml", GOOD)], BUILTIN)
    asked = found.registration
    assert asked is not None
    assert (asked.integration, asked.target, asked.when) == ("otter", "{url}", "url")
    assert (asked.assigns, asked.resume, asked.at_most) == (("id",), "true", "{gate.timeout}")
    assert asked.arguments == (("url", "{url}"), ("nid", "{id}"))
    assert [(step.action, step.wait) for step in found.stop] == [("leave", "3s"), ("KILL", "1s")]


def test_a_profile_without_it_has_none() -> None:
    assert load([("jvm.yaml", BUILTIN["jvm"])], BUILTIN).registration is None


@pytest.mark.parametrize(
    ("instead", "id_"),
    [
        ("with: oter", "profile-invalid-value"),
        ("with: [otter]", "profile-wrong-type"),
        ("", "profile-missing-key"),
    ],
)
def test_the_integration_is_one_that_there_is(instead: str, id_: str) -> None:
    assert [one.id for one in problems(GOOD.replace("with: otter", instead or "at-most: 5s"))] == [
        id_
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("assigns: [id]", "assigns: [idd]"),
        ("when: url", "when: uri"),
        ('nid: "{id}"', 'nid: "{nothing.here}"'),
    ],
)
def test_its_references_lead_somewhere(old: str, new: str) -> None:
    assert [one.id for one in problems(GOOD.replace(old, new))] == ["profile-unknown-reference"]


def test_leave_is_a_duration_and_waits_for_itself() -> None:
    found = problems(GOOD.replace("- leave: 3s", "- {leave: 3s, wait: 1s}"))
    assert [one.id for one in found] == ["profile-conflict"]
    assert "leave and wait" in found[0].what
    assert [one.id for one in problems(GOOD.replace("leave: 3s", "leave: soon"))] == [
        "profile-invalid-value"
    ]


def test_sums_that_lead_to_themselves_are_a_circle() -> None:
    text = GOOD.replace("id: {env: MY_ID, required: true}", "id: {env: MY_ID, compute: '{id} + 1'}")
    assert "profile-cycle" in [one.id for one in problems(text)]
