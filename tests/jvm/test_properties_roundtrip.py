"""Our reader and writer against the real java.util.Properties: one JVM for each batch of files."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from entrypoint.errors import ProblemsError
from entrypoint.rendering.properties import merge, parse

T = TypeVar("T")

PROBE = Path(__file__).with_name("PropertiesProbe.java")

TEXT = st.text(
    st.one_of(
        st.sampled_from("\\#!=: \t\f\n\r\0\x7f\x80\xa0\xff\ud7ff\ue000\ufeff\uffff😀u"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=12,
)
HOSTILE_PARTS = st.one_of(
    st.sampled_from(
        [
            *"\\\\\\#!=: \t\f\n\r\n\rabu0",
            *["\r\n", "\\\n", "\\\r\n", "\\u0041", "\\u00e9", "\\ud83d\\ude00", "\\u12", "\\uZZZZ"],
            *["\\ud83d", "key=value\n", "# comment\n", "\xef\xbb\xbf", "\xc3\xa9", "\xff", "\\\\"],
        ]
    ),
    st.characters(max_codepoint=255),
)
ENDINGS = st.sampled_from(
    ["", "\n", "\\", "\\\n", "\\\r\n", "a\\\n", "=\\", "\n\\\n", "\\\n \\", "#\\"]
)
HOSTILE_FILES = st.builds(
    lambda parts, ending: ("".join(parts) + ending).encode("latin-1"),
    st.lists(HOSTILE_PARTS, max_size=24),
    ENDINGS,
)


def load_all(java: Path, files: list[bytes]) -> list[dict[str, str] | None]:
    """Return what Java reads from each file; None for a file that it refuses."""
    stdin = b"".join(struct.pack(">i", len(file)) + file for file in files)
    done = subprocess.run(
        [java / "bin" / "java", PROBE], input=stdin, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    lines = done.stdout.decode("ascii").splitlines()
    assert len(lines) == len(files)
    return [None if line == "malformed" else decoded(line) for line in lines]


def decoded(line: str) -> dict[str, str]:
    pairs = (pair.split("=") for pair in line.split(" ")[1:])
    return {from_hex(key): from_hex(value) for key, value in pairs}


def from_hex(units: str) -> str:
    return bytes.fromhex(units).decode("utf-16-be", "surrogatepass")


def generated(strategy: st.SearchStrategy[T], count: int) -> list[T]:
    """Return examples that hypothesis generates; all go to Java together, since a JVM is not free."""
    examples: list[T] = []

    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(example: T) -> None:
        examples.append(example)

    collect()
    return examples


def test_java_reads_back_every_key_and_value_that_we_write(java: Path) -> None:
    wanted = generated(st.dictionaries(TEXT, TEXT, max_size=6), 400)
    files = [merge(parse(b""), values) for values in wanted]
    assert all(file.isascii() for file in files)
    for values, file, found in zip(wanted, files, load_all(java, files), strict=True):
        assert found == values, file
        assert parse(file).values() == values, file


def test_our_reader_agrees_with_java_on_hostile_files(java: Path) -> None:
    files = generated(HOSTILE_FILES, 1500)
    for file, found in zip(files, load_all(java, files), strict=True):
        try:
            ours = parse(file)
        except ProblemsError as error:
            ids = {problem.id for problem in error.problems}
            assert found is None or (ids == {"properties-surrogate"} and b"\\ud83d" in file), file
        else:
            assert ours.values() == found, file
            assert "".join(piece.text for piece in ours.pieces).encode("latin-1") == file


def test_java_sees_merged_hostile_files_as_base_plus_overrides(java: Path) -> None:
    cases = []
    for file, overrides in generated(
        st.tuples(
            HOSTILE_FILES,
            st.dictionaries(TEXT | st.sampled_from(["key", "a", "b", "", "ab"]), TEXT, max_size=3),
        ),
        1000,
    ):
        try:
            base = parse(file)
        except ProblemsError:
            continue
        cases.append((file, base.values() | overrides, merge(base, overrides)))
    assert len(cases) > 200
    found = load_all(java, [merged for _, _, merged in cases])
    for (file, wanted, merged), seen in zip(cases, found, strict=True):
        assert seen == wanted, (file, merged)
