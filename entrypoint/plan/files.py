"""The files that the application reads: from settings, layers and templates to bytes.

Here: what goes into each file of a profile, and the line that sums up where its content came from.
"""

from __future__ import annotations

from collections import Counter

from entrypoint.errors import Problem, ProblemsError
from entrypoint.plan.model import Note, RenderedFile
from entrypoint.records import record
from entrypoint.rendering import properties, templates
from entrypoint.values import reveal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrypoint.plan.scope import Scope
    from entrypoint.profile.schema import FileSpec
    from entrypoint.rendering.properties import PropertiesFile
    from entrypoint.settings.model import Inputs, Setting, Settings

_SHORT_KINDS = {
    "image file": "shipped file",
    "mounted file": "mounted file",
    "secret file": "secret",
    "environment": "env",
    "registration": "registered",
    "command line": "--set",
    "profile": "default",
}
"""Origins in the words of a file's summary, in the order of its counts."""


@record
class Rendered:
    """The files to write, what is to be said about them, and what their properties amount to."""

    files: tuple[RenderedFile, ...]
    notes: tuple[Note, ...]
    values: tuple[tuple[str, str], ...]
    """All keys of the properties files as Java will see them: it holds secrets."""


def render(
    specs: tuple[FileSpec, ...],
    scope: Scope,
    inputs: Inputs,
    layers: Mapping[str, PropertiesFile],
    texts: Mapping[str, str],
) -> Rendered:
    """Return every file of the profile that is wanted here; raises ProblemsError with all problems.

    `layers` are the parsed properties files by path, `texts` the template texts by name.
    """
    files: list[RenderedFile] = []
    notes: list[Note] = []
    values: dict[str, str] = {}
    problems: list[Problem] = []
    for spec in specs:
        if spec.when is not None and not scope.has(spec.when):
            continue
        target, source = scope.text(spec.target), scope.text(spec.source)
        try:
            _check_target(spec, target)
            match spec.kind:
                case "properties":
                    layer = layers.get(source) or properties.PropertiesFile(source)
                    content = properties.merge(layer, _overrides(scope.settings, source))
                    merged = properties.parse(content, target).values()
                    values |= merged
                    summary = _count(merged, layer, scope.settings, inputs, source)
                    notes.extend(Note(text, source) for text in layer.warnings)
                case "template":
                    content = _template(source, target, scope, texts)
                    summary = f"template {source}"
                case "copy":
                    found = inputs.file(source)
                    if found is None or found.problem:
                        raise ProblemsError(
                            _missing(spec, source, found.problem if found else "no such file")
                        )
                    content, summary = found.content, f"copy of {source}"
        except ProblemsError as error:
            problems.extend(error.problems)
            continue
        if spec.once:
            summary += " (only when absent)"
        files.append(RenderedFile(target, spec.mode, content, summary, spec.once))
    if problems:
        raise ProblemsError(*problems)
    return Rendered(tuple(files), tuple(notes), tuple(values.items()))


def _check_target(spec: FileSpec, target: str) -> None:
    """Refuse a target that a value could lead out of its folder, or that depends on where we stand."""
    parts = target.split("/")
    if target.startswith("/") and parts[-1] not in {"", "."} and ".." not in parts:
        return
    details = (
        ("where", str(spec.place)),
        ("value", target[:200] or "(empty)"),
        ("expected", "the absolute path of a file, without .."),
        ("fix", "correct `target`, or the value of the setting that it refers to"),
    )
    raise ProblemsError(Problem("file-target", f"files.{spec.name} has no target", details))


def _template(source: str, target: str, scope: Scope, texts: Mapping[str, str]) -> bytes:
    text = texts.get(source)
    if not text:
        details = (
            ("where", source),
            ("expected", "a built-in template, or the path of a readable file"),
        )
        raise ProblemsError(Problem("template-missing", f"no template {source[:200]}", details))
    settings = {
        setting.spec.name: setting.text
        for setting in scope.settings.settings
        if setting.text is not None
    }
    variables = {"s": settings, **scope.fixed, "hostname": scope.fixed.get("host", "")}
    return templates.render(source, text, variables, templates.kind_of(target)).encode()


def _overrides(settings: Settings, source: str) -> dict[str, str]:
    """Return the keys to write: those whose value does not come from this very file."""
    found: dict[str, str] = {}
    for setting in settings.settings:
        key, text, origin = setting.spec.property, setting.text, setting.origin
        if key is None or text is None or origin is None:
            continue
        if not _is_from(setting, source):
            found[key] = reveal(text)
    return found


def _is_from(setting: Setting, source: str) -> bool:
    origin = setting.origin
    return origin is not None and origin.place.rpartition(":")[0] == source


def _count(
    merged: Mapping[str, str],
    layer: PropertiesFile,
    settings: Settings,
    inputs: Inputs,
    source: str,
) -> str:
    found = inputs.file(source)
    layer_kind = "mounted file" if found is not None and found.mounted else "image file"
    by_key = {
        setting.spec.property: setting for setting in settings.settings if setting.spec.property
    }
    counts: Counter[str] = Counter()
    for key in merged:
        setting = by_key.get(key)
        origin = setting.origin if setting is not None else None
        counts[_SHORT_KINDS.get(origin.kind if origin else layer_kind, "computed")] += 1
    parts = [f"{counts[kind]} {kind}" for kind in _SHORT_KINDS.values() if counts[kind]]
    absent = "" if layer.pieces or found is not None else f" (no {source})"
    return f"{len(merged)} keys: {', '.join(parts)}{absent}"


def _missing(spec: FileSpec, source: str, reason: str) -> Problem:
    details = (("where", f"{spec.place}"), ("looked at", f"{source} ({reason})"))
    return Problem("file-missing", f"cannot copy {source} to {spec.name}: {reason}", details)
