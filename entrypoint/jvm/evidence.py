"""What a JVM leaves behind when it dies: crash logs, heap dumps and GC logs, all in one folder.

Here: the options that put them there, and which names in that folder are ours. Reading and removing the
files is `system/`.
"""

from __future__ import annotations

import re

from entrypoint.jvm import gclog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_FILES: Final = re.compile(
    r"hs_err_pid\d+(?:-[\dTZ-]+)?\.log"
    r"|java_pid\d+(?:-[\dTZ-]+)?\.hprof"
    r"|gc(?:-[\w-]+)?\.log(?:\.\d+)?(?:\.current)?",
    re.ASCII,
)
_FOLDERS: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ", re.ASCII)
# The JVM writes these under a fixed name, and java has the same pid in every life of a container.
_PLAIN: Final = re.compile(r"(hs_err_pid\d+|java_pid\d+)(\.log|\.hprof)", re.ASCII)


def options(folder: str, heap_dump: bool) -> tuple[str, ...]:
    """Return the options that put crash logs and, with `heap_dump`, heap dumps into a folder."""
    crash = f"-XX:ErrorFile={folder}/hs_err_pid%p.log"
    dump = ("-XX:+HeapDumpOnOutOfMemoryError", f"-XX:HeapDumpPath={folder}") if heap_dump else ()
    return (crash, *dump)


def gc_log_options(target: str, folder: str, feature: int, size: str = "10m") -> tuple[str, ...]:
    """Return the options of a GC log: `target` is off, stdout, or file (in the folder, with rotation).

    A life of the JVM has its own files: at most five, each of about `size`.
    """
    match target:
        case "stdout":
            return gclog.to_stdout(feature)
        case "file":
            return gclog.to_file(f"{folder}/gc-%t.log", feature, size)
        case _:
            return ()


def is_our_file(name: str) -> bool:
    """Tell whether a file of the folder is one of those that our options make the JVM write."""
    return _FILES.fullmatch(name) is not None


def is_our_folder(name: str) -> bool:
    """Tell whether a folder has the name of a diagnosis: `2026-11-24T03-12-44Z`."""
    return _FOLDERS.fullmatch(name) is not None


def kept_name(name: str, stamp: str) -> str:
    """Return the name under which a crash log or heap dump is out of the next JVM's way; "" if it is.

    The JVM does not write a heap dump over one that exists.
    """
    found = _PLAIN.fullmatch(name)
    return f"{found[1]}-{stamp}{found[2]}" if found else ""
