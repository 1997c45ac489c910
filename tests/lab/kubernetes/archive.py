"""Images made of one static program, written as an archive that containerd and podman take.

No builder is involved: an image is a tar of a JSON file and of one layer.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
# Everything in an image belongs to a user that is nobody on any machine.
USER = 65535


def write(path: Path, name: str, program: Path, command: Sequence[str]) -> None:
    """Write the archive of an image with that name, program at /NAME and default command."""
    layer = _tar({program.name: (program.read_bytes(), 0o755)})
    digest = hashlib.sha256(layer).hexdigest()
    machine = platform.machine()
    config = {
        "architecture": ARCHITECTURES.get(machine, machine),
        "os": "linux",
        "config": {
            "Entrypoint": [f"/{program.name}"],
            "Cmd": list(command),
            "User": f"{USER}:{USER}",
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    path.write_bytes(
        _tar(
            {
                "config.json": (json.dumps(config).encode(), 0o644),
                "layer.tar": (layer, 0o644),
                "manifest.json": (json.dumps(manifest).encode(), 0o644),
            }
        )
    )


def _tar(files: Mapping[str, tuple[bytes, int]]) -> bytes:
    """Return a tar of the files; equal content makes equal bytes."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, (content, mode) in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), mode
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()
