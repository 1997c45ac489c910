"""Writes what a layer brings as CycloneDX 1.5, while an image is built.

One document for each layer that brings something, so that a layer which changes often makes no other anew.
Nothing of the time or the machine is in it: the same content gives the same document. Standard library only.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import sys
import zipfile
from email.parser import HeaderParser
from urllib.parse import quote

STATUS = "/var/lib/dpkg/status"
JAR = re.compile(r"(?P<name>.+?)-(?P<version>\d[\w.+-]*)\.jar")
Component = dict[str, object]


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True)
    parser.add_argument("--dpkg", action="store_true", help="the packages of this system")
    parser.add_argument("--java", action="store_true", help="the JRE of this system")
    parser.add_argument("--python", metavar="DIR", help="the Python distributions below it")
    parser.add_argument("--jars", metavar="DIR", help="the jars below it")
    asked = parser.parse_args()
    found: list[Component] = []
    if asked.dpkg:
        found += packages()
    if asked.java:
        found += runtime()
    if asked.python:
        found += distributions(asked.python)
    if asked.jars:
        found += jars(asked.jars)
    if not found:
        sys.exit(f"sbom: nothing found for {asked.name}")
    json.dump(document(asked.name, found), sys.stdout, indent=1, sort_keys=True)
    print()


def document(name: str, components: list[Component]) -> dict[str, object]:
    """Return the document; components in the order of their references."""
    unique = {str(component["bom-ref"]): component for component in components}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": name, "bom-ref": name}},
        "components": [unique[reference] for reference in sorted(unique)],
    }


def component(name: str, version: str, purl: str, **more: object) -> Component:
    """Return one component, known by its package URL."""
    found: Component = {"type": "library", "name": name, "version": version, "purl": purl}
    return found | {"bom-ref": purl} | {key: value for key, value in more.items() if value}


def packages() -> list[Component]:
    """Return the installed packages, as dpkg notes them."""
    with open("/etc/os-release", encoding="utf-8") as file:
        release = dict(re.findall(r'^(ID|VERSION_CODENAME)="?([^"\n]+)', file.read(), re.MULTILINE))
    distribution = release.get("ID", "debian")
    suite = release.get("VERSION_CODENAME", "")
    with open(STATUS, encoding="utf-8") as file:
        paragraphs = file.read().split("\n\n")
    found = []
    for paragraph in paragraphs:
        fields = HeaderParser().parsestr(paragraph)
        if not (fields["Status"] or "").endswith(" installed"):
            continue
        name, version = fields["Package"], fields["Version"]
        purl = f"pkg:deb/{distribution}/{quote(name)}@{quote(version, safe='.~')}"
        purl += f"?arch={fields['Architecture']}" + (f"&distro={suite}" if suite else "")
        found.append(component(name, version, purl))
    return found


def runtime() -> list[Component]:
    """Return the JRE, which in most images comes from no package."""
    home = os.environ.get("JAVA_HOME") or os.path.dirname(
        os.path.dirname(os.path.realpath(shutil.which("java") or sys.exit("sbom: no java in PATH")))
    )
    try:
        with open(f"{home}/release", encoding="utf-8") as file:
            fields = dict(re.findall(r'^(\w+)="?([^"\n]*)', file.read(), re.MULTILINE))
    except FileNotFoundError:
        fields = {}
    version = fields.get("JAVA_RUNTIME_VERSION") or fields.get("JAVA_VERSION")
    if not version:
        return []
    vendor = fields.get("IMPLEMENTOR", "")
    purl = f"pkg:generic/openjdk@{quote(version, safe='._')}"
    return [component("openjdk", version, purl, publisher=vendor)]


def distributions(tree: str) -> list[Component]:
    """Return the Python distributions, from the metadata that wheels bring."""
    found = []
    for folder, _, files in os.walk(tree):
        if not folder.endswith(".dist-info") or "METADATA" not in files:
            continue
        with open(f"{folder}/METADATA", encoding="utf-8") as file:
            fields = HeaderParser().parse(file)
        name, version = fields["Name"], fields["Version"]
        known = re.sub(r"[-_.]+", "-", name).lower()
        expression = fields["License-Expression"]
        licences = [{"expression": expression}] if expression else named(fields["License"])
        purl = f"pkg:pypi/{known}@{quote(version)}"
        found.append(component(name, version, purl, licenses=licences))
    return found


def named(licence: str | None) -> list[object]:
    """Return a licence that somebody wrote down in words, where it is a name and no whole text."""
    if not licence or "\n" in licence or len(licence) > 60:
        return []
    return [{"license": {"name": licence}}]


def jars(tree: str) -> list[Component]:
    """Return the jars, by the coordinates that Maven left in them, or else by their names."""
    return [
        jar(os.path.join(folder, file))
        for folder, _, files in os.walk(tree)
        for file in files
        if file.endswith(".jar")
    ]


def jar(path: str) -> Component:
    """Return one jar, with its checksum."""
    with open(path, "rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
    hashes = [{"alg": "SHA-256", "content": checksum}]
    matched = JAR.fullmatch(os.path.basename(path))
    name, version = matched.group("name", "version") if matched else (os.path.basename(path), "")
    purl = f"pkg:generic/{quote(name)}" + (f"@{quote(version)}" if version else "")
    for group, artifact, found in coordinates(path):
        # A jar that holds others has the coordinates of each.
        if artifact == name:
            version, purl = found, f"pkg:maven/{group}/{artifact}@{quote(found)}"
    return component(name, version, purl + f"?checksum=sha256:{checksum}", hashes=hashes)


def coordinates(path: str) -> list[tuple[str, str, str]]:
    """Return group, artifact and version of every pom.properties in a jar."""
    found = []
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if re.fullmatch(r"META-INF/maven/[^/]+/[^/]+/pom\.properties", name):
                    text = archive.read(name).decode("utf-8", "replace")
                    fields = dict(re.findall(r"^(\w+)=(\S+)", text, re.MULTILINE))
                    if {"groupId", "artifactId", "version"} <= fields.keys():
                        found.append((fields["groupId"], fields["artifactId"], fields["version"]))
    except zipfile.BadZipFile:
        return []
    return sorted(found)


if __name__ == "__main__":
    main()
