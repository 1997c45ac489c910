"""Class-data archives on real JVMs: made, used, kept apart, and never a reason to fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from entrypoint.jvm import sharing
from lab.needs import need

REPOSITORY = Path(__file__).parents[2]
CLASSES = 300
WITH = (17, 21, 25)
LIMIT = 120.0
# The one line that tells where a class came from; an archive is a "shared objects file".
LOG = "-Xlog:class+load:file={}"
MAIN = f"""
public class Many {{
    public static void main(String[] args) throws Exception {{
        int sum = 0;
        for (int i = 0; i < {CLASSES}; i++) {{
            sum += ((Number) Class.forName("C" + i).getMethod("value").invoke(null)).intValue();
        }}
        System.out.println("sum " + sum);
        if (args.length > 0) {{
            new java.io.FileOutputStream(args[0]).close();
            Thread.sleep(600000);
        }}
    }}
}}
"""
SUM = f"sum {sum(range(CLASSES))}"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A jar with a program of a few hundred classes."""
    folder = tmp_path_factory.mktemp("many")
    (folder / "Many.java").write_text(MAIN)
    for number in range(CLASSES):
        text = f"public class C{number} {{ public static int value() {{ return {number}; }} }}"
        (folder / f"C{number}.java").write_text(text)
    command = [need("javac"), "-nowarn", "-Xlint:-options", "--release", "8", "-d", folder]
    subprocess.run([*command, *folder.glob("*.java")], check=True, capture_output=True)
    jar = folder / "many.jar"
    with zipfile.ZipFile(jar, "w") as archive:
        for file in sorted(folder.glob("*.class")):
            archive.write(file, file.name)
    return jar


@pytest.fixture(params=WITH, ids="jdk{}".format)
def feature(request: pytest.FixtureRequest) -> int:
    need(f"jdk{request.param}")
    return request.param


@pytest.fixture
def jar(built: Path, tmp_path: Path) -> Path:
    """A copy of the jar, which a test may change."""
    (tmp_path / "app").mkdir()
    return shutil.copy2(built, tmp_path / "app" / "many.jar")


class Runs:
    """Runs the program under entrypoint, always with the same folder of archives."""

    def __init__(self, folder: Path, jar: Path) -> None:
        self.folder, self.jar = folder, jar
        self.archives = folder / "sharing"
        self.loaded = folder / "loaded"

    def run(self, feature: int, mode: str, *words: str, options: str = "", **env: str) -> str:
        """Run it to its end, and return what was said; the program has to have come through.

        Where an archive may be made, nothing is logged: that would change what 25 makes.
        """
        self.loaded.unlink(missing_ok=True)
        log = LOG.format(self.loaded) if mode in {"use", "off"} else ""
        environment = {
            "PATH": os.defpath,
            "PYTHONPATH": str(REPOSITORY),
            "JAVA_HOME": str(need(f"jdk{feature}")),
            "JAVA_OPTIONS": f"-Xmx64m {log} {options}",
            "APP_MAIN": "Many",
            "APP_CLASSPATH": str(self.jar),
            "ENTRYPOINT_HOME": str(self.jar.parent),
            "ENTRYPOINT_RUN_DIR": str(self.folder / "run"),
            "ENTRYPOINT_DIAGNOSIS_DIR": str(self.folder / "evidence"),
            "ENTRYPOINT_LISTEN": "off",
            "ENTRYPOINT_EXPECTS_EXIT": "true",
            "ENTRYPOINT_SHARING": mode,
            "ENTRYPOINT_SHARING_DIR": str(self.archives),
            **env,
        }
        command = [sys.executable, "-m", "entrypoint", "run", "jvm", *words]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        assert SUM in done.stdout, said
        return said

    def shared(self) -> int:
        """Return how many of the program's classes the last run took from an archive."""
        lines = self.loaded.read_text().splitlines()
        return sum(" C" in line and "source: shared objects file" in line for line in lines)

    def files(self) -> list[Path]:
        return sorted(file for file in self.archives.iterdir() if file.suffix != ".seal")


@pytest.fixture
def runs(tmp_path: Path, jar: Path) -> Runs:
    return Runs(tmp_path, jar)


def test_the_first_run_makes_an_archive_and_the_next_one_starts_from_it(
    feature: int, runs: Runs
) -> None:
    said = runs.run(feature, "auto")
    (archive,) = runs.files()
    assert "Class-data archive made" in said
    assert sharing.is_ours(archive.name)
    before = archive.stat().st_mtime_ns
    for mode in ("auto", "use"):
        assert f"java starts from the classes in {archive}" in runs.run(feature, mode)
    assert runs.shared() == CLASSES
    assert [file.stat().st_mtime_ns for file in runs.files()] == [before]
    runs.run(feature, "off")
    assert runs.shared() == 0


def halve(archive: Path) -> None:
    content = archive.read_bytes()
    archive.chmod(0o644)
    archive.write_bytes(content[: len(content) // 2])


def scramble(archive: Path) -> None:
    """Keep the head's first bytes and size: only the JVM itself can see that it is none."""
    content = archive.read_bytes()
    archive.chmod(0o644)
    archive.write_bytes(content[:8] + b"\xa5" * 4096 + content[4104:])


def blank(archive: Path) -> None:
    archive.chmod(0o644)
    archive.write_bytes(bytes(archive.stat().st_size))


def replace_by_link(archive: Path) -> None:
    archive.unlink()
    archive.symlink_to(archive.parent)


def test_java_starts_in_spite_of_a_damaged_archive(feature: int, runs: Runs) -> None:
    runs.run(feature, "auto")
    (archive,) = runs.files()
    content = archive.read_bytes()
    for damage in (halve, scramble, blank, replace_by_link):
        archive.unlink()
        archive.write_bytes(content)
        damage(archive)
        runs.run(feature, "use")
        assert runs.shared() == 0, damage
    runs.run(feature, "auto")
    runs.run(feature, "use")
    assert runs.shared() == CLASSES


def test_java_starts_in_spite_of_another_jdks_archive(feature: int, runs: Runs) -> None:
    runs.run(feature, "auto")
    (own,) = runs.files()
    other = next(one for one in WITH if one != feature)
    runs.run(other, "auto")
    (others,) = set(runs.files()) - {own}
    own.unlink()
    kind = own.suffix.removeprefix(".")
    head = sharing.MAGIC[kind].to_bytes(4, sys.byteorder)
    own.write_bytes(head + others.read_bytes()[4:])
    Path(f"{own}.seal").write_text(f"{own.stat().st_size}\n")
    runs.run(feature, "use")
    assert runs.shared() == 0


def test_a_changed_jar_has_an_archive_of_its_own(feature: int, runs: Runs) -> None:
    runs.run(feature, "auto")
    (old,) = runs.files()
    os.utime(runs.jar, (1_700_000_000, 1_700_000_000))
    said = runs.run(feature, "use")
    assert "no archive in" in said
    assert runs.shared() == 0
    runs.run(feature, "auto")
    assert old in runs.files()
    assert len(runs.files()) == 2
    runs.run(feature, "use")
    assert runs.shared() == CLASSES


def test_java_itself_passes_over_an_archive_of_a_jar_that_changed(feature: int, runs: Runs) -> None:
    """Should our name miss a change: what we give to java makes it start all the same."""
    runs.run(feature, "auto")
    (archive,) = runs.files()
    os.utime(runs.jar, (1_700_000_000, 1_700_000_000))
    java = need(f"jdk{feature}") / "bin" / "java"
    options = sharing.use(archive.suffix.removeprefix("."), str(archive))
    command = [java, "-Xmx64m", *options, "-cp", runs.jar, "Many"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 0, done.stderr
    assert SUM in done.stdout


def test_one_archive_serves_every_container_size(feature: int, runs: Runs) -> None:
    """An image is built without a memory limit: its archive is for Serial and G1, whatever the heap."""
    runs.run(feature, "auto")
    for options in ("-XX:+UseSerialGC", "-XX:+UseParallelGC", "-XX:+UseG1GC", "-Xss512k -Xmx128m"):
        runs.run(feature, "use", options=options)
        assert runs.shared() == CLASSES, options


def test_training_stops_when_ready(feature: int, runs: Runs) -> None:
    up = runs.folder / "up"
    (runs.folder / "o.yaml").write_text(
        f"checks: {{up: {{file: {{path: {up}}}, for: [startup], interval: 200ms}}}}\n"
    )
    words = ("--overlay", str(runs.folder / "o.yaml"), "--", str(up))
    said = runs.run(feature, "train", *words, ENTRYPOINT_EXPECTS_EXIT="false")
    assert "ready, which was all" in said
    (archive,) = runs.files()
    assert archive.suffix == (".aot" if feature >= 25 else ".jsa")
    assert runs.archives.stat().st_mode & 0o777 == 0o755
    runs.run(feature, "use")
    assert runs.shared() == CLASSES


@pytest.mark.parametrize("feature", [8, 11])
def test_older_jdks_start_as_they_always_did(feature: int, runs: Runs) -> None:
    need(f"jdk{feature}")
    said = runs.run(feature, "auto")
    assert "no classes are shared: JDK" in said
    assert not runs.archives.exists()


def test_a_folder_on_the_class_path_is_told_and_java_is_not_broken_by_it(
    feature: int, runs: Runs
) -> None:
    """The JVM would end with exit code 1 when it stops: "Cannot have non-empty directory in paths"."""
    conf = runs.folder / "conf"
    conf.mkdir()
    (conf / "a.properties").touch()
    said = runs.run(feature, "auto", APP_CLASSPATH=f"{conf}:{runs.jar}")
    assert f"the class path has a folder with files, {conf}" in said
    assert not runs.archives.exists()


def test_a_dry_run_makes_no_archive(feature: int, runs: Runs) -> None:
    runs.run(feature, "auto", options="-XX:AllocatePrefetchLines=3")
    runs.run(feature, "use", options="-XX:AllocatePrefetchLines=3")
    assert runs.shared() == CLASSES
