"""What is looked at again: all that the plan was made of, as it was read, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from entrypoint import arguments, prepare
from entrypoint.lifecycle.changes import ABSENT, Watched, content_of
from entrypoint.plan import build
from entrypoint.sources import DEFAULT_OVERLAY
from entrypoint.watched import watched, words

PROFILE = """\
profile: shop
extends: jvm
home: %s
settings:
  app.main: {default: example.Main}
  shop.password: {env: SHOP_PASSWORD, secret: true}
files:
  shop.properties: {properties: "{home}/shop.properties", target: "{run}/shop.properties"}
  page: {template: "%s/page.j2", target: "{run}/page"}
java:
  options-files: ["{home}/*.options"]
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a profile, an overlay and everything that they read."""
    jdk = tmp_path / "jdk"
    (jdk / "bin").mkdir(parents=True)
    (jdk / "release").write_text('JAVA_VERSION="17.0.1"\n')
    (jdk / "bin" / "java").write_text("#!/bin/sh\n")
    (jdk / "bin" / "java").chmod(0o755)
    (tmp_path / "shop.yaml").write_text(PROFILE % (tmp_path, tmp_path))
    (tmp_path / "mine.yaml").write_text("notes: [mine]\n")
    (tmp_path / "shop.properties").write_text("a=1\n")
    (tmp_path / "page.j2").write_text("page")
    (tmp_path / "heap.options").write_text("-Xmx64m\n")
    (tmp_path / "password").write_text("hunter2")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JAVA_HOME", str(jdk))
    monkeypatch.setenv("SHOP_PASSWORD_FILE", str(tmp_path / "password"))
    return tmp_path


def found(*line: str) -> Watched | None:
    request = arguments.parse(["run", *line])
    gathered = prepare.gather(request)
    return watched(build.build(gathered), gathered, request)


def test_everything_that_was_read_is_looked_at_again(shop: Path) -> None:
    seen = found("./shop.yaml", "--overlay", "mine.yaml")
    assert seen is not None
    files = dict(seen.files)
    for name in (
        "shop.yaml",
        "mine.yaml",
        "shop.properties",
        "page.j2",
        "heap.options",
        "password",
    ):
        assert files[str(shop / name)] == content_of((shop / name).read_bytes()), name
    assert files["/run/secrets/shop.password"] == ABSENT
    assert DEFAULT_OVERLAY not in files
    assert seen.patterns == (f"{shop}/*.options",)
    assert "hunter2" not in repr(seen)
    assert not [path for path in files if not os.path.isabs(path)]


def test_the_overlay_that_is_there_by_default_may_still_come(shop: Path) -> None:
    assert os.path.exists(DEFAULT_OVERLAY) is False
    seen = found("./shop.yaml")
    assert seen is not None
    assert dict(seen.files)[DEFAULT_OVERLAY] == ABSENT


def test_who_does_not_want_to_know_is_not_told(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTRYPOINT_ON_CHANGE", "ignore")
    assert found(str(shop / "shop.yaml")) is None


def test_the_words_ask_for_the_same_from_any_folder(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = ["./shop.yaml", "--overlay", "mine.yaml", "--set", "app.main=x=y", "--", "-v", "--"]
    assert words(arguments.parse(["run", *line])) == (
        str(shop / "shop.yaml"), "--overlay", str(shop / "mine.yaml"), "--set", "app.main=x=y",
        "--", "-v", "--",
    )  # fmt: skip
    monkeypatch.setenv("ENTRYPOINT_PROFILE", "kafka")
    assert words(arguments.parse(["run"])) == ("kafka",)
