"""A plan's inputs as a document: recorded where something went wrong, replayed on a laptop.

Here: from `Found` to YAML and back. Secrets are masked in a recording, so a replayed plan differs in them and
in nothing else; its golden twins in the tests are made this way.
"""

from __future__ import annotations

from entrypoint.errors import Problem, ProblemsError
from entrypoint.jvm.command import EXTERNAL_VARIABLES
from entrypoint.plan import build
from entrypoint.profile import load as profiles
from entrypoint.rendering import properties
from entrypoint.settings.model import Facts, FileInput, Inputs
from entrypoint.values import MASK, Secret, reveal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

VERSION = 1


def dump(found: build.Found, sources: list[tuple[str, str]]) -> dict[str, object]:
    """Return all that the plan was made of as plain data, with every secret masked.

    `sources` are the profile and its overlays as (name, text).
    """
    masked = _masker(found)
    facts = found.facts
    return {
        "recording": VERSION,
        "profile": [{"name": name, "text": text} for name, text in sources],
        "environment": {name: masked(value) for name, value in _relevant(found)},
        "files": [
            {
                "path": file.path,
                "mounted": file.mounted,
                **(
                    {"problem": file.problem}
                    if file.problem
                    else {"content": masked(_shown(file, found))}
                ),
            }
            for file in found.inputs.files
        ],
        "set": dict(found.inputs.assignments),
        "arguments": [masked(word) for word in found.inputs.arguments],
        "facts": {name: getattr(facts, name) for name in _FACTS},
    }


def load(text: str, builtin: Mapping[str, str], template: Callable[[str], str]) -> build.Found:
    """Return what a recording holds, resolved again; raises ProblemsError for what is no recording."""
    import yaml  # noqa: PLC0415 - only for a replay

    try:
        data = yaml.safe_load(text)
        sources = [(str(one["name"]), str(one["text"])) for one in data["profile"]]
        inputs = Inputs(
            tuple(
                (str(name), str(value)) for name, value in (data.get("environment") or {}).items()
            ),
            tuple(_file(one) for one in data.get("files") or ()),
            tuple((str(name), str(value)) for name, value in (data.get("set") or {}).items()),
            tuple(str(word) for word in data.get("arguments") or ()),
        )
        facts = Facts(
            **{name: value for name, value in (data.get("facts") or {}).items() if name in _FACTS}
        )
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
        details = (
            (
                "says",
                f"{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}",
            ),
            ("expected", "a file that `entrypoint plan --record FILE` wrote"),
        )
        raise ProblemsError(Problem("recording-invalid", "this is no recording", details)) from None
    profile = profiles.load(sources, builtin)
    names = build.template_names(profile, inputs, facts.hostname)
    texts = {name: template(name) for name in names}
    return build.resolve(profile, inputs, facts, texts)


_FACTS = Facts.__slots__  # type: ignore[attr-defined]  # a record has them


def _file(one: Mapping[str, object]) -> FileInput:
    content = str(one.get("content", "")).encode("latin-1", "backslashreplace")
    return FileInput(
        str(one["path"]), content, bool(one.get("mounted")), str(one.get("problem", ""))
    )


def _relevant(found: build.Found) -> Iterator[tuple[str, str]]:
    """Yield the variables that can matter to the plan; others may hold anybody's secrets."""
    declared = {spec.env for spec in found.profile.settings if spec.env}
    families = {name.partition("_")[0] + "_" for name in declared}
    for name, value in found.inputs.environment:
        if name in declared or name in EXTERNAL_VARIABLES or name.startswith(tuple(families)):
            yield name, value


def _shown(file: FileInput, found: build.Found) -> str:
    """Return a file's text, with the secret keys of a properties file masked."""
    layer = found.layers.get(file.path)
    keys = {spec.property for spec in found.profile.settings if spec.secret and spec.property}
    if layer is None or not keys & layer.values().keys():
        return file.content.decode("latin-1")
    masks = dict.fromkeys(keys & layer.values().keys(), MASK)
    return properties.merge(layer, masks).decode("latin-1")


def _masker(found: build.Found) -> Callable[[str], str]:
    """Return what masks a text: whole values, and long secrets inside other text too.

    A short secret such as "otter" stands in many paths by chance: masking those would spoil the case.
    """
    secrets: set[str] = set()
    for setting in found.settings.settings:
        values = [setting.text, *(one.value for one in setting.rejected)]
        secrets.update(reveal(value) for value in values if isinstance(value, Secret))
    telling = sorted((text for text in secrets if len(text) >= 8), key=len, reverse=True)

    def mask(text: str) -> str:
        if text.strip() and text.strip() in secrets:
            return MASK
        for secret in telling:
            text = text.replace(secret, MASK)
        return text

    return mask
