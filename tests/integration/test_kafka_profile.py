"""A real Kafka under the built-in profile: ready, a message through it, a restart, a crash."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from integration.running import Application, Applications
from lab.kafka import answers_api_versions
from lab.net import LOOPBACK, free_port
from lab.services import KafkaTools
from process.harness import until

Start = Callable[..., Application]
QUICK = "checks: {client-port: {interval: 300ms}}\n"
OPTIONS = "-Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1"


@pytest.fixture
def port() -> int:
    """The clients' port."""
    return free_port()


@pytest.fixture
def start(
    applications: Applications, java: Path, kafka_home: Path, port: int, tmp_path: Path
) -> Start:
    """Starts Kafka under its built-in profile, always on the same data."""
    variables = {
        "KAFKA_CLIENT_PORT": str(port),
        "KAFKA_CONTROLLER_PORT": str(free_port()),
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{LOOPBACK}:{port}",
        "KAFKA_LOG_DIRS": str(tmp_path / "data"),
    }

    def starter(*, as_pid1: bool = False) -> Application:
        return applications.start(
            "kafka",
            java,
            kafka_home,
            variables,
            overlay=QUICK,
            options=OPTIONS,
            as_pid1=as_pid1,
        )

    return starter


def test_it_becomes_ready_works_stops_and_starts_again(
    start: Start, kafka_home: Path, java: Path, port: int
) -> None:
    tools = KafkaTools(kafka_home, java)
    address = f"{LOOPBACK}:{port}"
    broker = start(as_pid1=True)
    broker.becomes_ready()
    tools.produce(address, "letters", ["a", "b"])
    assert tools.consume(address, "letters", 2) == ["a", "b"]
    assert broker.alive()
    assert broker.run.stop() == 0
    broker.run.gone()

    again = start()
    again.becomes_ready()
    tools.produce(address, "letters", ["c"])
    assert tools.consume(address, "letters", 3) == ["a", "b", "c"]
    assert again.run.stop() == 0


def test_a_killed_java_is_told_and_the_next_start_recovers(start: Start, port: int) -> None:
    broker = start()
    broker.becomes_ready()
    broker.run.send(signal.SIGKILL, broker.java())
    assert broker.run.wait() == 137
    assert "SIGKILL" in broker.run.termination_message
    broker.run.gone()

    again = start()
    again.becomes_ready()
    until(lambda: answers_api_versions(LOOPBACK, port), "the broker answers")
    assert again.run.stop() == 0


def test_an_early_term(start: Start) -> None:
    broker = start()
    broker.says("Spawned java")
    assert broker.run.stop() == 0
    broker.run.gone()
