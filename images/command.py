"""The command line of images/build: what to build, with which program, and the story of it."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from entrypoint import __version__
from images.context import ROOT, BuildError, Context, Distribution, find, prepare, version
from images.recipes import BY_NAME, IMAGES, Image, closure, is_base

TIME = "1577836800"
"""The time of every file in a layer, where SOURCE_DATE_EPOCH says no other: 2020-01-01."""

EPILOG = """\
examples:
  images/build --otter-dist dist            all, with otter's two tarballs from a folder
  images/build --only jvm-base              what an image of yours begins with
  images/build --only otter-node --otter-dist dist --nid 3
  images/build --dist zookeeper=https://…/apache-zookeeper-3.9.5-bin.tar.gz#sha256=…
  images/build --base eclipse-temurin:17-jre-noble --only kafka --dist kafka=FILE
An image whose distribution is not given is left out, and named.
"""


@dataclass(frozen=True)
class Request:
    """What the command line asks for."""

    tool: str
    prefix: str
    tag: str
    base: str
    nid: str
    zone: str
    anew: frozenset[str]
    work: Path
    show: bool
    revision: str


def main(argv: list[str]) -> int:
    """Run the command line and return its exit code: 0 built, 1 failed, 2 wrong usage."""
    asked = _parser().parse_args(argv)
    try:
        request = _request(asked)
        distributions = _distributions(asked)
        _build_all(request, _chosen(asked.only, distributions), distributions)
    except BuildError as error:
        print(f"images/build: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    names = ", ".join(BY_NAME)
    parser = argparse.ArgumentParser(
        "images/build",
        description=f"Builds the images: {names}.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--tool", choices=["podman", "buildah", "docker"], help="default: the first one in PATH")
    add("--only", nargs="+", metavar="NAME", choices=list(BY_NAME), help="and what they need")
    add("--tag", default="dev", help="default: dev")
    add("--prefix", default="localhost/entrypoint", help="default: localhost/entrypoint")
    add("--base", default="", metavar="IMAGE", help="the JRE; default: Temurin 8 on Ubuntu noble")
    add("--otter-dist", default="", metavar="DIR", help="folder of otter's tarballs; default: dist")
    add(
        "--dist",
        action="append",
        default=[],
        metavar="NAME=FILE|URL#sha256=HEX",
        help="the tarball of one image (repeatable)",
    )
    add("--nid", default="", metavar="N", help="write this number into otter-node's conf/nid")
    add(
        "--tz",
        default="",
        metavar="ZONE",
        help="time zone of otter's images; default: Asia/Shanghai",
    )
    add("--no-cache", action="store_true", help="make every layer anew")
    add(
        "--rebuild",
        nargs="+",
        default=[],
        metavar="NAME",
        choices=list(BY_NAME),
        help="make the layers of these images anew",
    )
    add(
        "--work",
        default=str(ROOT / "build" / "images"),
        metavar="DIR",
        help="default: build/images",
    )
    add(
        "--print",
        action="store_true",
        help="prepare the contexts, print the commands, build nothing",
    )
    return parser


def _request(asked: argparse.Namespace) -> Request:
    tools = [asked.tool] if asked.tool else ["podman", "buildah", "docker"]
    tool = next((name for name in tools if asked.print or shutil.which(name)), None)
    if tool is None:
        raise BuildError(f"not in PATH: {', '.join(tools)}")
    work = Path(asked.work).absolute()
    return Request(
        tool=tool,
        prefix=asked.prefix,
        tag=asked.tag,
        base=asked.base,
        nid=asked.nid,
        zone=asked.tz,
        anew=frozenset(BY_NAME if asked.no_cache else asked.rebuild),
        work=work,
        show=asked.print,
        revision=_revision(),
    )


def _revision() -> str:
    """Return the commit that is checked out, or nothing where there is none."""
    command = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _distributions(asked: argparse.Namespace) -> dict[str, Distribution]:
    """Return the tarball of every image that has one."""
    folder = Path(asked.otter_dist or ROOT / "dist").absolute()
    if asked.otter_dist and not folder.is_dir():
        raise BuildError(f"--otter-dist {folder}: no such folder")
    found = {}
    for image in IMAGES:
        if image.distribution and (tarball := find(image, folder)):
            found[image.name] = tarball
    for text in asked.dist:
        name, equals, place = text.partition("=")
        if not equals or not place or name not in BY_NAME or not BY_NAME[name].distribution:
            raise BuildError(f"--dist {text}: expected NAME=FILE or NAME=URL#sha256=HEX")
        found[name] = Distribution.parse(place)
    return found


def _chosen(only: list[str] | None, distributions: dict[str, Distribution]) -> list[Image]:
    """Return what to build; an image asked for by name has to have its distribution."""
    for name in only or []:
        image = BY_NAME[name]
        if image.distribution and name not in distributions:
            raise BuildError(
                f"{name}: no {image.distribution}; give --dist {name}=FILE"
                f" or --dist {name}=URL#sha256=HEX"
            )
    chosen = closure(only or list(BY_NAME))
    absent = [image for image in chosen if image.distribution and image.name not in distributions]
    for image in absent:
        print(f"{image.name:<16} left out: no {image.distribution} given (--dist {image.name}=…)")
    return [image for image in chosen if image not in absent]


def _build_all(
    request: Request, images: list[Image], distributions: dict[str, Distribution]
) -> None:
    for image in images:
        began = time.monotonic()
        context = prepare(image, request.work, distributions.get(image.name))
        command = command_line(request, image, context)
        if request.show:
            print(shlex.join(command))
            continue
        _run(command, request.work / "logs" / f"{image.name}.log")
        print(
            f"{image.name:<16} {time.monotonic() - began:6.1f} s  {_reference(request, image.name)}"
        )


def _reference(request: Request, name: str) -> str:
    return f"{request.prefix}/{name}:{request.tag}"


def command_line(request: Request, image: Image, context: Context) -> list[str]:
    """Return the command that builds the image."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", TIME)
    match request.tool:
        case "docker":
            # BuildKit takes the time from this argument.
            command = ["docker", "build", "--build-arg", f"SOURCE_DATE_EPOCH={epoch}"]
        case tool:
            # OCI's own format has no HEALTHCHECK.
            command = [tool, "build", "--format", "docker", "--timestamp", epoch, "--layers"]
    if image.name in request.anew:
        command.append("--no-cache")
    for name, value in _arguments(request, image, context).items():
        if value:
            command += ["--build-arg", f"{name}={value}"]
    if request.revision and not is_base(image):
        command += ["--label", f"org.opencontainers.image.revision={request.revision}"]
    if not image.distribution and not is_base(image):
        # Ours alone; the others tell the version of their application. The base's own would be inherited.
        command += ["--label", f"org.opencontainers.image.version={__version__}"]
    command += ["--tag", _reference(request, image.name)]
    return [*command, "--file", str(context.folder / "Containerfile"), str(context.folder)]


def _arguments(request: Request, image: Image, context: Context) -> dict[str, str]:
    """Return the build arguments; an empty one leaves the Containerfile's default."""
    otter = bool(image.distribution) and image.name.startswith("otter-")
    return {
        "BASE": "" if image.bases else request.base,
        **{argument: _reference(request, base) for argument, base in image.bases},
        image.version: version(context.tarball) if context.tarball else "",
        "DIST": context.tarball,
        "DIST_SHA256": context.sha256,
        "INPUTS": context.inputs,
        "NID": request.nid if image.name == "otter-node" else "",
        "TZ": request.zone if otter else "",
    }


def _run(command: list[str], log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as file:
        done = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        end = log.read_text(errors="replace").splitlines()[-30:]
        text = "\n".join(end)
        raise BuildError(
            f"{shlex.join(command)}\nexit {done.returncode}; the end of {log}:\n{text}"
        )
