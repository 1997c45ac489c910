from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

import entrypoint
from entrypoint.plan.model import CheckPlan
from entrypoint.profile.schema import CHECK_KINDS
from entrypoint.system.checks import tcp
from entrypoint.system.checks.result import (
    DETAIL_LIMIT,
    CheckFailed,
    CheckResult,
    describe_os_error,
)
from entrypoint.system.checks.run import Kept, run
from entrypoint.values import Secret

SOURCES = os.path.dirname(os.path.dirname(entrypoint.__file__))


@pytest.mark.parametrize("kind", CHECK_KINDS)
def test_every_kind_of_the_schema_is_known(kind: str) -> None:
    """Without any argument, each kind says what it expected; none says that it is unknown."""
    result = run(CheckPlan("x", kind, "x", ()), Kept())
    assert not result.ok
    assert "no such kind" not in result.detail


def test_an_unknown_kind() -> None:
    assert run(CheckPlan("x", "ldap", "x", ()), Kept()).detail == "no such kind of check: ldap"


def test_our_own_mistake_is_a_failed_check(monkeypatch: pytest.MonkeyPatch) -> None:
    def mistake(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(tcp, "ask_tcp", mistake)
    result = run(CheckPlan("x", "tcp", "x", (("address", "h:1"),)), Kept())
    assert (result.ok, result.detail) == (False, "cannot ask: ZeroDivisionError")


def test_any_argument_may_be_secret(ask: Callable[..., CheckResult], refused: str) -> None:
    assert ask("tcp", address=Secret(refused)).detail == "refused"


@given(st.text(max_size=2000))
def test_a_detail_is_one_short_printable_line(text: str) -> None:
    detail = CheckFailed(text).detail
    assert len(detail) <= DETAIL_LIMIT
    assert all(c.isprintable() for c in detail)


def test_errors_of_the_system_have_short_words() -> None:
    assert describe_os_error(ConnectionRefusedError(111, "Connection refused")) == "refused"
    assert describe_os_error(OSError(28, "No space left on device")) == "no space left on device"
    assert describe_os_error(OSError()) == "oserror"


def test_importing_every_check_loads_nothing_heavy() -> None:
    """PID 1 pays for what it imports; ssl, re and PyMySQL come with the check that needs them."""
    modules = ("run", "gates", "periodic", "tcp", "http", "mysql", "zookeeper", "file")
    code = "import sys\n" + "".join(f"import entrypoint.system.checks.{m}\n" for m in modules)
    code += "print(*sys.modules)"
    out = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {SOURCES!r})\n{code}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    heavy = {
        "ssl", "re", "random", "hashlib", "typing", "dataclasses", "logging", "subprocess", "asyncio",
        "pathlib", "urllib", "urllib.parse", "urllib.request", "http.client", "http.server", "json",
        "pymysql", "kazoo", "encodings.idna",
    }  # fmt: skip
    assert heavy.isdisjoint(out)
    assert "entrypoint.system.checks.zookeeper" in out


def test_a_numeric_or_ascii_host_does_not_load_the_idna_tables() -> None:
    code = (
        f"import sys; sys.path.insert(0, {SOURCES!r})\n"
        "from entrypoint.plan.model import CheckPlan\n"
        "from entrypoint.system.checks.run import Kept, run\n"
        "for host in ('127.0.0.1', 'localhost'):\n"
        "    run(CheckPlan('x', 'tcp', 'x', (('address', host + ':1'),)), Kept())\n"
        "print('encodings.idna' in sys.modules, 'unicodedata' in sys.modules)"
    )
    out = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], check=True, capture_output=True, text=True
    ).stdout
    assert out.split() == ["False", "False"]
