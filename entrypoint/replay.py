"""A plan's inputs as a document: recorded where something went wrong, replayed on a laptop.

Here: from `Found` to YAML and back. Secrets are masked in a recording, so a replayed plan differs in them and
in nothing else; its golden twins in the tests are made this way.
"""

from __future__ import annotations

import re

from entrypoint.errors import Problem, ProblemsError
from entrypoint.jvm.command import EXTERNAL_VARIABLES
from entrypoint.plan import build
from entrypoint.profile import load as profiles
from entrypoint.rendering import properties
from entrypoint.settings.masking import mask_url, mask_words
from entrypoint.settings.model import Facts, FileInput, Inputs
from entrypoint.settings.service_links import service_of
from entrypoint.values import MASK, Secret, reveal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

VERSION = 1
MAX_DEPTH = 16
MAX_EVENTS = 50_000


def dump(found: build.Found, sources: list[tuple[str, str]]) -> dict[str, object]:
    """Return all that the plan was made of as plain data, with every secret masked.

    `sources` are the profile and its overlays as (name, text).
    """
    masked = _masker(found)
    facts = found.facts
    return {
        "recording": VERSION,
        "profile": [{"name": name, "text": masked(text)} for name, text in sources],
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
        "set": {name: masked(value) for name, value in found.inputs.assignments},
        "arguments": [masked(word) for word in mask_words(found.inputs.arguments)],
        "facts": {name: getattr(facts, name) for name in _FACTS},
    }


def load(text: str, builtin: Mapping[str, str], template: Callable[[str], str]) -> build.Found:
    """Return what a recording holds, resolved again; raises ProblemsError for what is no recording."""
    try:
        data = _Fields(_parse(text))
        documents = map(_Fields, data.items("profile"))
        sources = [(one.text("name"), one.text("text")) for one in documents]
        inputs = Inputs(
            data.pairs("environment"),
            tuple(_file(_Fields(one)) for one in data.items("files")),
            data.pairs("set"),
            tuple(map(_plain, data.items("arguments"))),
        )
        facts = _facts(_Fields(data.all().get("facts") or {}))
        if not sources:
            raise ValueError("no profile in it")
    except ValueError as error:
        details = (
            ("says", str(error)),
            ("expected", "a file that `entrypoint plan --record FILE` wrote"),
        )
        raise ProblemsError(Problem("recording-invalid", "this is no recording", details)) from None
    profile = profiles.load(sources, builtin)
    names = build.template_names(profile, inputs, facts.hostname)
    texts = {name: template(name) for name in names}
    return build.resolve(profile, inputs, facts, texts)


def _parse(text: str) -> object:
    """Return what YAML text holds; ValueError where it is not plain data of a size that can be."""
    import yaml  # noqa: PLC0415 - only for a replay

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    if re.search(r"\\u[dD][89a-fA-F]", text):  # bytes that are no text: libyaml does not take them
        loader = yaml.SafeLoader
    depth = count = 0
    try:
        for event in yaml.parse(text, loader):
            # Each alias of an alias doubles what is behind it, once it is made into text.
            if isinstance(event, yaml.AliasEvent):
                raise ValueError("it has an alias in it")
            count += 1
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH or count > MAX_EVENTS:
                raise ValueError(f"more than {MAX_DEPTH} levels or {MAX_EVENTS} values")
        return yaml.load(text, loader)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, TypeError, ArithmeticError) as error:
        first = next(iter(str(error).splitlines()), "")[:200]
        raise ValueError(f"{type(error).__name__}: {first}") from None


class _Fields:
    """A mapping whose parts have to be of the kinds that a recording has; ValueError where not."""

    def __init__(self, data: object) -> None:
        if not isinstance(data, dict):
            raise ValueError("no mapping")
        self._data: dict[object, object] = data

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text."""
        found = self._data.get(name, default)
        if not isinstance(found, str):
            raise ValueError(f"{name} is no text")
        return found

    def flag(self, name: str) -> bool:
        """Return true or false."""
        return bool(self._data.get(name))

    def items(self, name: str) -> list[object]:
        """Return a list; an empty one where there is none."""
        return _list(name, self._data.get(name) or [])

    def pairs(self, name: str) -> tuple[tuple[str, str], ...]:
        """Return the names and values of a mapping, as text."""
        found = _Fields(self._data.get(name) or {})
        return tuple((_plain(key), _plain(value)) for key, value in found.all().items())

    def all(self) -> dict[object, object]:
        """Return the mapping itself."""
        return self._data


def _list(name: str, value: object) -> list[object]:
    if not isinstance(value, list):
        raise ValueError(f"{name} is no list")
    return value


def _plain(value: object) -> str:
    if not isinstance(value, str | int | float):
        raise ValueError("a list or mapping where a text belongs")
    return str(value)


def _facts(given: _Fields) -> Facts:
    """Return the facts of a recording; those that it leaves out are as they are by default."""
    found = {
        str(name): _fact(str(name), value) for name, value in given.all().items() if name in _FACTS
    }
    return Facts(**found)


def _fact(name: str, value: object) -> Any:
    """Return one fact; ValueError where it is of another kind than its default."""
    default: object = getattr(Facts(), name)
    if name == "archives":
        return tuple(map(_archive, _list(name, value)))
    if isinstance(default, tuple):
        return tuple(map(_plain, _list(name, value)))
    kinds = (int, float, type(None)) if default is None else (type(default),)
    number = type(value) in {int, float}
    if type(value) not in kinds or (number and not 0 <= float(_plain(value)) <= _LARGEST):
        raise ValueError(f"facts.{name} holds something else")
    return value


def _archive(item: object) -> tuple[str, int]:
    match item:
        case [str(name), int(size)]:
            return name, size
    raise ValueError("facts.archives holds something else")


_FACTS = Facts.__slots__  # type: ignore[attr-defined]  # a record has them
_LARGEST = 1 << 62


def _file(one: _Fields) -> FileInput:
    content = one.text("content", "").encode("latin-1", "backslashreplace")
    return FileInput(one.text("path"), content, one.flag("mounted"), one.text("problem", ""))


def _relevant(found: build.Found) -> Iterator[tuple[str, str]]:
    """Yield the variables that can matter to the plan; others may hold anybody's secrets."""
    declared = {spec.env for spec in found.profile.settings if spec.env}
    files = {f"{name}_FILE" for name in declared}
    families = {name.partition("_")[0] + "_" for name in declared}
    for name, value in found.inputs.environment:
        if name in declared or name in files or name in EXTERNAL_VARIABLES:
            yield name, value
        elif name.startswith(tuple(families)):
            # It may be misspelt, and a secret: of such a variable the name matters, and of a
            # service link what it looks like.
            yield name, value if service_of(name, value) else MASK


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
        # Those of URLs and options, which are no settings of their own.
        return mask_url(text)

    return mask
