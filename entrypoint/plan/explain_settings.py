"""Printing settings for people: their values, where each comes from, and what it won against.

Here: text only, from values only, in the style of `explain`, which prints the whole plan.
"""

from __future__ import annotations

from entrypoint.plan.explain import Style, wrapped
from entrypoint.settings.masking import said
from entrypoint.values import PRECEDENCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrypoint.settings.model import Setting


def explain_setting(setting: Setting, style: Style | None = None) -> str:
    """Return a setting's value, where it comes from, and every candidate that it won against."""
    style = style or Style()
    spec = setting.spec
    value = _nothing(setting) if setting.text is None else said(spec, setting.text)
    goes = f"   → {spec.property}" if spec.property else ""
    lines = [f"{style.heading(spec.name)} = {value}{style.faint(goes)}"]
    if setting.origin is not None:
        lines.append(_candidate("chosen", setting.origin.kind, setting.origin.place, ""))
    lines.extend(
        _candidate("over", one.origin.kind, one.origin.place, said(spec, one.value))
        for one in setting.rejected
    )
    if setting.origin is None:
        lines.extend(wrapped("looked at", ", ".join(setting.looked_at), "  ", 10))
    lines.extend(wrapped("", spec.description, "  ", 10))
    return "\n".join(lines) + "\n"


def explain_settings(settings: Sequence[Setting], style: Style | None = None) -> str:
    """Return all settings as a table: name, value, origin."""
    style = style or Style()
    rows = [
        (
            one.spec.name,
            "-" if one.text is None else said(one.spec, one.text),
            str(one.origin or (_assigned(one) if one.pending else "")),
        )
        for one in settings
    ]
    name_width = max((len(name) for name, _, _ in rows), default=0)
    value_width = min(38, max((len(value) for _, value, _ in rows), default=0))
    lines = [
        f"{name:<{name_width}}  {value:<{value_width}}  {style.faint(origin)}".rstrip()
        for name, value, origin in rows
    ]
    return "\n".join(lines) + "\n"


def _nothing(setting: Setting) -> str:
    return f"({_assigned(setting)})" if setting.pending else "(no value)"


def _assigned(setting: Setting) -> str:
    return f"assigned at start by {setting.pending}"


def _candidate(label: str, kind: str, place: str, value: str) -> str:
    width = max(map(len, PRECEDENCE))
    return f"  {label:<8}  {kind:<{width}}  {place:<32}  {value}".rstrip()
