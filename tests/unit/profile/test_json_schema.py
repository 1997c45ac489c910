from __future__ import annotations

import json

import jsonschema
import pytest
import yaml
from profiles import BUILTIN, problems, told
from test_check import BROKEN, FINE, HEAD, JAVA

from entrypoint.profile.json_schema import json_schema

VALIDATOR = jsonschema.Draft202012Validator(json_schema())

# What only the loader can know: it sees the files below, follows references, and reads numbers in text.
ONLY_THE_LOADER = {
    "profile-unknown-reference",
    "profile-cycle",
    "profile-nothing-to-remove",
    "profile-missing-key",
}
ONLY_THE_LOADER_WHAT = (
    "the same",
    "has choices",
    "has a unit",
    "has below",
    "called",
    "of profile base",
    "stop ladder",
    "has drain and wait",
    "has lost-after",
    "a lone",
    "refers to",
)


def test_the_schema_is_a_valid_schema_and_plain_json() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("name", sorted(BUILTIN))
def test_every_built_in_profile_is_valid(name: str) -> None:
    VALIDATOR.validate(yaml.safe_load(BUILTIN[name]))


@pytest.mark.parametrize(("text", "id_", "what"), BROKEN, ids=[text[:50] for text, *_ in BROKEN])
def test_what_the_schema_can_know_it_refuses_as_the_loader_does(
    text: str, id_: str, what: str | None
) -> None:
    (problem,) = problems(HEAD + JAVA + text + "\n")
    document = json.loads(json.dumps(yaml.safe_load(HEAD + JAVA + text + "\n")))
    value = dict(problem.details).get("expected", "")
    known = id_ not in ONLY_THE_LOADER and not any(w in problem.what for w in ONLY_THE_LOADER_WHAT)
    in_text = value.startswith(("a duration", "a size", "a percentage", "octal"))
    refused = not VALIDATOR.is_valid(document)
    assert refused or not known or in_text, told(problem)


@pytest.mark.parametrize("text", FINE)
def test_what_the_loader_takes_the_schema_takes(text: str) -> None:
    VALIDATOR.validate(json.loads(json.dumps(yaml.safe_load(HEAD + JAVA + text + "\n"))))


@pytest.mark.parametrize(
    "text",
    [
        "checks: {a: null, b: {tcp: null, http: {url: x}, for: [startup]}}",
        "settings: {a: {default: null}}",
        "java: {options: null}",
        "home: null",
        "version: 3.9",
        "java: {options: [-Xss1m, {jdk: 17, options: [-Xmx1g]}], supported: 8}",
        "exits: {0: fine, '1': {meaning: bad, answer: 2}}",
        "files: {a: {mode: 0644}}",
    ],
)
def test_overlays_are_valid(text: str) -> None:
    VALIDATOR.validate(json.loads(json.dumps(yaml.safe_load(text))))


def test_every_key_has_a_description() -> None:
    def walk(schema: object) -> None:
        if isinstance(schema, dict):
            if schema.get("type") == "object":
                for name, field in schema.get("properties", {}).items():
                    assert field["description"], name
            for inner in schema.values():
                walk(inner)
        elif isinstance(schema, list):
            for inner in schema:
                walk(inner)

    walk(json_schema())
