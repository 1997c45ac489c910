"""A container with a canary in every kind of source, and all that can be seen of it."""

from __future__ import annotations

import http.client
import os
import ssl
import stat
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from canaries import SOURCES, Hunt, canary

from lab import certificates
from lab.needs import need
from process.harness import REPOSITORY, UNSHARE, Launcher, Run, until

PROFILE = """\
profile: shop
extends: jvm
description: a shop
home: {home}
settings:
  pass.variable: {{env: SHOP_VARIABLE, property: pass.variable, secret: true, description: a}}
  pass.named: {{env: SHOP_NAMED, property: pass.named, secret: true, description: a}}
  pass.folder: {{env: SHOP_FOLDER, property: pass.folder, secret: true, description: a}}
  pass.properties: {{property: pass.properties, secret: true, description: a}}
  pass.overlay: {{property: pass.overlay, secret: true, description: a}}
  pass.default: {{property: pass.default, secret: true, default: "{default}", description: a}}
  pin: {{env: SHOP_PIN, type: int, secret: true, description: a}}
  shop.url: {{env: SHOP_URL, property: shop.url, type: url, description: a}}
  database.url: {{env: SHOP_DATABASE_URL, property: database.url, type: jdbc-url, description: a}}
files:
  shop.properties: {{properties: "{{home}}/conf/shop.properties", target: "{{run}}/conf/shop.properties"}}
"""
JAVA = """\
#!{python} -IS
import os, signal, sys
if "-version" in sys.argv:
    # As a JVM that refuses an option, and tells more than it would have to.
    print("Picked up JAVA_TOOL_OPTIONS:", os.environ["JAVA_TOOL_OPTIONS"], file=sys.stderr)
    sys.exit("Unrecognized option in: " + " ".join(sys.argv))
print("ready", flush=True)
signal.pause()
"""
SECRETS_FOLDER = (
    "mount -t tmpfs none /run && mkdir /run/secrets && cp {file} /run/secrets/SHOP_FOLDER"
)


class Shop:
    """The container: its files, its variables, and the runs in it."""

    def __init__(self, launcher: Launcher, java: Path | None = None) -> None:
        self.launcher = launcher
        self.cores = "0"
        """The soft limit for core files that it is started with, as `ulimit` has it."""
        self.folder = launcher.folder
        self.texts = {name: canary(name) for name in SOURCES}
        self.pair = certificates.make(need("openssl"), self.folder / "tls")
        key = self.pair.key.read_text().splitlines()
        self.texts["tls key"] = max(key, key=len)[8:40]
        self.hunt = Hunt(self.texts)
        for folder in ("home/conf", "tmp"):
            (self.folder / folder).mkdir(parents=True)
        home = self.folder / "home"
        self._write("shop.yaml", PROFILE.format(home=home, default=self.texts["default"]))
        overlay = f'settings: {{pass.overlay: {{default: "{self.texts["overlay"]}"}}}}\n'
        self._write("overlay.yaml", overlay)
        self._write("home/conf/shop.properties", f"pass.properties={self.texts['properties']}\n")
        self._write("named", f"{self.texts['named file']}\n")
        self._write("folder", self.texts["secret folder"])
        self._write("arguments", f"-Dshop.password={self.texts['argument file']}\n")
        self._write("jvm.options", f"-Dother.password={self.texts['options file']}\n")
        java = java or self._pretend_java()
        self.env = {
            "JAVA_HOME": str(java),
            "APP_MAIN": "example.Main",
            "TMPDIR": str(self.folder / "tmp"),
            "ENTRYPOINT_DIAGNOSIS_DIR": str(self.folder / "evidence"),
            "SHOP_VARIABLE": self.texts["variable"],
            "SHOP_NAMED_FILE": str(self.folder / "named"),
            "SHOP_URL": f"http://shop:{self.texts['user of a url']}@shop.example/",
            "SHOP_DATABASE_URL": f"jdbc:mysql://db/shop?user=shop&password={self.texts['database url']}",
            "JAVA_OPTIONS": f"-Dshop.passwd={self.texts['options']} @{self.folder / 'arguments'}",
            "JAVA_OPTIONS_FILE": str(self.folder / "jvm.options"),
            "JAVA_TOOL_OPTIONS": f"-Dtool.password={self.texts['tool options']}",
            "ENTRYPOINT_TOKEN": self.texts["token"],
            "ENTRYPOINT_TLS_CERT_FILE": str(self.pair.certificate),
            "ENTRYPOINT_TLS_KEY_FILE": str(self.pair.key),
            "SHOP_VARIABEL": self.texts["misspelt"],
            "UNRELATED": self.texts["unrelated"],
        }
        self.given = {path for path in self.folder.rglob("*") if path.is_file()}

    def _pretend_java(self) -> Path:
        """Make a JDK whose java keeps its arguments, and lets itself be ended."""
        home = self.launcher.pretend_java(())
        text = JAVA.format(python=sys.executable)
        (home / "bin" / "java").write_text(text)
        return home

    def _write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    @property
    def words(self) -> list[str]:
        """The profile and its overlay, as every verb takes them."""
        return [str(self.folder / "shop.yaml"), "--overlay", str(self.folder / "overlay.yaml")]

    @property
    def options(self) -> list[str]:
        """The same for `explain`, whose word is a setting."""
        return ["--profile", *self.words]

    @property
    def before(self) -> tuple[str, ...]:
        """What mounts /run/secrets, in a mount namespace that ends with the run."""
        mount = SECRETS_FOLDER.format(file=self.folder / "folder")
        return ("sh", "-c", f'ulimit -S -c {self.cores} && {mount} && exec "$@"', "sh")

    def run(self, *more: str, arguments: Sequence[str] = (), **env: str) -> Run:
        """Start it; the application has more arguments than these."""
        arguments = ("--", "--password", self.texts["argument"], *arguments)
        return self.launcher.start(
            ["run", *self.words, *more, *arguments], env=self.env | env, before=self.before
        )

    def verb(self, *words: str, **env: str) -> subprocess.CompletedProcess[bytes]:
        """Run a verb with the same sources, as PID 1 of a container of its own."""
        command = [*UNSHARE, *self.before, sys.executable, "-m", "entrypoint", *words]
        return subprocess.run(
            command,
            env=self.launcher.environment | {"PYTHONPATH": str(REPOSITORY)} | self.env | env,
            capture_output=True,
            timeout=60,
            check=False,
        )

    def ask(self, path: str, accept: str = "*/*") -> bytes:
        """Return the whole answer to a request by TLS with the token."""
        context = ssl.create_default_context(cafile=str(self.pair.certificate))
        connection = http.client.HTTPConnection("127.0.0.1", self.launcher.port, timeout=60)
        connection.connect()
        connection.sock = context.wrap_socket(connection.sock, server_hostname=certificates.NAME)
        headers = {"Authorization": f"Bearer {self.texts['token']}", "Accept": accept}
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        data = str(answer.headers).encode() + answer.read()
        assert answer.status == 200
        connection.close()
        return data

    def speaks_tls(self) -> None:
        """Wait until it does: OpenSSL is loaded while java starts."""

        def ready() -> bool:
            with suppress(OSError, http.client.HTTPException):
                return bool(self.ask("/livez"))
            return False

        until(ready, "TLS")

    def answers(self) -> bytes:
        """Return what every page says, once TLS is spoken."""
        self.speaks_tls()
        pages = [self.ask("/", "text/html"), self.ask("/"), self.ask("/readyz?verbose")]
        pages += [self.ask(path) for path in ("/metrics", "/status", "/status?output=text")]
        pages.append(self.ask("/metrics", "application/openmetrics-text"))
        status = self.verb_beside("status")
        pages += [status.stdout, status.stderr, self.verb_beside("status", "-o", "json").stdout]
        assert b"RUNNING" in status.stdout
        return b"\n".join(pages)

    def verb_beside(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        """Run a verb beside a run, as kubectl exec does."""
        command = [sys.executable, "-m", "entrypoint", *words]
        environment = self.launcher.environment | self.env | {"LC_ALL": "C.UTF-8"}
        return subprocess.run(
            command, env=environment, capture_output=True, timeout=60, check=False
        )

    def processes(self, run: Run, java: int) -> dict[str, bytes]:
        """Return arguments and environments of what runs."""
        others = [pid for pid in (run.pid, *run.processes()) if pid != java]
        return {
            "java argv": _proc(java, "cmdline"),
            "java environment": _proc(java, "environ"),
            "other argv": b"\n".join(_proc(pid, "cmdline") for pid in others),
        }

    def files(self, seen: Sequence[str] = ()) -> dict[str, set[str]]:
        """Return which canaries are in the rendered file, and which in any other file that we made.

        The rendered file has to be private; so has every file with a canary in it.
        """
        rendered = self.folder / "run" / "conf" / "shop.properties"
        found: dict[str, set[str]] = {"rendered": set(), "files": set()}
        for path in self.folder.rglob("*"):
            output = path.name.startswith(("stdout-", "stderr-")) or path.name == "termination-log"
            if path in self.given or output or not path.is_file() or path.is_symlink():
                continue
            place = "rendered" if path == rendered else "files"
            names = self.hunt.found(path.read_bytes()) | self.hunt.found(os.fspath(path))
            found[place] |= names
            if names:
                assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        return found


def _proc(pid: int, name: str) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/{name}").read_bytes()
    return b""
