"""Graphs as inline SVG and as a line of block characters.

Here: from a series to a picture, nothing about what it shows. The SVG has classes and no colours, no
style attribute and no script, so that the page's strict policy holds; it stretches to any width.
"""

from __future__ import annotations

from entrypoint.lifecycle.history import downsample
from entrypoint.serve.escape import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

BLOCKS: Final = "▁▂▃▄▅▆▇█"
HEIGHT: Final = 100
_TOP: Final = 4
"""Units kept free above the largest value, so that a line at the limit is whole."""


def spark(values: Sequence[float | None], top: float, width: int) -> str:
    """Return the series in `width` characters at most; a gap is a space."""
    return "".join(_block(value, top) for value in downsample(values, width))


def _block(value: float | None, top: float) -> str:
    if value is None:
        return " "
    step = int(_share(value, top) * len(BLOCKS))
    return BLOCKS[min(step, len(BLOCKS) - 1)]


def svg(
    values: Sequence[float | None],
    top: float,
    label: str,
    limit: float | None = None,
    marks: Sequence[int] = (),
    second: Sequence[float | None] = (),
) -> str:
    """Return an `<svg>`: an area with a line over it, and where asked a limit, marks and a second line.

    `label` is what is read out in place of the picture.
    """
    last = max(len(values) - 1, 1)
    box = f'viewBox="0 0 {last} {HEIGHT}" preserveAspectRatio="none"'
    parts = [
        f'<svg class="graph" role="img" aria-label="{escape(label)}" {box}>',
        _rules(last),
    ]
    runs = [(run, _line(run, top)) for run in _runs(values)]
    parts.append(_path("area", (_area(run, line) for run, line in runs if len(run) > 1)))
    if second:
        parts.append(_path("second", (_line(run, top) for run in _runs(second))))
    parts.append(_path("line", (line for _, line in runs)))
    if limit is not None:
        parts.append(_path("limit", (f"M0 {_y(limit, top)}H{last}",)))
    parts.append(_path("mark", (f"M{x} {HEIGHT}V{HEIGHT - 14}" for x in marks)))
    return "".join((*parts, "</svg>"))


def _rules(last: int) -> str:
    """Return the quiet lines behind: the half, and the quarters of the time."""
    half = _y(0.5, 1.0)
    quarters = "".join(f"M{last * i / 4:g} 0V{HEIGHT}" for i in (1, 2, 3))
    return _path("rule", (f"M0 {half}H{last}{quarters}",))


def _path(name: str, pieces: Iterator[str] | tuple[str, ...]) -> str:
    data = "".join(pieces)
    return f'<path class="{name}" d="{data}"/>' if data else ""


def _runs(values: Sequence[float | None]) -> Iterator[list[tuple[int, float]]]:
    """Yield the stretches without a gap, each as (x, value)."""
    run: list[tuple[int, float]] = []
    for x, value in enumerate(values):
        if value is not None:
            run.append((x, value))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _line(run: list[tuple[int, float]], top: float) -> str:
    (x, value), *rest = run
    if not rest:
        # A line of no length is not drawn; this one is a dot, by its round ends.
        return f"M{x} {_y(value, top)}h.01"
    return f"M{x} {_y(value, top)}L" + " ".join(f"{x} {_y(value, top)}" for x, value in rest)


def _area(run: list[tuple[int, float]], line: str) -> str:
    return f"{line}V{HEIGHT}H{run[0][0]}Z"


def _y(value: float, top: float) -> str:
    return f"{HEIGHT - _share(value, top) * (HEIGHT - _TOP):.1f}".removesuffix(".0")


def _share(value: float, top: float) -> float:
    """Return the value as a part of the scale, 0 to 1, whatever the value is."""
    if top <= 0 or not value > 0:
        return 0.0
    return min(value / top, 1.0)
