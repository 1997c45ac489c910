"""Golden plans: what `entrypoint plan` says for a container, whole, as a person reads it.

A case is `cases/NAME.yaml` (profile, overlay, environment, files, facts: what a recording holds) and
its plan or its problems in `cases/NAME.txt`. After a change that is meant: `pytest tests/golden
--update-golden`, then read the diff as a reviewer.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from entrypoint import replay, sources
from entrypoint.errors import ProblemsError, format_problems
from entrypoint.plan import build
from entrypoint.plan.explain import explain_plan
from entrypoint.plan.explain_settings import explain_setting

CASES = Path(__file__).parent / "cases"
NAMES = sorted(path.stem for path in CASES.glob("*.yaml"))

RELEASES = {
    8: ("8u504", ""),
    11: ("11.0.33", 'JAVA_VERSION="11.0.33"\nIMPLEMENTOR="Debian"\n'),
    17: ("17.0.15", 'JAVA_VERSION="17.0.15"\nIMPLEMENTOR="Debian"\n'),
    21: ("21.0.13", 'JAVA_VERSION="21.0.13"\nIMPLEMENTOR="Debian"\n'),
    25: ("25.0.3", 'JAVA_VERSION="25.0.3"\nIMPLEMENTOR="Eclipse Adoptium"\n'),
}
VERSION_8 = (
    'openjdk version "1.8.0_504"\nOpenJDK Runtime Environment (build 1.8.0_504-8u504-ga-1-b01)\n'
)


def recording(case: dict) -> dict:
    """Fill in what all cases share: the built-in profile's text, a JDK, a container."""
    jdk = case.pop("jdk", 17)
    home = f"/usr/lib/jvm/java-{jdk}"
    facts = {
        "hostname": "otter-0",
        "uid": 10001,
        "gid": 10001,
        "cgroup": "v2",
        "cpus": 2.0,
        "read_only_root": True,
        "java_home": home,
        "java": f"{home}/bin/java",
        "release_text": RELEASES[jdk][1],
        "version_text": VERSION_8 if jdk == 8 else "",
    }
    name = case["profile"]
    shown, text = (f"{name}.yaml", sources.builtin_profiles().get(name, ""))
    if "text" in case:
        shown, text = f"/app/{name}.yaml", case["text"]
    texts = [{"name": shown, "text": text}]
    if "overlay" in case:
        texts.append({"name": "/etc/entrypoint/profile.yaml", "text": case["overlay"]})
    return case | {"profile": texts, "facts": facts | case.get("facts", {})}


def answer(case: dict) -> str:
    explained = case.pop("explain", ())
    try:
        found = replay.load(
            yaml.safe_dump(recording(case)), sources.builtin_profiles(), sources.template_text
        )
        text = explain_plan(build.build(found))
    except ProblemsError as error:
        return f"exit {error.exit_code}\n{format_problems(error.problems)}"
    for name in explained:
        setting = found.settings.get(name)
        assert setting is not None
        text += "\n" + explain_setting(setting)
    return text


def test_there_are_at_least_twenty_configurations() -> None:
    assert len(NAMES) >= 20


@pytest.mark.parametrize("name", NAMES)
def test_the_plan_reads_as_it_did(name: str, request: pytest.FixtureRequest) -> None:
    said = answer(yaml.safe_load((CASES / f"{name}.yaml").read_text()))
    golden = CASES / f"{name}.txt"
    if request.config.getoption("--update-golden"):
        golden.write_text(said)
    assert said == golden.read_text()


@pytest.mark.parametrize("name", NAMES)
def test_no_line_is_wider_than_it_has_to_be(name: str) -> None:
    """Wider than 100 columns is only what a long path or value makes wide."""
    for line in (CASES / f"{name}.txt").read_text().splitlines():
        assert len(line) <= 100 or max(map(len, line.split())) > 30 or "   " in line[60:], line


@pytest.mark.parametrize("name", NAMES)
def test_no_secret_is_shown(name: str) -> None:
    assert "hunter2" not in (CASES / f"{name}.txt").read_text()
