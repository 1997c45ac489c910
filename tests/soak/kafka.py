"""A soak of PID 1: real Kafka and ZooKeeper under entrypoint, used and harmed for an hour, and recorded.

    python3 tests/soak/kafka.py [--minutes 60 | --hours 24] [--seed N] [--out FILE] [--page FILE]

Needs root, java, and the lab's kafka and zookeeper. Exits with 1 when the judge (`flat.py`) finds that
something grew or was lost. docs/reference/soak.md has the last run, README.md says what happens in one.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests")]
# This folder comes first for a script, and our own name is that of a library.
sys.path = [path for path in sys.path if path != str(Path(__file__).parent)]

from integration.running import Application, Applications  # noqa: E402
from lab import cache, jars, jdks, net  # noqa: E402
from lab.kafka import KafkaTools  # noqa: E402
from soak import flat, recording  # noqa: E402
from soak.clients import Asker, Messages  # noqa: E402
from soak.faults import QUICK, USUAL, Faults, Pace, Scene  # noqa: E402

TMPFS = "4m"
KAFKA_OPTIONS = "-Xms128m -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1"
ZOOKEEPER_OPTIONS = "-Xmx64m -XX:+UseSerialGC -XX:TieredStopAtLevel=1"
KAFKA_OVERLAY = """\
gates:
  zookeeper: {{zookeeper: {{servers: "127.0.0.1:{port}"}}}}
checks:
  client-port: {{interval: 2s}}
  zookeeper:
    zookeeper: {{servers: "127.0.0.1:{port}"}}
    for: [readiness]
    interval: 2s
    timeout: 1s
    failures: 2
"""
ZOOKEEPER_OVERLAY = "checks: {srvr: {interval: 1s}}\n"


@dataclass(frozen=True)
class Asked:
    """What the command line asks for."""

    seconds: float
    seed: int
    out: Path
    pace: Pace


@dataclass(frozen=True)
class Parts:
    """Where the lab's parts are."""

    java: Path
    kafka: Path
    zookeeper: Path


def parts() -> Parts | cache.Missing:
    """Return the parts, or the first that is missing."""
    java = next(
        iter(homes[major] for major in (17, 21, 25, 11) if major in (homes := jdks.jdks())), None
    )
    found = (java or cache.missing("jdk17"), jars.kafka_home(), jars.zookeeper_home())
    for one in found:
        if isinstance(one, cache.Missing):
            return one
    return Parts(*(one for one in found if isinstance(one, Path)))


class Site:
    """Both applications, each with a pid namespace and a small tmpfs at /tmp of its own."""

    def __init__(self, folder: Path, found: Parts) -> None:
        self.codes: list[int] = []
        """Exit codes of ZooKeeper's runs that have ended."""
        self._folder = folder
        self._parts = found
        self._applications = Applications(folder)
        self._zookeeper_port = net.free_port()
        self.port = net.free_port()
        self.config = self._kafka_home() / "config" / "server.properties"
        self.zookeeper = self._start_zookeeper()
        self.kafka = self._start_kafka()

    def _start_zookeeper(self) -> Application:
        variables = {
            "ZOO_CLIENT_PORT": str(self._zookeeper_port),
            "ZOO_DATA_DIR": str(self._folder / "zookeeper-data"),
            "ENTRYPOINT_RUN_DIR": "/tmp/run",
        }
        started = self._applications.start(
            "zookeeper", self._parts.java, self._parts.zookeeper, variables, overlay=ZOOKEEPER_OVERLAY,
            as_pid1=True, options=ZOOKEEPER_OPTIONS, before=self._own_tmp("zookeeper-tmp"),
        )  # fmt: skip
        started.becomes_ready()
        return started

    def _start_kafka(self) -> Application:
        variables = {
            "KAFKA_CLIENT_PORT": str(self.port),
            "KAFKA_CONTROLLER_PORT": str(net.free_port()),
            "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{net.LOOPBACK}:{self.port}",
            "KAFKA_LOG_DIRS": str(self._folder / "kafka-data"),
            "ENTRYPOINT_RUN_DIR": "/tmp/run",
        }
        started = self._applications.start(
            "kafka", self._parts.java, self.config.parents[1], variables,
            overlay=KAFKA_OVERLAY.format(port=self._zookeeper_port),
            as_pid1=True, options=KAFKA_OPTIONS, before=self._own_tmp("kafka-tmp"),
        )  # fmt: skip
        started.becomes_ready()
        return started

    def _kafka_home(self) -> Path:
        """Make a home with a configuration that can be touched."""
        home = self._folder / "kafka-home"
        (home / "config").mkdir(parents=True)
        (home / "libs").symlink_to(self._parts.kafka / "libs")
        (home / "config" / "server.properties").write_text("log.retention.minutes=10\n")
        return home

    def _own_tmp(self, name: str) -> Sequence[str]:
        """Return what gives a command a small tmpfs at /tmp; what we need of the real one stays in sight."""
        new = self._folder / name
        new.mkdir(exist_ok=True)
        lines = [f"mount -t tmpfs -o mode=1777,size={TMPFS} tmpfs {shlex.quote(str(new))}"]
        for kept in {sys.prefix, sys.base_prefix, str(REPOSITORY), str(self._folder)}:
            if kept.startswith("/tmp/"):
                place = shlex.quote(f"{new}{kept.removeprefix('/tmp')}")
                lines.append(f"mkdir -p {place} && mount --rbind {shlex.quote(kept)} {place}")
        lines.append(f'mount --rbind {shlex.quote(str(new))} /tmp && exec "$@"')
        return ("sh", "-c", " && ".join(lines), "sh")

    def without_zookeeper(self, seconds: float) -> None:
        """Stop ZooKeeper, and start it again after a while."""
        self.codes.append(self.zookeeper.run.stop())
        time.sleep(seconds)
        self.zookeeper = self._start_zookeeper()

    def stop(self) -> tuple[int, list[str]]:
        """Stop both; return Kafka's exit code and what is left of either."""
        code = self.kafka.run.stop()
        self.codes.append(self.zookeeper.run.stop())
        return code, [*self.kafka.run.left(), *self.zookeeper.run.left()]

    def clean_up(self) -> None:
        """End everything."""
        self._applications.clean_up()


def soak(asked: Asked, found: Parts) -> flat.Facts:
    """Run it, write the recording row by row, and return what is known beside it."""
    # Not in /tmp, which the applications do not see.
    folder = Path(tempfile.mkdtemp(prefix="entrypoint-soak-", dir="/var/tmp"))
    try:
        with ExitStack() as stack:
            site = Site(folder, found)
            stack.callback(site.clean_up)
            tools = KafkaTools(found.kafka, found.java)
            messages = Messages(tools, f"{net.LOOPBACK}:{site.port}")
            stack.callback(messages.end)
            net.wait_until(lambda: messages.received > 0, 120, "a message comes out")
            asker = Asker(site.kafka.probes)
            stack.callback(asker.stop)
            scene = Scene(site.kafka, site.kafka.java(), site.config, site.without_zookeeper)
            faults = Faults(scene, asked.seed, asked.pace)
            try:
                record(asked, scene, faults, asker, messages)
            finally:
                faults.stop()
            messages.finish()
            site.kafka.becomes_ready()
            asker.stop()
            last = look(scene, faults, asker, messages, 0.0)
            code, left = site.stop()
            output = site.kafka.output
            return flat.Facts(
                seed=asked.seed, faults=faults.began, failed=tuple(faults.failed),
                exit_code=code, zookeeper_codes=tuple(site.codes), left=tuple(left),
                sent=last.sent, received=last.received, astray=last.astray,
                orphans_made=last.orphans_made, orphans_reaped=last.orphans_reaped,
                wrong=tuple(asker.wrong), bugs=output.count("Traceback"),
                output=output[-3000:] if code else "",
            )  # fmt: skip
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def record(asked: Asked, scene: Scene, faults: Faults, asker: Asker, messages: Messages) -> None:
    """Write a row a second."""
    began = time.monotonic()
    asker.taken()
    with asked.out.open("w", encoding="utf-8") as out:
        recording.header(out)
        number = 0
        while (now := time.monotonic() - began) < asked.seconds:
            recording.write(out, look(scene, faults, asker, messages, now))
            if scene.kafka.run.ended():
                raise SystemExit(f"Kafka has ended:\n{scene.kafka.output[-3000:]}")
            number = int(now) + 1
            time.sleep(max(0.0, began + number - time.monotonic()))


def look(
    scene: Scene, faults: Faults, asker: Asker, messages: Messages, now: float
) -> recording.Row:
    """Return the row of this second."""
    pid1 = scene.kafka.run.pid
    own = recording.look_at(pid1)
    scrapes, probes = asker.taken()
    return recording.Row(
        at=now, fault=faults.taken(),
        rss_kb=own.rss_kb, pss_kb=own.pss_kb, anonymous_kb=own.anonymous_kb, fds=own.fds, threads=own.threads,
        cpu_s=own.cpu_s, switches=own.switches,
        zombies=recording.states_below(pid1).count("Z"), java=recording.state_of(scene.java),
        ready=asker.ready, scrapes_ms=scrapes, probes_ms=probes,
        unanswered=asker.unanswered, not_live=asker.not_live,
        orphans_made=faults.orphans, orphans_reaped=asker.orphans_reaped,
        sent=messages.sent, received=messages.received, astray=messages.astray,
        load=os.getloadavg()[0],
    )  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(prog="tests/soak/kafka.py", description=__doc__.split("\n")[0])
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, default=60.0)
    length.add_argument("--hours", type=float)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument(
        "--out", type=Path, default=Path("soak.csv"), help="the recording; default: soak.csv"
    )
    parser.add_argument(
        "--quick", action="store_true", help="faults of a second, one after the other"
    )
    flat.add_outputs(parser)
    asked = parser.parse_args(argv)
    found = parts()
    if isinstance(found, cache.Missing):
        raise SystemExit(str(found))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 8192:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, hard), hard))
    seconds = asked.hours * 3600 if asked.hours else asked.minutes * 60
    asked.out.touch()
    facts = soak(Asked(seconds, asked.seed, asked.out, QUICK if asked.quick else USUAL), found)
    facts.write(flat.beside(asked.out))
    return flat.tell(asked.out, facts, asked.page, asked.image)


if __name__ == "__main__":
    raise SystemExit(main())
