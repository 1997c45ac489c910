"""Secrets are found where they have to be, and nowhere else; `canaries` says where that is."""

from __future__ import annotations

import base64
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from canaries import ALLOWED, SOURCES, Hunt, canary, table
from shop import Shop

from process.harness import REPOSITORY, Launcher


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    launcher = Launcher(tmp_path, as_pid1=True)
    yield Shop(launcher)
    launcher.clean_up()


def only_where_allowed(found: Mapping[str, set[str]]) -> None:
    """Fail with every canary that is where none may be, and every one that is not where it has to be."""
    wrong = {
        place: {"leaked": sorted(names - allowed), "missing": sorted(allowed - names)}
        for place, names in found.items()
        if names != (allowed := set(ALLOWED.get(place, ())))
    }
    assert not wrong


def test_a_run_from_its_start_to_its_end(shop: Shop) -> None:
    (shop.folder / "termination-log").touch()
    run = shop.run()
    run.says("to=running")
    java = run.child("example.Main")
    hunt = shop.hunt
    found = {place: hunt.found(data) for place, data in shop.processes(run, java).items()}
    found["http"] = hunt.found(shop.answers())
    found |= shop.files()
    run.send(signal.SIGQUIT)
    assert run.stop() == 0
    found["log"] = hunt.found(run.stdout + run.stderr)
    found["termination"] = hunt.found(run.termination_message)
    assert run.termination_message
    only_where_allowed(found)
    only_where_allowed(shop.files())


def test_what_is_shown(shop: Shop) -> None:
    shown = b""
    verbs = [["plan", "-o", form] for form in ("text", "json", "yaml")]
    verbs += [["explain", "-o", "json"], ["explain"], ["check"]]
    for verb in verbs:
        done = shop.verb(
            verb[0], *(shop.options if verb[0] == "explain" else shop.words), *verb[1:]
        )
        assert done.returncode == 0, done.stderr
        shown += done.stdout + done.stderr
    for name in (
        "pass.variable",
        "pass.overlay",
        "shop.url",
        "database.url",
        "java.options",
        "entrypoint.token",
    ):
        done = shop.verb("explain", name, *shop.options)
        assert done.returncode == 0, done.stderr
        shown += done.stdout
    for words in (["profiles", "show"], ["profiles", "validate"]):
        shown += shop.verb(*words, str(shop.folder / "shop.yaml")).stdout
    only_where_allowed({"shown": shop.hunt.found(shown)})


def test_a_recording(shop: Shop) -> None:
    recording = shop.folder / "recording.yaml"
    done = shop.verb("plan", *shop.words, "--record", str(recording))
    assert done.returncode == 0, done.stderr
    replayed = shop.verb("plan", "--replay", str(recording))
    assert replayed.returncode == 0, replayed.stderr
    seen = recording.read_bytes() + done.stdout + replayed.stdout + replayed.stderr
    only_where_allowed({"recording": shop.hunt.found(seen)})


def test_the_documented_table_is_the_one_that_is_tested() -> None:
    page = (REPOSITORY / "docs" / "reference" / "secrets.md").read_text()
    documented = page.partition("<!-- canaries -->\n")[2].partition("<!-- end -->")[0]
    assert documented == table(), "python tests/secrets/canaries.py prints the new one"


@pytest.mark.parametrize(
    "form",
    [
        "{0}",
        "x{0}x",
        "a%20{0}%26",
        "&lt;{0}&gt;",
        "{1}",
        "{2}",
        "{3}",
        "{4}",
        "{5}",
        "{6}",
        "{7}",
    ],
)
def test_a_canary_is_seen_in_every_form(form: str) -> None:
    """A search that finds nothing would prove nothing."""
    text = canary("variable")
    coded = [base64.b64encode(b"x" * shift + text.encode() + b"yz").decode() for shift in range(3)]
    forms = (text, text[3:11], text[::-1], text.encode().hex(), text.encode().hex().upper())
    found = Hunt({"it": text}).found(form.format(*forms, *coded))
    assert found == {"it"}
    assert not Hunt({"it": canary("token")}).found(form.format(*forms, *coded))
    assert len({canary(name) for name in SOURCES}) == len(SOURCES)
