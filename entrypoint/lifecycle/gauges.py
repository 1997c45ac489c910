"""The graphs of the status: what each shows, its scale, and its numbers as text.

Here: heap, gc, threads, cpu and rss of the last hour, as gauges. How a gauge is drawn is for `serve`.
"""

from __future__ import annotations

from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrypoint.lifecycle.history import JvmSample, Series


@record
class Gauge:
    """One graph: its name, the value now, an aside, the series and its scale.

    `top` is the largest value that the graph has room for, `limit` a line to draw, `scale` and
    `peak` are texts. `marks` are the points with something to point out, `second` another series.
    """

    name: str
    value: str
    aside: str
    peak: str
    values: Series
    top: float
    scale: str
    limit: float | None = None
    marks: tuple[int, ...] = ()
    second: Series = ()


def gauges(sample: JvmSample | None, series: Mapping[str, Series] | None) -> tuple[Gauge, ...]:
    """Return the graphs: heap, gc, threads, cpu, rss; those of which nothing is known are left out."""
    if sample is None or series is None:
        return ()
    found = (
        _heap(sample, series["heap"], series["full_gcs"]),
        _gc(series["gc"], series["full_gcs"]),
        _threads(sample, series["threads"]),
        _cpu(series["cpu"]),
        _rss(sample, series["rss"], series["memory"]),
    )
    known = [gauge for gauge in found if any(value is not None for value in gauge.values)]
    return tuple(known)


def _heap(sample: JvmSample, values: Series, full_gcs: Series) -> Gauge:
    peak, limit = _peak(values), sample.heap_max
    return Gauge(
        "heap",
        _of(sample.heap_used, limit),
        "",
        f"peak {_size(peak)}",
        values,
        max(peak, limit) if limit else _round_size(peak),
        _size(limit or _round_size(peak)),
        limit,
        tuple(i for i, count in enumerate(full_gcs) if count),
    )


def _gc(values: Series, full_gcs: Series) -> Gauge:
    peak = _peak(values)
    top = min(1.0, round_up(max(peak, 0.05)))
    count = int(sum(one for one in full_gcs if one))
    aside = f"{count} full GC{'' if count == 1 else 's'}" if _known(full_gcs) else ""
    return Gauge(
        "gc", _percent(_last(values)), aside, f"peak {_percent(peak)}", values, top, _percent(top)
    )


def _threads(sample: JvmSample, values: Series) -> Gauge:
    peak = _peak(values)
    top = round_up(max(peak, 10.0))
    now = "-" if sample.threads is None else f"{sample.threads:.0f}"
    return Gauge("threads", now, "", f"peak {peak:.0f}", values, top, f"{top:.0f}")


def _cpu(values: Series) -> Gauge:
    peak, last = _peak(values), _last(values)
    top = round_up(max(peak, 0.5))
    now = "-" if last is None else f"{last:.2f}"
    return Gauge("cpu", now, "", f"peak {peak:.2f}", values, top, f"{top:g} CPU")


def _rss(sample: JvmSample, values: Series, container: Series) -> Gauge:
    limit = sample.memory_limit
    peak = max(_peak(values), _peak(container))
    used = "" if sample.memory_used is None else f"container {_size(sample.memory_used)}"
    return Gauge(
        "rss",
        _of(sample.rss, limit),
        used,
        f"peak {_size(_peak(values))}",
        values,
        max(peak, limit) if limit else _round_size(peak),
        _size(limit or _round_size(peak)),
        limit,
        second=container if _known(container) else (),
    )


def _known(values: Series) -> bool:
    return any(value is not None for value in values)


def _peak(values: Series) -> float:
    return max((value for value in values if value is not None), default=0.0)


def _last(values: Series) -> float | None:
    return values[-1] if values else None


def _percent(share: float | None) -> str:
    if share is None:
        return "-"
    text = f"{share * 100:.1f}" if share < 0.0995 else f"{share * 100:.0f}"
    return f"{text.removesuffix('.0')}%"


def _of(used: float | None, limit: float | None) -> str:
    """Return `212/300 MiB`, in the unit that the limit asks for; `212 MiB` without one."""
    if used is None:
        return "-"
    if limit is None:
        return _size(used)
    number, unit = _size(limit).split(" ")
    scale = (1 << 30) if unit == "GiB" else 1 << 20
    return f"{_number(used / scale, unit)}/{number} {unit}"


def _size(size: float) -> str:
    unit, scale = ("GiB", 1 << 30) if size >= 10 << 30 else ("MiB", 1 << 20)
    return f"{_number(size / scale, unit)} {unit}"


def _round_size(size: float) -> float:
    return round_up(size / (1 << 20)) * (1 << 20)


def _number(value: float, unit: str) -> str:
    return f"{value:.1f}" if unit == "GiB" else f"{value:.0f}"


def round_up(value: float) -> float:
    """Return the next number that reads well on a scale: 1, 2, 2.5, 4 or 5 times a power of ten."""
    if value <= 0:
        return 1.0
    scale = 1.0
    while scale * 10 < value:
        scale *= 10
    while scale > value:
        scale /= 10
    return next((scale * step for step in (1, 2, 2.5, 4, 5) if value <= scale * step), scale * 10)
