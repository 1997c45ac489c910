"""Profile and inputs to settings: every value with its origin, every problem at once.

Here: `wanted_files`, `resolve` and `default_problems`. The ladder of precedence is in
`sources`, the types are in `parse`. Pure: files come as `FileInput`s, properties as parsed layers.
"""

from __future__ import annotations

from entrypoint.errors import Problem, ProblemsError
from entrypoint.profile.references import TOTAL_LIMIT, TooLongError, fill, names
from entrypoint.settings import problems, suggest
from entrypoint.settings.compute import compute
from entrypoint.settings.masking import mask_url
from entrypoint.settings.model import Candidate, Setting, Settings
from entrypoint.settings.parse import as_text, normalise
from entrypoint.settings.sources import CONFIG_FOLDER, SECRETS_FOLDER, RawValue, Sources
from entrypoint.values import MASK, PRECEDENCE, Origin, Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from entrypoint.profile.schema import Profile, SettingSpec
    from entrypoint.settings.model import Inputs
    from entrypoint.settings.sources import Layers

HOME_SETTING = "entrypoint.home"
RUN_SETTING = "entrypoint.run-dir"


class _NoValueError(LookupError):
    """A reference leads to a setting that has no value; `args[0]` is its name."""


def own_names(host: str) -> dict[str, str]:
    """Return what `{host}` and `{ordinal}` stand for: the number that a StatefulSet ends its names with."""
    number = host.partition(".")[0].rpartition("-")[2]
    ordinal = number.isascii() and number.isdecimal() and "-" in host and len(number) < 7
    return {"host": host, "ordinal": str(int(number))} if ordinal else {"host": host}


def wanted_files(
    profile: Profile,
    inputs: Inputs,
    names: Mapping[str, str] | None = None,
    layers: Layers | None = None,
) -> tuple[str, ...]:
    """Return the paths that may hold configuration, each once.

    Some paths depend on settings that may come from files themselves (`{home}`): read them, and ask
    again with the files in `inputs`, until nothing new is wanted. Twice is enough for the built-ins.
    """
    resolver = _Resolver(profile, inputs, layers or {}, names or {})
    declared = set(suggest.variables(profile))
    environment = resolver.sources.environment
    paths: dict[str, None] = {}
    for spec in profile.settings:
        paths[f"{CONFIG_FOLDER}/{spec.name}"] = None
        paths[f"{SECRETS_FOLDER}/{spec.name}"] = None
        if spec.env:
            paths[f"{SECRETS_FOLDER}/{spec.env}"] = None
            named = environment.get(f"{spec.env}_FILE", "")
            if named.startswith("/") and f"{spec.env}_FILE" not in declared:
                paths[named] = None
        own = resolver.path(spec.file)
        if own:
            paths[own] = None
    paths.update(dict.fromkeys(resolver.properties_files()))
    copies = (resolver.path(file.source) for file in profile.files if file.kind == "copy")
    paths.update(dict.fromkeys(path for path in copies if path))
    return tuple(path for path in paths if "\0" not in path)


def preview(
    profile: Profile, inputs: Inputs, names: Mapping[str, str] | None = None
) -> Callable[[str], str | None]:
    """Return what fills reference text from what has been read so far, before all is resolved.

    It answers None where a reference has no value yet. Problems are told by `resolve`.
    """
    return _Resolver(profile, inputs, {}, names or {}).path


def preview_setting(profile: Profile, inputs: Inputs, name: str) -> Setting | None:
    """Return one setting before all are resolved, or None where the profile does not declare it."""
    resolver = _Resolver(profile, inputs, {}, {})
    spec = resolver.specs.get(name)
    return None if spec is None else resolver.setting(spec)


def resolve(
    profile: Profile,
    inputs: Inputs,
    layers: Layers | None = None,
    names: Mapping[str, str] | None = None,
    own_variables: Collection[str] = suggest.OWN_VARIABLES,
) -> Settings:
    """Return every setting of the profile with its value and origin.

    `layers` maps the path of each properties file that was found to its (key, value, line) entries;
    `names` gives what `{host}` and the like mean. `{home}` and `{run}` are taken from the
    settings where `names` does not give them. Raises ProblemsError with all problems.
    """
    settings, found = survey(profile, inputs, layers, names, own_variables)
    if found:
        raise ProblemsError(*found)
    return settings


def survey(
    profile: Profile,
    inputs: Inputs,
    layers: Layers | None = None,
    names: Mapping[str, str] | None = None,
    own_variables: Collection[str] = suggest.OWN_VARIABLES,
) -> tuple[Settings, tuple[Problem, ...]]:
    """Return what `resolve` returns, with its problems beside it: one without a value has none."""
    resolver = _Resolver(profile, inputs, layers or {}, names or {})
    environment = resolver.sources.environment
    suggestions = suggest.suggestions(profile, environment, own_variables)
    resolver.misspelt = {meant: name for name, meant in suggestions if meant}
    settings = tuple(resolver.setting(spec) for spec in profile.settings)
    found = [*problems.unknown_assignments(profile, inputs.assignments), *resolver.problems]
    found.extend(problems.beyond(settings))
    ignored = suggest.service_links(profile, environment)
    return Settings(settings, ignored, suggestions), tuple(dict.fromkeys(found))


def default_problems(profile: Profile) -> tuple[Problem, ...]:
    """Return a problem for every default that does not fit its type, for whoever writes a profile.

    A default that refers to other settings is not judged: its value is only known in a container.
    """
    found = []
    for spec in profile.settings:
        if spec.default is None or names(spec.default):
            continue
        text = fill(spec.default, lambda name: name)
        try:
            normalise(spec, text)
        except ValueError as error:
            origin = Origin("profile", str(spec.default_place or spec.place))
            found.append(problems.invalid(spec, RawValue(text, origin), str(error)))
    return tuple(found)


def home_of(profile: Profile, settings: Settings) -> str:
    """Return the application's folder: `{home}`."""
    return as_text(settings.get(HOME_SETTING)) or profile.home


class _Resolver:
    """Resolves settings one by one, those that a default refers to first."""

    def __init__(
        self, profile: Profile, inputs: Inputs, layers: Layers, names: Mapping[str, str]
    ) -> None:
        self.profile = profile
        self.names = names
        self.specs = {spec.name: spec for spec in profile.settings}
        self.sources = Sources(inputs, layers, suggest.variables(profile))
        self.problems: list[Problem] = []
        self.misspelt: Mapping[str, str] = {}
        self._done: dict[str, Setting] = {}
        self._under_way: set[str] = set()
        self._failed: set[str] = set()
        self._properties: tuple[str, ...] | None = None
        self._filled = 0

    def setting(self, spec: SettingSpec) -> Setting:
        """Return a setting, resolved once; a problem is noted, and leaves it without a value."""
        if spec.name not in self._done:
            self._under_way.add(spec.name)
            self._done[spec.name] = self._resolve(spec)
            self._under_way.discard(spec.name)
        return self._done[spec.name]

    def path(self, text: str | None) -> str | None:
        """Return reference text as a path, or None where a reference has no value."""
        try:
            return fill(text, self._lookup) if text else None
        except (_NoValueError, ValueError):
            return None

    def properties_files(self) -> tuple[str, ...]:
        """Return the paths of the files that the profile takes as properties layers."""
        if self._properties is None:
            sources = [file.source for file in self.profile.files if file.kind == "properties"]
            paths = (self.path(source) for source in sources)
            self._properties = tuple(path for path in paths if path)
        return self._properties

    def _resolve(self, spec: SettingSpec) -> Setting:
        properties = self.properties_files() if spec.property else ()
        found = self.sources.find(spec, self.path(spec.file), properties)
        values = [*found.values, *self._default(spec)]
        rung = PRECEDENCE.index(values[0].origin.kind) if values else -1
        blocking = [problem for at, problem in found.unreadable if at > rung]
        self.problems.extend(blocking)
        rejected = tuple(_candidate(spec, value) for value in values[1:])
        if blocking or not values:
            if blocking:
                self._failed.add(spec.name)
            elif giver := self._giver(spec):
                return Setting(spec, None, None, rejected, found.looked_at, pending=giver)
            elif spec.required and not self._depends_on_failed(spec):
                self.problems.append(self._missing(spec, found.looked_at))
            return Setting(spec, None, None, rejected, found.looked_at)
        text = self._checked(spec, values[0])
        origin = values[0].origin
        return Setting(spec, text, origin, rejected, found.looked_at)

    def _checked(self, spec: SettingSpec, value: RawValue) -> str | Secret | None:
        secret = spec.secret or (value.origin.kind == "profile" and self._uses_secret(spec))
        if spec.secret and value.origin.kind == "command line":
            self._failed.add(spec.name)
            self.problems.append(problems.secret_on_command_line(spec))
            return None
        try:
            text = value.text if value.verbatim else normalise(spec, value.text)
        except ValueError as error:
            self._failed.add(spec.name)
            told = RawValue(MASK, value.origin) if secret else value
            self.problems.append(problems.invalid(spec, told, str(error)))
            return None
        return Secret(text) if secret else text

    def _default(self, spec: SettingSpec) -> tuple[RawValue, ...]:
        origin = Origin("profile", str(spec.default_place or spec.place))
        found = []
        for text, made in ((spec.compute, compute), (spec.default, str)):
            try:
                if text is not None:
                    found.append(RawValue(made(self._fill(text)), origin))
            except TooLongError as error:
                details = (("where", origin.place), ("expected", str(error)))
                what = f'the default of setting "{spec.name}" grows too long'
                self.problems.append(Problem("profile-too-large", what, details))
            except (_NoValueError, ValueError):
                continue
        return tuple(found)

    def _fill(self, text: str) -> str:
        filled = fill(text, self._lookup)
        self._filled += len(filled) if "{" in text else 0
        if self._filled > TOTAL_LIMIT:
            raise TooLongError(f"at most {TOTAL_LIMIT >> 20} MiB in all texts of a profile")
        return filled

    def _giver(self, spec: SettingSpec) -> str:
        """Return who will give a setting its value at the start; "" for nobody."""
        registration = self.profile.registration
        if registration is None or spec.name not in registration.assigns:
            return ""
        if registration.when is not None and not self._value(registration.when):
            return ""
        return f"{registration.integration} at {mask_url(self.path(registration.target) or '?')}"

    def _lookup(self, name: str) -> str:
        if name in self.names:
            return self.names[name]
        if name == "home":
            text = self._value(HOME_SETTING) or self.profile.home or None
        else:
            text = self._value(RUN_SETTING if name == "run" else name)
        if text is None:
            raise _NoValueError(name)
        return text

    def _value(self, name: str) -> str | None:
        spec = self.specs.get(name)
        if spec is None or name in self._under_way:
            return None
        setting = self.setting(spec)
        return None if setting.text is None else as_text(setting)

    def _uses_secret(self, spec: SettingSpec) -> bool:
        used = (self._done.get(name) for name in names(spec.default or ""))
        return any(setting is not None and isinstance(setting.text, Secret) for setting in used)

    def _depends_on_failed(self, spec: SettingSpec) -> bool:
        return bool(spec.default) and any(n in self._failed for n in names(spec.default or ""))

    def _missing(self, spec: SettingSpec, looked_at: tuple[str, ...]) -> Problem:
        layers = self.properties_files()
        misspelt = self.misspelt.get(spec.env or "", "")
        file = self.path(spec.file) or ""
        asking = self._asking(spec)
        return problems.missing(spec, self.profile.name, looked_at, file, layers, misspelt, asking)

    def _asking(self, spec: SettingSpec) -> str:
        """Return the variable that would have a registration assign a setting; "" where none would."""
        registration = self.profile.registration
        if registration is None or spec.name not in registration.assigns:
            return ""
        when = self.specs.get(registration.when or "")
        return (when.env if when is not None else None) or ""


def _candidate(spec: SettingSpec, value: RawValue) -> Candidate:
    return Candidate(Secret(value.text) if spec.secret else value.text, value.origin)
