"""Every real service in one place: `from lab.services import MariaDB, ZooKeeper, Kafka, …`."""

from __future__ import annotations

from lab.kafka import Kafka, KafkaTools
from lab.mariadb import MariaDB
from lab.net import ListeningSocket, accepts, free_port, wait_until
from lab.service import Service
from lab.zookeeper import ZooKeeper
from lab.zookeeper_client import ZooKeeperClient, ZooKeeperError, four_letter

__all__ = [
    "Kafka",
    "KafkaTools",
    "ListeningSocket",
    "MariaDB",
    "Service",
    "ZooKeeper",
    "ZooKeeperClient",
    "ZooKeeperError",
    "accepts",
    "four_letter",
    "free_port",
    "wait_until",
]
