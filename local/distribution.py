"""Where otter comes from: a path, dist/ in the checkout, the release page, or our stand-in."""

from __future__ import annotations

import hashlib
import http.client
import os
import queue
import shutil
import threading
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab import cache
from lab.cache import LabError
from lab.command import run

VERSION = "4.2.18"
RELEASE = f"https://github.com/alibaba/otter/releases/download/otter-{VERSION}"
SCHEMA_NAME = "otter-manager-schema.sql"
SCHEMA_SOURCE = (
    f"https://raw.githubusercontent.com/alibaba/otter/otter-{VERSION}"
    f"/manager/deployer/src/main/resources/sql/{SCHEMA_NAME}"
)
KINDS = ("manager", "node")
FIRST_ANSWER = 15.0
"""Seconds until the first byte of a download has to be there."""
WHOLE_DOWNLOAD = 600.0
REPOSITORY = Path(__file__).resolve().parents[1]
OWN_SCHEMA = REPOSITORY / "manifests" / "components" / "schema" / "schema.sql"
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Otter:
    """A distribution: manager and node, each a tarball or an unpacked folder."""

    manager: Path
    node: Path
    source: str
    standin: bool = False

    @property
    def name(self) -> str:
        """What to call it."""
        return f"stand-in for otter {VERSION}" if self.standin else f"otter {VERSION}"


def find(given: str, tell: Tell) -> Otter | None:
    """Return the distribution; None when only the stand-in is left. LabError when `given` is no good."""
    if given:
        return _from_path(given)
    folder = REPOSITORY / "dist"
    if all(_search(folder, kind) for kind in KINDS):
        return _in_folder(folder)
    tell(f"otter {VERSION}: not in dist/; asking its release page on github.com")
    try:
        return _in_folder(_download_all(tell))
    except LabError as error:
        tell(f"otter {VERSION} cannot be downloaded: {error}")
        return None


def standin() -> Otter:
    """Return the stand-in, built if it is not."""
    from standin.build import BuildError, build  # noqa: PLC0415 - javac may have been installed just now

    try:
        built = build()
    except BuildError as error:
        raise LabError(str(error)) from error
    return Otter(built.manager, built.node, "built from tests/standin", standin=True)


def unpack(part: Path, home: Path) -> Path:
    """Return the home of an unpacked distribution; a tarball is unpacked into `home` first."""
    if part.is_dir():
        return part
    if not (home / "lib").is_dir():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        run(["tar", "-xzf", part, "-C", home, "--no-same-owner"])
    if not (home / "lib").is_dir():
        raise LabError(f"{part} has no lib/: is it otter's distribution?")
    return home


def find_schema(otter: Otter, manager_home: Path, tell: Tell) -> Path | None:
    """Return otter's own schema: beside the tarballs, in the manager, or from otter's source."""
    if otter.standin:
        return OWN_SCHEMA
    for folder in (otter.manager.parent, manager_home):
        for found in sorted(folder.rglob(SCHEMA_NAME)) if folder != folder.parent else ():
            return found
    target = manager_home.parent / SCHEMA_NAME
    for jar in sorted((manager_home / "lib").glob("manager*.jar")):
        with zipfile.ZipFile(jar) as archive:
            for name in archive.namelist():
                if name.endswith(SCHEMA_NAME):
                    target.write_bytes(archive.read(name))
                    return target
    try:
        return _download(SCHEMA_SOURCE, cache.root() / "otter" / SCHEMA_NAME, tell)
    except LabError as error:
        tell(f"{SCHEMA_NAME} is not in the distribution, and cannot be downloaded: {error}")
        return None


def _from_path(given: str) -> Otter:
    paths = [Path(word).expanduser().absolute() for word in given.split(",")]
    if len(paths) == 2:
        for path in paths:
            if not path.exists():
                raise LabError(f"--dist: {path} does not exist")
        return _otter(paths[0], paths[1], given)
    folder = paths[0]
    if len(paths) != 1 or not folder.is_dir():
        raise LabError(
            f"--dist {given}: expected a folder, or manager.deployer-{VERSION}.tar.gz"
            f",node.deployer-{VERSION}.tar.gz separated by a comma"
        )
    for kind in KINDS:
        if _search(folder, kind) is None:
            raise LabError(
                f"--dist {folder}: no {kind} in it; expected {kind}.deployer-{VERSION}.tar.gz,"
                f" or the unpacked {kind} (a folder with lib/)"
            )
    return _in_folder(folder)


def _in_folder(folder: Path) -> Otter:
    manager, node = (_search(folder, kind) for kind in KINDS)
    assert manager is not None
    assert node is not None
    return _otter(manager, node, str(folder))


def _otter(manager: Path, node: Path, source: str) -> Otter:
    """Return a distribution; one with a file STANDIN in it is ours, whoever packed it."""
    if manager.is_dir():
        return Otter(manager, node, source, standin=(manager / "STANDIN").exists())
    names = run(["tar", "-tzf", manager]).split()
    return Otter(manager, node, source, standin="STANDIN" in names or "./STANDIN" in names)


def _search(folder: Path, kind: str) -> Path | None:
    """Return a part of otter in a folder: packed or unpacked, named as on the release page or by kind."""
    for name in (f"{kind}.deployer-*.tar.gz", f"{kind}.deployer-*", kind, f"otter-{kind}"):
        for found in sorted(folder.glob(name), reverse=True):
            if found.is_file() or (found / "lib").is_dir():
                return found
    return None


def _download_all(tell: Tell) -> Path:
    folder = cache.root() / "otter" / VERSION
    for kind in KINDS:
        name = f"{kind}.deployer-{VERSION}.tar.gz"
        _download(f"{RELEASE}/{name}", folder / name, tell)
    return folder


def _download(url: str, target: Path, tell: Tell) -> Path:
    """Fetch a file once; LabError when no byte comes in time, or it does not come whole."""
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    news: queue.SimpleQueue[Exception | str] = queue.SimpleQueue()
    # On a thread: a name look-up has no time-out of its own.
    threading.Thread(target=_fetch, args=(url, target, news), daemon=True).start()
    limit = FIRST_ANSWER
    while True:
        try:
            told = news.get(timeout=limit)
        except queue.Empty:
            raise LabError(f"no answer from {url.split('/')[2]} in {limit:g} s") from None
        if isinstance(told, Exception):
            reason = getattr(told, "reason", None) or told
            raise LabError(f"{url.split('/')[2]}: {reason}") from told
        if told == "begun":
            limit = WHOLE_DOWNLOAD
            continue
        tell(f"{target.name}: sha256 {told}")
        return target


def _fetch(url: str, target: Path, news: queue.SimpleQueue[Exception | str]) -> None:
    digest = hashlib.sha256()
    part = target.with_name(f"{target.name}.part-{os.getpid()}")
    try:
        with urllib.request.urlopen(url, timeout=FIRST_ANSWER) as answer, part.open("wb") as file:
            news.put("begun")
            while chunk := answer.read(1 << 20):
                file.write(chunk)
                digest.update(chunk)
            expected = answer.headers.get("Content-Length")
            if expected and int(expected) != file.tell():
                raise OSError(f"only {file.tell()} of {expected} bytes came")
        part.replace(target)
        news.put(digest.hexdigest())
    except (OSError, http.client.HTTPException, urllib.error.URLError) as error:
        news.put(error)
    finally:
        part.unlink(missing_ok=True)
