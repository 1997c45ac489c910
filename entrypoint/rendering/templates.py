"""Rendering a template: text and variables in, file text out, or a problem that names the line.

Here: `render` and the words of its problems. Pure: template text is handed in, nothing is loaded.
jinja2 lives behind `sandbox` and is imported when the first template is rendered: it costs 25 ms.
"""

from __future__ import annotations

from entrypoint.errors import Problem, ProblemsError
from entrypoint.imports.preload import preload
from entrypoint.records import record
from entrypoint.rendering.escape import has_surrogate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Final, Literal, TypeAlias

    TemplateKind: TypeAlias = Literal["xml", "properties", "text"]

TEMPLATE_LIMIT: Final = 128 * 1024
"""Characters of a template: compiling one takes a thousand times its size in memory."""
OUTPUT_LIMIT: Final = 1 << 20
"""Characters of what a template renders to."""
UNUSED: Final = (
    "ast", "inspect", "jinja2.bccache", "jinja2.loaders", "json", "random", "urllib.parse",
)  # fmt: skip
"""What jinja2 imports for loaders, caches, `async`, and filters that the sandbox leaves out: 20 ms."""


@record
class Fault:
    """What went wrong inside a template; `known` are the names that were there instead of `missing`."""

    line: int
    says: str
    missing: str = ""
    known: Collection[str] = ()


def kind_of(target: str) -> TemplateKind:
    """Return how values have to be escaped for a file of that name."""
    if target.endswith((".xml", ".xhtml")):
        return "xml"
    return "properties" if target.endswith((".properties", ".cfg")) else "text"


def render(name: str, text: str, variables: Mapping[str, object], kind: TemplateKind) -> str:
    """Return the rendered text; every printed value is escaped for `kind` unless it is already.

    Undefined names, values that are not text, numbers or truth values, characters the format cannot
    carry, a `Secret` without `| reveal`, and output that is too long or (xml) not well-formed are the
    problem template-failed, and so are loops and values without bound. Secrets never show in a problem.
    """
    if len(text) > TEMPLATE_LIMIT:
        raise ProblemsError(_problem(name, Fault(1, f"longer than {TEMPLATE_LIMIT} characters")))
    preload("jinja2.sandbox", UNUSED)
    from entrypoint.rendering import sandbox  # noqa: PLC0415 (25 ms, only when there is a template)

    outcome = sandbox.run(name, text, variables, kind, OUTPUT_LIMIT)
    if isinstance(outcome, str) and has_surrogate(outcome):
        outcome = Fault(1, "it renders to half a UTF-16 pair, which is no Unicode text")
    if isinstance(outcome, Fault):
        raise ProblemsError(_problem(name, outcome))
    if kind == "xml":
        _check_well_formed(name, outcome)
    return outcome


def _check_well_formed(name: str, text: str) -> None:
    """Raise when a parser would reject the text: logback goes on without any log when it does."""
    from xml.parsers import expat  # noqa: PLC0415 (only when there is an XML template)

    try:
        expat.ParserCreate().Parse(text.encode(), True)
    except expat.ExpatError as error:
        problem = Problem(
            "template-failed",
            f"template {name} does not render to well-formed XML",
            (
                ("where", f"{name}, line {error.lineno} of the rendered text"),
                ("says", expat.ErrorString(error.code) or "malformed"),
                (
                    "fix",
                    "run `entrypoint render --out DIR` with a mended template and look at the text",
                ),
            ),
        )
        raise ProblemsError(problem) from None


def _problem(name: str, fault: Fault) -> Problem:
    details = [("where", f"{name}:{fault.line}"), ("says", fault.says)]
    if fault.missing:
        import difflib  # noqa: PLC0415 (only for a message)

        close = difflib.get_close_matches(fault.missing, [str(known) for known in fault.known], 1)
        if close:
            details.append(("fix", f"did you mean {close[0]}?"))
        else:
            details.append(("fix", "declare it in the profile, or ask `is defined` first"))
    return Problem("template-failed", f"cannot render template {name}", tuple(details))
