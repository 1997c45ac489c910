"""A configuration that changes under a running java: mounted as Kubernetes does it, edited, broken.

The looks are ten seconds apart, and a change counts at the second one: each story here takes half a minute.
"""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path

import pytest
from harness import Launcher, Run, actor, until
from test_status import get, look

SECRET = "correct-horse-battery"
OVERLAY = """\
settings:
  shop.url:
    env: SHOP_URL
    property: shop.url
    type: url
    required: true
    description: Where the shop is
  shop.password: {env: SHOP_PASSWORD, secret: true, description: Its password}
files:
  shop.properties: {properties: "%s/shop.properties", target: "{run}/shop.properties"}
"""


class ConfigMap:
    """A folder as the kubelet mounts it: links to `..data`, a link that is swapped in one step."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._version = 0
        folder.mkdir()

    def put(self, **files: str) -> None:
        """Give it these files and no others."""
        self._version += 1
        version = self.folder / f"..2026_{self._version}"
        version.mkdir()
        for key, text in files.items():
            name = key.replace("_", ".")
            (version / name).write_text(text)
            if not (self.folder / name).is_symlink():
                (self.folder / name).symlink_to(f"..data/{name}")
        (self.folder / "..data_tmp").symlink_to(version.name)
        os.rename(self.folder / "..data_tmp", self.folder / "..data")


@pytest.fixture
def mounted(tmp_path: Path) -> ConfigMap:
    """A ConfigMap with the shop's properties."""
    found = ConfigMap(tmp_path / "mounted")
    found.put(shop_properties="shop.url=http://one:80\n")
    return found


def start(launcher: Launcher, mounted: ConfigMap, then: str, **env: str) -> Run:
    run = launcher.profile(
        actor("report"), OVERLAY % mounted.folder, env={"ENTRYPOINT_ON_CHANGE": then, **env}
    )
    run.says("ready")
    return run


def metric(launcher: Launcher, name: str) -> str:
    """Return a metric's value as it is scraped, or ""."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", get(launcher, "/metrics"), re.MULTILINE)
    return found[1] if found else ""


def test_a_change_is_told_and_so_is_the_way_back(subreaper: Launcher, mounted: ConfigMap) -> None:
    secret = subreaper.folder / "password"
    secret.write_text(SECRET)
    run = start(subreaper, mounted, "tell", SHOP_PASSWORD_FILE=str(secret))
    until(lambda: "config unchanged since start" in look(subreaper), "the first look")
    assert metric(subreaper, "entrypoint_config_changed") == "0.0"

    mounted.put(shop_properties="shop.url=http://two:80\n")
    secret.write_text(f"{SECRET}-2")
    path = mounted.folder / "shop.properties"
    run.says(f"Configuration changed file={path} how=changed")
    run.says(f"Configuration changed file={secret} how=changed")
    assert metric(subreaper, "entrypoint_config_changed") == "1.0"
    assert metric(subreaper, 'entrypoint_config_files{state="changed"}') == "2.0"
    assert f"config changed: {secret}, {path} since " in " ".join(look(subreaper).split())
    document = json.loads(get(subreaper, "/status"))["config"]
    assert (document["changed"], len(document["files"])) == (True, 2)
    assert "config changed: " in get(subreaper, "/", "text/html")

    mounted.put(shop_properties="shop.url=http://one:80\n")
    secret.write_text(SECRET)
    run.says("Configuration as at the start again", times=2)
    assert "config unchanged since start" in look(subreaper)
    assert metric(subreaper, "entrypoint_config_changed") == "0.0"
    for text in (run.stderr, get(subreaper, "/status"), get(subreaper, "/metrics")):
        assert SECRET not in text
    assert run.stop() == 0


def test_a_broken_change_stops_nothing_and_a_good_one_does(
    pid1: Launcher, mounted: ConfigMap
) -> None:
    run = start(pid1, mounted, "stop")
    until(lambda: "config unchanged since start" in look(pid1), "the first look")
    mounted.put(shop_properties="shop.url=nonsense\n")
    run.says("New configuration not taken: no plan can be made of it")
    assert r'says="setting \"shop.url\" has a wrong value"' in run.stderr
    assert "no plan can be made of it" in " ".join(look(pid1).split())
    assert not run.ended()

    mounted.put(shop_properties="shop.url=http://two:80\n")
    assert run.wait() == 0
    path = mounted.folder / "shop.properties"
    assert f'to=stopping cause="configuration changed: {path}"' in run.stderr
    message = run.termination_message
    assert f"after SIGTERM (configuration changed: {path}) [exit 0]" in message
    assert "orphans-reaped=0" in run.stderr
    again = start(pid1, mounted, "stop")
    assert "http://two" in (pid1.folder / "run" / "shop.properties").read_text()
    assert again.stop() == 0


def test_without_a_server_java_and_the_files_are_looked_at_too(
    subreaper: Launcher, mounted: ConfigMap
) -> None:
    run = start(subreaper, mounted, "stop", ENTRYPOINT_LISTEN="off")
    child = run.child("actor.py")
    run.send(signal.SIGSTOP, child)
    run.says("Java hangs")
    run.send(signal.SIGCONT, child)
    (subreaper.folder / "overlay.yaml").write_text(OVERLAY % mounted.folder + "notes: [new]\n")
    assert run.wait() == 0
    assert f"configuration changed: {subreaper.folder}/overlay.yaml" in run.termination_message
