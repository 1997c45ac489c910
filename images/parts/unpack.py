"""Unpacks an application's distribution, while an image is built.

A file is in the build's context, where this script comes from. What comes from an address has to have
its checksum. Everything becomes readable for all, and writable for root alone.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import sys
import tarfile
import tempfile
import urllib.request

# Documentation that an image is no place for, and programs of another system.
UNWANTED = ("docs", "site-docs", "logs")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", required=True, dest="source")
    parser.add_argument("--to", required=True)
    parser.add_argument("--sha256", default="")
    asked = parser.parse_args()
    context = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    tarball = os.path.join(context, asked.source)
    with tempfile.TemporaryDirectory() as scratch:
        if "://" in asked.source:
            tarball = os.path.join(scratch, "dist.tar.gz")
            download(asked.source, tarball)
        if asked.sha256 or "://" in asked.source:
            check(tarball, asked.sha256)
        tree = os.path.join(scratch, "tree")
        with tarfile.open(tarball) as archive:
            # The filter came with 3.11.4; Debian 12 has an older Python. The checksum is what counts.
            archive.extraction_filter = getattr(tarfile, "data_filter", None)
            archive.extractall(tree)
        place(tree, asked.to)
    open_up(asked.to)


def download(url: str, path: str) -> None:
    """Write what is at the address to a file."""
    with urllib.request.urlopen(url, timeout=60) as answer, open(path, "wb") as file:
        shutil.copyfileobj(answer, file)


def place(tree: str, home: str) -> None:
    """Move the unpacked distribution to its home, without what an image is no place for."""
    names = sorted(os.listdir(tree))
    # Apache's tarballs have one folder at the top, otter's have none.
    top = os.path.join(tree, names[0]) if len(names) == 1 else tree
    names = sorted(os.listdir(top))
    if not {"lib", "libs"} & set(names):
        sys.exit(f"no lib/ in the distribution; there is: {' '.join(names)}")
    for name in UNWANTED:
        shutil.rmtree(os.path.join(top, name), ignore_errors=True)
    shutil.move(top, home)
    # otter's working folder: everything in it is relative to bin/.
    os.makedirs(os.path.join(home, "bin"), exist_ok=True)


def check(path: str, sha256: str) -> None:
    """End with a message unless the file has this checksum."""
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256.lower():
        wanted = sha256 or "none; set DIST_SHA256"
        sys.exit(f"{os.path.basename(path)} has sha256 {found}; expected: {wanted}")


def open_up(tree: str) -> None:
    """Give every file and folder root as its owner, and to others what root may do but writing."""
    for folder, _, files in os.walk(tree):
        os.chown(folder, 0, 0)
        os.chmod(folder, 0o755)
        for name in files:
            path = os.path.join(folder, name)
            os.chown(path, 0, 0, follow_symlinks=False)
            if not os.path.islink(path):
                os.chmod(path, 0o755 if os.stat(path).st_mode & 0o100 else 0o644)


if __name__ == "__main__":
    main()
