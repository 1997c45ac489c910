"""What the documentation shows works: profiles load, Kubernetes objects are whole, commands parse."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import yaml
from documentation import ROOT, blocks, pages

from entrypoint import arguments, plain, probe, sources
from entrypoint.profile.load import load
from entrypoint.settings.resolve import default_problems

WITH_YAML = [path for path in pages() if blocks(path.read_text(encoding="utf-8"), "yaml")]
WITH_SHELL = [path for path in pages() if blocks(path.read_text(encoding="utf-8"), "sh")]
KUSTOMIZATION = {
    "apiVersion", "kind", "namespace", "resources", "components", "configMapGenerator", "images", "patches",
}  # fmt: skip
"""Keys of a kustomization.yaml, which is not sent to a cluster and has no metadata."""
PARTS = {"env", "volumeMounts", "volumes", "scrape_configs", "podMetricsEndpoints"}
"""Keys of a part that the reader puts into an object of theirs."""


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", WITH_YAML, ids=named)
def test_examples_in_yaml_are_taken(path: Path) -> None:
    """A profile has `extends`; one without is an overlay over what came before it on the page."""
    builtin = sources.builtin_profiles()
    layers = {name: [(f"{name}.yaml", text)] for name, text in builtin.items()}
    for text in blocks(path.read_text(encoding="utf-8"), "yaml"):
        for document in yaml.safe_load_all(text):
            name = document.get("profile")
            if name is None and document.keys() & {"configMapGenerator", "images", "patches"}:
                assert document.keys() <= KUSTOMIZATION, text
            elif name is None and document.keys() & PARTS:
                assert document.keys() <= PARTS, text
            elif name is None:
                assert {"apiVersion", "kind", "metadata"} <= document.keys(), text
            elif "extends" in document:
                layers[name] = [("example.yaml", text)]
                assert not default_problems(load(layers[name], builtin))
            else:
                layers[name] = [*layers[name], ("overlay.yaml", text)]
                load(layers[name], builtin)


def commands(text: str) -> list[list[str]]:
    """Return our own command lines in a page's shell blocks, as words after `entrypoint`."""
    found = []
    for block in blocks(text, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if "entrypoint" in words:
                words = words[words.index("entrypoint") + 1 :]
                found.append(words[: words.index(">")] if ">" in words else words)
    return found


@pytest.mark.parametrize("path", WITH_SHELL, ids=named)
def test_command_lines_are_taken(path: Path) -> None:
    for words in commands(path.read_text(encoding="utf-8")):
        if words[:1] == ["probe"]:
            probe.parse_question(words[1:], {})
        elif "--exec" in words:
            assert plain.parse(words[1:]).command
        else:
            assert arguments.parse(words).verb == words[0]


def test_there_are_examples_to_test() -> None:
    assert len(WITH_YAML) >= 3 and len(WITH_SHELL) >= 4
