"""jinja2, locked in: no loaders, no globals, few filters, strict about undefined names and secrets.

Here: `run`, the only place that knows jinja2. Only `templates` imports this module, and only when a
template is rendered. A template may come from a user's overlay: it is input, not code we trust.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NoReturn

from jinja2.exceptions import TemplateError, TemplateSyntaxError, UndefinedError
from jinja2.runtime import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing
from markupsafe import Markup

from entrypoint.rendering import escape
from entrypoint.rendering.templates import Fault
from entrypoint.values import MASK, Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jinja2.runtime import Context

    from entrypoint.rendering.templates import TemplateKind

KEPT_FILTERS: Final = frozenset((
    "abs", "d", "default", "dictsort", "first", "float", "groupby", "int", "items",
    "join", "last", "length", "list", "lower", "map", "max", "min", "reject",
    "rejectattr", "replace", "round", "select", "selectattr", "sort", "string", "sum", "title",
    "trim", "unique", "upper",
))  # fmt: skip
"""Of jinja2's own. Left out: what undoes escaping (safe), and what grows text without bound."""

_FAULTS: Final = (
    TemplateError, TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError,
    SyntaxError, MemoryError,
)  # fmt: skip


class _RefusalError(Exception):
    """A value that may not be printed; the text says why and holds no value."""


class _Hidden:
    """Stands for a `Secret` inside a template: any use but `| reveal` and a truth test is refused."""

    __slots__ = ("_text",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, text: str) -> None:
        self._text = text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __str__(self) -> str:  # noqa: PLE0307 (it never returns)
        self._refuse()

    def __html__(self) -> str:
        self._refuse()

    def __eq__(self, other: object) -> bool:
        self._refuse()

    def __int__(self) -> int:
        self._refuse()

    def __float__(self) -> float:
        self._refuse()

    def __repr__(self) -> str:
        return "a secret"

    def _refuse(self) -> NoReturn:
        raise _RefusalError("a secret is used without `| reveal`")


class _MissingName(str):
    """The text of an undefined-error that remembers the name and what was there instead."""

    __slots__ = ("known", "name")
    known: tuple[str, ...]
    name: str


class _Undefined(StrictUndefined):
    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return self._undefined_hint
        name = str(self._undefined_name)
        found = _MissingName(f"{name} is undefined")
        found.name = name
        owner = self._undefined_obj
        found.known = () if owner is missing or not isinstance(owner, Mapping) else tuple(owner)
        return found


class _Environment(ImmutableSandboxedEnvironment):
    """The sandbox, with arithmetic that cannot blow up text."""

    intercepted_binops = frozenset(["*", "**", "%"])

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        """Allow `*` and `%` for numbers only, and no powers."""
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        if operator == "**" or not numbers:
            raise _RefusalError(
                f"{operator} is not available here (it is for numbers only, ** never)"
            )
        return super().call_binop(context, operator, left, right)


def run(
    name: str, text: str, variables: Mapping[str, object], kind: TemplateKind, limit: int
) -> str | Fault:
    """Return the rendered text, or what went wrong with the line of the template."""
    secrets: list[str] = []
    guarded = {key: _guard(value, secrets) for key, value in variables.items()}
    environment = _environment(kind)
    try:
        code = environment.compile(text, name, name)
        template = environment.template_class.from_code(
            environment, code, environment.make_globals(None)
        )
        return _collect(template.generate(guarded), limit)
    except TemplateSyntaxError as error:
        return Fault(error.lineno, error.message or "syntax error")
    except (_RefusalError, *_FAULTS) as error:
        return _fault(error, name, tuple(guarded), secrets)


def _environment(kind: TemplateKind) -> _Environment:
    escapers: dict[str, Callable[[str], str]] = {
        "xml": escape.xml,
        "properties": escape.properties_value,
    }
    escaper = escapers.get(kind)

    def escaped(escaper: Callable[[str], str], value: object) -> str:
        try:
            return escaper(_printable(value))
        except ValueError as error:
            raise _RefusalError(f"a value cannot be written here: expected {error}") from None

    def finalize(value: object) -> str:
        if escaper is None:
            return _printable(value)
        return value if isinstance(value, Markup) else Markup(escaped(escaper, value))  # noqa: S704

    def explicit(name: str, escaper: Callable[[str], str]) -> Callable[[object], str]:
        # Marked as done only in a file of its own kind: XML inside a property still needs the other.
        mark = Markup if name.startswith(kind) else str
        return lambda value: mark(escaped(escaper, value))

    environment = _Environment(
        undefined=_Undefined,
        autoescape=escaper is not None,
        finalize=finalize,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters = {n: f for n, f in environment.filters.items() if n in KEPT_FILTERS}
    for filter_name, function in escapers.items():
        environment.filters[filter_name] = explicit(filter_name, function)
    environment.filters["properties_key"] = explicit("properties_key", escape.properties_key)
    environment.filters["json"] = _json
    environment.filters["yaml_scalar"] = lambda value: (
        _printable(value) if isinstance(value, int | float) else escaped(escape.yaml_scalar, value)
    )
    environment.filters["reveal"] = _reveal
    environment.globals = {"range": environment.globals["range"]}
    return environment


def _guard(value: object, secrets: list[str]) -> object:
    """Return the value with every `Secret` in it hidden, and collect their texts."""
    match value:
        case Secret():
            secrets.append(value.reveal())
            return _Hidden(value.reveal())
        case Mapping():
            return {key: _guard(item, secrets) for key, item in value.items()}
        case list() | tuple():
            return tuple(_guard(item, secrets) for item in value)
        case _:
            return value


def _json(value: object) -> str:
    import json  # noqa: PLC0415 (2 ms, for the few templates that write JSON)

    return json.dumps(value, default=_printable)


def _reveal(value: object) -> object:
    # The one way to a secret's text: so `grep reveal` finds every template that writes one.
    return value._text if isinstance(value, _Hidden) else value  # noqa: SLF001


def _printable(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float() | _Hidden() | StrictUndefined():
            return str(value)
        case None:
            raise _RefusalError("a value that is not set (None) is printed")
        case _:
            raise _RefusalError(f"a {type(value).__name__} is printed, expected text or a number")


def _collect(parts: Iterator[str], limit: int) -> str:
    kept: list[str] = []
    size = 0
    for part in parts:
        size += len(part)
        if size > limit:
            raise _RefusalError(f"the output is longer than {limit} characters")
        kept.append(part)
    return "".join(kept)


def _fault(error: Exception, name: str, known: tuple[str, ...], secrets: list[str]) -> Fault:
    line = 1
    frame = error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == name:
            line = frame.tb_lineno
        frame = frame.tb_next
    text = error.args[0] if error.args else ""
    says = str(text) or type(error).__name__
    for secret in secrets:
        # A revealed secret can come back in a message, as the name of a missing key for one.
        says = says.replace(secret, MASK) if secret else says
    if isinstance(error, UndefinedError) and isinstance(text, _MissingName) and text.name in says:
        return Fault(line, says, text.name, text.known or known)
    return Fault(line, says)
