"""The shapes of which the grammar of a profile is made: scalars, mappings, lists.

Here: records only. Which keys a profile has is in `grammar`. Pure.
"""

from __future__ import annotations

from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    Shape: TypeAlias = "Leaf | Keyed | Named | Listed | TextOr"


@record
class Leaf:
    """A scalar of a kind of KINDS; `choices` are all that is taken, where there are any."""

    kind: str
    choices: tuple[str, ...] = ()


@record
class Field:
    """A key of a mapping, what it holds, and what it is for."""

    name: str
    shape: Shape
    description: str
    required: bool = False


@record
class Keyed:
    """A mapping with known keys. Of `alternatives` one document gives at most one, a profile one.

    An overlay that gives another alternative takes the place of the one below it.
    """

    what: str
    fields: tuple[Field, ...]
    alternatives: tuple[str, ...] = ()
    needs_one: bool = False

    def field(self, name: str) -> Field | None:
        """Return the field of a key, or None where there is no such key."""
        return next((field for field in self.fields if field.name == name), None)


@record
class Named:
    """A mapping whose keys are names given by the author; `key` is a Leaf that every name fits."""

    what: str
    key: Leaf
    entry: Shape


@record
class Listed:
    """A list of one shape; `appends` tells that an overlay's list comes after the one below it."""

    item: Shape
    appends: bool = False


@record
class TextOr:
    """Either a scalar or the longer form."""

    leaf: Leaf
    longer: Shape
