"""What a container was given, in tests: short ways to say it, and to resolve it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from entrypoint.errors import Problem, ProblemsError
from entrypoint.profile.load import load
from entrypoint.profile.schema import Place, Profile, SettingSpec
from entrypoint.settings.model import FileInput, Inputs, Setting, Settings
from entrypoint.settings.resolve import resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrypoint.profile.schema import SettingType

FOLDER = os.path.join(
    os.path.dirname(__file__), "..", "..", "..", "entrypoint", "profile", "builtin"
)
PROPERTIES = "/opt/app/conf/app.properties"

DEMO = """\
profile: demo
home: /opt/app
settings:
  url: {env: DEMO_URL, property: app.url, type: jdbc-url, example: 'jdbc:x:y'}
  port: {env: DEMO_PORT, property: app.port, type: port, default: 8080}
  password: {env: DEMO_PASSWORD, property: app.password, secret: true}
  id: {env: DEMO_ID, file: '{home}/conf/id', type: int}
  timeout: {env: DEMO_TIMEOUT, property: app.timeout, type: duration, unit: ms, default: 60s}
  label: {env: DEMO_LABEL, property: app.label, default: 'port {port} of {host}'}
files:
  app.properties: {properties: '{home}/conf/app.properties', target: '{run}/app.properties'}
java: {main: M}
"""


def builtin() -> dict[str, str]:
    texts = {}
    for name in sorted(os.listdir(FOLDER)):
        with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
            texts[name.removesuffix(".yaml")] = file.read()
    return texts


BUILTIN = builtin()


def profile(text: str = DEMO) -> Profile:
    return load([("demo.yaml", text)], BUILTIN)


def built_in(name: str) -> Profile:
    return load([(f"{name}.yaml", BUILTIN[name])], BUILTIN)


def mounted(path: str, content: str | bytes = b"", problem: str = "") -> FileInput:
    raw = content.encode() if isinstance(content, str) else content
    return FileInput(path, raw, mounted=True, problem=problem)


def shipped(path: str, content: str | bytes = b"") -> FileInput:
    raw = content.encode() if isinstance(content, str) else content
    return FileInput(path, raw)


def settings_of(
    of: Profile,
    environment: Mapping[str, str] | None = None,
    files: Sequence[FileInput] = (),
    layers: Mapping[str, Sequence[tuple[str, str, int]]] | None = None,
    assignments: Sequence[tuple[str, str]] = (),
) -> Settings:
    inputs = Inputs(tuple((environment or {}).items()), tuple(files), tuple(assignments))
    return resolve(of, inputs, layers, {"host": "pod-0"})


def problems_of(
    of: Profile,
    environment: Mapping[str, str] | None = None,
    files: Sequence[FileInput] = (),
    layers: Mapping[str, Sequence[tuple[str, str, int]]] | None = None,
    assignments: Sequence[tuple[str, str]] = (),
) -> tuple[Problem, ...]:
    try:
        settings_of(of, environment, files, layers, assignments)
    except ProblemsError as error:
        return error.problems
    return ()


def get(settings: Settings, name: str) -> Setting:
    found = settings.get(name)
    assert found is not None
    return found


def spec(
    type_: SettingType, unit: str | None = None, choices: tuple[str, ...] = (), secret: bool = False
) -> SettingSpec:
    return SettingSpec(
        "demo", type_, Place("demo.yaml", 1), unit=unit, choices=choices, secret=secret
    )
