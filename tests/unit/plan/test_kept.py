"""What PID 1 is told of a launch, and what it is not."""

from __future__ import annotations

from pickle import dumps

import pytest

from entrypoint.plan.kept import kept
from entrypoint.plan.model import CheckPlan, Launch, Protection, Registration
from entrypoint.records import replace
from entrypoint.values import MASK, Secret, SecretDigest

SALT = b"a salt"
TOKEN = "correct-horse-battery"
ARGUMENTS = (("url", "jdbc:mysql://db/shop"), ("password", Secret("staple")))
DOOR = CheckPlan("door", "mysql", "db:3306/shop", ARGUMENTS, ("gate",), pending=True)
AT = Registration("otter", "http://manager:8080", ARGUMENTS, ("nid",), at_most=5.0)
LAUNCH = Launch("shop", "12345678", "java", ("java",), "/", (("PASSWORD", "given"),))


def test_a_gate_is_shown_by_pid_1_and_asked_by_the_helper() -> None:
    told = kept(replace(LAUNCH, gates=(DOOR,)), SALT)
    assert told == replace(LAUNCH, gates=(replace(DOOR, arguments=()),))


def test_a_check_keeps_what_it_asks_with_and_java_what_it_is_started_with() -> None:
    launch = replace(LAUNCH, checks=(replace(DOOR, roles=("readiness",)),))
    assert kept(launch, SALT) == launch


@pytest.mark.parametrize("resumes", [True, False])
def test_a_registration_keeps_its_password_where_it_is_left_at_the_end(resumes: bool) -> None:
    registration = replace(AT, resumes=resumes)
    told = kept(replace(LAUNCH, registration=registration), SALT).registration
    assert told == (registration if resumes else replace(registration, arguments=()))


def test_the_token_is_told_as_its_digest() -> None:
    protection = Protection(Secret(TOKEN), "/run/token", "/tls.crt", "/tls.key")
    told = kept(replace(LAUNCH, protection=protection), SALT)
    assert told.protection == replace(protection, token=SecretDigest.of(TOKEN, SALT))
    assert TOKEN.encode() not in dumps(told)


@pytest.mark.parametrize("token", [None, Secret(MASK)])
def test_what_is_no_token_stays_what_it_is(token: Secret | None) -> None:
    launch = replace(LAUNCH, protection=Protection(token))
    assert kept(launch, SALT) == launch
