"""What `growth.py` measures: profiles, JVMs and connections of any size.

Here: command lines, environments and the files that they need. No measuring.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import agents
import scraping
from programs import ROOT, SCRIPT, Program, Scratch

if TYPE_CHECKING:
    from collections.abc import Sequence

JDK = 17
# The sampler's interval, so that an hour of history takes half a minute to fill.
HURRIED = (
    f"import sys; sys.path.insert(0, {ROOT!r}); from entrypoint.lifecycle import history;"
    " history.RESOLUTION = {seconds}; from entrypoint.__main__ import main; main()"
)
TEMPLATE = """\
# file {number}
{{% for name in ['growth.s0001', 'growth.s0002'] %}}
{{{{ name }}}}={{{{ s[name] }}}}
{{% endfor %}}
"""


def settings_program(scratch: Scratch, size: int) -> Program:
    """Return a run whose profile has so many settings, each given by a variable, in one properties file."""
    names = [f"s{number:04}" for number in range(size)]
    lines = [
        f"  growth.{name}: {{env: GROWTH_{name.upper()}, property: growth.{name}}}"
        for name in names
    ]
    files = '  growth.properties: {properties: "{home}/growth.properties", target: "{run}/growth.properties"}'
    environment = {f"GROWTH_{name.upper()}": f"value of {name}" for name in names}
    return _program(scratch, f"settings-{size}", lines, [files], environment)


def files_program(scratch: Scratch, size: int) -> Program:
    """Return a run whose profile has so many files, each rendered from a template of its own."""
    folder = Path(scratch.home) / f"templates-{size}"
    folder.mkdir()
    for number in range(size):
        (folder / f"{number}.j2").write_text(TEMPLATE.format(number=number))
    lines = [f'  growth.s000{number}: {{default: "value {number}"}}' for number in (1, 2)]
    files = [
        f'  file-{number}: {{template: "{{home}}/{folder.name}/{number}.j2",'
        f' target: "{{run}}/{number}.conf"}}'
        for number in range(size)
    ]
    return _program(scratch, f"files-{size}", lines, files, {})


def _program(
    scratch: Scratch,
    name: str,
    settings: Sequence[str],
    files: Sequence[str],
    environment: dict[str, str],
) -> Program:
    path = os.path.join(scratch.folder, f"{name}.yaml")
    lines = ["profile: growth", "extends: jvm", "settings:", *settings, "files:", *files]
    Path(path).write_text("\n".join(lines) + "\n")
    common = {
        "PYTHONPATH": ROOT,
        "JAVA_HOME": scratch.jdks[JDK],
        "ENTRYPOINT_HOME": scratch.home,
        "APP_JAR": os.path.join(scratch.home, "app.jar"),
    }
    return Program(name, (sys.executable, SCRIPT, "run", path), common | environment, serves=True)


def subject(
    folder: Path, classes: Path, name: str, threads: int, hurry: float | None = None
) -> agents.Subject:
    """Return the idle program with so many threads under entrypoint; `hurry`: the sampler's interval."""
    place = folder / name
    place.mkdir()
    made = agents.subject(agents.IDLE, JDK, agents.OURS, place, classes)
    made.command += ["--", str(threads)]
    if hurry is not None:
        made.command[1:3] = ["-c", HURRIED.format(seconds=hurry)]
    made.environment["PYTHONPYCACHEPREFIX"] = str(folder / "pycache")
    # What a thread's stack may take is address space only.
    made.environment["JAVA_OPTIONS"] += " -Xss256k"
    return made


def idle(port: int) -> socket.socket:
    """Return a connection that has had an answer, and asks for nothing more."""
    client = socket.create_connection((scraping.HOST, port), 5.0)
    client.sendall(b"GET /livez HTTP/1.1\r\nHost: bench\r\n\r\n")
    client.recv(65536)
    return client
