"""Advisories and licences of what is locked: a known weakness fails, so does an unknown licence."""

from __future__ import annotations

import json
import stat
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

from scripts.supply import audit, command, locks
from scripts.supply.audit import PERMISSIVE, Verdict
from scripts.supply.locks import BUILD, RUNTIME, Entry, Lock
from scripts.supply.tools import SupplyError, Tools
from supply.conftest import reached

LOCKED = [(lock, one) for lock in (RUNTIME, BUILD) for one in locks.read(lock)]


@pytest.fixture(scope="module")
def verdicts(upkeep: Tools) -> dict[str, Verdict]:
    """What is known of every distribution that ships, or that builds what ships."""
    found = [one for lock in (RUNTIME, BUILD) for one in audit.advisories(upkeep, lock)]
    return {one.name: one for one in found}


@pytest.mark.parametrize("entry", [one for _, one in LOCKED], ids=lambda one: one.name)
def test_nothing_that_is_locked_has_a_known_weakness(
    verdicts: dict[str, Verdict], entry: Entry
) -> None:
    found = verdicts[entry.name]
    assert found.version == entry.version
    if found.unknown:
        pytest.skip(f"{entry.name} {entry.version}: {found.unknown}")
    assert not found.ids, f"{entry.name} {entry.version}: {found.said}"


@pytest.mark.parametrize("lock", [RUNTIME, BUILD], ids=lambda lock: lock.file)
def test_every_licence_is_in_the_list(upkeep: Tools, work: Path, lock: Lock) -> None:
    wheels = reached(lambda: audit.wheels(upkeep, lock, work))
    found = audit.licences(wheels, lock)
    assert {one.name for one in found} == {one.name for one in locks.read(lock)}
    assert not [f"{one.name}: {one.said}" for one in found if not one.allowed]


def tool(folder: Path, name: str, says: str, code: int = 0) -> None:
    """Put a program into a pretended environment of tools."""
    path = folder / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{says}\nEND\nexit {code}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def pretended(folder: Path, audited: list[dict[str, object]], pages: dict[str, object]) -> Tools:
    tool(folder, "pip-audit", json.dumps({"dependencies": audited, "fixes": []}))
    tool(folder, "python", json.dumps({audit.CANARY: {"version": "1", "ids": ["X-1"]}} | pages))
    return Tools(folder)


def everything(**special: dict[str, object]) -> list[dict[str, object]]:
    found = []
    for one in locks.read(RUNTIME):
        plain: dict[str, object] = {"version": one.version, "vulns": []}
        found.append({"name": one.name, **special.get(one.name, plain)})
    return found


def test_a_weakness_is_told(tmp_path: Path) -> None:
    weak = {"version": "3.1.6", "vulns": [{"id": "PYSEC-1", "fix_versions": []}]}
    found = audit.advisories(pretended(tmp_path, everything(jinja2=weak), {}), RUNTIME)
    assert [(one.name, one.ids) for one in found if one.ids] == [("jinja2", ("PYSEC-1",))]


def test_what_pip_audit_leaves_out_is_not_clean(tmp_path: Path) -> None:
    """It ends with 0 and "no known vulnerabilities" when it found nobody to ask."""
    left_out = everything(jinja2={"skip_reason": "not found"}, psutil={"skip_reason": "not found"})
    entries = {one.name: one for one in locks.read(RUNTIME)}
    pages: dict[str, object] = {
        "jinja2": {"version": entries["jinja2"].version, "ids": ["PYSEC-2"]},
        "psutil": {"version": "99.0", "ids": []},
    }
    found = {
        one.name: one for one in audit.advisories(pretended(tmp_path, left_out, pages), RUNTIME)
    }
    assert found["jinja2"].ids == ("PYSEC-2",)
    assert "only about the newest, 99.0" in found["psutil"].unknown
    assert found["pyyaml"].said == "clean"


def test_an_index_without_advisories_makes_everything_unknown(tmp_path: Path) -> None:
    left_out = everything(jinja2={"skip_reason": "not found"})
    version = next(one.version for one in locks.read(RUNTIME) if one.name == "jinja2")
    pages: dict[str, object] = {
        "jinja2": {"version": version, "ids": []},
        audit.CANARY: {"ids": []},
    }
    found = {
        one.name: one for one in audit.advisories(pretended(tmp_path, left_out, pages), RUNTIME)
    }
    assert "pages without advisories" in found["jinja2"].unknown


def test_a_pip_audit_that_fails_leaves_nothing_clean(tmp_path: Path) -> None:
    upkeep = pretended(tmp_path, [], {one.name: {"error": "away"} for one in locks.read(RUNTIME)})
    tool(tmp_path, "pip-audit", "ConnectionError", 1)
    assert all("away" in one.unknown for one in audit.advisories(upkeep, RUNTIME))


def wheel_of(folder: Path, name: str, version: str, *fields: str) -> Path:
    path = folder / f"{name}-{version}-py3-none-any.whl"
    text = "\n".join(
        ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}", *fields, "", ""]
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}-{version}.dist-info/METADATA", text)
    return path


@pytest.mark.parametrize(
    "fields",
    [
        (),
        ("License-Expression: SSPL-1.0",),
        ("License-Expression: MIT AND GPL-3.0-only",),
        ("License: Proprietary",),
        ("Classifier: License :: Other/Proprietary License",),
        ("License-Expression: MPL-2.0",),
    ],
)
def test_a_licence_that_is_not_in_the_list_is_not_allowed(
    tmp_path: Path, fields: tuple[str, ...]
) -> None:
    (version,) = [one.version for one in locks.read(RUNTIME) if one.name == "jinja2"]
    (found,) = audit.licences([wheel_of(tmp_path, "jinja2", version, *fields)], RUNTIME)
    assert not found.allowed and "not allowed" in found.said


def test_a_wheel_that_is_not_in_the_lock_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SupplyError, match=r"jinja2-0.1.* is not in images/requirements.txt"):
        audit.licences([wheel_of(tmp_path, "jinja2", "0.1")], RUNTIME)


@pytest.mark.parametrize(
    ("fields", "expression"),
    [
        (
            "License-Expression: Apache-2.0 OR MIT\nClassifier: License :: Whatever",
            "Apache-2.0 OR MIT",
        ),
        ("Classifier: License :: OSI Approved :: BSD License\nLicense: BSD", "BSD-3-Clause"),
        ("License: MIT", "MIT"),
        ("License: a very long text that somebody pasted, of more than sixty characters", ""),
        ("Name: x", ""),
    ],
)
def test_where_a_licence_stands(fields: str, expression: str) -> None:
    assert audit.licence_of(HeaderParser().parsestr(f"{fields}\n\n")) == expression


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("Apache-2.0 AND (BSD-2-Clause OR MIT)", True),
        ("MIT OR GPL-3.0-only", False),
        ("Apache-2.0 WITH LLVM-exception", False),
        ("", False),
    ],
)
def test_expressions(expression: str, allowed: bool) -> None:
    assert audit.is_allowed(expression, PERMISSIVE) == allowed


@pytest.mark.parametrize(
    ("ids", "unknown", "allowed", "code"),
    [
        ((), "", True, 0),
        (("X-1",), "", True, 1),
        ((), "", False, 1),
        ((), "nobody knows", True, command.UNKNOWN),
        (("X-1",), "nobody knows", True, 1),
    ],
)
def test_the_exit_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    ids: tuple[str, ...],
    unknown: str,
    allowed: bool,
    code: int,
) -> None:
    known = [Verdict("a", "1", ids), Verdict("b", "1", unknown=unknown)]
    licence = audit.Licence("a", "1", "MIT", allowed)
    monkeypatch.setattr(command, "tools", lambda *_: Tools(tmp_path))
    monkeypatch.setattr(audit, "advisories", lambda *_: known)
    monkeypatch.setattr(audit, "wheels", lambda *_: [])
    monkeypatch.setattr(audit, "licences", lambda *_: [licence])
    assert command.main(["--work", str(tmp_path), "audit"]) == code
    assert (unknown or "clean") in capsys.readouterr().out
