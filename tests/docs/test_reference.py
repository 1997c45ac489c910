"""The reference says what the program says: nothing has drifted, nothing is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import pytest
from documentation import ROOT, generator, page, pages

from entrypoint import errors, sources
from entrypoint.app import VERBS
from entrypoint.jvm.metrics import JVM_METRICS
from entrypoint.lifecycle.changes import ABSENT, Change
from entrypoint.lifecycle.health import CheckStatus, ExitInfo, GateStatus, Snapshot
from entrypoint.lifecycle.status import Status
from entrypoint.records import replace
from entrypoint.serve.document import status_document
from entrypoint.serve.metric_table import METRICS
from entrypoint.serve.routes import ENDPOINTS
from statuses import TIME, status

PROBLEM_ROW: Final = re.compile(r"^\| `([a-z-]+)` \| ([0-9n+, -]+) \| (.+) \|$", re.MULTILINE)
STATUS_ROW: Final = re.compile(
    r"^\| `([a-z.\[\]-]+)` \| ((?:text|number|true|list|mapping)[a-z ,]*) \|", re.M
)
HOLDS: Final = (
    (type(None), "null"),
    (bool, "true or false"),
    (int | float, "number"),
    (str, "text"),
    (list, "list"),
    (dict, "mapping"),
)
VARIABLE: Final = re.compile(r'"(ENTRYPOINT_[A-Z_]+|NO_COLOR)"')


@pytest.mark.parametrize("path", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_generated_parts_have_not_drifted(path) -> None:
    text = path.read_text(encoding="utf-8")
    assert generator().filled(text) == text, "run python docs/generate.py"


def test_everything_that_can_be_generated_is_in_some_page() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in pages())
    missing = [
        name for name in generator().GENERATED if f"<!-- generated: {name} -->\n" not in texts
    ]
    assert not missing


def test_a_page_that_drifted_is_noticed() -> None:
    text = "# A page\n<!-- generated: endpoints -->\nold\n<!-- end -->\nby hand\n"
    new = generator().filled(text)
    assert "old" not in new and "/readyz" in new and new.endswith("<!-- end -->\nby hand\n")


def test_every_problem_id_is_documented_and_none_that_is_gone() -> None:
    rows = [row[0] for row in PROBLEM_ROW.findall(page("docs/reference/problems.md"))]
    assert sorted(rows) == sorted(generator().problem_ids())


def test_every_problem_is_made_with_an_id_that_can_be_found() -> None:
    assert not generator().unreadable_reports()


def test_the_codes_of_problems_are_exit_codes() -> None:
    known = {code for code, _, _ in errors.EXIT_CODES}
    for name, codes, _ in PROBLEM_ROW.findall(page("docs/reference/problems.md")):
        assert set(codes.split(", ")) <= known, name


def test_every_setting_is_documented_with_a_description() -> None:
    text = page("docs/reference/settings.md")
    for name, profile in generator().builtin_profiles().items():
        section = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        for spec in profile.settings:
            assert spec.description, f"{name}: {spec.name}"
            if spec.place.file == f"{name}.yaml":
                assert f"| `{spec.name}` | {f'`{spec.env}`' if spec.env else '-'} |" in section


def test_every_profile_has_a_section() -> None:
    text = page("docs/reference/settings.md")
    assert all(f"\n## {name}\n" in text for name in sources.builtin_names())


def test_every_metric_is_documented() -> None:
    text = page("docs/reference/metrics.md")
    assert all(spec.help and f"| `{spec.name}` |" in text for spec in METRICS)
    for metric in JVM_METRICS:
        assert metric.help and all(f"| `{name}` |" in text for name in metric.names if name)


def test_every_exit_code_is_documented() -> None:
    text = page("docs/reference/exit-codes.md")
    assert all(meaning and f"| `{code}` |" in text for code, _, meaning in errors.EXIT_CODES)
    named = {value for name, value in vars(errors).items() if name.startswith("EXIT_") and value}
    listed = {code for code, _, _ in errors.EXIT_CODES}
    assert {str(value) for value in named if isinstance(value, int) and value != 128} <= listed


def test_every_endpoint_is_documented() -> None:
    text = page("docs/reference/endpoints.md")
    assert all(meaning and f"| `{path}` |" in text for path, meaning in ENDPOINTS)


def keys(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Give (key, what it holds) of a document, below it too; the names of signals are no keys."""
    if path and not path.endswith("[]"):
        yield path, next(word for kind, word in HOLDS if isinstance(value, kind))
    match value:
        case dict() if path != "counters.signals":
            for name, one in value.items():
                yield from keys(one, f"{path}.{name}" if path else name)
        case [dict(), *_]:
            for one in value:
                yield from keys(one, f"{path}[]")


def test_every_key_of_the_status_is_documented_and_none_that_is_gone() -> None:
    """Once with everything that can be known, and once with nothing: what is null then is told to be."""
    one = status()
    assert one.snapshot.config is not None
    gone = Change("/a", "gone", TIME, ABSENT)
    config = replace(one.snapshot.config, found=(gone,), verdict="no")
    known = replace(one.snapshot, exit=ExitInfo(137, 137, "killed"), config=config)
    full = dict(keys(status_document(replace(one, snapshot=known))))
    full["java.trouble"] = "text"
    bare = Snapshot("preparing", 0.0, (), "", "", "", 0.0, 0.0)
    cut = replace(
        bare, checks=(CheckStatus("a", "b", ("liveness",), 1),), gates=(GateStatus("a", "b"),)
    )
    less = dict(keys(status_document(Status(cut, "", 0.0, 0.0))))
    rows = STATUS_ROW.findall(page("docs/reference/endpoints.md"))
    assert sorted(full) == sorted(name for name, _ in rows)
    for name, holds in rows:
        assert holds.startswith(full[name].removesuffix(" or false")), name
        if name in less and less[name] != full[name]:
            assert (less[name], holds[-8:]) == ("null", " or null"), name


def test_every_verb_is_documented() -> None:
    text = page("docs/reference/cli.md")
    assert all(f"\n## {verb}\n" in text for verb in ("run", *VERBS) if verb != "help")


def test_every_variable_that_the_program_names_is_documented() -> None:
    text = page("docs/reference/environment.md")
    for path in generator().python_files():
        with open(path, encoding="utf-8") as file:
            for variable in VARIABLE.findall(file.read()):
                assert f"`{variable}`" in text, f"{variable} in {path}"
