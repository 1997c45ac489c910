"""images/build without a container: what it asks of the builders, what it unpacks, and what it refuses."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
from itertools import pairwise
from pathlib import Path

import pytest

from entrypoint import __version__
from images import command
from images.context import Context, find, version
from images.recipes import BY_NAME, IMAGES, closure

PARTS = Path(__file__).parents[2] / "images" / "parts"
NODE = "node.deployer-4.2.19.tar.gz"


def line(tool: str, name: str, **changed: object) -> list[str]:
    """Return the command that builds an image of a tarball of 4.2.19."""
    fields: dict[str, object] = {
        "tool": tool,
        "prefix": "registry.example.com/otter",
        "tag": "1",
        "base": "jre",
        "nid": "",
        "zone": "",
        "anew": frozenset(),
        "work": Path("/work"),
        "show": True,
        "revision": "abc",
    }
    request = command.Request(**(fields | changed))  # type: ignore[arg-type]
    tarball = NODE if BY_NAME[name].distribution else ""
    return command.command_line(request, BY_NAME[name], Context(Path("/context"), tarball))


def arguments(words: list[str]) -> dict[str, str]:
    given = [after for word, after in pairwise(words) if word == "--build-arg"]
    return dict(word.split("=", 1) for word in given)


@pytest.mark.parametrize("tool", ["podman", "buildah", "docker"])
@pytest.mark.parametrize("name", BY_NAME)
def test_every_argument_is_one_of_the_containerfile(tool: str, name: str) -> None:
    text = (PARTS.parent / name / "Containerfile").read_text()
    for argument in arguments(line(tool, name, nid="3", zone="UTC")):
        assert argument == "SOURCE_DATE_EPOCH" or f"ARG {argument}" in text


def test_images_are_made_of_those_before_them() -> None:
    order = [image.name for image in IMAGES]
    for image in IMAGES:
        made_of = [base for _, base in image.bases]
        assert all(order.index(base) < order.index(image.name) for base in made_of)
        for argument, base in image.bases:
            assert arguments(line("podman", image.name))[argument].endswith(f"/{base}:1")
    assert [image.name for image in closure(["otter-node"])] == [
        *("jvm-runtime", "entrypoint", "otter-node-base", "otter-node"),
    ]


@pytest.mark.parametrize("tool", ["podman", "buildah", "docker"])
def test_the_base_may_be_pinned_by_its_digest(tool: str) -> None:
    base = f"eclipse-temurin:8-jre-noble@sha256:{'a' * 64}"
    assert arguments(line(tool, "jvm-runtime", base=base))["BASE"] == base
    text = (PARTS.parent / "jvm-runtime" / "Containerfile").read_text()
    assert "ARG BASE=" in text and "FROM ${BASE} AS system" in text


def test_docker_and_the_others_get_the_time_their_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1234567890")
    docker, buildah = line("docker", "kafka"), line("buildah", "kafka")
    assert arguments(docker)["SOURCE_DATE_EPOCH"] == "1234567890"
    assert "--timestamp" not in docker and "--format" not in docker
    assert buildah[buildah.index("--timestamp") + 1] == "1234567890"
    # OCI's own format has no health check.
    assert buildah[buildah.index("--format") + 1] == "docker"


def test_an_image_tells_the_version_of_what_is_in_it() -> None:
    assert arguments(line("podman", "otter-node"))["OTTER_VERSION"] == "4.2.19"
    assert f"org.opencontainers.image.version={__version__}" in line("podman", "jvm-base")


def test_what_others_are_made_of_does_not_change_with_the_commit() -> None:
    assert "org.opencontainers.image.revision=abc" in line("podman", "otter-node")
    assert not [word for word in line("podman", "jvm-runtime") if "abc" in word]


@pytest.mark.parametrize(
    ("tarball", "expected"),
    [
        ("manager.deployer-4.2.18.tar.gz", "4.2.18"),
        ("node.deployer-4.2.19-SNAPSHOT.tar.gz", "4.2.19-SNAPSHOT"),
        ("apache-zookeeper-3.9.5-bin.tar.gz", "3.9.5"),
        ("kafka_2.13-4.1.0.tgz", "4.1.0"),
        ("otter.tar.gz", "unknown"),
    ],
)
def test_the_version_is_in_the_tarballs_name(tarball: str, expected: str) -> None:
    assert version(tarball) == expected


def test_of_two_tarballs_the_newer_is_taken(tmp_path: Path) -> None:
    for number in ("4.2.9", "4.2.18"):
        (tmp_path / f"node.deployer-{number}.tar.gz").touch()
    found = find(BY_NAME["otter-node"], tmp_path)
    assert found is not None and found.place == str(tmp_path / "node.deployer-4.2.18.tar.gz")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--only", "kafka"], "--dist kafka=FILE"),
        (["--dist", "zookeeper=https://example.com/z.tar.gz"], "needs its checksum"),
        (["--dist", "jvm-base=x.tar.gz"], "expected NAME=FILE"),
        (["--dist", "nonsense"], "expected NAME=FILE"),
        (["--otter-dist", "/nowhere"], "no such folder"),
    ],
)
def test_what_cannot_be_built_is_refused_with_the_way_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    work = ["--print", "--work", str(tmp_path)]
    assert command.main([*work, *words]) == 1
    assert said in capsys.readouterr().err


def pack(folder: Path, *names: str, top: str = "") -> Path:
    """Return a tarball with files of these names, somebody else's and private, where a build's would be."""
    shutil.copytree(PARTS, folder / "parts", ignore=shutil.ignore_patterns("__pycache__"))
    tarball = folder / NODE
    with tarfile.open(tarball, "w:gz") as archive:
        for name in names:
            info = tarfile.TarInfo(f"{top}{name}")
            info.uid, info.mode = 1234, 0o700 if name.startswith("bin/") else 0o600
            archive.addfile(info)
    return tarball


def unpack(folder: Path, source: str, sha256: str = "") -> subprocess.CompletedProcess[str]:
    """Run unpack.py as a Containerfile does."""
    words = ["--from", source, "--sha256", sha256, "--to", str(folder / "home")]
    program = [sys.executable, "-I", str(folder / "parts" / "unpack.py"), *words]
    return subprocess.run(program, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("top", ["", "apache-zookeeper-3.9.5-bin/"])
def test_a_distribution_is_everybodys_to_read_and_roots_to_write(tmp_path: Path, top: str) -> None:
    names = ("bin/start.sh", "conf/a.properties", "lib/a.jar", "docs/index.html", "logs/old.log")
    tarball = pack(tmp_path, *names, top=top)
    done = unpack(tmp_path, tarball.name, hashlib.sha256(tarball.read_bytes()).hexdigest())
    assert done.returncode == 0, done.stderr
    home = tmp_path / "home"
    found = {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()}
    assert found == {"bin/start.sh", "conf/a.properties", "lib/a.jar"}
    assert {path.stat().st_uid for path in home.rglob("*")} == {0}
    assert (home / "bin/start.sh").stat().st_mode & 0o777 == 0o755
    assert (home / "lib/a.jar").stat().st_mode & 0o777 == 0o644


def test_what_comes_from_an_address_has_to_be_what_was_meant(tmp_path: Path) -> None:
    tarball = pack(tmp_path, "bin/start.sh", "lib/a.jar")
    for sha256 in ("", "0" * 64):
        done = unpack(tmp_path, tarball.as_uri(), sha256)
        assert done.returncode == 1 and "has sha256" in done.stderr
        assert not (tmp_path / "home").exists()
    done = unpack(tmp_path, tarball.as_uri(), hashlib.sha256(tarball.read_bytes()).hexdigest())
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "home/lib/a.jar").exists()


def test_a_tarball_of_something_else_is_refused(tmp_path: Path) -> None:
    done = unpack(tmp_path, pack(tmp_path, "README", "src/a.java").name)
    assert done.returncode == 1 and "no lib/" in done.stderr
