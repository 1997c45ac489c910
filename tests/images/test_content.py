"""What is in the images: configuration, layers, bill of materials, bytecode; and that builds repeat."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from entrypoint import __version__
from lab import containers as lab_containers
from lab import images as lab_images
from lab import jars
from lab.needs import need
from standin.build import VERSION as OTTER_VERSION

if TYPE_CHECKING:
    from container import Containers

ROOT = Path(__file__).parents[2]
NAMES = lab_images.NAMES
MB = 1_000_000
SCHEMA = JsonStrictValidator(SchemaVersion.V1_5)
CONTAINERFILES = sorted(ROOT.glob("images/*/Containerfile"))


def inspect(image: str) -> dict[str, Any]:
    found = json.loads(lab_containers.podman("image", "inspect", image))
    return dict(found[0])


def inside(containers: Containers, image: str, program: str) -> Any:
    """Return what a Python program in the image prints as JSON."""
    words = ("-I", "-c", program)
    container = containers.start(image, "--entrypoint=python3", words=words)
    assert container.ends() == 0, container.output
    return json.loads(container.output.splitlines()[-1])


@pytest.mark.parametrize("name", NAMES)
def test_the_configuration(images: dict[str, str], name: str) -> None:
    image = inspect(images[name])
    config = image["Config"]
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["entrypoint"] and config["Cmd"] == ["run"]
    assert config["StopSignal"] == "SIGTERM"
    assert "9404/tcp" in config["ExposedPorts"]
    assert image["Healthcheck"]["Test"] == ["CMD", "entrypoint", "probe", "ready"]
    profile = "jvm" if name == "jvm-base" else name
    assert f"ENTRYPOINT_PROFILE={profile}" in config["Env"]
    labels = config["Labels"]
    assert labels["org.opencontainers.image.title"] == name
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    versions = {
        "jvm-base": __version__,
        "zookeeper": jars.ZOOKEEPER_VERSION,
        "kafka": jars.KAFKA_VERSION,
    }
    assert labels["org.opencontainers.image.version"] == versions.get(name, OTTER_VERSION)
    # Data outlives a container only where the application has some.
    assert ("/data" in config.get("Volumes", {})) == (name != "jvm-base")


@pytest.mark.parametrize("name", NAMES)
def test_our_files_are_the_last_layer_and_a_thin_one(images: dict[str, str], name: str) -> None:
    history = json.loads(lab_containers.podman("history", "--format", "json", images[name]))
    sizes = [layer["size"] for layer in history if layer["size"]]
    assert sizes[0] < 5 * MB < sum(sizes)
    newest = next(layer for layer in history if layer["size"])
    assert "COPY" in newest["CreatedBy"]


@pytest.mark.parametrize("name", NAMES)
def test_the_bill_of_materials(images: dict[str, str], containers: Containers, name: str) -> None:
    program = (
        "import glob, json; print(json.dumps({path: json.load(open(path)) for path in"
        " glob.glob('/usr/share/sbom/*.cdx.json')}))"
    )
    documents = inside(containers, images[name], program)
    found = set()
    for path, document in documents.items():
        assert SCHEMA.validate_str(json.dumps(document)) is None, path
        assert document["specVersion"] == "1.5"
        references = [component["bom-ref"] for component in document["components"]]
        assert references == sorted(set(references))
        found.update(component["purl"].partition("?")[0] for component in document["components"])
    assert f"pkg:pypi/jvm-entrypoint@{__version__}" in found
    assert {"pkg:pypi/psutil@", "pkg:pypi/jinja2@"} <= {
        url.rpartition("@")[0] + "@" for url in found
    }
    assert any(url.startswith(("pkg:deb/debian/openjdk-", "pkg:generic/openjdk")) for url in found)
    assert any(url.startswith("pkg:deb/") and "python3" in url for url in found)
    if name == "zookeeper":
        assert any(url.startswith("pkg:maven/org.apache.zookeeper/zookeeper@") for url in found)
    if name == "otter-node":
        assert any("/aria2@" in url for url in found)


@pytest.mark.parametrize("name", ["jvm-base", "otter-node"])
def test_the_file_system(images: dict[str, str], containers: Containers, name: str) -> None:
    program = """if True:
        import glob, importlib.util, json, os, shutil, site, stat
        place = site.getsitepackages()[0]
        sources = [path for path in glob.glob(place + '/**/*.py', recursive=True)]
        caches = {path: importlib.util.cache_from_source(path) for path in sources}
        flags = {open(cache, 'rb').read(8)[4] for cache in caches.values() if os.path.exists(cache)}
        foreign = []
        for folder in ('/usr/local', '/opt', '/app'):
            for where, _, names in os.walk(folder):
                for path in [where, *(os.path.join(where, name) for name in names)]:
                    found = os.lstat(path)
                    if not stat.S_ISLNK(found.st_mode) and (found.st_uid or found.st_mode & 0o6022):
                        foreign.append(path)
        print(json.dumps({
            'uncompiled': [path for path, cache in caches.items() if not os.path.exists(cache)],
            'flags': sorted(flags),
            'foreign': foreign,
            'programs': [name for name in ('pip', 'pip3', 'gcc', 'cc', 'javac') if shutil.which(name)],
            'open': [oct(os.stat(path).st_mode) for path in ('/data', '/run/entrypoint')],
            'left': os.listdir('/var/lib/apt/lists') + os.listdir('/tmp') + glob.glob('/build'),
        }))"""
    found = inside(containers, images[name], program)
    assert found["uncompiled"] == []
    # 0b01: compiled from this source's hash; 0b10 would say that the source is read to check it.
    assert found["flags"] == [1]
    assert found["foreign"] == [], "not root's, or writable for others, or set-uid"
    assert found["programs"] == []
    assert found["open"] == ["0o41777", "0o41777"]
    assert found["left"] == []


@pytest.mark.parametrize("name", NAMES)
def test_everything_in_it_has_its_licence(
    images: dict[str, str], containers: Containers, name: str
) -> None:
    program = """if True:
        import glob, json, os, site, subprocess
        names = subprocess.check_output(['dpkg-query', '-W', '-f', '${Package} '], text=True).split()
        place = site.getsitepackages()[0]
        print(json.dumps({
            'packages': [name for name in names if not os.path.isfile(f'/usr/share/doc/{name}/copyright')],
            'distributions': {
                os.path.basename(folder): glob.glob(folder + '/**/LICEN*', recursive=True)
                for folder in glob.glob(place + '/*.dist-info')
            },
            # What the jars of otter and ours are under; Debian keeps one copy for all.
            'apache': os.path.isfile('/usr/share/common-licenses/Apache-2.0'),
            'count': len(names),
        }))"""
    found = inside(containers, images[name], program)
    assert found["count"] > 50 and found["packages"] == []
    assert any(folder.startswith("jvm_entrypoint-") for folder in found["distributions"])
    assert [folder for folder, files in found["distributions"].items() if not files] == []
    assert found["apache"]


@pytest.mark.parametrize(("tool", "name"), [("podman", "otter-manager"), ("buildah", "jvm-base")])
def test_another_build_gives_the_same_layers(images: dict[str, str], tool: str, name: str) -> None:
    # Of what they are made of nothing is made anew: a mirror that moved on would be no fault of ours.
    anew = ("--rebuild", "entrypoint", name)
    for _ in range(3):
        before = lab_images.build()[name]
        with lab_images.variant(before, f"-{tool}", *anew, tool=tool) as again:
            found = inspect(again)
        if lab_images.build()[name] == before:
            break
        # Somebody works in this checkout: the two builds had different sources.
    expected = inspect(before)
    assert found["RootFS"] == expected["RootFS"]
    assert found["Healthcheck"] == expected["Healthcheck"]


def test_docker_gets_commands_that_name_nothing_of_podmans(images: dict[str, str]) -> None:
    lines = [shlex.split(line) for line in lab_images.commands(["jvm-base"], "docker")]
    assert [line[:2] for line in lines] == [["docker", "build"]] * 3
    for line in lines:
        assert not {"--layers", "--timestamp", "--format"} & {*line}
        # The folder is last, and has all that the Containerfile copies from it.
        context = Path(line[-1])
        text = (context / "Containerfile").read_text()
        for copied in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
            assert all((context / name).exists() for name in copied.split())


def test_a_number_may_be_built_in(images: dict[str, str], containers: Containers) -> None:
    with lab_images.variant(images["otter-node"], "-nid", "--nid", "7") as image:
        code, said = containers.run(image, "explain", "nid")
        assert code == 0 and "nid = 7" in said and "/opt/otter-node/conf/nid" in said
        code, said = containers.run(image, "explain", "nid", env={"OTTER_NID": "8"})
        assert code == 0 and "nid = 8" in said
        containers.clean_up()


@pytest.mark.parametrize("file", CONTAINERFILES, ids=lambda path: path.parent.name)
def test_hadolint_has_nothing_to_say(file: Path) -> None:
    config = ROOT / "images" / "hadolint.yaml"
    done = subprocess.run(
        [need("hadolint"), "--config", config, file], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
