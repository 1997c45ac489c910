"""The shape of the program, checked by reading its source, and by asking a real process what it loads.

docs/explanation says why: a ladder of modules keeps decisions apart from effects, and what PID 1 imports
is paid for by every pod, before its java starts.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import entrypoint
from lab import certificates
from lab.needs import need
from lab.net import free_port

PACKAGE = Path(entrypoint.__file__).parent
MODULES = {
    ".".join(("entrypoint", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(
        ".__init__"
    ): path
    for path in sorted(PACKAGE.rglob("*.py"))
}

LADDER = (
    "records", "errors", "values", "imports",
    "profile", "settings", "jvm", "rendering", "plan", "lifecycle", "system", "integrations", "serve",
    "supervisor", "plain", "verb_arguments", "arguments", "sources", "watched", "replay", "preflight",
    "background", "registering", "prepare", "sampler", "watch", "config", "vitals", "port", "errands",
    "last_words", "ending", "engine",
    "probe", "asking", "status", "diagnose", "sql_script", "database", "manifests", "cli", "app",
    "__main__",
)  # fmt: skip
"""A module imports only from those before it, and from its own rung."""

PURE = (
    "records", "errors", "values", "profile", "settings", "jvm", "rendering", "plan", "lifecycle",
)  # fmt: skip
EFFECTS = {
    "_posixsubprocess", "_signal", "_socket", "asyncio", "ctypes", "fcntl", "glob", "http", "io", "logging",
    "mmap", "multiprocessing", "pathlib", "pty", "pwd", "random", "resource", "select", "selectors", "shutil",
    "signal", "socket", "socketserver", "ssl", "subprocess", "sys", "tempfile", "termios", "threading",
    "urllib", "_thread",
}  # fmt: skip
PURE_PARTS = {"os": {"path"}, "time": {"gmtime", "strftime"}}
"""Of modules that do both: what only computes. Of os.path, nothing that asks the disk."""
DISK_QUESTIONS = {
    "abspath", "exists", "expanduser", "getmtime", "getsize", "isdir", "isfile", "islink", "ismount",
    "lexists", "realpath", "samefile",
}  # fmt: skip

LOADED_BY_PID1 = (
    "records", "errors", "values", "lifecycle", "system", "serve",
    "supervisor", "plain", "vitals", "port", "sampler", "watch", "errands", "last_words", "ending", "engine",
    "app", "__main__",
)  # fmt: skip
COSTLY = {
    "argparse", "asyncio", "dataclasses", "http.server", "logging", "pathlib", "subprocess", "typing",
    "urllib.request",
}  # fmt: skip

RESERVED_WORDS = ("util", "helper", "manager", "handler", "common", "misc")
LINES = 320


def rung(module: str) -> str:
    """Return the rung of a module: the package or module right below `entrypoint`."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def imports(path: Path, module: str) -> Iterator[tuple[str, int, bool]]:
    """Give (imported module, line, whether only for types) of every import, wherever it is."""
    tree = ast.parse(path.read_text(), str(path))
    for_types = {
        node
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
        for statement in branch.body
        for node in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: a relative import"
            base = node.module or ""
            names = [
                f"{base}.{alias.name}" if f"{base}.{alias.name}" in MODULES else base
                for alias in node.names
            ]
        else:
            continue
        for name in names:
            yield name, node.lineno, node in for_types


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_the_rungs_below_it(module: str) -> None:
    own = rung(module)
    if not own:
        assert not list(imports(MODULES[module], module)), "the package itself imports nothing"
        return
    assert own in LADDER, f"{module} has no place on the ladder: give it one in LADDER"
    wrong = [
        f"line {line}: {name}"
        for name, line, _ in imports(MODULES[module], module)
        if name.startswith("entrypoint.") and LADDER.index(rung(name)) > LADDER.index(own)
    ]
    assert not wrong, f"{module} imports from above"


@pytest.mark.parametrize("module", [name for name in MODULES if rung(name) in PURE])
def test_what_decides_has_no_effects(module: str) -> None:
    """No system call, no clock and no disk left of the plan, and none in the lifecycle."""
    wrong = [
        f"line {line}: import {name}"
        for name, line, only_types in imports(MODULES[module], module)
        if not only_types and name.split(".")[0] in EFFECTS
    ]
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"open", "input", "print"}:
            wrong.append(f"line {node.lineno}: {ast.unparse(node.func)}()")
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            allowed = PURE_PARTS.get(node.value.id)
            if allowed is not None and node.attr not in allowed:
                wrong.append(f"line {node.lineno}: {ast.unparse(node)}")
        if (
            isinstance(node, ast.Attribute)
            and ast.unparse(node.value) == "os.path"
            and node.attr in DISK_QUESTIONS
        ):
            wrong.append(f"line {node.lineno}: {ast.unparse(node)}")
    assert not wrong, f"{module} touches the world"


@pytest.mark.parametrize("module", [name for name in MODULES if rung(name) in LOADED_BY_PID1])
def test_pid_1_imports_nothing_costly(module: str) -> None:
    wrong = [
        f"line {line}: {name}"
        for name, line, only_types in imports(MODULES[module], module)
        if not only_types and name in COSTLY
    ]
    assert not wrong, f"{module} is loaded by PID 1: each of these costs megabytes or milliseconds"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_short(module: str) -> None:
    count = len(MODULES[module].read_text().splitlines())
    assert count <= LINES, f"{module} has {count} lines: which part of it is a module of its own?"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_named_after_what_it_does(module: str) -> None:
    assert not [word for word in RESERVED_WORDS if word in module.rpartition(".")[2]]


@pytest.mark.parametrize("module", MODULES)
def test_only_the_command_line_prints_and_nothing_exits(module: str) -> None:
    """A `sys.exit` deep inside is an exit code that nobody decided."""
    tree = ast.parse(MODULES[module].read_text())
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert not calls & {"sys.exit", "exit", "quit"}
    raised = {
        ast.unparse(node.exc) for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc
    }
    assert not [text for text in raised if text.startswith("SystemExit")]
    if module != "entrypoint.cli":
        assert "print" not in calls


def test_kill_of_everything_is_for_pid_1_alone() -> None:
    """`kill(-1)` anywhere else takes down the machine: it is in one place, behind one question."""
    found = [
        (module, node)
        for module, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.If) and "os.kill(-1" in "".join(map(ast.unparse, node.body))
    ]
    every = sum(
        len(re.findall(r"\bkill(pg)?\(\s*-", path.read_text())) for path in MODULES.values()
    )
    mentions = sum(path.read_text().count("`kill(-1)`") for path in MODULES.values())
    ((module, node),) = found
    assert module == "entrypoint.system.process"
    assert ast.unparse(node.test) == "os.getpid() == 1"
    assert every - mentions == 1


def test_the_first_thing_that_runs_blocks_all_signals() -> None:
    """Before it: the docstring, and the import of a module that is built in."""
    body = ast.parse(MODULES["entrypoint.__main__"].read_text()).body
    blocks = [index for index, node in enumerate(body) if "pthread_sigmask" in ast.unparse(node)]
    before = body[1 : blocks[0]]
    run = [node for node in before if not ast.unparse(node).startswith("TYPE_CHECKING = ")]
    assert [
        ast.unparse(node) for branch in run if isinstance(branch, ast.If) for node in branch.orelse
    ] == ["import _signal"]
    assert all(isinstance(node, ast.If) for node in run)
    assert "SIG_BLOCK" in ast.unparse(body[blocks[0]])
    assert "valid_signals()" in ast.unparse(body[blocks[0]])
    assert "_signal" in sys.builtin_module_names
    later = [node for node in body[blocks[0] :] if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not later, "imports of a module's top are hoisted by a tidy reader one day"


LIBRARIES = ("yaml", "jinja2", "psutil", "prometheus_client")
SPAWN = """
import sys
folder, program, *words = sys.argv[1:]
sys.path[:] = program.split(":") + sys.path
import os

def hook(event, arguments):
    if event == "os.posix_spawn":
        descriptor = os.open(f"{folder}/{os.getpid()}", os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(descriptor, "\\n".join(sys.modules).encode())
        os.close(descriptor)

sys.addaudithook(hook)
sys.argv[:] = ["entrypoint", *words]
from entrypoint.__main__ import main
main()
"""


def modules_at_spawn(folder: Path, words: list[str], env: dict[str, str]) -> set[str]:
    """Return the modules that entrypoint has loaded at the moment in which it spawns its child.

    Python starts without `site`: what a virtual environment loads for itself is not ours.
    """
    record = folder / "modules"
    record.mkdir()
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    program = ":".join((str(PACKAGE.parent), *libraries))
    run = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", SPAWN, str(record), program, *words],
        env={"PATH": os.environ["PATH"]} | env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    _, said = run.communicate(timeout=60)
    assert run.returncode == 7, said.decode()
    return set((record / str(run.pid)).read_text().split())


def test_plain_mode_loads_next_to_nothing_before_the_program_runs(tmp_path: Path) -> None:
    loaded = modules_at_spawn(tmp_path, ["run", "--exec", "--", "sh", "-c", "exit 7"], {})
    costly = {*LIBRARIES, *COSTLY, "re", "enum", "signal", "socket", "threading", "collections"}
    if sys.version_info >= (3, 14):
        # By ctypes, which only one that is not PID 1 loads, as here.
        costly.remove("threading")
    assert not loaded & costly
    ours = {name.removeprefix("entrypoint.") for name in loaded if name.startswith("entrypoint.")}
    assert ours == {
        "__main__", "app", "errors", "records", "plain", "system", "system.prctl", "system.process",
        "lifecycle", "lifecycle.signals",
    }  # fmt: skip


def test_plain_mode_never_loads_what_it_does_not_need() -> None:
    words = ("run", "--exec", "-g", "-r", "HUP:0", "--", "sh", "-c", "exit 7")
    python = (sys.executable, "-I", "-S", "-X", "importtime", "-c", SPAWN)
    run = subprocess.run(
        [*python, "/", str(PACKAGE.parent), *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 7, run.stderr
    loaded = {line.rpartition("|")[2].strip() for line in run.stderr.splitlines()}
    assert "entrypoint.lifecycle.machine" in loaded
    assert not loaded & {*LIBRARIES, *COSTLY, "re", "signal", "socket", "enum"}


def test_a_profile_loads_no_library_before_java_runs(tmp_path: Path) -> None:
    """yaml and jinja2 are the helper's; psutil, prometheus_client and OpenSSL come while java boots."""
    pair = certificates.make(need("openssl"), tmp_path / "tls")
    java = tmp_path / "jdk" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text("#!/bin/sh\nexit 7\n")
    java.chmod(0o755)
    (tmp_path / "jdk" / "release").write_text('JAVA_VERSION="17.0.1"\n')
    (tmp_path / "home").mkdir()
    env = {
        "JAVA_HOME": str(tmp_path / "jdk"),
        "APP_MAIN": "example.Main",
        "ENTRYPOINT_HOME": str(tmp_path / "home"),
        "ENTRYPOINT_RUN_DIR": str(tmp_path / "run"),
        "ENTRYPOINT_LISTEN": f"127.0.0.1:{free_port()}",
        "ENTRYPOINT_TERMINATION_LOG": str(tmp_path / "termination-log"),
        "ENTRYPOINT_TLS_CERT_FILE": str(pair.certificate),
        "ENTRYPOINT_TLS_KEY_FILE": str(pair.key),
    }
    loaded = modules_at_spawn(tmp_path, ["run", "jvm"], env)
    tops = {name.split(".")[0] for name in loaded}
    assert not tops & {*LIBRARIES, "ssl", "_ssl", "hashlib", "_hashlib"}
    assert not loaded & COSTLY
    assert "entrypoint.prepare" not in loaded
