"""Known weaknesses and licences of what is locked.

Weaknesses: pip-audit asks the index about each version. A mirror that has no such page makes it leave the
package out *and succeed*. So what it left out is asked for once more, by the page of the newest release. Most
mirrors have that, and it tells about the locked version where that is the newest. What is left is unknown.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

from scripts.supply import locks
from scripts.supply.locks import RUNTIME, Entry, Lock
from scripts.supply.tools import ROOT, SupplyError, Tools

CANARY = "ecdsa"
"""A distribution whose newest release has an advisory that its authors will not mend: whoever has none for it
has none at all."""
NEWEST = ROOT / "scripts" / "supply" / "newest.py"
PERMISSIVE = frozenset(
    {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "PSF-2.0", "Zlib"}
)
"""Licences that what we ship may have."""
TOOLS_TOO = frozenset({"MPL-2.0"})
"""And what only builds it: nothing of that is passed on."""
NAMES = {
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: BSD License": "BSD-3-Clause",
    "License :: OSI Approved :: ISC License (ISCL)": "ISC",
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "License :: OSI Approved :: Python Software Foundation License": "PSF-2.0",
}
"""What stood in metadata before there were licence expressions."""


@dataclass(frozen=True)
class Verdict:
    """What is known of one locked version: ids of advisories, or why nothing is."""

    name: str
    version: str
    ids: tuple[str, ...] = ()
    unknown: str = ""

    @property
    def said(self) -> str:
        """The same in words."""
        return self.unknown or ("vulnerable: " + ", ".join(self.ids) if self.ids else "clean")


@dataclass(frozen=True)
class Licence:
    """The licence of one locked version, as its metadata tells it."""

    name: str
    version: str
    expression: str
    allowed: bool

    @property
    def said(self) -> str:
        """The same in words."""
        return f"{self.expression or 'no licence told'}{'' if self.allowed else ': not allowed'}"


def advisories(upkeep: Tools, lock: Lock) -> list[Verdict]:
    """Return what is known of every distribution of a lock file."""
    entries = locks.read(lock)
    options = ("--require-hashes", "--disable-pip", "--progress-spinner", "off", "-f", "json")
    done = upkeep.ask("pip-audit", *options, "-r", lock.file)
    answer = _json(done.stdout)
    if answer is None:
        last = (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]
        found = {one.name: Verdict(one.name, one.version, unknown=last[:200]) for one in entries}
    else:
        found = {verdict.name: verdict for verdict in map(_verdict, answer["dependencies"])}
    absent = [one for one in entries if one.name not in found or found[one.name].unknown]
    asked = newest(upkeep, absent)
    return [asked.get(one.name) or found[one.name] for one in entries]


def _json(text: str) -> dict[str, list[dict[str, object]]] | None:
    try:
        answer = json.loads(text)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) and "dependencies" in answer else None


def _verdict(found: dict[str, object]) -> Verdict:
    name, version = str(found["name"]), str(found.get("version", ""))
    if "skip_reason" in found:
        return Verdict(name, version, unknown=str(found["skip_reason"]))
    weaknesses = found["vulns"]
    assert isinstance(weaknesses, list)
    return Verdict(name, version, tuple(one["id"] for one in weaknesses))


def newest(upkeep: Tools, entries: list[Entry]) -> dict[str, Verdict]:
    """Return what the pages of the newest releases tell about these versions."""
    if not entries:
        return {}
    pages = json.loads(upkeep.run("python", NEWEST, CANARY, *(one.name for one in entries)))
    if not pages[CANARY].get("ids"):
        why = pages[CANARY].get("error", "it has pages without advisories")
        pages = {one.name: {"error": why} for one in entries}
    return {one.name: judge(one, pages[one.name]) for one in entries}


def judge(entry: Entry, page: dict[str, object]) -> Verdict:
    """Return what one page tells: `version` and `ids`, or `error`."""
    name, version = entry.name, entry.version
    if "error" in page:
        return Verdict(
            name, version, unknown=f"unknown: the index cannot be asked: {page['error']}"
        )
    ids = page["ids"]
    assert isinstance(ids, list)
    if page["version"] == version:
        return Verdict(name, version, tuple(ids))
    told = f"with {', '.join(ids)}" if ids else "clean"
    return Verdict(
        name,
        version,
        unknown=f"unknown: the index tells only about the newest, {page['version']} ({told})",
    )


def wheels(upkeep: Tools, lock: Lock, work: Path) -> list[Path]:
    """Return a wheel of each distribution of a lock file, checked by its hash."""
    key = hashlib.sha256(lock.path.read_bytes()).hexdigest()[:16]
    folder = work / f"wheels-{key}"
    if not (folder / "whole").exists():
        options = ("--require-hashes", "--no-deps", "--only-binary=:all:", "--quiet", "-d", folder)
        upkeep.run("python", "-m", "pip", "download", *options, "-r", lock.file)
        (folder / "whole").touch()
    return sorted(folder.glob("*.whl"))


def metadata(path: Path) -> Message:
    """Return the metadata of a wheel."""
    with zipfile.ZipFile(path) as archive:
        (name,) = [
            name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)
        ]
        return HeaderParser().parsestr(archive.read(name).decode("utf-8"))


def licences(found: list[Path], lock: Lock) -> list[Licence]:
    """Return the licence of each wheel of a lock file; SupplyError for one that is not in it."""
    known = {(one.name, one.version) for one in locks.read(lock)}
    allowed = PERMISSIVE if lock is RUNTIME else PERMISSIVE | TOOLS_TOO
    result = []
    for path in found:
        fields = metadata(path)
        name = re.sub(r"[-_.]+", "-", fields["Name"]).lower()
        if (name, fields["Version"]) not in known:
            raise SupplyError(f"{path.name} is not in {lock.file}")
        expression = licence_of(fields)
        result.append(Licence(name, fields["Version"], expression, is_allowed(expression, allowed)))
    return result


def licence_of(fields: Message) -> str:
    """Return the licence expression of metadata, or what stands for it; "" where nothing does."""
    if fields["License-Expression"]:
        return str(fields["License-Expression"])
    named = [
        NAMES.get(text, text) for text in fields.get_all("Classifier", []) if "License ::" in text
    ]
    if named:
        return " AND ".join(named)
    text = str(fields["License"] or "").strip()
    return text if "\n" not in text and len(text) <= 60 else ""


def is_allowed(expression: str, allowed: frozenset[str]) -> bool:
    """Tell whether every licence in an expression is in the list; so a choice wants all of it allowed."""
    parts = [part.strip(" ()") for part in re.split(r"\b(?:AND|OR)\b", expression)]
    return all(part in allowed for part in parts)
