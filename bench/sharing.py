"""Time to ready of real Kafka and ZooKeeper: their start scripts' command line beside entrypoint.

    python3 bench/sharing.py [--rounds N] [--jdks 17,25] [--kafka DIR] [--zookeeper DIR] [--out FILE]

Prints a Markdown table. docs/reference/sharing.md says how to read it. Needs the JDKs, kafka and
zookeeper of the test lab. Package registries have their jars but not their shell scripts: DIR is an
unpacked release, whose own start script is then run; without it, the java command that it ends in.
"""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from publish import Conditions, command_line, machine, publish  # noqa: E402

from lab import cache, jars, jdks, kafka, net, zookeeper, zookeeper_client  # noqa: E402

DEADLINE = 90.0
APPCDS, AOT = "AppCDS", "AOT cache"
TARGETS = {APPCDS: 0.6, AOT: 0.5}
# kafka-run-class.sh, with its JMX agent; and zkServer.sh.
KAFKA_OPTIONS = (
    "-server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35"
    " -XX:+ExplicitGCInvokesConcurrent -Djava.awt.headless=true"
)
KAFKA_JMX = (
    "-Dcom.sun.management.jmxremote -Dcom.sun.management.jmxremote.authenticate=false"
    " -Dcom.sun.management.jmxremote.ssl=false"
)
ZOOKEEPER_JMX = "-Dcom.sun.management.jmxremote -Dcom.sun.management.jmxremote.local.only=false"
HEAPS = {"kafka": "-Xms512m -Xmx512m", "zookeeper": "-Xmx256m"}


@dataclass
class Subject:
    """One way to start an application: a command, and when it is ready."""

    name: str
    application: str
    jdk: int
    command: list[str]
    environment: dict[str, str]
    ready: Callable[[], bool]
    folder: Path
    seconds: list[float] = field(default_factory=list)


@dataclass
class Start:
    """A command, its environment beside PATH, and whether the application answers."""

    command: list[str]
    environment: dict[str, str]
    ready: Callable[[], bool]


def kafka_script(home: Path, java: Path, folder: Path) -> Start:
    """Return what kafka-server-start.sh ends in, on storage that was formatted."""
    port = net.free_port()
    file = folder / "server.properties"
    file.write_text(kafka.server_properties(folder / "data", port, net.free_port()))
    kafka.KafkaTools(home, java.parent.parent).format(file, kafka.cluster_id())
    classes = ":".join(str(jar) for jar in sorted((home / "libs").glob("*.jar")))
    words = f"{java} {HEAPS['kafka']} {KAFKA_OPTIONS} {KAFKA_JMX} -Dkafka.logs.dir={folder}"
    log = f"-Dlog4j.configuration=file:{home}/config/log4j.properties"
    return Start(
        [*words.split(), log, "-cp", classes, "kafka.Kafka", str(file)],
        {},
        lambda: kafka.answers_api_versions(net.LOOPBACK, port),
    )


def zoo_cfg(folder: Path, port: int) -> str:
    """Return the configuration of one ZooKeeper server."""
    return (
        f"tickTime=2000\ndataDir={folder / 'data'}\nclientPort={port}\nadmin.enableServer=false\n"
    )


def zookeeper_script(home: Path, java: Path, folder: Path) -> Start:
    """Return what zkServer.sh start-foreground ends in."""
    port = net.free_port()
    file = folder / "zoo.cfg"
    file.write_text(zoo_cfg(folder, port))
    words = (
        f"{java} -Dzookeeper.log.dir={folder} -XX:+HeapDumpOnOutOfMemoryError -cp"
        f" {home}/lib/*:{home}/conf {HEAPS['zookeeper']} {ZOOKEEPER_JMX} {zookeeper.MAIN} {file}"
    )
    return Start(words.split(), {}, lambda: answers_srvr(port))


def kafka_own_script(release: Path, java: Path, folder: Path) -> Start:
    """Return kafka-server-start.sh itself, on storage that was formatted."""
    port = net.free_port()
    file = folder / "server.properties"
    file.write_text(kafka.server_properties(folder / "data", port, net.free_port()))
    kafka.KafkaTools(release, java.parent.parent).format(file, kafka.cluster_id())
    environment = {
        "JAVA_HOME": str(java.parent.parent),
        "KAFKA_HEAP_OPTS": HEAPS["kafka"],
        "LOG_DIR": str(folder),
    }
    return Start(
        [str(release / "bin" / "kafka-server-start.sh"), str(file)],
        environment,
        lambda: kafka.answers_api_versions(net.LOOPBACK, port),
    )


def zookeeper_own_script(release: Path, java: Path, folder: Path) -> Start:
    """Return zkServer.sh itself."""
    port = net.free_port()
    (folder / "zoo.cfg").write_text(zoo_cfg(folder, port))
    shutil.copy(release / "conf" / "logback.xml", folder)
    environment = {
        "JAVA_HOME": str(java.parent.parent),
        "ZOOCFGDIR": str(folder),
        "ZOO_LOG_DIR": str(folder),
        "JVMFLAGS": HEAPS["zookeeper"],
    }
    command = [str(release / "bin" / "zkServer.sh"), "start-foreground"]
    return Start(command, environment, lambda: answers_srvr(port))


def answers_srvr(port: int) -> bool:
    """Tell whether a ZooKeeper server in service answers.

    Asked in the middle of its start it may forget the connection (a NullPointerException) and leave it open.
    """
    answer = zookeeper_client.four_letter(net.LOOPBACK, port, "srvr", timeout=0.2)
    return "Mode: standalone" in answer


def under_entrypoint(application: str, home: Path, java: Path, folder: Path, sharing: str) -> Start:
    """Return a run of the built-in profile with the script's heap and collector options."""
    port, controller = net.free_port(), net.free_port()
    options = HEAPS[application] + (f" {KAFKA_OPTIONS}" if application == "kafka" else "")
    own = {
        "kafka": {
            "KAFKA_CLIENT_PORT": str(port),
            "KAFKA_CONTROLLER_PORT": str(controller),
            "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{net.LOOPBACK}:{port}",
            "KAFKA_LOG_DIRS": str(folder / "data"),
        },
        "zookeeper": {"ZOO_CLIENT_PORT": str(port), "ZOO_DATA_DIR": str(folder / "data")},
    }
    environment = {
        "PYTHONPATH": str(ROOT),
        "PYTHONPYCACHEPREFIX": str(folder.parent / "pycache"),
        "JAVA_HOME": str(java.parent.parent),
        "JAVA_OPTIONS": options,
        "ENTRYPOINT_HOME": str(home),
        "ENTRYPOINT_RUN_DIR": str(folder / "run"),
        "ENTRYPOINT_LISTEN": f"{net.LOOPBACK}:{net.free_port()}",
        "ENTRYPOINT_TERMINATION_LOG": str(folder / "termination-log"),
        "ENTRYPOINT_SHARING": sharing,
        "ENTRYPOINT_SHARING_DIR": str(folder / "sharing"),
        **own[application],
    }
    ready = {
        "kafka": lambda: kafka.answers_api_versions(net.LOOPBACK, port),
        "zookeeper": lambda: answers_srvr(port),
    }
    command = [sys.executable, "-m", "entrypoint", "run", application]
    return Start(command, environment, ready[application])


@contextmanager
def running(subject: Subject) -> Iterator[subprocess.Popen[bytes]]:
    """Start it in a session of its own, and end it as a container's runtime does."""
    with (subject.folder / "output").open("wb") as output:
        process = subprocess.Popen(
            subject.command,
            env=subject.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=subject.folder,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(DEADLINE)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def measure(subject: Subject) -> float:
    """Return the seconds from the start to the first answer of the application itself."""
    began = time.monotonic()
    with running(subject) as process:
        while True:
            with suppress(OSError, ValueError):
                if subject.ready():
                    return time.monotonic() - began
            if process.poll() is not None or time.monotonic() - began > DEADLINE:
                said = (subject.folder / "output").read_text(errors="replace")[-3000:]
                raise SystemExit(f"bench: {subject.name} did not become ready:\n{said}")
            time.sleep(0.005)


def train(subject: Subject) -> str:
    """Make the archive as an image build does, and return what came out: a kind and its size."""
    environment = subject.environment | {"ENTRYPOINT_SHARING": "train"}
    done = subprocess.run(
        subject.command, env=environment, capture_output=True, text=True, check=False
    )
    folder = subject.folder / "sharing"
    files = [file for file in folder.glob("classes-*") if file.suffix != ".seal"]
    if done.returncode or not files:
        raise SystemExit(f"bench: no archive for {subject.name}:\n{done.stderr[-3000:]}")
    return f"{files[0].stat().st_size / (1 << 20):.0f}"


def subjects(
    folder: Path, features: list[int], releases: dict[str, Path]
) -> tuple[list[Subject], dict[str, str]]:
    """Return everything that is measured, with the archives made, and their sizes in MiB."""
    homes = {"kafka": jars.kafka_home(), "zookeeper": jars.zookeeper_home()} | releases
    scripts = {
        "kafka": kafka_own_script if "kafka" in releases else kafka_script,
        "zookeeper": zookeeper_own_script if "zookeeper" in releases else zookeeper_script,
    }
    path = {"PATH": os.environ.get("PATH", os.defpath)}
    found, sizes = [], {}
    for feature in features:
        jdk = jdks.find(feature)
        for application, home in homes.items():
            if isinstance(jdk, cache.Missing) or isinstance(home, cache.Missing):
                raise SystemExit(f"bench: {jdk if isinstance(jdk, cache.Missing) else home}")
            java = jdk / "bin" / "java"
            kind = AOT if feature >= 25 else APPCDS
            for name, sharing in (("start script", ""), ("entrypoint, off", "off"), (kind, "use")):
                place = folder / f"{application}-{feature}-{sharing or 'script'}"
                place.mkdir()
                if sharing:
                    start = under_entrypoint(application, home, java, place, sharing)
                else:
                    start = scripts[application](home, java, place)
                environment = path | start.environment
                subject = Subject(
                    name, application, feature, start.command, environment, start.ready, place
                )
                if sharing == "use":
                    sizes[f"{application} {feature}"] = train(subject)
                measure(subject)  # the first one has data to make, and modules to compile
                found.append(subject)
    return found, sizes


def report(found: list[Subject], sizes: dict[str, str], rounds: int, load: str) -> str:
    """Return the table: medians, and ratios to the start script of the same application and JDK."""
    heaps = f"Kafka `{HEAPS['kafka']}`, ZooKeeper `{HEAPS['zookeeper']}`"
    lines = [
        f"{machine()}; {load}.",
        f"Medians of {rounds} starts (minimum in brackets), taken in turn; heap: {heaps}.",
        "",
        "| application | JDK | started by | ready after, s | ratio | target | archive MiB |",
        "| --- | --: | --- | --: | --: | --: | --: |",
    ]
    bases = {(one.application, one.jdk): one for one in found if one.name == "start script"}
    for one in found:
        middle = statistics.median(one.seconds)
        ratio = middle / statistics.median(bases[one.application, one.jdk].seconds)
        target = TARGETS.get(one.name)
        met = "" if target is None else f"≤ {target}: {'yes' if ratio <= target else 'no'}"
        name = one.name if target is None else f"entrypoint, {one.name}"
        size = "" if target is None else sizes[f"{one.application} {one.jdk}"]
        lines.append(
            f"| {one.application} | {one.jdk} | {name} | {middle:.2f} ({min(one.seconds):.2f}) |"
            f" {ratio:.2f} | {met} | {size} |"
        )
    return "\n".join(lines) + "\n"


def main(argv: list[str]) -> int:
    """Run the command line and return its exit code."""
    parser = command_line("sharing.py", __doc__)
    parser.add_argument("--rounds", type=int, default=7, help="starts of each")
    parser.add_argument("--jdks", default="17,21,25", help="comma-separated")
    for name in ("kafka", "zookeeper"):
        parser.add_argument(f"--{name}", metavar="DIR", type=Path, help="its unpacked release")
    asked = parser.parse_args(argv)
    given = {"kafka": asked.kafka, "zookeeper": asked.zookeeper}
    releases = {name: place.resolve() for name, place in given.items() if place}
    features = [int(text) for text in asked.jdks.split(",")]
    conditions = Conditions()
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        found, sizes = subjects(Path(folder), features, releases)
        for number in range(asked.rounds):
            # In turn, and each time from another one on, so that none has the quiet moments.
            at = number % len(found)
            for subject in found[at:] + found[:at]:
                subject.seconds.append(measure(subject))
    publish(report(found, sizes, asked.rounds, str(conditions)), asked)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
