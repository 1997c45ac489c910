"""What a container was found to have and was given: inputs, facts and resolved settings.

Here: records only. `system/` fills `Inputs` and `Facts`; `settings.resolve` makes `Setting`s of them.
"""

from __future__ import annotations

from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrypoint.profile.schema import SettingSpec
    from entrypoint.values import Origin, Secret


@record
class FileInput:
    """A file as found: its bytes, or why they could not be read.

    `mounted` tells a ConfigMap or volume from a file of the image. `problem` is "" or a reason such as
    "permission denied"; a file that does not exist has no FileInput at all.
    """

    path: str
    content: bytes
    mounted: bool = False
    problem: str = ""

    def __repr__(self) -> str:
        return f"FileInput({self.path!r}, {len(self.content)} bytes, mounted={self.mounted})"


@record
class Inputs:
    """Everything that may carry configuration, as it was found, before any meaning is given to it."""

    environment: tuple[tuple[str, str], ...]
    files: tuple[FileInput, ...] = ()
    assignments: tuple[tuple[str, str], ...] = ()
    """`--set NAME=VALUE`, in order."""
    arguments: tuple[str, ...] = ()
    """The application's own arguments, after `--`."""
    wanted: tuple[str, ...] = ()
    """Every path that was looked at, whether there was a file or not."""
    patterns: tuple[str, ...] = ()
    """What more paths were found by: `*` in the last part stands for any text."""
    assigned: tuple[tuple[str, str, str], ...] = ()
    """(setting, value, place) of what a registration has given us."""

    def env(self, name: str) -> str | None:
        """Return a variable's value, or None where it is unset."""
        return dict(self.environment).get(name)

    def file(self, path: str) -> FileInput | None:
        """Return a file as it was found, or None where there is none."""
        return next((found for found in self.files if found.path == path), None)


@record
class Facts:
    """The host as observed, before any decision: container limits, user, and the JDK."""

    hostname: str = "localhost"
    pid: int = 1
    uid: int = 0
    gid: int = 0
    memory_limit: int | None = None
    cgroup: str = ""
    """"v1", "v2", or "" when there is none."""
    cpus: float | None = None
    held_in_memory: int = 0
    """Bytes that /tmp and the run directory may hold, as far as they are a tmpfs with a size."""
    read_only_root: bool = False
    java_home: str = ""
    java: str = ""
    """Path of the java executable; "" when there is none."""
    java_problem: str = ""
    release_text: str = ""
    """`$JAVA_HOME/release`; "" when missing."""
    version_text: str = ""
    """Output of `java -version`, asked only when there is no usable release file."""
    diagnosis_problem: str = ""
    """Why the folder for evidence of a death (`diagnosis.dir`) cannot be used; "" where it can."""
    diagnosis_in_memory: bool = False
    """Whether that folder is on a tmpfs, which counts as memory of the container."""
    sharing_problem: str = ""
    """Why the folder for class-data archives (`java.sharing-dir`) cannot be written; "" where it can."""
    sharing_in_memory: bool = False
    archives: tuple[tuple[str, int], ...] = ()
    """(name, size) of the class-data archives in it that may be used."""
    class_path: str = ""
    """Digest of names, sizes and times of the jars of the class path; "" where nobody asked."""
    class_path_jars: tuple[str, ...] = ()
    """The class path as one entry for each jar, those of a `dir/*` by name."""
    class_path_folder: str = ""
    """The first folder on the class path that holds files: with one, no classes can be shared."""


@record
class Candidate:
    """A value that a setting could have had, and where it came from."""

    value: str | Secret
    origin: Origin


@record
class Setting:
    """A resolved value: `text` is normalised; None means that there is none (and none is required)."""

    spec: SettingSpec
    text: str | Secret | None
    origin: Origin | None
    rejected: tuple[Candidate, ...] = ()
    looked_at: tuple[str, ...] = ()
    pending: str = ""
    """Who will give it a value at the start: `otter at http://otter-manager:8080`."""


@record
class Settings:
    """All settings of a profile in its order, and what else the resolution found."""

    settings: tuple[Setting, ...]
    ignored: tuple[tuple[str, str, str], ...] = ()
    """(variable, value, reason): Kubernetes service links and the like."""
    suggestions: tuple[tuple[str, str], ...] = ()
    """(misspelt variable, the one that was probably meant)."""

    def get(self, name: str) -> Setting | None:
        """Return a setting by name, or None where the profile does not declare it."""
        return next((setting for setting in self.settings if setting.spec.name == name), None)
