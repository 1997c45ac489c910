"""The services that an otter needs, as in the integration tests."""

from integration.conftest import brief_zookeeper, otter_java

__all__ = ["brief_zookeeper", "otter_java"]
