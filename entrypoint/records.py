"""Frozen value classes: what `dataclasses` gives us, without its price.

Here: the `record` decorator, `replace` and `assert_never`. Nothing else.

PID 1 is on the user's bill in every pod, and java waits for our imports. Importing `dataclasses`
costs 2 MB of RSS and 11 ms before java's exec (it pulls in inspect, ast, dis and tokenize), which is
a sixth of our memory and half of our time. docs/decisions/0002-records.md has the measurement.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Never, NoReturn, TypeVar, dataclass_transform

    T = TypeVar("T")

    @dataclass_transform(frozen_default=True)
    def record(cls: type[T]) -> type[T]:
        """Types as a frozen dataclass with slots."""

    def replace(value: T, **changes: Any) -> T:
        """Return a copy of a record with some fields changed."""

else:

    def record(cls):
        """Turn an annotated class into an immutable value with slots, equality, hash and repr.

        Fields are the class's own annotations, in order; a class attribute is a field's default and
        has to be immutable, since all instances share it. Records do not inherit from records.
        """
        fields = tuple(cls.__annotations__)
        body = {k: v for k, v in cls.__dict__.items() if k not in {"__dict__", "__weakref__"}}
        defaults = {name: body.pop(name) for name in fields if name in body}
        body["__slots__"] = fields
        body["__match_args__"] = fields
        body["__init__"] = _first_init(fields, defaults)
        body["__setattr__"] = _refuse
        body["__delattr__"] = _refuse
        body["__eq__"] = _equal
        body["__hash__"] = _hash
        body["__reduce__"] = _reduce
        body.setdefault("__repr__", _repr)
        return type(cls)(cls.__name__, cls.__bases__, body)

    def replace(value, **changes):
        """Return a copy of a record with some fields changed; an unknown field is a TypeError."""
        return type(value)(**dict(zip(value.__slots__, _values(value), strict=True)) | changes)


def assert_never(value: Never) -> NoReturn:
    """Make mypy prove that a `match` is complete; `typing` costs 11 ms at run time."""
    raise AssertionError(f"not expected here: {value!r}")


def _first_init(fields: tuple[str, ...], defaults: Mapping[str, object]) -> Callable[..., None]:
    """Return an `__init__` that compiles the real one when the first record of its class is made.

    Most of the classes that PID 1 imports never have a record there before java runs.
    """

    def __init__(self: object, *values: object, **named: object) -> None:  # noqa: N807
        cls = type(self)
        init = _make_init(cls, fields, defaults)
        cls.__init__ = init  # type: ignore[method-assign]
        init(self, *values, **named)

    return __init__


def _make_init(
    cls: type, fields: tuple[str, ...], defaults: Mapping[str, object]
) -> Callable[..., None]:
    """Compile `__init__` from source: Python itself binds the arguments then, fast and with its errors."""
    given = tuple(defaults.values())
    assert tuple(defaults) == fields[len(fields) - len(given) :], "a default before a field without"
    names = "".join(f", {name}" for name in fields)
    namespace: dict[str, Any] = {"_slots": [getattr(cls, name).__set__ for name in fields]}
    exec(  # noqa: S102 - our own field names, never input
        f"def __init__(self{names}):\n"
        f" for put, value in zip(_slots, ({names[2:]}{',' * bool(fields)})): put(self, value)",
        namespace,
    )
    init: Callable[..., None] = namespace["__init__"]
    init.__defaults__ = given
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init


def _values(self: Any) -> tuple[object, ...]:
    # A list first, here and in what runs at every look at java and every scrape: a tuple of a generator is
    # cut to its size, and CPython keeps the memory of 2,000 cut ones of each size, which was 1.4 MB.
    return tuple([getattr(self, name) for name in self.__slots__])


def _refuse(self: object, name: str, value: object = None) -> NoReturn:  # noqa: ARG001
    raise AttributeError(f"{type(self).__name__} is immutable: cannot change {name!r}")


def _equal(self: object, other: object) -> bool:
    if self is other:
        return True
    if type(self) is not type(other):
        return NotImplemented  # type: ignore[no-any-return]
    equal: bool = _values(self) == _values(other)
    return equal


def _hash(self: object) -> int:
    return hash((type(self), _values(self)))


def _reduce(self: object) -> tuple[type, tuple[object, ...]]:
    return type(self), _values(self)


def _repr(self: Any) -> str:
    inner = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
    return f"{type(self).__name__}({inner})"
