"""The status as text, for a terminal and for curl: `entrypoint status` shows what this returns.

Here: columns and colours. The words are `lifecycle.status`; who asks for which form is `routes`.
"""

from __future__ import annotations

from entrypoint.lifecycle import status as words
from entrypoint.lifecycle.gauges import gauges
from entrypoint.serve.graph import spark

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Final

    from entrypoint.lifecycle.status import Mark, Row, Status

WIDTH: Final = 100
_LABEL: Final = 15
_NAME: Final = 9
_SPARK_MIN, _SPARK_MAX = 8, 60
_COLOURS: Final = {"good": "32", "bad": "31", "wait": "33"}


def status_text(status: Status, colour: bool = False, width: int = WIDTH) -> str:
    """Return the status in lines of at most `width` columns, where no single value is longer.

    Every line ends with a newline. `colour` adds terminal colours to what the text already says.
    """
    paint = _Paint(colour)
    lines = [
        *_head(status, paint, width),
        *_phases(status, width),
        *_java(status, paint, width),
        *_rows("checks", words.checks(status), paint, width),
        *_rows("gates", words.gates(status), paint, width),
        *_fold("last death", words.last_death(status), width),
        *_labelled("notes", [line for one in status.remarks for line in _wrap(one, width)]),
        *_fold("counted", ", ".join(" ".join(pair) for pair in words.counted(status)), width),
        *_fold("plan", _plan(status), width),
    ]
    return "".join(f"{line.rstrip()}\n" for line in lines)


class _Paint:
    """Terminal colours, or none."""

    def __init__(self, colour: bool) -> None:
        self._colour = colour

    def mark(self, mark: Mark, text: str) -> str:
        return self._wrap(_COLOURS[mark], text)

    def bold(self, text: str) -> str:
        return self._wrap("1", text)

    def faint(self, text: str) -> str:
        return self._wrap("2", text)

    def _wrap(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._colour and text.strip() else text


def _head(status: Status, paint: _Paint, width: int) -> Iterator[str]:
    head = words.headline(status)
    name = clean(head.name)
    gap = " " * max(3, _LABEL - len(name))
    state = paint.mark(head.mark, f"{words.SIGNS[head.mark]} {head.state}")
    line = f"{paint.bold(name)}{gap}{state}   {head.up}"
    plain = len(name) + len(gap) + 2 + len(head.state) + 3 + len(head.up)
    if plain + 3 + len(head.restarts) <= width:
        yield f"{line}   {head.restarts}"
    else:
        yield line
        yield " " * _LABEL + head.restarts


def _phases(status: Status, width: int) -> Iterator[str]:
    steps = (f"{step.phase} {step.took}".strip() for step in words.timeline(status))
    return _fold("phases", " → ".join(steps), width)


def _java(status: Status, paint: _Paint, width: int) -> Iterator[str]:
    found = gauges(status.sample, status.series)
    label = words.java(status)
    if not found:
        yield label
        return
    values = max(len(gauge.value) for gauge in found)
    peaks = max(len(gauge.peak) for gauge in found)
    asides = max(len(gauge.aside) for gauge in found)
    rest = _LABEL + _NAME + 2 + values + 3 + peaks + 3 + asides
    wide = min(max(width - rest, _SPARK_MIN), _SPARK_MAX)
    for gauge in found:
        line = spark(gauge.values, gauge.top, wide)
        value = paint.bold(f"{gauge.value:<{values}}")
        peak = paint.faint(f"{gauge.peak:<{peaks}}   {gauge.aside}".rstrip())
        yield f"{label:<{_LABEL}}{gauge.name:<{_NAME}}{line:<{wide}}  {value}   {peak}"
        label = ""
    yield " " * (_LABEL + _NAME) + paint.faint(words.span_words(status))
    for part in _fold("", _trouble(status), width):
        yield paint.mark("bad", part)


def _trouble(status: Status) -> str:
    text = words.trouble(status)
    return text and f"{words.SIGNS['bad']} {text}"


def _rows(label: str, rows: Sequence[Row], paint: _Paint, width: int) -> Iterator[str]:
    """Yield one line a row, its columns aligned; all take two lines where one is too long for one."""
    names = max((len(clean(row.name)) for row in rows), default=0)
    states = max((len(row.state) for row in rows), default=0)
    indent = _LABEL + names + states + 6
    says = [_says(row) for row in rows]
    asides = ["   ".join(part for part in (clean(row.target), row.roles) if part) for row in rows]
    wide = max(map(len, says), default=0)
    fits = all(indent + wide + 3 + len(aside) <= width for aside in asides)
    lines: list[str] = []
    for row, text, aside in zip(rows, says, asides, strict=True):
        state = f"{words.SIGNS[row.mark]} {clean(row.name):<{names}}  {row.state:<{states}}"
        line = f"{paint.mark(row.mark, state)}  {text}"
        if fits:
            lines.append(f"{line:<{wide - len(text) + len(line)}}   {paint.faint(aside)}")
        else:
            lines += [line, f"{'':<{indent - _LABEL}}{paint.faint(aside)}"]
    return _labelled(label, lines)


def _says(row: Row) -> str:
    """Return what a row says and for how long: a check since then, a gate after so long."""
    since = f"{'since' if row.roles else 'after'} {row.since}"
    return f"{clean(row.says)} {since}".strip()


def _plan(status: Status) -> str:
    snapshot = status.snapshot
    name = snapshot.name or "not made yet"
    config = words.config(status)
    return "   ".join(
        part
        for part in (f"{name} {snapshot.digest}".strip(), f"entrypoint {snapshot.version}", config)
        if part
    )


def _fold(label: str, text: str, width: int) -> Iterator[str]:
    return _labelled(label, _wrap(text, width))


def _labelled(label: str, lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield f"{label:<{_LABEL}}{line}"
        label = ""


def _wrap(text: str, width: int) -> list[str]:
    """Return the text in lines beside the labels; a word that is longer than one stays whole."""
    lines: list[str] = []
    for word in clean(text).split(" "):
        if lines and len(lines[-1]) + 1 + len(word) <= width - _LABEL:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines if text else []


def clean(text: str) -> str:
    """Return text that cannot move the cursor, change colours or the direction of writing."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)
