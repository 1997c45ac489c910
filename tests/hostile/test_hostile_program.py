"""The whole program, as processes, with hostile variables and files in random combinations.

Whatever it is given, `plan`, `check`, `render` and `run` end with a documented code, say why without a traceback,
show no secret, and take a bounded amount of memory. Long by ENTRYPOINT_FUZZ_SECONDS.
"""

# Tables of inputs read best with one on a line.
# ruff: noqa: E501

from __future__ import annotations

import os
import random
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

import fuzz_plans
import pytest
from fuzzing import CANARY, REPOSITORY, make

from entrypoint.errors import EXIT_CODES

RUNS = 24
SECONDS = float(os.environ.get("ENTRYPOINT_FUZZ_SECONDS", "0"))
SEED = int(os.environ.get("ENTRYPOINT_FUZZ_SEED", "1"))
MEMORY = 512 << 20
LIMIT = 120.0
CODES = {int(code) for code, _, _ in EXIT_CODES if code.isdigit()} - {70}
BUG = re.compile(r"Traceback|a bug of entrypoint|File \".*\", line")
TARGETS = {target.name: target for target in fuzz_plans.TARGETS}
JAVA = """\
#!/bin/sh
for word; do [ "$word" = -version ] && { echo 'openjdk version "17.0.15"' >&2; exit 0; }; done
exit 3
"""


class Container:
    """A folder with hostile files, and the variables that lead to them."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.folder = folder
        self.chance = chance
        home = folder / "jdk"
        (home / "bin").mkdir(parents=True)
        (home / "bin/java").write_text(JAVA)
        (home / "bin/java").chmod(0o755)
        if chance.random() < 0.7:
            (home / "release").write_bytes(b'JAVA_VERSION="17.0.15"\n')
        self.environment: dict[bytes, bytes] = {
            b"PATH": b"/usr/bin:/bin",
            b"JAVA_HOME": os.fsencode(home),
            b"APP_JAR": b"/x.jar",
            b"OTTER_DATABASE_PASSWORD": CANARY.encode(),
            b"ENTRYPOINT_RUN_DIR": os.fsencode(folder / "run"),
            b"ENTRYPOINT_LISTEN": b"off",
            b"ENTRYPOINT_GATE_TIMEOUT": b"1s",
            b"ENTRYPOINT_TERMINATION_LOG": os.fsencode(folder / "termination-log"),
        }

    def file(self, name: str, kind: str) -> Path:
        """Write a file that a fuzzer makes, or something that is no file at all."""
        path = self.folder / name
        odd = self.chance.random()
        if odd < 0.04:
            os.mkfifo(path)
        elif odd < 0.08:
            path.mkdir()
        elif odd < 0.12:
            path.symlink_to("/dev/zero")
        elif odd < 0.15:
            with path.open("wb") as file:
                file.truncate(10 << 30)
        else:
            path.write_bytes(make(TARGETS[kind], SEED, self.chance.randrange(10**6)))
        return path

    def words(self, verb: str, profile: str) -> list[str]:
        """Return the command line, and add what it needs to files and variables."""
        chance, words = self.chance, [verb, profile]
        if chance.random() < 0.5:
            words += ["--overlay", str(self.file("overlay.yaml", "overlay"))]
        if chance.random() < 0.3:
            self.environment[b"JAVA_OPTIONS_FILE"] = os.fsencode(
                self.file("jvm.options", "options")
            )
        if chance.random() < 0.3:
            self.environment[b"JAVA_OPTIONS"] = b"@" + os.fsencode(self.file("args", "options"))
        if chance.random() < 0.2:
            self.environment[b"OTTER_DATABASE_PASSWORD_FILE"] = os.fsencode(
                self.file("secret", "properties")
            )
        made = make(TARGETS["environment"], SEED, chance.randrange(2, 10**6))
        for entry in made[1:].split(b"\0"):
            name, equals, value = entry.partition(b"=")
            # The addresses of a fuzzed profile are not asked: gates wait, and are tested elsewhere.
            if name and equals and len(entry) < 100_000 and name not in self.environment:
                self.environment[name] = value
        if verb == "render":
            words += ["--out", str(self.folder / "out")]
        if verb == "plan":
            words += chance.choice(
                ([], ["-o", "json"], ["-o", "yaml"], ["--record", str(self.folder / "r.yaml")])
            )
        if chance.random() < 0.2:
            words += [
                "--set",
                chance.choice(("http.port=x", "=", "a", "database.password=x", "a\x1b[31m=b")),
            ]
        return words


def launch(container: Container, words: list[str]) -> tuple[int, str, int]:
    """Run the program; return its code, all that it said, and the most memory that a process of it took."""

    def limits() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    done = subprocess.run(
        [os.fsencode(word) for word in (sys.executable, "-m", "entrypoint", *words)],
        cwd=REPOSITORY, env=container.environment, capture_output=True, stdin=subprocess.DEVNULL, check=False,
        timeout=LIMIT, preexec_fn=limits,
    )  # fmt: skip
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    log = container.folder / "termination-log"
    if log.is_file():
        said += log.read_text("utf-8", "replace")
    recording = container.folder / "r.yaml"
    if recording.is_file():
        said += recording.read_text("utf-8", "replace")
    return done.returncode, said, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10


def judge(code: int, said: str, verb: str) -> str:
    """Return what is wrong with how a run ended, or ""."""
    # 3 is what our java answers.
    if code not in CODES | ({3} if verb == "run" else set()):
        return f"exit code {code}"
    if BUG.search(said):
        return "it shows a bug"
    if CANARY in said:
        return "it shows a secret"
    if code and not said.strip():
        return "it says nothing"
    return ""


@pytest.mark.timeout(max(300, SECONDS * 2 + 120))
def test_hostile_containers(tmp_path: Path) -> None:
    number, ends = 0, time.monotonic() + SECONDS
    while number < RUNS or time.monotonic() < ends:
        number += 1
        chance = random.Random(f"program:{SEED}:{number}")
        folder = tmp_path / str(number)
        folder.mkdir()
        container = Container(folder, chance)
        verb = ("plan", "plan", "run", "render", "check", "explain")[number % 6]
        if chance.random() < 0.15 and verb == "plan":
            words = ["plan", "--replay", str(container.file("recording.yaml", "recording"))]
        else:
            profile = chance.choice(fuzz_plans.NAMES)
            if chance.random() < 0.3:
                profile = str(container.file("mine.yaml", "profile"))
            words = container.words(verb, profile)
            if verb in {"run", "check"}:
                # Only profiles of which nothing has to be waited for.
                words[1] = "jvm"
            if verb == "explain":
                words[1:2] = ["--profile", words[1]]
        code, said, _ = launch(container, words)
        wrong = judge(code, said, verb)
        where = f"--seed {SEED}, run {number}: {words}\n{container.environment}\n{said[-4000:]}"
        assert not wrong, f"{wrong}: {where}"
    print(f"{number} runs")
    # As much as Python with all that a plan needs, and some megabytes of hostile files: RLIMIT_AS is the bound.
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss <= MEMORY >> 10


@pytest.mark.parametrize("verb", ["plan", "run", "render", "check"])
def test_variables_of_two_megabytes(tmp_path: Path, verb: str) -> None:
    container = Container(tmp_path, random.Random(1))
    for number in range(14):
        container.environment[b"APP_%d" % number] = b"x" * 120_000
    for number in range(2000):
        container.environment[b"ENTRYPOINT_LISTE%d" % number] = b"\xff\n\x1b[31m" * 3
    container.environment[b"JAVA_OPTIONS"] = b"-Dx=" + b"y" * 120_000
    words = [verb, "jvm", *(("--out", str(tmp_path / "out")) if verb == "render" else ())]
    code, said, _ = launch(container, words)
    assert not judge(code, said, verb), said[-3000:]
    assert "\x1b[31m" not in said
