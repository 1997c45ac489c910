"""GC logging in its two languages: the flags of JDK 8 and the -Xlog of 9 and later, both ways.

Here: text of options in, text of options out. The mapping is that of the JDK's own migration guide.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_SELECTORS: Mapping[str, str] = {
    "PrintGC": "gc",
    "PrintGCDetails": "gc*",
    "PrintTenuringDistribution": "gc+age*=trace",
    "PrintHeapAtGC": "gc+heap=trace",
    "PrintAdaptiveSizePolicy": "gc+ergo*=trace",
    "PrintReferenceGC": "gc+ref*=debug",
    "PrintPromotionFailure": "gc+promotion=debug",
    "PrintGCApplicationStoppedTime": "safepoint",
    "PrintGCApplicationConcurrentTime": "safepoint",
    "PrintSafepointStatistics": "safepoint",
    "PrintParallelOldGCPhaseTimes": "gc+phases=trace",
    "PrintPLAB": "gc+plab=trace",
    "G1PrintHeapRegions": "gc+region=trace",
}
_DECORATORS: Mapping[str, str] = {"PrintGCDateStamps": "time", "PrintGCTimeStamps": "uptime"}
# -Xlog's own rotation when a file is named and nothing said: 5 files of 20 MB.
_NO_ROTATION = "filecount=0"


def unify(options: tuple[str, ...]) -> str:
    """Return one -Xlog option that says what these legacy GC logging options say, or an empty string.

    The log file, its rotation and the time stamps are kept; flags switched off (`-XX:-PrintGC`) and
    those that are always on since 9 (PrintGCCause) ask for nothing.
    """
    on = _switched_on(options)
    values = dict(option[4:].partition("=")[::2] for option in options if option.startswith("-XX:"))
    path = next((o.partition(":")[2] for o in reversed(options) if o.startswith("-Xloggc:")), "")
    selectors = [selector for name, selector in _SELECTORS.items() if name in on]
    if "gc*" in selectors and "gc" in selectors:
        selectors.remove("gc")
    if path and not any(selector in ("gc", "gc*") for selector in selectors):
        selectors.insert(0, "gc")
    if not selectors:
        return ""
    stamps = [decorator for name, decorator in _DECORATORS.items() if name in on]
    decorators = ",".join([*(stamps or ["uptime"]), "level", "tags"])
    what = ",".join(dict.fromkeys(selectors))
    if not path:
        return f"-Xlog:{what}:stdout:{decorators}"
    return f"-Xlog:{what}:file={_quoted(path)}:{decorators}{_rotation(on, values)}"


def to_stdout(feature: int) -> tuple[str, ...]:
    """Return the options that write a GC log to standard output."""
    return _in_the_language_of(feature, "-Xlog:gc*,safepoint:stdout:time,uptime,level,tags")


def to_file(path: str, feature: int, size: str) -> tuple[str, ...]:
    """Return the options that write a GC log to a file; the last five of a size such as 10m are kept."""
    target = f"file={_quoted(path)}:time,uptime,level,tags:filecount=5,filesize={size}"
    return _in_the_language_of(feature, f"-Xlog:gc*,safepoint:{target}")


def to_legacy(option: str) -> tuple[str, ...]:
    """Return the options of 8 for an -Xlog option about GC; empty when 8 has nothing like it."""
    what, output, decorators, details = _fields(option)
    selectors = tuple(selector.partition("=")[0] for selector in what.split(",") if selector)
    if not any(selector in ("gc", "gc*", "all") for selector in selectors) or "off" in what:
        return ()
    flags = ["PrintGC" if selectors == ("gc",) else "PrintGCDetails"]
    flags += [flag for flag, name in _DECORATORS.items() if name in decorators.split(",")]
    flags += ["PrintGCApplicationStoppedTime"] if "safepoint" in selectors else []
    legacy = [f"-XX:+{flag}" for flag in flags]
    path = output.removeprefix("file=").strip('"')
    if path and output not in ("stdout", "stderr"):
        legacy.insert(0, f"-Xloggc:{path}")
        legacy += _legacy_rotation(dict(part.partition("=")[::2] for part in details.split(",")))
    return tuple(legacy)


def _in_the_language_of(feature: int, option: str) -> tuple[str, ...]:
    return to_legacy(option) if feature <= 8 else (option,)


def _switched_on(options: tuple[str, ...]) -> frozenset[str]:
    """Return the flags that are on in the end: of each, the last one wins."""
    state = {option[5:]: option[4] == "+" for option in options if option[4:5] in ("+", "-")}
    return frozenset(name for name, on in state.items() if on)


def _rotation(on: frozenset[str], values: Mapping[str, str]) -> str:
    count, size = values.get("NumberOfGCLogFiles", ""), values.get("GCLogFileSize", "")
    parts = [f"filecount={count}"] if count.isdecimal() else []
    parts += [f"filesize={size}"] if size else []
    if "UseGCLogFileRotation" not in on and not parts:
        return ""
    return ":" + ",".join(parts or ["filecount=5"])


def _legacy_rotation(details: Mapping[str, str]) -> list[str]:
    count, size = details.get("filecount", "5"), details.get("filesize", "20m")
    if f"filecount={count}" == _NO_ROTATION:
        return []
    return [
        "-XX:+UseGCLogFileRotation",
        f"-XX:NumberOfGCLogFiles={count}",
        f"-XX:GCLogFileSize={size}",
    ]


def _quoted(path: str) -> str:
    # A colon ends a field of -Xlog.
    return f'"{path}"' if ":" in path else path


def _fields(option: str) -> tuple[str, str, str, str]:
    """Split -Xlog:what:output:decorators:details at the colons outside of quotes."""
    fields = [""]
    quoted = False
    for char in option.partition(":")[2]:
        quoted ^= char == '"'
        if char == ":" and not quoted:
            fields.append("")
        else:
            fields[-1] += char
    what, output, decorators, details = (*fields, "", "", "", "")[:4]
    return what or "all", output or "stdout", decorators, details
