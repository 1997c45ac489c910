"""Loading profiles in tests: the built-in texts, and what is wrong with a text."""

from __future__ import annotations

import os

from entrypoint.errors import Problem, ProblemsError
from entrypoint.profile.load import load
from entrypoint.profile.schema import Profile

FOLDER = os.path.join(
    os.path.dirname(__file__), "..", "..", "..", "entrypoint", "profile", "builtin"
)


def builtin() -> dict[str, str]:
    texts = {}
    for name in sorted(os.listdir(FOLDER)):
        with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
            texts[name.removesuffix(".yaml")] = file.read()
    return texts


BUILTIN = builtin()


def loaded(text: str, *overlays: str) -> Profile:
    sources = [("mine.yaml", text), *((f"over{n}.yaml", t) for n, t in enumerate(overlays, 1))]
    return load(sources, BUILTIN)


def over(name: str, *overlays: str) -> Profile:
    sources = [(f"{name}.yaml", BUILTIN[name])]
    sources += [(f"over{n}.yaml", text) for n, text in enumerate(overlays, 1)]
    return load(sources, BUILTIN)


def problems(text: str, *overlays: str) -> tuple[Problem, ...]:
    try:
        loaded(text, *overlays)
    except ProblemsError as error:
        return error.problems
    return ()


def told(problem: Problem) -> tuple[str, str, str]:
    """Return id, place and headline: what most tests compare."""
    return problem.id, dict(problem.details).get("where", ""), problem.what
