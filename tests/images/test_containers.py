"""Each image alone, in real containers: it starts, is probed, refuses, stops, dies and is killed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from container import LOCKED, RUN, Container, Containers

from lab.needs import need

HERE = Path(__file__).parent
MIB = 1024 * 1024
MANAGER = {
    "OTTER_DOMAIN_NAME": "otter.example.com",
    "OTTER_DATABASE_URL": "jdbc:mysql://127.0.0.1:3306/otter",
    "OTTER_DATABASE_USERNAME": "otter",
    "OTTER_DATABASE_PASSWORD": "a-secret",
    "OTTER_ZOOKEEPER_SERVERS": "127.0.0.1:2181",
}
NODE = {"OTTER_NID": "3", "OTTER_MANAGER_ADDRESS": "127.0.0.1:1099"}


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the class Hog."""
    folder = tmp_path_factory.mktemp("classes")
    command = [
        str(need("javac")),
        "-nowarn",
        "-XDignore.symbol.file",
        "-source",
        "8",
        "-target",
        "8",
    ]
    command += ["-d", str(folder), str(HERE / "Hog.java")]
    subprocess.run(command, check=True, capture_output=True)
    folder.chmod(0o755)
    return folder


def hog(
    containers: Containers, image: str, classes: Path, *options: str, words: tuple[str, ...] = ()
) -> Container:
    return containers.start(
        image,
        f"--volume={classes}:/app/classes:ro",
        *options,
        words=words,
        env={"APP_MAIN": "Hog", "APP_CLASSPATH": "/app/classes"},
    )


@pytest.mark.parametrize("name", ["zookeeper", "kafka"])
def test_a_server_starts_is_probed_and_stops(
    images: dict[str, str], containers: Containers, name: str
) -> None:
    container = containers.start(images[name], *LOCKED, RUN, "--user=12345", "--memory=640m")
    container.is_running()
    assert container.healthy()
    assert container.exec("entrypoint", "probe", "live") == ""
    assert container.stop() == 0
    assert "signal=KILL" not in container.output
    assert "java exited with 143 after SIGTERM" in container.output


def test_a_mounted_file_and_the_environment_are_what_the_server_runs_with(
    images: dict[str, str], containers: Containers, tmp_path: Path
) -> None:
    given = tmp_path / "server.properties"
    given.write_text("log.retention.hours = 7\nnode.id = 4\nsome.path = ${dir}\n")
    container = containers.start(
        images["kafka"],
        *(
            *LOCKED,
            RUN,
            "--memory=640m",
            f"--volume={given}:/opt/kafka/config/server.properties:ro",
        ),
        env={"KAFKA_NODE_ID": "5", "KAFKA_CLIENT_PORT": "9192"},
    )
    container.is_running()
    assert container.java()[1][-2] == "/run/entrypoint/conf/server.properties"
    text = container.exec("cat", "/run/entrypoint/conf/server.properties")
    lines = dict(line.split("=", 1) for line in text.splitlines() if not line.startswith("#"))
    found = {name.strip(): value.strip() for name, value in lines.items()}
    assert found["log.retention.hours"] == "7"
    assert found["some.path"] == "${dir}"
    # The environment wins over the file.
    assert found["node.id"] == "5"
    assert ":9192" in found["listeners"]


def test_a_mounted_file_that_is_broken_is_refused_by_name(
    images: dict[str, str], containers: Containers, tmp_path: Path
) -> None:
    given = tmp_path / "otter.properties"
    given.write_text("otter.port = \\u00zz\n")
    place = "/opt/otter-manager/conf/otter.properties"
    container = containers.start(
        images["otter-manager"], f"--volume={given}:{place}:ro", env=MANAGER
    )
    assert container.ends() == 78, container.output
    assert place in container.output


def test_an_image_is_not_healthy_before_it_is_ready(
    images: dict[str, str], containers: Containers
) -> None:
    # otter's too as anybody, without a root file system to write to.
    container = containers.start(images["otter-node"], *LOCKED, RUN, "--user=12345", env=NODE)
    container.says("Waiting")
    assert not container.healthy()


@pytest.mark.parametrize("user", ["10001:10001", "12345:0", "12345:54321"])
def test_any_user_works_on_a_read_only_root(
    images: dict[str, str], containers: Containers, classes: Path, user: str
) -> None:
    volume = "--tmpfs=/data"
    container = hog(containers, images["jvm-base"], classes, *LOCKED, RUN, volume, f"--user={user}")
    container.says("java is ready")
    assert container.exec("id", "-u").strip() == user.partition(":")[0]
    status = container.exec("cat", "/proc/1/status")
    assert "CapEff:\t0000000000000000" in status and "NoNewPrivs:\t1" in status
    assert container.stop() == 0


def test_no_shell_is_needed(images: dict[str, str], containers: Containers, classes: Path) -> None:
    masked = [f"--volume=/dev/null:{path}:ro" for path in ("/usr/bin/dash", "/usr/bin/bash")]
    container = hog(containers, images["jvm-base"], classes, *masked)
    container.says("java is ready")
    assert container.stop() == 0


def test_java_killed_is_the_containers_end(
    images: dict[str, str], containers: Containers, classes: Path
) -> None:
    container = hog(containers, images["jvm-base"], classes)
    container.says("java is ready")
    container.kill_java()
    assert container.ends() == 137


def test_memory_short_is_told_as_such(
    images: dict[str, str], containers: Containers, classes: Path
) -> None:
    limit = ("--memory=256m", "--memory-swap=256m")
    container = hog(containers, images["jvm-base"], classes, *limit, words=("run", "--", "native"))
    assert container.ends() == 137
    assert "oom-killed" in container.output and "out of memory" in container.output


def test_the_heap_fits_the_containers_memory(
    images: dict[str, str], containers: Containers, classes: Path
) -> None:
    container = hog(containers, images["jvm-base"], classes, "--memory=512m")
    container.says("java is ready")
    plan = json.loads(container.exec("entrypoint", "plan", "-o", "json"))
    regions = {region["region"]: region["bytes"] for region in plan["memory"]}
    assert plan["container"]["memory-limit"] == 512 * MIB
    assert sum(regions.values()) <= 512 * MIB
    heap = regions["heap"]
    assert f"-Xmx{heap // MIB}m" in container.java()[1]


def test_a_stop_before_java_is_there(images: dict[str, str], containers: Containers) -> None:
    container = containers.start(images["otter-node"], env=NODE)
    container.says("Waiting")
    assert container.stop() == 0
    assert "Spawned" not in container.output


@pytest.mark.parametrize(
    ("name", "env", "said"),
    [
        ("otter-manager", {"OTTER_DATABASE_URL": "mysql"}, "OTTER_DATABASE_URL"),
        ("otter-manager", MANAGER | {"OTTER_PORT": "eighty"}, "OTTER_PORT"),
        ("otter-node", NODE | {"OTTER_NID": "three"}, "OTTER_NID"),
        ("zookeeper", {"ZOO_CLIENT_PORT": "0"}, "ZOO_CLIENT_PORT"),
        ("kafka", {"KAFKA_CLIENT_PORT": "65536"}, "KAFKA_CLIENT_PORT"),
        ("jvm-base", {}, "APP_JAR"),
    ],
)
def test_bad_input_is_refused_by_name(
    images: dict[str, str], containers: Containers, name: str, env: dict[str, str], said: str
) -> None:
    code, output = containers.run(images[name], env=env)
    assert code == 78, output
    assert said in output and "expected" in output


@pytest.mark.parametrize(
    ("name", "env"),
    [("otter-manager", MANAGER), ("otter-node", NODE), ("zookeeper", {}), ("kafka", {})],
)
def test_a_plan_needs_nothing_else(
    images: dict[str, str], containers: Containers, name: str, env: dict[str, str]
) -> None:
    code, output = containers.run(images[name], "plan", env=env)
    assert code == 0, output
    assert output.startswith(name) and f"/opt/{name}" in output
    assert "a-secret" not in output


def test_a_check_asks_and_starts_nothing(images: dict[str, str], containers: Containers) -> None:
    code, output = containers.run(images["otter-manager"], "check", env=MANAGER)
    assert code == 69, output
    assert "mysql" in output and "zookeeper" in output


def test_otters_images_tell_the_time_of_shanghai(
    images: dict[str, str], containers: Containers
) -> None:
    date = ("--entrypoint=date",)
    assert containers.start(images["otter-node"], *date, words=["+%Z %z"]).ends() == 0
    started = containers.start(images["otter-node"], *date, words=["+%z"])
    other = containers.start(images["otter-node"], *date, words=["+%z"], env={"TZ": "UTC"})
    assert (started.ends(), other.ends()) == (0, 0)
    assert started.output.strip() == "+0800" and other.output.strip() == "+0000"
