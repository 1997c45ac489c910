"""What the images weigh: `python3 -m images.sizes --base IMAGE` prints the table of the documentation.

Sizes are those of the layers compressed with gzip, as a registry stores and a machine pulls them.
"Without us" is the same image without Python, the libraries and entrypoint.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tarfile
import tempfile
import zlib
from dataclasses import dataclass

from images.recipes import IMAGES, is_base

MB = 1_000_000


@dataclass(frozen=True)
class Layer:
    """One layer: what it is known by, and its bytes, as they are and compressed."""

    digest: str
    size: int
    compressed: int


def main(argv: list[str]) -> int:
    """Print the table and return 0."""
    parser = argparse.ArgumentParser("images.sizes", description=__doc__)
    parser.add_argument("--tool", default="podman", choices=["podman", "docker"])
    parser.add_argument("--prefix", default="localhost/entrypoint")
    parser.add_argument("--tag", default="dev")
    parser.add_argument("--base", required=True, help="the JRE image that they were built on")
    asked = parser.parse_args(argv)
    base = layers(asked.tool, asked.base)
    runtime = layers(asked.tool, f"{asked.prefix}/jvm-runtime:{asked.tag}")
    # What jvm-runtime adds to its base is Python and the libraries, and all of it is ours.
    shared = compressed(runtime) - compressed(base)
    print(
        "| Image | MB, gzip | JRE and system | Python, libraries | Application | entrypoint | Without us |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|")
    for image in IMAGES:
        if is_base(image):
            continue
        found = layers(asked.tool, f"{asked.prefix}/{image.name}:{asked.tag}")
        program = found[-1].compressed
        application = compressed(found) - compressed(runtime) - program
        row = (compressed(found), compressed(base), shared, application, program)
        without = compressed(found) - shared - program
        numbers = " | ".join(f"{size / MB:.1f}" for size in (*row, without))
        print(f"| `{image.name}` | {numbers} |")
    print()
    libraries = runtime[-1]
    print(f"Our share: {(shared + found[-1].compressed) / MB:.1f} MB", end="")
    print(f" (Python {(shared - libraries.compressed) / MB:.1f},", end="")
    print(
        f" libraries {libraries.compressed / MB:.1f}, entrypoint {found[-1].compressed / MB:.1f})."
    )
    return 0


def compressed(found: list[Layer]) -> int:
    """Return the compressed size of all these layers."""
    return sum(layer.compressed for layer in found)


def layers(tool: str, image: str) -> list[Layer]:
    """Return the layers of an image, lowest first."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/image.tar"
        subprocess.run(
            [tool, "save", "-o", path, image],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        with tarfile.open(path) as archive:
            manifest = json.loads(_read(archive, "manifest.json"))[0]
            return [_layer(archive, name) for name in manifest["Layers"]]


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise FileNotFoundError(name)
    return file.read()


def _layer(archive: tarfile.TarFile, name: str) -> Layer:
    content = _read(archive, name)
    # Level 6 is what registries get from podman and Docker.
    return Layer(name, len(content), len(zlib.compress(content, 6)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
