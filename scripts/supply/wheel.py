"""The wheel, the sdist that it is made of, and its bill of materials.

The same sources give the same bytes: hatchling gives files one time (SOURCE_DATE_EPOCH, else 2020-02-02), one
order, and one of two modes. What is left is the zlib that compresses.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from email.message import Message
from pathlib import Path

from images.parts import sbom
from scripts.supply import audit
from scripts.supply.locks import BUILD, RUNTIME
from scripts.supply.tools import ROOT, SupplyError, tools


def release(out: Path, work: Path) -> list[Path]:
    """Return the paths of sdist, wheel and bill of materials, all made anew in `out`."""
    builder = tools(BUILD.path, work)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        source = build(builder.python, "sdist", ROOT, folder / "dist")
        # From the sdist, so that what is in it is enough, and nothing else of the checkout gets in.
        wheel = build(builder.python, "wheel", unpacked(source, folder / "source"), folder / "dist")
        bill = folder / "dist" / f"{wheel.stem}.cdx.json"
        libraries = [audit.metadata(path) for path in audit.wheels(builder, RUNTIME, work)]
        document = bill_of_materials(wheel, libraries)
        bill.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        return [Path(shutil.copy(path, out)) for path in (source, wheel, bill)]


def build(python: Path, target: str, source: Path, out: Path) -> Path:
    """Return what hatchling makes of the sources; SupplyError where it fails."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "HATCH"))
    }
    command = [str(python), "-m", "hatchling", "build", "-t", target, "-d", str(out)]
    done = subprocess.run(
        command, cwd=source, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SupplyError(f"hatchling: exit {done.returncode}\n{done.stdout}{done.stderr}"[-2000:])
    (found,) = out.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return found


def unpacked(sdist: Path, folder: Path) -> Path:
    """Return the folder of an unpacked sdist."""
    folder.mkdir()
    # tarfile's filters came with 3.11.4, and Debian 12 has an older one.
    subprocess.run(["tar", "-xzf", str(sdist), "-C", str(folder)], check=True)
    (source,) = folder.iterdir()
    return source


def bill_of_materials(wheel: Path, libraries: Iterable[Message]) -> dict[str, object]:
    """Return CycloneDX 1.5: our wheel with its checksum, what it is locked to, and what needs what."""
    own = audit.metadata(wheel)
    name, version = own["Name"], own["Version"]
    reference = f"pkg:pypi/{name}@{version}"
    components = [_component(fields) for fields in libraries]
    document = sbom.document(name, components)
    document["metadata"] = {
        "component": {
            "type": "application",
            "name": name,
            "version": version,
            "purl": reference,
            "bom-ref": reference,
            "licenses": [{"expression": own["License-Expression"]}],
            "hashes": [{"alg": "SHA-256", "content": sha256(wheel)}],
        }
    }
    known = {str(one["name"]): str(one["bom-ref"]) for one in components}
    needs = {reference: _needs(own, known)}
    needs |= {known[_normal(fields["Name"])]: _needs(fields, known) for fields in libraries}
    document["dependencies"] = [
        {"ref": one, "dependsOn": needs[one]} if needs[one] else {"ref": one}
        for one in sorted(needs)
    ]
    return document


def _component(fields: Message) -> sbom.Component:
    name, version = _normal(fields["Name"]), fields["Version"]
    licence = audit.licence_of(fields)
    known = audit.is_allowed(licence, audit.PERMISSIVE)
    licences = [{"expression": licence}] if known else sbom.named(licence)
    # No checksum: a version has many files, one for each Python and machine. The lock file has them all.
    return sbom.component(name, version, f"pkg:pypi/{name}@{version}", licenses=licences)


def _needs(fields: Message, known: dict[str, str]) -> list[str]:
    """Return the references of what a distribution needs, extras left out."""
    found = set()
    for requirement in fields.get_all("Requires-Dist", []):
        matched = re.match(r"[A-Za-z0-9._-]+", requirement)
        if matched and "extra ==" not in requirement and _normal(matched[0]) in known:
            found.add(known[_normal(matched[0])])
    return sorted(found)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def sha256(path: Path) -> str:
    """Return a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
