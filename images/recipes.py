"""Which images there are, what each is made of, and in which order they are built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Image:
    """One image, and what it needs; its Containerfile is in the folder of its name."""

    name: str
    bases: tuple[tuple[str, str], ...] = ()
    """Build argument and name of every image of ours that it begins with or copies from."""
    parts: tuple[str, ...] = ()
    """Files of images/parts that its Containerfile copies."""
    distribution: str = ""
    """Pattern of the tarball it is made of."""
    version: str = ""
    """Build argument of that tarball's version."""


_APPLICATION = ("unpack.py", "sbom.py")
_RUNTIME = (("RUNTIME", "jvm-runtime"), ("ENTRYPOINT", "entrypoint"))

IMAGES = (
    Image("jvm-runtime", parts=("system.sh", "packages.sh", "install.py", "sbom.py")),
    Image("entrypoint", bases=_RUNTIME[:1], parts=("install.py", "sbom.py")),
    Image("jvm-base", bases=_RUNTIME),
    Image(
        "otter-manager",
        bases=_RUNTIME,
        parts=_APPLICATION,
        distribution="manager.deployer-*.tar.gz",
        version="OTTER_VERSION",
    ),
    Image(
        "otter-node-base",
        bases=_RUNTIME[:1],
        parts=("packages.sh", "sbom.py"),
    ),
    Image(
        "otter-node",
        bases=(("RUNTIME", "otter-node-base"), _RUNTIME[1]),
        parts=_APPLICATION,
        distribution="node.deployer-*.tar.gz",
        version="OTTER_VERSION",
    ),
    Image(
        "zookeeper",
        bases=_RUNTIME,
        parts=_APPLICATION,
        distribution="apache-zookeeper-*-bin.tar.gz",
        version="ZOOKEEPER_VERSION",
    ),
    Image(
        "kafka",
        bases=_RUNTIME,
        parts=_APPLICATION,
        distribution="kafka_*.tgz",
        version="KAFKA_VERSION",
    ),
)
"""In the order of building."""

BY_NAME = {image.name: image for image in IMAGES}


def closure(names: Sequence[str]) -> list[Image]:
    """Return these images and all that they are made of, in the order of building."""
    wanted = set(names)
    for image in reversed(IMAGES):
        if image.name in wanted:
            wanted.update(base for _, base in image.bases)
    return [image for image in IMAGES if image.name in wanted]


def is_base(image: Image) -> bool:
    """Tell whether other images are made of it: its configuration may not change with every commit."""
    return any(image.name == base for other in IMAGES for _, base in other.bases)
