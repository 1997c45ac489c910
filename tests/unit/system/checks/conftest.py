"""Fixtures for the checks: actor servers, an address that refuses, and a way to ask."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest
from check_actors import Actor, Talk

from entrypoint.plan.model import CheckPlan
from entrypoint.system.checks.result import CheckResult
from entrypoint.system.checks.run import Kept, run


@pytest.fixture
def actor() -> Iterator[Callable[..., Actor]]:
    """Give a function that starts an actor server from its `talk`."""
    actors: list[Actor] = []

    def start(talk: Talk, family: socket.AddressFamily = socket.AF_INET) -> Actor:
        actors.append(Actor(talk, family))
        return actors[-1]

    yield start
    for one in actors:
        one.close()


@pytest.fixture
def says(actor: Callable[..., Actor]) -> Callable[..., Actor]:
    """Give a function that starts a server which reads a request, sends bytes, and closes."""

    def start(answer: bytes) -> Actor:
        def talk(client: socket.socket) -> None:
            client.recv(65536)
            client.sendall(answer)

        return actor(talk)

    return start


@pytest.fixture
def drips(actor: Callable[..., Actor]) -> Callable[..., Actor]:
    """Give a function that starts a server which sends bytes one by one, faster than any time-out."""

    def start(answer: bytes, pause: float = 0.02) -> Actor:
        def talk(client: socket.socket) -> None:
            for byte in answer:
                client.sendall(bytes([byte]))
                if server.ended.wait(pause):
                    return

        server = actor(talk)
        return server

    return start


@pytest.fixture
def refused() -> Iterator[str]:
    """Give an address that refuses: bound, so that nobody else takes it, and not listening."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield "{}:{}".format(*sock.getsockname())


@pytest.fixture
def ask() -> Iterator[Callable[..., CheckResult]]:
    """Give a function that runs a check of a kind with arguments, keeping sessions between calls."""
    kept = Kept()

    def ask(kind: str, timeout: float = 5.0, **arguments: object) -> CheckResult:
        plan = CheckPlan(kind, kind, "target", tuple(arguments.items()), timeout=timeout)  # type: ignore[arg-type]
        return run(plan, kept)

    yield ask
    kept.close()
