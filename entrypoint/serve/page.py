"""The status page: one answer of HTML with everything in it, and nothing from anywhere else.

Here: the order of the page and its markup. The words are `lifecycle.status`, the pictures `graph`, the
looks `style`. No script: what is shown is in the text, and the browser itself asks again. Every value
goes through `escape`; the policy in the header forbids whatever an escape could have missed.
"""

from __future__ import annotations

from entrypoint.lifecycle import status as words
from entrypoint.lifecycle.gauges import gauges
from entrypoint.serve.escape import escape
from entrypoint.serve.graph import svg
from entrypoint.serve.style import CSS, HASH
from entrypoint.values import format_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Final

    from entrypoint.lifecycle.gauges import Gauge
    from entrypoint.lifecycle.status import Row, Status

POLICY: Final = (
    f"default-src 'none'; style-src '{HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
HEADERS: Final = (
    ("Content-Security-Policy", POLICY),
    ("Referrer-Policy", "no-referrer"),
    ("Vary", "Accept"),
)
REFRESH: Final = 10
"""Seconds: what the graphs are made of comes no faster."""

TITLES: Final = {
    "heap": "Heap",
    "gc": "GC",
    "threads": "Threads",
    "cpu": "CPU",
    "rss": "RSS",
}


def page(status: Status, endpoints: Sequence[tuple[str, str]], refresh: bool = True) -> str:
    """Return the page; with `refresh` the browser loads it again every ten seconds."""
    head = words.headline(status)
    again = f'<meta http-equiv="refresh" content="{REFRESH}">\n' if refresh else ""
    title = f"{words.SIGNS[head.mark]} {escape(head.name)} {escape(head.state)}"
    body = "\n".join(
        part
        for part in (
            _header(status),
            "<main>",
            _phases(status),
            _java(status),
            _table("Checks", words.checks(status), "since"),
            _table("Gates before the start", words.gates(status), "waited"),
            _facts(status),
            _plan(status),
            _endpoints(endpoints),
            "</main>",
            _footer(status, refresh),
        )
        if part
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"{again}<title>{title}</title>\n<style>{CSS}</style>\n</head>\n"
        f'<body>\n<div class="wrap">\n{body}\n</div>\n</body>\n</html>\n'
    )


def _header(status: Status) -> str:
    head, snapshot = words.headline(status), status.snapshot
    profile = f"{snapshot.name} {snapshot.digest}" if snapshot.name else "no plan yet"
    config = words.config(status)
    facts = (head.up, head.restarts, f"plan {profile}", *((config,) if config else ()))
    return (
        f'<header>\n<h1>{escape(head.name)}</h1>\n<span class="pill {head.mark}" id="state">'
        f"{words.SIGNS[head.mark]} {escape(head.state)}</span>\n</header>\n"
        f'<p class="facts">{"".join(f"<span>{escape(fact)}</span>" for fact in facts)}</p>'
    )


def _phases(status: Status) -> str:
    mark = words.headline(status).mark
    items = "\n".join(
        (f'<li class="{mark}" aria-current="step">' if step.current else "<li>")
        + f"<b>{escape(step.phase)}</b>{escape(step.took)} <small>from {escape(step.began)}</small></li>"
        for step in words.timeline(status)
    )
    return f'<ol class="phases" aria-label="Phases">\n{items}\n</ol>'


def _java(status: Status) -> str:
    found = gauges(status.sample, status.series)
    name = escape(words.java(status))
    if not found:
        return (
            f'<section aria-labelledby="java">\n<h2 id="java">{name}</h2>\n<p class="facts">'
            "No numbers yet: the first ones come a moment after the start.</p>\n</section>"
        )
    span = words.span_words(status)
    if trouble := words.trouble(status):
        trouble = f'<p><b class="bad">{words.SIGNS["bad"]} {escape(trouble)}</b></p>\n'
    cards = "\n".join(_card(gauge, words.span(status), span) for gauge in found)
    return (
        f'<section aria-labelledby="java">\n<h2 id="java">{name} <small>{span}</small></h2>\n{trouble}'
        f'<div class="grid">\n{cards}\n</div>\n</section>'
    )


def _card(gauge: Gauge, seconds: float, span: str) -> str:
    title = TITLES[gauge.name]
    aside = f"<span>{escape(gauge.aside)}</span>" if gauge.aside and not gauge.second else ""
    label = f"{title} in {span}: now {gauge.value}, {gauge.peak}"
    picture = svg(gauge.values, gauge.top, label, gauge.limit, gauge.marks, gauge.second)
    return (
        f'<figure class="card" id="{gauge.name}">\n<figcaption><h3>{title}</h3>'
        f'<b>{escape(gauge.value)}</b>{aside}<span class="peak">{escape(gauge.peak)}</span></figcaption>\n'
        f'<div class="plot">{picture}<div class="scale" aria-hidden="true">'
        f"<span>{escape(gauge.scale)}</span><span>0</span></div></div>\n"
        f'<div class="axis" aria-hidden="true"><span>−{format_duration(seconds)}</span>'
        f"<span>−{format_duration(seconds / 2)}</span><span>now</span></div>\n{_key(gauge)}</figure>"
    )


def _key(gauge: Gauge) -> str:
    """Name the lines of a graph that has more than one."""
    keys = []
    if gauge.second:
        aside = escape(gauge.aside)
        keys += ["<span><i></i>java</span>", f'<span><i class="k-second"></i>{aside}</span>']
    if gauge.limit is not None:
        keys.append('<span><i class="k-limit"></i>limit</span>')
    if gauge.marks:
        keys.append('<span><i class="k-mark"></i>full GC</span>')
    return f'<p class="key">{"".join(keys)}</p>\n' if keys else ""


def _table(title: str, rows: Sequence[Row], since: str) -> str:
    if not rows:
        return ""
    name = title.split(" ", 1)[0].lower()
    lines = "\n".join(
        f'<tr><th scope="row">{escape(row.name)}<small>{escape(row.target)}</small></th>'
        f'<td class="state"><b class="{row.mark}">{words.SIGNS[row.mark]} {escape(row.state)}</b>'
        f" {escape(row.says)}<small>{escape(row.roles)}</small></td>"
        f'<td class="since">{escape(row.since)}</td></tr>'
        for row in rows
    )
    return (
        f'<section aria-labelledby="{name}">\n<h2 id="{name}">{title}</h2>\n<div class="card">\n<table>'
        f"<caption>{title}</caption>\n"
        f'<thead><tr><th scope="col">{name[:-1]}</th><th scope="col">state</th>'
        f'<th scope="col">{since}</th></tr></thead>\n<tbody>\n{lines}\n</tbody>\n</table>\n</div>\n</section>'
    )


def _facts(status: Status) -> str:
    pairs = []
    if death := words.last_death(status):
        pairs.append(("Last death", escape(death)))
    if status.remarks:
        items = "".join(f"<li>{escape(remark)}</li>" for remark in status.remarks)
        pairs.append(("Notes", f"<ul>{items}</ul>"))
    counted = " · ".join(f"{name} {escape(count)}" for name, count in words.counted(status))
    pairs.append(("Counted", counted))
    return _list("facts", "Facts", pairs)


def _plan(status: Status) -> str:
    if not status.plan:
        return ""
    return (
        '<section aria-labelledby="plan">\n<h2 id="plan">Plan <small>secrets are hidden</small></h2>\n'
        '<div class="card" role="region" aria-label="Text of the plan" tabindex="0">'
        f"<pre>{escape(status.plan, lines=True)}</pre></div>\n</section>"
    )


def _endpoints(endpoints: Sequence[tuple[str, str]]) -> str:
    pairs = [
        (f'<a href="{escape(path)}">{escape(path)}</a>', escape(meaning))
        for path, meaning in endpoints
    ]
    return _list("endpoints", "Endpoints", pairs)


def _list(name: str, title: str, pairs: Iterable[tuple[str, str]]) -> str:
    """Return a list of names and values that are HTML already."""
    rows = "\n".join(f"<dt>{term}</dt><dd>{value}</dd>" for term, value in pairs)
    return (
        f'<section aria-labelledby="{name}">\n<h2 id="{name}">{title}</h2>\n'
        f'<dl class="card">\n{rows}\n</dl>\n</section>'
    )


def _footer(status: Status, refresh: bool) -> str:
    again = (
        f'asks again every {REFRESH} s · <a href="/?refresh=off">stop that</a>'
        if refresh
        else f'<a href="/">ask again every {REFRESH} s</a>'
    )
    return (
        f"<footer>\n<span>as of {words.utc(status.time)}</span>\n<span>{again}</span>\n"
        f"<span>entrypoint {escape(status.snapshot.version)}</span>\n</footer>"
    )
