"""Whatever a container is given, the answer is settings or a list of problems, and no secret in it."""

from __future__ import annotations

from containers import BUILTIN, built_in
from hypothesis import given, settings
from hypothesis import strategies as st

from entrypoint.errors import ProblemsError, format_problems
from entrypoint.settings.model import FileInput, Inputs
from entrypoint.settings.parse import normalise
from entrypoint.settings.resolve import resolve, wanted_files

PROFILES = {name: built_in(name) for name in BUILTIN}
MARK = "hunter2"
VALUES = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["", " ", "1", "-1", "65536", "yes", "60s", "1e9s", "9" * 40, "${x}", "{home}", "{", "a:1,b:2", "/x",
         "\n", "http://[::1", "http://h:999999", "jdbc:", "jdbc:mysql://h/d", "tcp://10.0.0.1:80", "²",
         "\uff11", "1" * 5000, ".5s", "1..2s", "\x00", "\ud800", "/run/secrets/x", "[", "[]:1", "%", "100%"]
    ),
)  # fmt: skip


@st.composite
def containers(draw: st.DrawFn) -> tuple[str, Inputs, dict[str, list[tuple[str, str, int]]]]:
    name = draw(st.sampled_from(sorted(PROFILES)))
    profile = PROFILES[name]
    variables = [spec.env for spec in profile.settings if spec.env]
    names = st.sampled_from(
        [*variables, *(f"{v}_FILE" for v in variables), *(v[:-1] for v in variables)]
    )
    environment = draw(st.dictionaries(names | st.text(max_size=8), VALUES, max_size=8))
    inputs = Inputs(tuple(environment.items()))
    paths = st.sampled_from(wanted_files(profile, inputs, {"host": "h"}))
    files = draw(
        st.lists(
            st.builds(
                FileInput,
                paths,
                st.binary(max_size=20) | VALUES.map(lambda text: text.encode(errors="replace")),
                st.booleans(),
                st.sampled_from(["", "", "", "permission denied"]),
            ),
            max_size=6,
        )
    )
    keys = [spec.property for spec in profile.settings if spec.property] or ["none"]
    entries = st.lists(st.tuples(st.sampled_from(keys), VALUES, st.integers(1, 99)), max_size=6)
    layers = {file.path: draw(entries) for file in files if file.path.endswith(".properties")}
    setting_names = st.sampled_from([spec.name for spec in profile.settings]) | st.text(max_size=8)
    assignments = tuple(draw(st.lists(st.tuples(setting_names, VALUES), max_size=3)))
    return name, Inputs(tuple(environment.items()), tuple(files), assignments), layers


@settings(max_examples=400, deadline=None)
@given(containers())
def test_any_container(
    container: tuple[str, Inputs, dict[str, list[tuple[str, str, int]]]],
) -> None:
    name, inputs, layers = container
    profile = PROFILES[name]
    assert all("\0" not in path for path in wanted_files(profile, inputs, layers=layers))
    try:
        resolved = resolve(profile, inputs, layers, {"host": "h"})
    except ProblemsError as error:
        format_problems(error.problems)
    else:
        assert [setting.spec for setting in resolved.settings] == list(profile.settings)
        assert all(s.text is not None for s in resolved.settings if s.spec.required)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=12), st.sampled_from(["env", "file", "assignment"]))
def test_a_secret_is_in_no_message_and_no_repr(noise: str, way: str) -> None:
    profile = PROFILES["otter-manager"]
    secret = MARK + noise + MARK
    environment = {"OTTER_DATABASE_PASSWORD": secret} if way == "env" else {}
    content = secret.encode(errors="replace")
    files = (FileInput("/run/secrets/database.password", content, True),) if way == "file" else ()
    assignments = (("database.password", secret),) if way == "assignment" else ()
    inputs = Inputs(tuple(environment.items()), files, assignments)
    try:
        said = repr(resolve(profile, inputs))
    except ProblemsError as error:
        said = format_problems(error.problems) + repr(error.problems) + str(error)
    assert MARK not in said


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PROFILES["otter-manager"].settings + PROFILES["jvm"].settings), VALUES)
def test_a_normal_value_is_stable(spec: object, text: str) -> None:
    try:
        normal = normalise(spec, text)  # type: ignore[arg-type]
    except ValueError:
        return
    assert normalise(spec, normal) == normal  # type: ignore[arg-type]
