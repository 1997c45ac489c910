"""A real Kafka broker in KRaft mode, and its console tools for any broker."""

from __future__ import annotations

import base64
import os
import socket
import struct
from collections.abc import Sequence
from pathlib import Path

from lab import net
from lab.command import run
from lab.service import Service

API_VERSIONS = 18


def cluster_id() -> str:
    """Return a new cluster id: 16 random bytes, base64 for URLs, without padding."""
    while True:
        text = base64.urlsafe_b64encode(os.urandom(16)).rstrip(b"=").decode()
        # A leading dash would read as an option of the storage tool.
        if not text.startswith("-"):
            return text


def server_properties(data: Path, port: int, controller_port: int) -> str:
    """Return the smallest configuration of one server that is broker and controller."""
    return (
        "process.roles=broker,controller\n"
        "node.id=1\n"
        f"controller.quorum.voters=1@{net.LOOPBACK}:{controller_port}\n"
        f"listeners=PLAINTEXT://{net.LOOPBACK}:{port},"
        f"CONTROLLER://{net.LOOPBACK}:{controller_port}\n"
        f"advertised.listeners=PLAINTEXT://{net.LOOPBACK}:{port}\n"
        "controller.listener.names=CONTROLLER\n"
        f"log.dirs={data}\n"
        "offsets.topic.replication.factor=1\n"
        "offsets.topic.num.partitions=1\n"
        "transaction.state.log.replication.factor=1\n"
        "transaction.state.log.min.isr=1\n"
        "group.initial.rebalance.delay.ms=0\n"
    )


class KafkaTools:
    """Kafka's own command-line tools, each a short-lived JVM."""

    def __init__(self, home: Path, java_home: Path) -> None:
        self._home = home
        self._java = java_home / "bin" / "java"

    def command(self, main: str, *arguments: str | Path) -> list[str]:
        """Return the command line of one tool."""
        log = self._home / "config" / "tools-log4j.properties"
        small = ["-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        logging = f"-Dlog4j.configuration=file:{log}"
        classpath = f"{self._home / 'libs'}/*"
        argv = [self._java, *small, logging, "-cp", classpath, main, *arguments]
        return [str(word) for word in argv]

    def run(self, main: str, *arguments: str | Path, text: str | None = None) -> str:
        """Run one tool to its end and return its standard output."""
        return run(self.command(main, *arguments), text=text, timeout=120)

    def format(self, properties: Path, cluster: str) -> None:
        """Format the storage that the properties file names."""
        self.run("kafka.tools.StorageTool", "format", "-t", cluster, "-c", properties)

    def produce(self, address: str, topic: str, messages: Sequence[str]) -> None:
        """Send one message per line and return when the broker has them all."""
        self.run(
            "kafka.tools.ConsoleProducer",
            *("--bootstrap-server", address, "--topic", topic),
            *("--request-required-acks", "all"),
            text="".join(f"{message}\n" for message in messages),
        )

    def consume(self, address: str, topic: str, count: int) -> list[str]:
        """Return the first `count` messages of the topic, fewer when no more come in 30 s."""
        output = self.run(
            "org.apache.kafka.tools.consumer.ConsoleConsumer",
            *("--bootstrap-server", address, "--topic", topic, "--from-beginning"),
            *("--max-messages", str(count), "--timeout-ms", "30000"),
        )
        return output.splitlines()


class Kafka(Service):
    """One Kafka server on 127.0.0.1, broker and controller, storage formatted before the start."""

    name = "kafka"
    start_timeout = 120.0
    stop_timeout = 60.0

    def __init__(
        self,
        home: Path,
        java_home: Path,
        *,
        folder: Path | None = None,
        port: int | None = None,
    ) -> None:
        super().__init__(folder, port)
        self._home = home
        self._java = java_home / "bin" / "java"
        self.tools = KafkaTools(home, java_home)
        self.controller_port = net.free_port()

    def prepare(self) -> None:
        """Write server.properties and format the storage."""
        file = self.folder / "server.properties"
        text = server_properties(self.folder / "data", self.port, self.controller_port)
        file.write_text(text)
        self.tools.format(file, cluster_id())

    def command(self) -> Sequence[str | Path]:
        """Return the broker's own main class on a small heap."""
        log = self._home / "config" / "log4j.properties"
        return [
            self._java,
            "-Xmx256m",
            "-XX:+UseSerialGC",
            "-Djava.awt.headless=true",
            f"-Dlog4j.configuration=file:{log}",
            "-cp",
            f"{self._home / 'libs'}/*",
            "kafka.Kafka",
            self.folder / "server.properties",
        ]

    def answers(self) -> bool:
        """Tell whether the broker answers an ApiVersions request."""
        return answers_api_versions(self.host, self.port)

    def produce(self, topic: str, messages: Sequence[str]) -> None:
        """Send one message per line."""
        self.tools.produce(self.address, topic, messages)

    def consume(self, topic: str, count: int) -> list[str]:
        """Return the first `count` messages of the topic."""
        return self.tools.consume(self.address, topic, count)


def answers_api_versions(host: str, port: int) -> bool:
    """Tell whether a Kafka broker answers there; no client library, no topic needed."""
    client = b"lab"
    request = struct.pack(">hhih", API_VERSIONS, 0, 1, len(client)) + client
    with socket.create_connection((host, port), timeout=5) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        with connection.makefile("rb") as stream:
            head = stream.read(10)
    # Length, the request's number again, error code 0.
    return len(head) == 10 and struct.unpack(">iih", head)[1:] == (1, 0)
