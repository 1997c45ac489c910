"""What we write, and where: no path leads out, no trap is stepped into, nobody sees a file half made.

Races are run for real: a thread of ours changes folders, links and names thousands of times while we write.
"""

# Tables of inputs read best with one on a line.
# ruff: noqa: E501

from __future__ import annotations

import os
import random
import re
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from fuzz_plans import BUILTIN, GIVEN, planned

from entrypoint.errors import EXIT_CANNOT_CREATE, ProblemsError
from entrypoint.profile import load as profiles
from entrypoint.settings.model import Inputs
from entrypoint.system.files import make_folder, remove_file, write_file
from lab.needs import need

ROOT = Path(__file__).parents[2]
TRIES = 3000
OURS = b"ours " * 50
PRECIOUS = b"precious"


def refused(call: Callable[[], object]) -> str:
    """Return why a write is refused."""
    with pytest.raises(ProblemsError) as caught:
        call()
    (problem,) = caught.value.problems
    assert problem.exit_code == EXIT_CANNOT_CREATE
    return problem.what


@contextmanager
def meanwhile(change: Callable[[random.Random], None]) -> Iterator[None]:
    """Call `change` again and again from a thread, until the block ends."""
    ends = threading.Event()
    chance = random.Random(7)

    def work() -> None:
        while not ends.is_set():
            try:
                change(chance)
            except OSError:
                continue

    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()
        sys.setswitchinterval(switch)


@pytest.mark.parametrize(
    "target",
    ["/run/x/../../etc/x", "/run/../x", "../x", "x", "x/y", "", "/run/x/", "/", "/run/x/..", "/run/x/.", "{a}/x"],
)  # fmt: skip
def test_a_target_that_leads_out_is_refused(target: str) -> None:
    overlay = {
        "settings": {"a": {"env": "A", "default": "/x/../y"}},
        "files": {"x": {"template": "otter/logback-console.xml.j2", "target": target}},
    }
    texts = [("jvm.yaml", BUILTIN["jvm"]), ("/o.yaml", yaml.safe_dump(overlay))]
    with pytest.raises(ProblemsError) as caught:
        planned(profiles.load(texts, BUILTIN), Inputs(GIVEN))
    assert {problem.id for problem in caught.value.problems} <= {
        "file-target", "profile-missing-key", "template-failed",
    }  # fmt: skip
    assert any(problem.id == "file-target" for problem in caught.value.problems)


@pytest.mark.parametrize("once", [False, True])
def test_nothing_but_a_regular_file_is_replaced(tmp_path: Path, once: bool) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(PRECIOUS)
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("victim")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "to-device").symlink_to("/dev/null")
    os.mkfifo(tmp_path / "pipe")
    listener = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(tmp_path)  # the name of a socket has room for 107 bytes
    try:
        listener.bind("socket")
    finally:
        os.chdir(here)
    names = ["folder", "dangling", "to-device", "pipe", "socket"] + ([] if once else ["link"])
    for name in names:
        refused(lambda name=name: write_file(f"{tmp_path}/{name}", OURS, 0o600, once))
    listener.close()
    assert victim.read_bytes() == PRECIOUS
    assert not (tmp_path / "nowhere").exists()
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".entrypoint-")]


def test_a_device_at_the_target_is_refused(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root makes device nodes")
    try:
        os.mknod(tmp_path / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("this container makes no device nodes")
    assert "device" in refused(lambda: write_file(f"{tmp_path}/null", OURS))


def test_a_hard_link_keeps_what_it_had(tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(PRECIOUS)
    os.link(tmp_path / "victim", tmp_path / "target")
    assert write_file(f"{tmp_path}/target", OURS, 0o600)
    assert (tmp_path / "victim").read_bytes() == PRECIOUS
    assert (tmp_path / "target").read_bytes() == OURS


def test_a_target_that_becomes_a_link_between_look_and_write(tmp_path: Path) -> None:
    """The attacker puts links, hard links, pipes and folders in the target's place, again and again."""
    victim, folder = tmp_path / "victim", tmp_path / "folder"
    victim.write_bytes(PRECIOUS)
    folder.mkdir()
    target = folder / "target"

    def change(chance: random.Random) -> None:
        trap = folder / "trap"
        match chance.randrange(4):
            case 0:
                trap.symlink_to(victim)
            case 1:
                os.link(victim, trap)
            case 2:
                os.mkfifo(trap)
            case _:
                trap.symlink_to("/dev/null")
        os.rename(trap, target)

    written = 0
    with meanwhile(change):
        for _ in range(TRIES):
            try:
                written += write_file(str(target), OURS, 0o600)
            except ProblemsError as error:
                assert error.exit_code == EXIT_CANNOT_CREATE  # noqa: PT017
    assert victim.read_bytes() == PRECIOUS
    assert written, "not one write came through: nothing was raced with"
    assert set(os.listdir(folder)) <= {"target", "trap"}


def test_a_folder_on_the_path_that_is_swapped_for_a_link(tmp_path: Path) -> None:
    """In a folder that everybody may write to, somebody else's link must not take us elsewhere."""
    if os.geteuid():
        pytest.skip("only root makes links of somebody else")
    tmp_path.chmod(0o755)
    public, elsewhere = tmp_path / "public", tmp_path / "elsewhere"
    for path in (public, elsewhere):
        path.mkdir()
    public.chmod(0o1777)
    (elsewhere / "file").write_bytes(PRECIOUS)

    def change(chance: random.Random) -> None:
        conf, trap = public / "conf", public / "trap"
        if chance.randrange(2):
            trap.symlink_to(elsewhere)
            os.lchown(trap, 65534, 65534)
            os.rename(conf, public / f"old{chance.random()}")
            os.rename(trap, conf)
        else:
            os.unlink(conf)
            conf.mkdir()

    written = 0
    with meanwhile(change):
        for _ in range(TRIES):
            try:
                make_folder(f"{public}/conf")
                written += write_file(f"{public}/conf/file", OURS, 0o600)
            except ProblemsError as error:
                assert error.exit_code == EXIT_CANNOT_CREATE  # noqa: PT017
    assert (elsewhere / "file").read_bytes() == PRECIOUS
    assert os.listdir(elsewhere) == ["file"]
    assert written, "not one write came through: nothing was raced with"


def test_once_is_once_among_many_writers(tmp_path: Path) -> None:
    for round_ in range(200):
        path = f"{tmp_path}/nid{round_}"
        ready, won = threading.Barrier(4), []

        def write(
            number: int, path: str = path, ready: threading.Barrier = ready, won: list = won
        ) -> None:
            ready.wait()
            if write_file(path, str(number).encode(), 0o600, once=True):
                won.append(number)

        threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1
        assert Path(path).read_text() == str(won[0])
    assert len(os.listdir(tmp_path)) == 200


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_nobody_sees_a_file_that_is_open_wider_than_it_will_be(
    tmp_path: Path, umask: int, mode: int
) -> None:
    """A thread looks at every name in the folder while files are written: at their modes and contents."""
    seen: set[tuple[int, bool]] = set()
    ends = threading.Event()

    def watch() -> None:
        while not ends.is_set():
            with os.scandir(tmp_path) as entries:
                for entry in entries:
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue
                    final = entry.name == "target"
                    seen.add((stat.S_IMODE(status.st_mode), final))
                    assert not final or status.st_size == len(OURS), "a target that is not whole"

    before = os.umask(umask)
    thread = threading.Thread(target=watch)
    thread.start()
    try:
        for _ in range(150):
            write_file(f"{tmp_path}/target", OURS, mode)
            remove_file(f"{tmp_path}/target")
    finally:
        os.umask(before)
        ends.set()
        thread.join()
    assert {found for found, final in seen if final} <= {mode}
    assert all(found & ~mode == 0 for found, _ in seen), [oct(found) for found, _ in seen]


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_the_kernel_is_never_asked_for_more(tmp_path: Path, umask: int) -> None:
    """strace tells how a secret's file is made: exclusively, without links, private from the first moment."""
    strace = need("strace")
    trace = tmp_path / "trace"
    program = (
        f"import os; os.umask({umask}); from entrypoint.system.files import make_folder, write_file;"
        f"make_folder('{tmp_path}/run/conf'); write_file('{tmp_path}/run/conf/secret', b'x', 0o600)"
    )
    subprocess.run(
        [strace, "-f", "-e", "trace=openat,mkdirat,renameat,renameat2,fchmod", "-o", trace, sys.executable, "-c",
         program],
        check=True, cwd=ROOT,
    )  # fmt: skip
    text = trace.read_text()
    created = re.findall(r"openat\((\d+), \"([^\"]+)\", ([A-Z_|]*O_CREAT[A-Z_|]*), (0\d+)\)", text)
    assert [(flags, mode) for _, name, flags, mode in created if name.startswith(".entrypoint-")] == [
        ("O_WRONLY|O_CREAT|O_EXCL|O_NOFOLLOW|O_CLOEXEC", "0600")
    ]  # fmt: skip
    folder = next(fd for fd, name, _, _ in created if name.startswith(".entrypoint-"))
    assert re.search(rf'renameat\({folder}, "\.entrypoint-[0-9a-f]+", {folder}, "secret"\)', text)
    assert re.findall(r'mkdirat\(\d+, "(?:run|conf)", (0\d+)\)', text) == ["0700", "0700"]


def test_render_stays_in_its_folder(tmp_path: Path) -> None:
    """`entrypoint render --out DIR` with a target of an overlay that leads out of it."""
    overlay, out = tmp_path / "o.yaml", tmp_path / "out"
    for target in ("/run/entrypoint/../../../../x", "{run}/../../../../x", "../x"):
        files = {"x": {"template": "zookeeper/myid.j2", "target": target}}
        overlay.write_text(yaml.safe_dump({"files": files}))
        done = subprocess.run(
            [sys.executable, "-m", "entrypoint", "render", "jvm", "--overlay", overlay, "--out", out],
            cwd=ROOT, env=os.environ | {"APP_JAR": "/x.jar"}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 78, done.stderr
        assert "file-target" in done.stderr
        assert sorted(os.listdir(tmp_path)) == ["o.yaml"]
