"""Filters of templates: which of jinja2's own there are, and those that are bounded before they work.

Here: what `sandbox` lets a template use on its values. Filters of ours that write one format are there, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jinja2.filters import do_join, do_replace, do_round, do_sum
from jinja2.utils import pass_environment, pass_eval_context

from entrypoint.rendering.bounds import ARGUMENT_LIMIT, Budget, RefusalError

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Literal, TypeAlias

    from jinja2.environment import Environment
    from jinja2.nodes import EvalContext

    Method: TypeAlias = Literal["common", "ceil", "floor"]

KEPT_FILTERS: Final = frozenset((
    "abs", "d", "default", "dictsort", "first", "float", "groupby", "int", "items",
    "join", "last", "length", "list", "lower", "map", "max", "min", "reject",
    "rejectattr", "replace", "round", "select", "selectattr", "sort", "string", "sum", "title",
    "trim", "unique", "upper",
))  # fmt: skip
"""Of jinja2's own. Left out: what undoes escaping (safe), and what grows text without bound."""
ROUNDING_LIMIT: Final = 100


def replaced(value: str, old: str, new: str, count: int = -1) -> str:
    """Return a text with another in the place of a part of it, as `str.replace` does."""
    Budget.fits(len(value) + value.count(old) * len(new))
    return value.replace(old, new, count)


@pass_eval_context
def _replace(
    context: EvalContext, value: object, old: object, new: object, count: int | None = None
) -> str:
    text = value if isinstance(value, str) else str(value)
    old, new = str(old), str(new)
    Budget.fits(len(text) + text.count(old) * len(new))
    return do_replace(context, text, old, new, count)


@pass_eval_context
def _join(
    context: EvalContext, value: Collection[object], d: str = "", attribute: str | None = None
) -> str:
    Budget.fits(len(value) * len(str(d)))
    if len(str(attribute)) > ARGUMENT_LIMIT:
        raise RefusalError(f"an argument is longer than {ARGUMENT_LIMIT} characters")
    joined: str = do_join(context, value, d, attribute)
    return joined


def _round(value: float, precision: int = 0, method: Method = "common") -> float:
    if not -ROUNDING_LIMIT <= precision <= ROUNDING_LIMIT:
        raise RefusalError(f"round is for at most {ROUNDING_LIMIT} digits")
    return do_round(value, precision, method)


@pass_environment
def _sum(
    environment: Environment,
    value: Collection[object],
    attribute: str | None = None,
    start: float = 0,
) -> object:
    if not isinstance(start, int | float):
        raise RefusalError("sum is for numbers only")
    return do_sum(environment, value, attribute, start)


BOUNDED_FILTERS: Final = {"join": _join, "replace": _replace, "round": _round, "sum": _sum}
