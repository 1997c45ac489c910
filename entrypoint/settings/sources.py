"""Where a value may come from: the precedence ladder, rung by rung, for one setting.

Here: looking a setting up in `--set`, the environment, secret files, mounted files and the image's
files, highest first. Which candidate wins, and whether it is well-formed, is decided in `resolve`. Pure.
"""

from __future__ import annotations

from entrypoint.errors import DENIED, LET_READ, Problem
from entrypoint.records import record
from entrypoint.settings.service_links import service_of
from entrypoint.values import PRECEDENCE, Origin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from entrypoint.profile.schema import SettingSpec
    from entrypoint.settings.model import FileInput, Inputs

    Layers: TypeAlias = Mapping[str, Sequence[tuple[str, str, int]]]

CONFIG_FOLDER = "/run/config"
SECRETS_FOLDER = "/run/secrets"
MAX_FILE = 64 * 1024


@record
class RawValue:
    """A value as it was found. `verbatim` tells that it holds a Java placeholder: not to be parsed."""

    text: str
    origin: Origin
    verbatim: bool = False


@record
class Found:
    """All that was found for a setting, highest first, where we looked, and what was unreadable.

    An unreadable file is a problem with the rung of the ladder that it stands on: a value from a higher
    rung makes it irrelevant.
    """

    values: tuple[RawValue, ...]
    looked_at: tuple[str, ...]
    unreadable: tuple[tuple[int, Problem], ...] = ()


class Sources:
    """Looks settings up in what a container was given."""

    def __init__(self, inputs: Inputs, layers: Layers, declared: Sequence[str]) -> None:
        self.environment = dict(inputs.environment)
        self.files = {found.path: found for found in inputs.files}
        self.assignments = inputs.assignments
        self.assigned = inputs.assigned
        self.layers = layers
        self.declared = frozenset(declared)

    def find(
        self, spec: SettingSpec, file: str | None = None, properties: Sequence[str] = ()
    ) -> Found:
        """Return everything found for a setting.

        `file` is the path of its own file, if it has one; `properties` are the paths of the properties
        files that may hold its key.
        """
        search = _Search(self, spec)
        search.assignments()
        if spec.env:
            search.variable(spec.env)
            if f"{spec.env}_FILE" not in self.declared:
                search.variable_file(f"{spec.env}_FILE")
        search.secret_files()
        search.value_file(f"{CONFIG_FOLDER}/{spec.name}", tell=file is None)
        if file is not None:
            search.value_file(file)
        if spec.property:
            for path in properties:
                search.layer(path, spec.property)
        search.registration()
        return search.found()


class _Search:
    """One setting's way down the ladder."""

    def __init__(self, sources: Sources, spec: SettingSpec) -> None:
        self.sources = sources
        self.spec = spec
        self.values: list[RawValue] = []
        self.looked_at: list[str] = []
        self.unreadable: list[tuple[int, Problem]] = []

    def found(self) -> Found:
        """Return what was found; the order within a rung is the order in which we looked."""
        values = sorted(self.values, key=lambda value: -PRECEDENCE.index(value.origin.kind))
        return Found(tuple(values), tuple(self.looked_at), tuple(self.unreadable))

    def assignments(self) -> None:
        """Look at `--set`; of several the last one counts."""
        for name, text in reversed(self.sources.assignments):
            if name == self.spec.name:
                self._add(text, "command line", f"--set {name}")

    def registration(self) -> None:
        """Look at what a registration has given."""
        for name, text, place in self.sources.assigned:
            if name == self.spec.name:
                self._add(text, "registration", place)

    def variable(self, name: str) -> None:
        """Look at an environment variable; empty is as good as unset, as compose files leave it."""
        text = self.sources.environment.get(name)
        if not text:
            self.looked_at.append(f"${name} ({'unset' if text is None else 'empty'})")
        elif service_of(name, text, declared=True):
            self.looked_at.append(f"${name} (a Kubernetes service link)")
        else:
            self._add(text, "environment", f"${name}")

    def variable_file(self, name: str) -> None:
        """Look at the file that `NAME_FILE` names; here a missing file is a problem."""
        path = self.sources.environment.get(name)
        if not path:
            if self.spec.secret:
                self.looked_at.append(f"${name} (unset)")
            return
        found = self.sources.files.get(path)
        if not path.startswith("/"):
            self._unreadable("secret file", f"${name}", path, "not an absolute path")
        elif found is None:
            self._unreadable("secret file", f"${name}", path, "no such file")
        else:
            self._content(found, "secret file", f"${name}")

    def secret_files(self) -> None:
        """Look at /run/secrets, under the setting's name and under its variable's."""
        first = f"{SECRETS_FOLDER}/{self.spec.name}"
        for path in (first, f"{SECRETS_FOLDER}/{self.spec.env}" if self.spec.env else ""):
            found = self.sources.files.get(path)
            if found is not None:
                self._content(found, "secret file", path)
            elif path == first and self.spec.secret:
                self.looked_at.append(f"{path} (missing)")

    def value_file(self, path: str, tell: bool = True) -> None:
        """Look at a file whose whole content is the value."""
        found = self.sources.files.get(path)
        if found is not None:
            self._content(found, _kind(found), path)
        elif tell and not self.spec.secret:
            self.looked_at.append(f"{path} (missing)")

    def layer(self, path: str, key: str) -> None:
        """Look at the entries of a properties file; as in Java, of equal keys the last one counts."""
        found = self.sources.files.get(path)
        if found is None:
            self.looked_at.append(f"{path} (missing)")
            return
        if found.problem:
            fix = (("fix", LET_READ),) if found.problem == DENIED else ()
            details = (("where", path), ("says", found.problem), *fix)
            what = "cannot read a properties file"
            self._problem(_kind(found), Problem("setting-file-unreadable", what, details))
            return
        entries = [entry for entry in self.sources.layers.get(path, ()) if entry[0] == key]
        if not entries:
            self.looked_at.append(f"{path} (no {key})")
        for _, text, line in reversed(entries):
            if text or self.spec.type == "text":
                self._add(text, _kind(found), f"{path}:{line}", verbatim="${" in text)
            else:
                self.looked_at.append(f"{path}:{line} (empty)")

    def _content(self, found: FileInput, kind: str, place: str) -> None:
        if found.problem:
            self._unreadable(kind, place, found.path, found.problem)
            return
        if len(found.content) > MAX_FILE:
            reason = f"larger than {MAX_FILE // 1024} KiB"
            self._unreadable(kind, place, found.path, reason)
            return
        try:
            text = found.content.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            self._unreadable(kind, place, found.path, "not UTF-8 text")
            return
        if text.strip():
            shown = found.path if place == found.path else f"{found.path} ({place})"
            self._add(text, kind, shown)
        else:
            self.looked_at.append(f"{found.path} (empty)")

    def _add(self, text: str, kind: str, place: str, verbatim: bool = False) -> None:
        self.values.append(RawValue(text, Origin(kind, place), verbatim))

    def _unreadable(self, kind: str, place: str, path: str, reason: str) -> None:
        self.looked_at.append(f"{path} ({reason})")
        details = [("where", place), ("value", path), ("says", reason)]
        if place.startswith("$") and reason == "no such file":
            details.append(("fix", f"mount the file, or unset {place[1:]}"))
        if reason == DENIED:
            details.append(("fix", LET_READ))
        what = f'cannot read the file for setting "{self.spec.name}"'
        self._problem(kind, Problem("setting-file-unreadable", what, tuple(details)))

    def _problem(self, kind: str, problem: Problem) -> None:
        self.unreadable.append((PRECEDENCE.index(kind), problem))


def _kind(found: FileInput) -> str:
    return "mounted file" if found.mounted else "image file"
