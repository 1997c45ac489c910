"""A checked document to a `Profile`: nodes in, records out.

Here: nothing can go wrong any more; `check` and `rules` have been passed. Pure.
"""

from __future__ import annotations

from entrypoint.profile.nodes import ListNode, MapNode, Scalar, entries, flag, text
from entrypoint.profile.schema import (
    CHECK_KINDS,
    CHECK_ROLES,
    FILE_KINDS,
    SETTING_TYPES,
    CheckSpec,
    ExitSpec,
    FileSpec,
    JavaSpec,
    MemorySpec,
    OptionSpec,
    Profile,
    RegistrationSpec,
    SettingSpec,
    StopSpec,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrypoint.profile.nodes import Node


def profile(document: MapNode, name: str, sources: tuple[str, ...]) -> Profile:
    """Return the profile that a merged and checked document declares."""
    java = document.entries.get("java")
    return Profile(
        name=name,
        place=document.place,
        sources=sources,
        version=text(document, "version") or "",
        description=text(document, "description") or "",
        home=text(document, "home") or "",
        workdir=text(document, "workdir") or "{home}",
        settings=tuple(_setting(n, s) for n, s in entries(document, "settings").items()),
        files=tuple(_file(n, f) for n, f in entries(document, "files").items()),
        java=_java(java) if isinstance(java, MapNode) else None,
        memory=_memory(document.entries.get("memory")),
        registration=_registration(document.entries.get("registration")),
        gates=tuple(_check(n, c) for n, c in entries(document, "gates").items()),
        checks=tuple(_check(n, c) for n, c in entries(document, "checks").items()),
        ports=_texts_by_name(document, "ports"),
        folders=_texts(document, "folders"),
        environment=_texts_by_name(document, "environment"),
        stop=tuple(_stop(step) for step in _items(document, "stop")),
        exits=tuple(_exit(n, e) for n, e in entries(document, "exits").items()),
        notes=_texts(document, "notes"),
    )


def _setting(name: str, node: Node) -> SettingSpec:
    default = entries(node).get("default")
    return SettingSpec(
        name=name,
        type=next(t for t in SETTING_TYPES if t == (text(node, "type") or "text")),
        place=node.place,
        env=text(node, "env"),
        property=text(node, "property"),
        unit=text(node, "unit"),
        default=text(node, "default"),
        compute=text(node, "compute"),
        required=flag(node, "required"),
        secret=flag(node, "secret"),
        choices=_texts(node, "choices"),
        below=text(node, "below"),
        example=text(node, "example"),
        description=text(node, "description") or "",
        file=text(node, "file"),
        default_place=default.place if default is not None else None,
    )


def _file(name: str, node: Node) -> FileSpec:
    kind = next(k for k in FILE_KINDS if text(node, k) is not None)
    return FileSpec(
        name=name,
        kind=kind,
        source=text(node, kind) or "",
        target=text(node, "target") or "",
        place=node.place,
        mode=int(text(node, "mode") or "0600", 8),
        when=text(node, "when"),
        once=flag(node, "once"),
    )


def _java(node: MapNode) -> JavaSpec:
    supported = node.entries.get("supported")
    return JavaSpec(
        place=node.place,
        main=text(node, "main") or "",
        jar=text(node, "jar") or "",
        classpath=_texts(node, "classpath"),
        properties=_texts_by_name(node, "properties"),
        options=tuple(_options(item) for item in _items(node, "options")),
        options_files=_texts(node, "options-files"),
        supported=text(node, "supported") or "",
        supported_reason=text(node, "supported-reason") or "",
        supported_place=supported.place if supported is not None else None,
        arguments=_texts(node, "arguments"),
    )


def _options(node: Node) -> OptionSpec:
    if isinstance(node, Scalar):
        return OptionSpec((node.text,), node.place)
    return OptionSpec(
        _texts(node, "options"), node.place, jdk=text(node, "jdk"), when=text(node, "when")
    )


def _memory(node: Node | None) -> MemorySpec:
    return MemorySpec(
        heap_percent=text(node, "heap-percent") or "{memory.heap-percent}",
        classes=_number(node, "classes"),
        threads=_number(node, "threads"),
        thread_stack=text(node, "thread-stack"),
        direct=text(node, "direct"),
        code_cache=text(node, "code-cache"),
        file_cache=text(node, "file-cache"),
        least_heap=text(node, "least-heap"),
    )


def _check(name: str, node: Node) -> CheckSpec:
    kind = next(k for k in CHECK_KINDS if k in entries(node))
    asked = _texts(node, "for")
    return CheckSpec(
        name=name,
        kind=kind,
        arguments=_texts_by_name(node, kind),
        place=node.place,
        roles=tuple(role for role in CHECK_ROLES if role in asked),
        timeout=text(node, "timeout") or "2s",
        interval=text(node, "interval") or "5s",
        failures=_number(node, "failures") or 3,
        lost_after=text(node, "lost-after"),
        at_most=text(node, "at-most") or "{gate.timeout}",
        when=text(node, "when"),
    )


def _registration(node: Node | None) -> RegistrationSpec | None:
    if node is None:
        return None
    return RegistrationSpec(
        integration=text(node, "with") or "",
        target=text(node, "target") or "",
        place=node.place,
        arguments=_texts_by_name(node, "arguments"),
        assigns=_texts(node, "assigns"),
        when=text(node, "when"),
        resume=text(node, "resume") or "false",
        at_most=text(node, "at-most") or "{gate.timeout}",
    )


def _stop(node: Node) -> StopSpec:
    for action in ("drain", "leave"):
        wait = text(node, action)
        if wait is not None:
            return StopSpec(action, wait, node.place)
    action = "thread-dump" if text(node, "thread-dump") else text(node, "signal") or ""
    return StopSpec(action, text(node, "wait") or "", node.place)


def _exit(code: str, node: Node) -> ExitSpec:
    if isinstance(node, Scalar):
        return ExitSpec(int(code), node.text, node.place)
    answer = _number(node, "answer")
    return ExitSpec(int(code), text(node, "meaning") or "", node.place, answer)


def _items(node: Node | None, key: str) -> tuple[Node, ...]:
    found = entries(node).get(key)
    return found.items if isinstance(found, ListNode) else ()


def _texts(node: Node | None, key: str) -> tuple[str, ...]:
    return tuple(item.text for item in _items(node, key) if isinstance(item, Scalar))


def _texts_by_name(node: Node, key: str) -> tuple[tuple[str, str], ...]:
    found = entries(node, key).items()
    return tuple((name, value.text) for name, value in found if isinstance(value, Scalar))


def _number(node: Node | None, key: str) -> int | None:
    found = text(node, key)
    return int(found) if found is not None else None
