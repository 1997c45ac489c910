"""The lab itself: parts are what they say, services come up, work, and leave nothing behind."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from lab import cache, containers, install, jars, jdks, pythons
from lab.cache import LabError, Missing
from lab.command import environment, run
from lab.needs import INITS, SUPERVISORS, need
from lab.net import ListeningSocket, accepts, free_port, wait_until
from lab.services import Kafka, MariaDB, Service, ZooKeeper, ZooKeeperError

TESTS = Path(__file__).parents[1]


def running_in_group(group: int) -> list[int]:
    """Return the pids whose process group is `group`, zombies too."""
    found: list[int] = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.getpgid(int(entry)) == group:
                found.append(int(entry))
        except ProcessLookupError:
            continue
    return found


def is_gone(pid: int) -> bool:
    """Tell whether nothing of the process runs any more; a zombie of a lost parent does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return status.rpartition(")")[2].split()[0] == "Z"


class Sleeper(Service):
    """A service with a child of its own that ignores SIGTERM."""

    name = "sleeper"
    stop_timeout = 0.2
    script = 'trap "" TERM; sleep 600 & touch ready; wait; sleep 600'

    def command(self) -> list[str]:
        return ["sh", "-c", self.script]

    def answers(self) -> bool:
        return (self.folder / "ready").exists()


class TestPorts:
    def test_a_free_port_can_be_bound_on_every_address(self) -> None:
        with socket.socket() as server:
            server.bind(("0.0.0.0", free_port()))

    def test_two_callers_get_two_ports(self) -> None:
        assert len({free_port() for _ in range(100)}) == 100

    def test_a_taken_port_is_not_offered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        port = free_port()
        monkeypatch.setattr("lab.net._next_port", port - 1)
        with ListeningSocket(port):
            assert free_port() != port

    def test_listening_socket_takes_the_port_and_gives_it_back(self) -> None:
        with ListeningSocket() as taken:
            assert accepts(taken.port)
            with pytest.raises(OSError, match="in use"):
                ListeningSocket(taken.port)
        assert not accepts(taken.port)


class TestWaiting:
    def test_returns_once_true(self) -> None:
        answers = iter([False, 0, "yes"])
        wait_until(lambda: next(answers), 30, "the third answer")

    def test_names_what_never_came_and_the_last_error(self) -> None:
        def refuse() -> bool:
            raise ConnectionRefusedError("nobody there")

        with pytest.raises(LabError, match=r"the moon: .*nobody there"):
            wait_until(refuse, 0, "the moon")


class TestCache:
    @pytest.fixture(autouse=True)
    def own_cache(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ENTRYPOINT_TEST_CACHE", str(tmp_path / "cache"))

    def test_staged_appears_whole_or_not_at_all(self) -> None:
        target = cache.root() / "thing"

        def interrupted() -> None:
            with cache.staged(target) as staging:
                (staging / "half").touch()
                raise LabError("interrupted")

        with pytest.raises(LabError):
            interrupted()
        assert list(cache.root().iterdir()) == []
        with cache.staged(target) as staging:
            (staging / "whole").touch()
            assert not target.exists()
        assert [path.name for path in cache.root().rglob("*")] == ["thing", "whole"]

    def test_staged_removes_what_a_killed_installer_left(self) -> None:
        (cache.root() / "thing.new-1").mkdir(parents=True)
        with cache.staged(cache.root() / "thing"):
            pass
        assert [path.name for path in cache.root().iterdir()] == ["thing"]

    def test_the_lock_keeps_a_second_installer_out(self) -> None:
        code = "import fcntl, sys; fcntl.flock(open(sys.argv[1]), fcntl.LOCK_EX | fcntl.LOCK_NB)"
        argv = [sys.executable, "-c", code, str(cache.root() / "lock")]
        with cache.locked():
            assert subprocess.run(argv, capture_output=True, check=False).returncode == 1
        assert subprocess.run(argv, check=False).returncode == 0

    def test_a_failed_part_says_why_until_it_is_there(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def fail() -> None:
            raise LabError("the mirror has no such package")

        monkeypatch.setattr(install, "parts", lambda: {"jdk99": fail})
        assert not install.install("jdk99")
        assert "no such package" in capsys.readouterr().err
        assert "no such package" in str(cache.missing("jdk99"))
        monkeypatch.setattr(install, "parts", lambda: {"jdk99": lambda: None})
        assert install.install("jdk99")
        assert "not installed yet" in str(cache.missing("jdk99"))

    def test_a_database_image_that_could_not_be_made_is_missing_by_itself(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """Containers run, and a test of otter in them is to be skipped with this reason, not to fail."""
        there = tmp_path / "podman"
        monkeypatch.setattr(containers, "program", lambda: there)
        monkeypatch.setattr(containers, "exists", lambda image: False)
        cache.note_missing("mariadb-image", "the mirror was away")
        assert str(containers.mariadb()) == "mariadb-image is missing: the mirror was away"
        monkeypatch.setattr(containers, "exists", lambda image: True)
        assert containers.mariadb() == there

    def test_exit_code_tells_a_missing_part_unless_allowed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail() -> None:
            raise LabError("no")

        monkeypatch.setattr(install, "parts", lambda: {"there": lambda: None, "absent": fail})
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        assert install.main(["there"]) == 0
        assert install.main(["all"]) == 1
        assert install.main(["all", "--allow-missing", "absent"]) == 0
        with pytest.raises(SystemExit):
            install.main(["unheard-of"])


class TestCommand:
    def test_a_failure_shows_exit_code_and_output(self) -> None:
        with pytest.raises(LabError, match="exit 3: out of cheese"):
            run(["sh", "-c", "echo out of cheese >&2; exit 3"])

    def test_options_for_every_jvm_are_kept_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Xmx1m")
        assert "JAVA_TOOL_OPTIONS" not in environment()


@pytest.mark.parametrize("major", jdks.MAJORS)
class TestJdk:
    def test_is_the_version_it_says(self, major: int) -> None:
        assert jdks.version(need(f"jdk{major}")) == major

    def test_starts_programs_of_the_system(self, major: int, tmp_path: Path) -> None:
        """A patched libc must not reach the programs that java starts."""
        source = tmp_path / "Starts.java"
        source.write_text(
            "public class Starts { public static void main(String[] a) throws Exception {\n"
            '  System.exit(new ProcessBuilder("true").start().waitFor()); } }\n'
        )
        home = need(f"jdk{major}")
        run([need("javac"), "-nowarn", "--release", "8", "-d", tmp_path, source])
        run([home / "bin" / "java", "-cp", tmp_path, "Starts"])


@pytest.mark.parametrize("version", pythons.VERSIONS)
def test_a_python_is_the_version_it_says_and_has_the_libraries(version: str) -> None:
    code = "import sys, psutil, yaml, pytest; print('%d.%d' % sys.version_info[:2])"
    assert run([need(f"python{version}"), "-c", code]).strip() == version


def test_a_python_that_no_machine_has_is_missing() -> None:
    found = pythons.find("3.99")
    assert isinstance(found, Missing) and "python3.99 is missing" in str(found)


@pytest.mark.parametrize("program", [*INITS, *SUPERVISORS])
def test_a_peer_is_a_program(program: str) -> None:
    assert os.access(need(program), os.X_OK)


def test_the_agent_is_the_one_that_is_pinned() -> None:
    jar = need("jmx-exporter")
    assert hashlib.sha256(jar.read_bytes()).hexdigest() == jars.JMX_EXPORTER_SHA256
    assert zipfile.is_zipfile(jar)


class TestService:
    def test_stop_kills_the_group_of_one_that_ignores_term(self) -> None:
        with Sleeper() as service:
            pid = service.pid
            assert len(running_in_group(pid)) >= 2
        assert not service.folder.exists()
        wait_until(lambda: all(map(is_gone, running_in_group(pid))), 10, "the group is gone")

    def test_one_that_ends_at_once_is_reported_with_its_output(self, tmp_path: Path) -> None:
        class Broken(Sleeper):
            script = "echo no room in the inn; exit 1"

        with pytest.raises(LabError, match=r"(?s)ended by itself.*no room in the inn"):
            Broken(tmp_path).start()

    def test_one_that_never_answers_is_killed(self, tmp_path: Path) -> None:
        class Mute(Sleeper):
            script = "exec sleep 600"
            start_timeout = 0.2

        service = Mute(tmp_path)
        with pytest.raises(LabError, match="sleeper answers: not within"):
            service.start()
        with pytest.raises(LabError, match="not running"):
            _ = service.pid

    def test_dies_with_the_test_run(self, tmp_path: Path) -> None:
        code = (
            "import sys; from lab.test_lab import Sleeper; s = Sleeper(); s.start();"
            "print(s.pid, s.folder, flush=True); sys.stdin.read()"
        )
        owner = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=TESTS,
            env=environment({"PYTHONPATH": str(TESTS), "TMPDIR": str(tmp_path)}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert owner.stdout is not None
        with owner:
            pid = int(owner.stdout.readline().split()[0])
            os.kill(owner.pid, signal.SIGKILL)
            wait_until(lambda: is_gone(pid), 30, "the service dies with its owner")
            for left in running_in_group(pid):
                os.kill(left, signal.SIGKILL)  # the Sleeper's own child, which no kernel rule ends


class TestMariaDB:
    def test_rows_survive_a_stop_and_a_crash(self) -> None:
        need("mariadb")
        with MariaDB() as server:
            pid = server.pid
            server.execute("CREATE DATABASE lab; CREATE TABLE lab.t (a INT, b TEXT)")
            server.execute("INSERT INTO t VALUES (1, 'grüße'), (2, NULL)", "lab")
            server.stop()
            assert not accepts(server.port)
            assert "Shutdown complete" in server.log.read_text()
            server.start()
            assert server.execute("SELECT * FROM lab.t") == [("1", "grüße"), ("2", "NULL")]
            server.kill()
            server.start()
            assert server.execute("SELECT COUNT(*) FROM lab.t") == [("2",)]
            assert server.url("lab") == f"jdbc:mysql://127.0.0.1:{server.port}/lab"
        assert running_in_group(pid) == []

    def test_a_wrong_statement_is_an_error(self, mariadb: MariaDB) -> None:
        with pytest.raises(LabError, match="syntax"):
            mariadb.execute("SELEKT")


class TestZooKeeper:
    def test_znodes_survive_a_stop_and_sessions_end(self, zookeeper_home: Path, java: Path) -> None:
        with ZooKeeper(zookeeper_home, java, tick_time=500) as server:
            pid = server.pid
            with server.client(session=600) as client:
                assert client.session_timeout == 10, "20 ticks are the most a session gets"
                client.create("/lab", b"one")
                client.create("/lab/here", ephemeral=True)
                assert client.ephemeral_owner("/lab/here") == client.session_id
                with pytest.raises(ZooKeeperError, match="-110"):
                    client.create("/lab")
                client.set("/lab", b"two")
            server.stop()
            assert not accepts(server.port)
            server.start()
            with server.client() as client:
                assert client.get("/lab") == b"two"
                assert client.children("/lab") == []
                assert not client.exists("/lab/here")
                client.delete("/lab")
                assert client.ephemeral_owner("/lab") is None
        assert running_in_group(pid) == []

    def test_the_official_command_line_reads_what_we_wrote(
        self, zookeeper: ZooKeeper, zookeeper_home: Path, java: Path
    ) -> None:
        with zookeeper.client() as client:
            client.create("/from-the-lab", b"hello")
        classpath = f"{zookeeper_home / 'conf'}:{zookeeper_home / 'lib'}/*"
        main = ("-cp", classpath, "org.apache.zookeeper.ZooKeeperMain")
        arguments = ("-server", zookeeper.address, "get", "/from-the-lab")
        assert "hello" in run([java / "bin" / "java", *main, *arguments])

    def test_a_dropped_client_leaves_its_ephemeral_for_the_session_time(
        self, zookeeper: ZooKeeper
    ) -> None:
        lost = zookeeper.client(session=4)
        lost.create("/lost", ephemeral=True)
        lost.drop()
        with zookeeper.client() as client:
            assert client.exists("/lost")
            wait_until(lambda: not client.exists("/lost"), 60, "the session expires")

    def test_a_paused_server_accepts_and_does_not_answer(
        self, zookeeper_home: Path, java: Path
    ) -> None:
        with ZooKeeper(zookeeper_home, java) as server:
            server.pause()
            assert accepts(server.port)
            server.resume()
            wait_until(server.answers, 30, "ZooKeeper answers again")


class TestKafka:
    def test_messages_come_back(self, kafka_home: Path, java: Path) -> None:
        with Kafka(kafka_home, java) as broker:
            pid = broker.pid
            broker.produce("lab", ["one", "two", "grüße"])
            assert broker.consume("lab", 3) == ["one", "two", "grüße"]
            broker.stop()
            assert not accepts(broker.port)
        assert running_in_group(pid) == []


class TestLoudSkips:
    def test_every_skip_is_listed_with_its_reason(self, tmp_path: Path) -> None:
        (tmp_path / "conftest.py").write_text((TESTS / "conftest.py").read_text())
        (tmp_path / "test_skipping.py").write_text(
            "from lab.needs import need\n\ndef test_it():\n    need('no-such-program')\n"
        )
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."],
            cwd=tmp_path,
            env=environment({"PYTHONPATH": str(TESTS)}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        assert "skipped loudly" in done.stdout
        assert "test_skipping.py::test_it: no-such-program is missing: not in PATH" in done.stdout
        assert "1 skipped: what they check was NOT checked" in done.stdout
