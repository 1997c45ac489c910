"""What goes wrong does not show what is secret: wrong values, crashes, refused registrations, diagnoses."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from canaries import Hunt, canary
from shop import Shop

from lab.net import free_port
from process.harness import Launcher, Run

C = canary("a value")
HUNT = Hunt({"it": C})


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[Launcher]:
    found = Launcher(tmp_path, as_pid1=True)
    yield found
    found.clean_up()


def silent(run: Run) -> str:
    """Return all that a run has said, after making sure that the canary is not in it."""
    said = run.stdout + run.stderr + run.termination_message
    assert not HUNT.found(said), said
    return said


WRONG = {
    "a secret that is no number": {"SHOP_PIN": C},
    "a secret with a line break": {"SHOP_VARIABLE": f"{C}\n"},
    "a secret with a control character": {"SHOP_VARIABLE": f"{C}\x01x"},
    "a URL that is none": {"SHOP_URL": f"htp://shop:{C}@shop.example/"},
    "a URL with a blank": {"SHOP_URL": f"http://shop:{C}@shop.example/a b"},
    "a JDBC URL that is none": {"SHOP_DATABASE_URL": f"mysql://shop:{C}@db/shop?password={C}"},
    "a token with a blank": {"ENTRYPOINT_TOKEN": f"{C} {C}"},
    "a token that is too long": {"ENTRYPOINT_TOKEN": C * 50},
    "a key where its path belongs": {
        "ENTRYPOINT_TLS_KEY_FILE": f"-----BEGIN PRIVATE KEY-----\n{C}\n-----END PRIVATE KEY-----\n"
    },
    "options with an open quote": {"JAVA_OPTIONS": f"'-Dshop.password={C}"},
    "options of another JVM": {"JAVA_OPTIONS": f"-Dshop.password={C} -XX:+UseNoSuchGC"},
    "options with a stray word": {"JAVA_OPTIONS": f"-Xmx64m --password {C}"},
    "an option that is a secret": {"JAVA_OPTIONS": f"-XX:OnError=--password={C} -Xmx0"},
    "options of the tool": {"JAVA_TOOL_OPTIONS": f"'-Dshop.password={C}"},
    "a port that is a URL": {"ENTRYPOINT_LISTEN": f"http://shop:{C}@127.0.0.1:80/"},
}


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value(launcher: Launcher, name: str, form: str) -> None:
    shop = Shop(launcher)
    (shop.folder / "termination-log").touch()
    run = shop.run(ENTRYPOINT_LOG_FORMAT=form, **WRONG[name])
    assert run.wait() != 0
    assert run.termination_message
    silent(run)
    assert not shop.hunt.found(run.stdout + run.stderr + run.termination_message)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("overlay.yaml", f'settings: {{pass.overlay: {{default: "{C}}}}}\n'),
        ("overlay.yaml", f"settings:\n  pass.overlay:\n    default: {C}\n   odd: 1\n"),
        ("overlay.yaml", f"settings: {{pass.overlay: {{default: !secret {C}}}}}\n"),
        ("overlay.yaml", f"settings: {{pass.overlay: {{defualt: {C}}}}}\n"),
        ("overlay.yaml", f"settings: {{pass.overlay: {{default: [{C}]}}}}\n"),
        ("overlay.yaml", f'settings: {{pass.overlay: {{default: "{C}{{nothing}}"}}}}\n'),
        ("overlay.yaml", f"settings: {{pass.overlay: {{type: int, default: {C}}}}}\n"),
        ("home/conf/shop.properties", f"pass.properties={C}\\u00zz\n"),
        ("arguments", f'"-Dshop.password={C}\n'),
        ("jvm.options", f"-Dshop.password={C}\npassword {C}\n"),
        ("jvm.options", f"7:-Dshop.password={C}\n8-:--password={C}\n"),
        ("named", f"{C}\n{C}\n"),
        ("named", f"{C}\x00"),
    ],
)
def test_a_broken_file(launcher: Launcher, file: str, text: str) -> None:
    shop = Shop(launcher)
    (shop.folder / "termination-log").touch()
    (shop.folder / file).write_text(text)
    run = shop.run()
    assert run.wait() != 0
    assert run.termination_message
    silent(run)


def test_a_secret_on_our_own_command_line_is_refused_and_not_shown(launcher: Launcher) -> None:
    shop = Shop(launcher)
    run = shop.run("--set", f"pass.variable={C}")
    assert run.wait() == 78
    assert "setting-secret-on-command-line" in silent(run)


def test_what_is_open_in_the_command_line_is_told_without_it(launcher: Launcher) -> None:
    shop = Shop(launcher)
    said = shop.verb("plan", *shop.words).stdout.decode()
    folded = " ".join(said.split())
    for name in ("-Dshop.passwd", "-Dshop.password", "-Dother.password"):
        assert f"what looks like a secret ({name}) stands in the command line" in folded
    run = shop.run()
    run.says("what looks like a secret (--password) stands in the command line")


def test_a_crash_log_with_everything_in_it(launcher: Launcher) -> None:
    """As a JVM writes it: command line and environment are in it. It is not repeated."""
    shop = Shop(launcher)
    (shop.folder / "termination-log").touch()
    log = "# A fatal error has been detected by the Java Runtime Environment:\n#\n"
    log += (
        "#  SIGSEGV (0xb) at pc=0x00007f, pid=1, tid=2\n#\n# Problematic frame:\n# C  [x+0x1]\n#\n"
    )
    log += f"\nCommand Line: -Dshop.password={C} example.Main --password {C}\n"
    log += f"Environment Variables:\nSHOP_VARIABLE={C}\nJAVA_TOOL_OPTIONS=-Dtool.password={C}\n"
    script = "#!/bin/sh\nfor word; do case $word in -XX:ErrorFile=*) file=${word#*=};; esac; done\n"
    script += f'file=$(printf %s "$file" | sed s/%p/$$/)\ncat > "$file" <<\'END\'\n{log}END\nkill -SEGV $$\n'
    java = Path(shop.env["JAVA_HOME"]) / "bin" / "java"
    java.write_text(script)
    run = shop.run()
    assert run.wait() == 139
    assert list((shop.folder / "evidence").glob("hs_err*")), "this test shows nothing"
    said = silent(run)
    assert "SIGSEGV" in said


class Echo(BaseHTTPRequestHandler):
    """A manager that shows whatever it was sent, as a page of an error may."""

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def _answer(self, body: bytes) -> None:
        page = (
            b"<html><title>error</title><form>"
            + body
            + str(self.headers).encode()
            + b"</form></html>"
        )
        self.send_response(self.server.code)  # type: ignore[attr-defined]
        if self.server.code == 302:  # type: ignore[attr-defined]
            self.send_header("Location", f"http://shop:{C}@127.0.0.1/?{body.decode()}")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *words: object) -> None:
        return


@pytest.mark.parametrize("code", [200, 302, 403, 500])
def test_a_registration_that_is_refused(launcher: Launcher, code: int) -> None:
    server = HTTPServer(("127.0.0.1", 0), Echo)
    server.code = code  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    folder = launcher.folder
    (folder / "home" / "bin").mkdir(parents=True)
    (folder / "home" / "lib").mkdir()
    (folder / "termination-log").touch()
    (folder / "overlay.yaml").write_text("java: {supported: 8-25}\n")
    try:
        run = launcher.start(
            ["run", "otter-node", "--overlay", str(folder / "overlay.yaml")],
            env={
                "JAVA_HOME": str(launcher.pretend_java(("sleep", "60"))),
                "OTTER_NODE_HOME": str(folder / "node"),
                "OTTER_MANAGER_ADDRESS": f"127.0.0.1:{server.server_port}",
                "OTTER_MANAGER_URL": f"http://shop:{C}@127.0.0.1:{server.server_port}",
                "OTTER_MANAGER_PASSWORD": C,
                "OTTER_NODE_NAME": "node-0",
                "OTTER_NODE_ADDRESS": "127.0.0.1",
                "OTTER_NODE_PORT": str(free_port()),
                "OTTER_NODE_ORDINAL": "0",
                "ENTRYPOINT_GATE_TIMEOUT": "2s",
            },
        )
        assert run.wait() != 0
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    said = silent(run)
    assert "manager" in said
    for path in folder.rglob("*"):
        if path.is_file() and "jdk" not in path.parts:
            assert not HUNT.found(path.read_bytes()), path


@pytest.mark.parametrize("ending", ["stop", "out of memory"])
def test_a_real_jvm_diagnosed_and_ended(
    launcher: Launcher, java: Path, hog: Path, ending: str
) -> None:
    """What java knows is in its heap; of that nothing is in a diagnosis, a message or a page."""
    shop = Shop(launcher, java)
    (shop.folder / "termination-log").touch()
    options = shop.env["JAVA_OPTIONS"] + " -Xmx32m -XX:+ExitOnOutOfMemoryError"
    env = {"JAVA_OPTIONS": options, "APP_MAIN": "Hog", "APP_CLASSPATH": str(hog)}
    run = shop.run(arguments=("hog",) if ending != "stop" else (), **env)
    if ending == "stop":
        run.says("ready")
        run.says("to=running")
        pid = str(run.child("Hog"))
        folder = shop.folder / "diagnosis"
        for words in ((), ("--out", str(folder)), ("-o", "json")):
            done = shop.verb_beside("diagnose", "--pid", pid, *words)
            assert done.returncode == 0, done.stderr
            assert not shop.hunt.found(done.stdout + done.stderr)
        assert any(folder.rglob("*.txt"))
        assert not shop.hunt.found(shop.answers())
        assert run.stop() == 0
        assert not shop.files()["files"]
    else:
        assert run.wait() == 3
        # A heap dump holds what the application knows, its own arguments among it.
        assert list((shop.folder / "evidence").glob("*.hprof"))
        assert (shop.folder / "evidence").stat().st_mode & 0o777 == 0o700
    said = run.stdout + run.stderr + run.termination_message
    # The JVM itself tells what it has picked up from JAVA_TOOL_OPTIONS.
    assert shop.hunt.found(said) <= {"tool options"}, said
