"""jinja2, locked in: no loaders, few filters and methods, strict about undefined names and secrets.

Here: `run`, and what a template may call. Only `templates` imports this module, and only when a template is
rendered. A template may come from a user's overlay: it is input, not code we trust. How much it may
do is in `bounds`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NoReturn

from jinja2.exceptions import TemplateError, TemplateSyntaxError
from jinja2.runtime import BlockReference, LoopContext, Macro, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing, pass_context, pass_environment
from markupsafe import Markup

from entrypoint.rendering import escape
from entrypoint.rendering.bounds import Budget, CountingGenerator, RefusalError
from entrypoint.rendering.filters import BOUNDED_FILTERS, KEPT_FILTERS, replaced
from entrypoint.rendering.templates import Fault
from entrypoint.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from jinja2.runtime import Context

    from entrypoint.rendering.templates import TemplateKind

TEXT_METHODS: Final = frozenset((
    "capitalize", "count", "endswith", "find", "isalnum", "isalpha", "isdecimal", "isdigit", "islower",
    "isupper", "lower", "lstrip", "partition", "removeprefix", "removesuffix", "replace", "rfind",
    "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "title", "upper",
))  # fmt: skip
"""Methods of text. Left out: format, which walks attributes, and ljust and the like, which make it huge."""
OTHER_METHODS: Final = frozenset(("count", "get", "index", "items", "keys", "values"))
"""Methods of lists and mappings."""
LOOP_METHODS: Final = frozenset(("changed", "cycle"))

_FAULTS: Final = (
    TemplateError, TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RuntimeError,
    SyntaxError, MemoryError, AssertionError, SystemError,
)  # fmt: skip
"""What a template can make jinja2 or the compiler raise."""


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
        raise RefusalError("a secret is used without `| reveal`")


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
    """The sandbox: calls only what is listed, and counts each value that a template makes."""

    code_generator_class = CountingGenerator
    intercepted_binops = frozenset(["+", "-", "*", "/", "//", "%", "**"])

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.has_revealed = False
        self.budget = Budget()
        self.kept = self.budget.kept
        self.short = self.budget.short
        self.spend = self.budget.spend

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        """Allow `*` and `%` for numbers only, and no powers; count what comes out."""
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        if operator == "**" or (operator in {"*", "%"} and not numbers):
            raise RefusalError(
                f"{operator} is not available here (it is for numbers only, ** never)"
            )
        self.kept(left)
        self.kept(right)
        return self.kept(super().call_binop(context, operator, left, right))

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Look something up; counted, since filters do it for each element and each part of a path."""
        self.spend(3)
        return super().getitem(obj, argument)

    def call(__self, __context: Context, __obj: Any, /, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        """Call a macro, `range`, or a method that is listed."""
        own = isinstance(__obj, Macro | LoopContext | BlockReference | StrictUndefined)
        if own or __obj is __self.globals["range"]:
            return __context.call(__obj, *args, **kwargs)
        owner, name = getattr(__obj, "__self__", None), getattr(__obj, "__name__", "")
        if name not in _methods_of(owner):
            what = f"the method {name}" if owner is not None and name else "this"
            raise RefusalError(f"{what} cannot be called here")
        __self.kept(owner)
        # jinja2 hands its own variables of a loop over, too.
        named = {key: value for key, value in kwargs.items() if not key.startswith("_")}
        if isinstance(owner, str) and name == "replace":
            return replaced(owner, *args, **named)
        count = __self.short if isinstance(owner, str) else __self.kept
        return __obj(*map(count, args), **{key: count(value) for key, value in named.items()})


def _methods_of(owner: object) -> frozenset[str]:
    match owner:
        case str():
            return TEXT_METHODS
        case list() | tuple() | Mapping():
            return OTHER_METHODS
        case LoopContext():
            return LOOP_METHODS
        case _:
            return frozenset()


def run(
    name: str, text: str, variables: Mapping[str, object], kind: TemplateKind, limit: int
) -> str | Fault:
    """Return the rendered text, or what went wrong with the line of the template."""
    guarded = {key: _guard(value) for key, value in variables.items()}
    environment = _environment(kind)
    try:
        code = environment.compile(text, name, name)
        template = environment.template_class.from_code(
            environment, code, environment.make_globals(None)
        )
        return _collect(template.generate(guarded), limit)
    except TemplateSyntaxError as error:
        return Fault(error.lineno, error.message or "syntax error")
    except (RefusalError, *_FAULTS) as error:
        return _fault(error, name, text, tuple(guarded), environment.has_revealed)


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
            raise RefusalError(f"a value cannot be written here: expected {error}") from None

    # With the context, so that jinja2 does not print constants while it compiles: that is not counted.
    @pass_context
    def finalize(_: Context, value: object) -> str:
        environment.kept(value)
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
        optimized=False,  # it computes constants while it compiles, uncounted
    )
    environment.filters = {n: f for n, f in environment.filters.items() if n in KEPT_FILTERS}
    environment.filters |= BOUNDED_FILTERS
    for filter_name, function in escapers.items():
        environment.filters[filter_name] = explicit(filter_name, function)
    environment.filters["properties_key"] = explicit("properties_key", escape.properties_key)
    environment.filters["json"] = pass_environment(_json)
    environment.filters["yaml_scalar"] = lambda value: (
        _printable(value) if isinstance(value, int | float) else escaped(escape.yaml_scalar, value)
    )
    environment.filters["reveal"] = pass_environment(_reveal)
    environment.globals = {"range": environment.globals["range"]}
    return environment


def _guard(value: object) -> object:
    """Return the value with every `Secret` in it hidden."""
    match value:
        case Secret():
            return _Hidden(value.reveal())
        case Mapping():
            return {key: _guard(item) for key, item in value.items()}
        case list() | tuple():
            return tuple(_guard(item) for item in value)
        case _:
            return value


def _json(environment: _Environment, value: object) -> str:
    import json  # noqa: PLC0415 (2 ms, for the few templates that write JSON)

    environment.kept(value)  # by `map` it comes here uncounted
    return json.dumps(value, default=_printable)


def _reveal(environment: _Environment, value: object) -> object:
    # The one way to a secret's text: so `grep reveal` finds every template that writes one.
    if not isinstance(value, _Hidden):
        return value
    environment.has_revealed = True
    return value._text  # noqa: SLF001


def _printable(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float() | _Hidden() | StrictUndefined():
            return str(value)
        case None:
            raise RefusalError("a value that is not set (None) is printed")
        case _:
            raise RefusalError(f"a {type(value).__name__} is printed, expected text or a number")


def _collect(parts: Iterator[str], limit: int) -> str:
    kept: list[str] = []
    size = 0
    for part in parts:
        size += len(part)
        if size > limit:
            raise RefusalError(f"the output is longer than {limit} characters")
        kept.append(part)
    return "".join(kept)


def _fault(
    error: Exception, name: str, source: str, known: tuple[str, ...], has_revealed: bool
) -> Fault:
    line = 1
    frame = error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == name:
            line = frame.tb_lineno
        frame = frame.tb_next
    text = error.args[0] if error.args else ""
    says = str(text) or type(error).__name__
    if isinstance(error, RefusalError):
        return Fault(line, says)
    undefined = text.name if isinstance(text, _MissingName) else ""
    if has_revealed and not (undefined and undefined in source):
        # What was revealed may come back, as a name and in other letters: what the source says may be told.
        what = "a name is undefined" if undefined else type(error).__name__
        return Fault(line, f"{what} (no more is told after a `| reveal`)")
    if isinstance(text, _MissingName) and undefined in says:
        return Fault(line, says, undefined, text.known or known)
    return Fault(line, says)
