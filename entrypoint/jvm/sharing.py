"""Class-data sharing: what each JDK has of it, its options, and which archive belongs to which command line.

Here: facts of HotSpot, measured on 8 to 25, as functions. Looking for archives and removing old ones is
`system/`, and whether one is used or made is the plan's decision.
"""

from __future__ import annotations

import re
from _blake2 import blake2b

from entrypoint.jvm.options import collector, keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

    from entrypoint.jvm.release import Jdk

ARCHIVE: Final = "jsa"
"""An AppCDS archive: parsed classes, written by the JVM itself when it ends."""
CACHE: Final = "aot"
"""An AOT cache: linked classes and profiles too, put together by a second JVM when the first ends."""

_ARCHIVE_SINCE, _CACHE_SINCE = 13, 25
"""24 has the AOT cache too, but makes it in two runs: not worth a rule of its own."""

SEAL: Final = ".seal"
"""What is added to an archive's name for the file with its size: 17 dies of one that was cut (SIGBUS)."""

MAGIC: Final = {ARCHIVE: 0xF00BABA8, CACHE: 0xF00BABA2}
"""The first four bytes, in the machine's order; written last, so half an archive has none."""

_NAME: Final = re.compile(r"classes-[0-9a-f]{16}\.(?:jsa|aot)(?:\.config|\.seal)?", re.ASCII)

_OWN: Final = (
    "-Xshare:", "-XX:SharedArchiveFile=", "-XX:ArchiveClassesAtExit=", "-XX:+AutoCreateSharedArchive",
    "-XX:-AutoCreateSharedArchive", "-XX:SharedClassListFile=", "-XX:+UseSharedSpaces",
    "-XX:-UseSharedSpaces", "-XX:AOTCache", "-XX:AOTMode=", "-XX:AOTConfiguration=",
)  # fmt: skip
_OBSTACLES: Final = (
    "-javaagent:", "-agentlib:", "-agentpath:", "-Xrun", "-Xbootclasspath", "--module-path", "-p ",
    "--patch-module", "--upgrade-module-path", "--limit-modules", "-Djava.system.class.loader=",
    "-XX:+AllowArchivingWithJavaAgent",
)  # fmt: skip
_JMX_PORT: Final = "-Dcom.sun.management.jmxremote.port="
_FLAGS: Final = (
    "UseCompressedOops", "UseCompressedClassPointers", "UseCompactObjectHeaders", "ObjectAlignmentInBytes",
)  # fmt: skip
# Serial, Parallel and G1 take each other's archives; these do not.
_APART: Final = ("ZGC", "Shenandoah", "Epsilon")
_MOST_COMPRESSED: Final = 32 << 30
"""From this heap on, references take eight bytes, and an archive for four does not fit."""


def kinds(jdk: Jdk) -> tuple[str, ...]:
    """Return what this JDK can start from, the better one first; none for 8 to 12 and OpenJ9."""
    if jdk.vm != "HotSpot" or jdk.feature < _ARCHIVE_SINCE:
        return ()
    return (CACHE, ARCHIVE) if jdk.feature >= _CACHE_SINCE else (ARCHIVE,)


def own_option(words: Iterable[str]) -> str:
    """Return the first option by which the user decides about sharing; "" for none."""
    return next((word for word in words if word.startswith(_OWN)), "")


def obstacle(options: Iterable[str]) -> str:
    """Return the name of the first option with which the JVM shares no classes, or should not; "" for none.

    Agents change classes; the rest changes where they come from.
    """
    for option in options:
        found = next((start for start in _OBSTACLES if f"{option} ".startswith(start)), "")
        if found:
            return found.rstrip("=: ")
    return ""


def can_make_cache(options: Iterable[str]) -> bool:
    """Tell whether an AOT cache can be made without harm: a second JVM gets the options of the first.

    It would find the JMX port taken, and would write over a log file that has always the same name.
    """
    return not any(option.startswith(_JMX_PORT) or _is_fixed_log(option) for option in options)


def _is_fixed_log(option: str) -> bool:
    to_file = option.startswith("-Xloggc:") or (option.startswith("-Xlog:") and "file=" in option)
    return to_file and "%p" not in option and "%t" not in option


def use(kind: str, file: str) -> tuple[str, ...]:
    """Return the options to start from an archive; one that does not fit is passed over by the JVM."""
    if kind == CACHE:
        return (f"-XX:AOTCache={file}", "-XX:AOTMode=auto")
    return (f"-XX:SharedArchiveFile={file}", "-Xshare:auto")


def make(kind: str, file: str) -> tuple[str, ...]:
    """Return the options to make an archive when the JVM ends.

    Without the log options it names each class that it leaves out, hundreds of them.
    """
    if kind == CACHE:
        return (f"-XX:AOTCacheOutput={file}", "-Xlog:aot=error,cds=error")
    return (f"-XX:ArchiveClassesAtExit={file}", "-Xlog:cds=error")


def archive_name(
    jdk: Jdk, kind: str, class_path: str, options: Iterable[str], heap: int | None
) -> str:
    """Return the file name of the archive that belongs to a command line.

    `class_path` is a digest of names, sizes and times of the jars, `heap` is in bytes. It changes with
    all that makes a JVM refuse an archive, and with little else: an archive that is made without a
    memory limit has to fit into a container with one.
    """
    words = tuple(options)
    chosen = next((found for word in reversed(words) if (found := collector(word))), "")
    seen = [jdk.version, jdk.vendor, jdk.home, class_path]
    seen.append(chosen if chosen in _APART else "")
    seen.append("wide" if heap is not None and heap >= _MOST_COMPRESSED else "")
    seen += sorted(word for word in words if word.startswith("-XX:") and {*keys(word)} & {*_FLAGS})
    digest = blake2b("\0".join(seen).encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
    return f"classes-{digest}.{kind}"


def is_ours(name: str) -> bool:
    """Tell whether a file of the folder is an archive of ours, its seal, or what is left of making one."""
    return _NAME.fullmatch(name) is not None
