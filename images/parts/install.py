"""Installs wheels into a tree, while an image is built.

With a requirements file: what it names, checked against its hashes, by a pip that runs from its own wheel. No
index is asked, and nothing of pip is left. Without: the one wheel in the folder, ours, which is pure Python.
"""

from __future__ import annotations

import argparse
import compileall
import glob
import os
import py_compile
import shutil
import site
import subprocess
import sys
import zipfile

LEAVINGS = ("INSTALLER", "REQUESTED", "direct_url.json", "RECORD")
UNUSED = (".c", ".h", ".pyi", ".pyx", ".pxd")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True)
    parser.add_argument("--wheels", required=True)
    parser.add_argument("--requirements")
    asked = parser.parse_args()
    # Where this Python looks for what is no part of the distribution.
    place = site.getsitepackages()[0]
    target = asked.out + place
    os.makedirs(target)
    os.makedirs(f"{asked.out}/usr/share/sbom")
    if asked.requirements:
        install(asked.wheels, target, asked.requirements)
    else:
        unpack(glob.glob(f"{asked.wheels}/*.whl")[0], target)
    move_programs(f"{target}/bin", f"{asked.out}/usr/local/bin")
    strip(target)
    # Not compared with its source at run time: the source's time in a layer is the builder's choice.
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    if not compileall.compile_dir(
        target, quiet=1, invalidation_mode=mode, stripdir=asked.out, workers=1
    ):
        sys.exit("bytecode: something did not compile")


def install(wheels: str, target: str, requirements: str) -> None:
    """Run pip from its wheel, without an index."""
    pip = glob.glob(f"{wheels}/pip-*.whl")[0] + "/pip"
    subprocess.run(
        [
            *(sys.executable, pip, "--isolated", "install", "--no-index", "--find-links", wheels),
            *("--no-compile", "--no-cache-dir", "--root-user-action=ignore", "-q"),
            *("--disable-pip-version-check", "--only-binary=:all:", "--target", target),
            *("--require-hashes", "-r", requirements),
        ],
        check=True,
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
    )


def unpack(wheel: str, target: str) -> None:
    """Put modules and programs of a wheel where pip would, and save the second that pip takes."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    for data in glob.glob(f"{target}/*.data"):
        os.rename(f"{data}/scripts", f"{target}/bin")
        # Anything else in it has no place here, and then this fails.
        os.rmdir(data)


def move_programs(source: str, target: str) -> None:
    """Put what is to be run into PATH, for a Python that no variable of the environment changes."""
    if not os.path.isdir(source):
        return
    os.makedirs(target)
    for name in os.listdir(source):
        with open(f"{source}/{name}", encoding="utf-8") as file:
            first, rest = file.readline(), file.read()
        if "python" not in first:
            sys.exit(f"{name} is no Python program: {first!r}")
        with open(f"{target}/{name}", "w", encoding="utf-8") as file:
            file.write(f"#!{sys.executable} -I\n{rest}")
        os.chmod(f"{target}/{name}", 0o755)
    shutil.rmtree(source)


def strip(tree: str) -> None:
    """Remove tests, sources in C, and what pip notes for itself."""
    for folder, folders, files in os.walk(tree, topdown=True):
        for name in [name for name in folders if name in {"tests", "test", "__pycache__"}]:
            shutil.rmtree(os.path.join(folder, name))
            folders.remove(name)
        noted = folder.endswith(".dist-info")
        for name in files:
            if name.endswith(UNUSED) or (noted and name in LEAVINGS):
                os.unlink(os.path.join(folder, name))


if __name__ == "__main__":
    main()
