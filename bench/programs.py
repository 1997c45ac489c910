"""The programs that are compared: how each is started with the actor as its "java".

Here: command lines, environments and the files that they need in a scratch folder. No measuring.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass, field

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
SCRIPT = os.path.join(ROOT, "scripts", "entrypoint")
OVERLAY = "gates: {mysql: null, zookeeper: null}\n"
ISOLATED = f"import sys; sys.path.insert(0, {ROOT!r}); from entrypoint.__main__ import main; main()"


@dataclass(frozen=True)
class Program:
    """One line of the table; `serves` tells whether it answers /metrics."""

    name: str
    argv: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    serves: bool = False
    stays: bool = False
    """Whether it goes on when its child has ended, and so has to be killed."""


class Scratch:
    """A folder with the compiled actor, two fake JDKs, an application's home and compiled modules."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.begin = self._compile("begin")
        self.actor = self._compile("actor")
        self.jdks = {8: self._fake_jdk(8, "1.8.0_432"), 17: self._fake_jdk(17, "17.0.15")}
        self.home = os.path.join(folder, "home")
        for name in ("bin", "conf", "lib"):
            os.makedirs(os.path.join(self.home, name))
        self.empty = os.path.join(self.home, "conf")
        self.overlay = os.path.join(folder, "no-gates.yaml")
        for path, text in ((self.overlay, OVERLAY), (os.path.join(self.home, "app.jar"), "")):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)

    def _compile(self, name: str) -> str:
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if compiler is None:
            raise SystemExit("bench: there is no C compiler (cc): the actor cannot be built")
        source, target = os.path.join(HERE, f"{name}.c"), os.path.join(self.folder, name)
        for options in (("-O2", "-static"), ("-O2",)):
            done = subprocess.run([compiler, *options, "-o", target, source], check=False)
            if done.returncode == 0:
                return target
        raise SystemExit(f"bench: {compiler} cannot compile {source}")

    def _fake_jdk(self, feature: int, version: str) -> str:
        home = os.path.join(self.folder, f"jdk{feature}")
        os.makedirs(os.path.join(home, "bin"))
        os.link(self.actor, os.path.join(home, "bin", "java"))
        with open(os.path.join(home, "release"), "w", encoding="utf-8") as file:
            file.write(f'JAVA_VERSION="{version}"\nIMPLEMENTOR="bench"\n')
        return home


def programs(scratch: Scratch) -> tuple[list[Program], list[str]]:
    """Return the programs that can run here, the plainest first, and what is missing."""
    actor, python = scratch.actor, sys.executable
    found = [Program("direct exec", (actor,))]
    missing = []
    for name in ("tini", "dumb-init", "catatonit"):
        # tini wants to be told that it is not PID 1.
        options = ("-s", "--") if name == "tini" and os.geteuid() else ("--",)
        path = shutil.which(name)
        if path is None:
            missing.append(f"{name} (install it with tests/lab/install.py inits)")
        else:
            found.append(Program(name, (path, *options, actor)))
    script = os.path.join(HERE, "startup.sh")
    found.append(Program("bash startup.sh", ("/bin/bash", script, "Main"), {"JAVA": actor}))
    init = os.path.join(HERE, "my_init.sh")
    found.append(
        Program("bash my_init.sh", ("/bin/bash", init, actor), {"INIT_FOLDER": scratch.empty})
    )
    for name, supervisor in (("s6-svscan", _s6), ("supervisord", _supervisord)):
        if shutil.which(name) is None:
            missing.append(f"{name} (install it with tests/lab/install.py inits)")
        else:
            found.append(supervisor(scratch))
    plain = ("run", "--exec", "--", actor)
    base = {"PYTHONPATH": ROOT}
    found += [
        Program("entrypoint --exec", (python, SCRIPT, *plain), base),
        Program("entrypoint --exec, python -I -S", (python, "-I", "-S", "-c", ISOLATED, *plain)),
        Program(
            "entrypoint jvm",
            (python, SCRIPT, "run", "jvm"),
            {
                **base,
                "JAVA_HOME": scratch.jdks[17],
                "ENTRYPOINT_HOME": scratch.home,
                "APP_JAR": os.path.join(scratch.home, "app.jar"),
            },
            serves=True,
        ),
        Program(
            "entrypoint otter-manager",
            (python, SCRIPT, "run", "otter-manager", "--overlay", scratch.overlay),
            {**base, **_otter(scratch)},
            serves=True,
        ),
    ]
    return found, missing


def _s6(scratch: Scratch) -> Program:
    """Return s6 with the actor as its one service, which it would start again after its end."""
    service = os.path.join(scratch.folder, "s6", "actor")
    os.makedirs(service)
    script = os.path.join(service, "run")
    with open(script, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\nexec {scratch.actor}\n")
    os.chmod(script, 0o755)
    return Program("s6-svscan", ("s6-svscan", os.path.dirname(service)), stays=True)


def _supervisord(scratch: Scratch) -> Program:
    """Return supervisord with the actor as its one program, whose words it passes on."""
    path = os.path.join(scratch.folder, "supervisord.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(
            "[supervisord]\nnodaemon=true\nsilent=true\nlogfile=/dev/null\nlogfile_maxbytes=0\n"
            f"pidfile={scratch.folder}/supervisord.pid\nuser=root\n"
            f"[program:actor]\ncommand={scratch.actor}\nautorestart=false\nstartsecs=0\n"
            "stdout_logfile=/dev/fd/1\nstdout_logfile_maxbytes=0\n"
        )
    return Program("supervisord", ("supervisord", "-c", path), stays=True)


def _otter(scratch: Scratch) -> dict[str, str]:
    return {
        "JAVA_HOME": scratch.jdks[8],
        "ENTRYPOINT_HOME": scratch.home,
        "OTTER_DOMAIN_NAME": "otter.example.com",
        "OTTER_PORT": str(free_port()),
        "OTTER_COMMUNICATION_PORT": str(free_port()),
        "OTTER_DATABASE_URL": "jdbc:mysql://127.0.0.1:3306/otter",
        "OTTER_DATABASE_USERNAME": "otter",
        "OTTER_DATABASE_PASSWORD": "bench",
        "OTTER_ZOOKEEPER_SERVERS": "127.0.0.1:2181",
    }


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
