"""Which cluster the tests are run against, and what is said when it cannot be used."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from lab.cache import LabError, Missing
from lab.kubernetes import archive
from lab.kubernetes.kubectl import Kubectl
from lab.kubernetes.target import Given, given


def kubectl(folder: Path, script: str) -> Kubectl:
    """Return a kubectl that is a shell script."""
    program = folder / "kubectl"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return Kubectl(program, folder / "kubeconfig")


def test_no_name_means_our_own() -> None:
    assert given({}) is None


def test_a_kubeconfig_that_is_not_there_is_told(tmp_path: Path) -> None:
    found = given({"ENTRYPOINT_TEST_KUBECONFIG": str(tmp_path / "none")})
    assert isinstance(found, Missing)
    assert "ENTRYPOINT_TEST_KUBECONFIG names no file" in str(found)


def test_a_cluster_that_does_not_answer_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubectl(tmp_path, "echo the server is away >&2; exit 1")
    (tmp_path / "kubeconfig").touch()
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = given({"ENTRYPOINT_TEST_KUBECONFIG": str(tmp_path / "kubeconfig")})
    assert isinstance(found, Missing)
    assert "the server is away" in str(found)


def test_an_image_is_given_by_the_command_of_the_environment(tmp_path: Path) -> None:
    image, taken = tmp_path / "an image.tar", tmp_path / "taken"
    image.write_text("layers")
    cluster = Given(kubectl(tmp_path, "exit 0"), "10.0.0.1", f"cp {{}} {taken}")
    cluster.load(image)
    assert taken.read_text() == "layers"


def test_without_that_command_no_image_can_be_given(tmp_path: Path) -> None:
    cluster = Given(kubectl(tmp_path, "exit 0"), "10.0.0.1", "")
    with pytest.raises(LabError, match="ENTRYPOINT_TEST_LOAD_IMAGE is not set"):
        cluster.load(tmp_path / "image.tar")


def test_a_command_that_is_not_refused_is_told(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="was not refused: done"):
        kubectl(tmp_path, "echo done").refusal("apply")


def test_an_archive_of_the_same_program_is_the_same(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"program")
    for name in ("one.tar", "two.tar"):
        archive.write(tmp_path / name, "localhost/it:1", program, ["serve"])
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    with tarfile.open(tmp_path / "one.tar") as tar:
        assert tar.getnames() == ["config.json", "layer.tar", "manifest.json"]
