from __future__ import annotations

import pickle

import pytest

from entrypoint.records import record, replace


@record
class Point:
    """A point."""

    x: int
    y: int = 0

    @property
    def sum(self) -> int:
        return self.x + self.y


@record
class Other:
    x: int
    y: int = 0


def test_fields_are_positional_or_named_with_defaults() -> None:
    assert Point(1) == Point(x=1, y=0)
    assert Point(1, 2).sum == 3
    with pytest.raises(TypeError):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Point(1, 2, 3)  # type: ignore[call-arg]


def test_a_default_before_a_field_without_one_is_refused() -> None:
    @record
    class Wrong:
        x: int = 0
        y: int

    with pytest.raises(AssertionError, match="default"):
        Wrong(1, 2)


def test_a_record_is_immutable_and_has_no_dict() -> None:
    point = Point(1)
    with pytest.raises(AttributeError, match="immutable"):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        del point.x  # type: ignore[misc]
    assert not hasattr(point, "__dict__")


def test_equality_and_hash_go_by_type_and_values() -> None:
    assert Point(1) != Other(1)
    assert len({Point(1), Point(1), Point(2)}) == 2


def test_replace_changes_some_fields_and_refuses_unknown_ones() -> None:
    assert replace(Point(1, 2), y=5) == Point(1, 5)
    with pytest.raises(TypeError):
        replace(Point(1), z=1)


def test_repr_pickle_match_and_docstring() -> None:
    point = Point(1, 2)
    assert repr(point) == "Point(x=1, y=2)"
    assert pickle.loads(pickle.dumps(point)) == point
    match point:
        case Point(x, y):
            assert (x, y) == (1, 2)
    assert Point.__doc__ == "A point."
    assert Point.__module__ == __name__
