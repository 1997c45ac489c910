"""The grammar of a profile as JSON Schema (draft 2020-12), for editors.

Here: printing the table in `grammar`, nothing of its own. The schema takes every document that the loader
takes. It cannot know other files, so it lets references, left-out keys of an overlay, and null (which
takes an entry away) pass. Pure.
"""

from __future__ import annotations

from entrypoint.profile.grammar import PROFILE
from entrypoint.profile.kinds import KINDS
from entrypoint.profile.shapes import Keyed, Leaf, Listed, Named, TextOr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrypoint.profile.shapes import Shape

SCHEMA = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, object]:
    """Return the JSON Schema of a profile or overlay, ready for `json.dumps`."""
    return {
        "$schema": SCHEMA,
        "title": "entrypoint profile",
        "description": "What an application declares about itself, or an overlay over that",
        **_schema(PROFILE),
    }


def _schema(shape: Shape) -> dict[str, object]:
    match shape:
        case Leaf():
            return _leaf(shape)
        case Listed():
            return {"type": "array", "items": _schema(shape.item)}
        case TextOr():
            return {"anyOf": [_schema(shape.leaf), _schema(shape.longer)]}
        case Named():
            return {
                "type": "object",
                "propertyNames": {"pattern": KINDS[shape.key.kind].json["pattern"]},
                "additionalProperties": _or_null(_schema(shape.entry)),
            }
        case Keyed():
            return _keyed(shape)


def _leaf(leaf: Leaf) -> dict[str, object]:
    kind = KINDS[leaf.kind]
    if leaf.choices:
        return {"enum": list(leaf.choices)}
    return {**kind.json}


def _keyed(shape: Keyed) -> dict[str, object]:
    properties = {
        field.name: {"description": field.description, **_or_null(_schema(field.shape))}
        for field in shape.fields
    }
    schema: dict[str, object] = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    if shape.needs_one:
        # An overlay may leave the choice to the profile below it: at most one, not exactly one.
        given = [
            {"required": [name], "properties": {name: {"not": {"type": "null"}}}}
            for name in shape.alternatives
        ]
        schema["oneOf"] = [*given, {"not": {"anyOf": given}}]
    return schema


def _or_null(schema: dict[str, object]) -> dict[str, object]:
    return {"anyOf": [schema, {"type": "null"}]}
