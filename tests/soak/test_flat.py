"""The judge of the soak of PID 1: made-up recordings that it has to clear, and to convict."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from soak import flat, recording, verdict
from soak.recording import Row

MINUTES = 40
FAULT_EVERY, FAULT_SECONDS = 47, 9


def row(at: int, noise: random.Random) -> Row:
    """Return a second of a healthy run: everything wavers a little, nothing grows."""
    return Row(
        at=float(at), fault="connections" if at % FAULT_EVERY < FAULT_SECONDS else "",
        rss_kb=17000 + 4 * noise.randrange(-8, 9), pss_kb=11000 + 4 * noise.randrange(-30, 31),
        anonymous_kb=9000 + 4 * noise.randrange(-8, 9),
        fds=8, threads=6, cpu_s=round(at * 0.004, 2), switches=at * 4, zombies=0, java="S", ready=True,
        scrapes_ms=(noise.lognormvariate(0.7, 0.4),), probes_ms=(noise.lognormvariate(0, 0.4),) * 2,
        unanswered=0, not_live=0, orphans_made=at, orphans_reaped=at + 3, sent=at * 10, received=at * 10,
        astray=0, load=1.0,
    )  # fmt: skip


def rows(change: Callable[[Row], Row] = lambda one: one, minutes: int = MINUTES) -> tuple[Row, ...]:
    noise = random.Random(7)
    return tuple(change(row(at, noise)) for at in range(minutes * 60))


FACTS = flat.Facts(
    seed=1, faults=50, failed=(), exit_code=0, zookeeper_codes=(0, 0), left=(), sent=100, received=100,
    astray=0, orphans_made=10, orphans_reaped=12, wrong=(), bugs=0,
)  # fmt: skip


def grown(judged: tuple[Row, ...]) -> set[str]:
    trends = [flat.trend(measure, judged) for measure in flat.MEASURES]
    assert None not in trends
    return {one.measure.name for one in trends if one is not None and not one.flat}


def test_a_healthy_run_is_flat() -> None:
    assert grown(rows()) == set()


LEAKS: dict[str, tuple[set[str], Callable[[Row], Row]]] = {
    "memory, 300 kB in the time": (
        {"memory of its own"},
        lambda one: replace(one, anonymous_kb=(one.anonymous_kb or 0) + int(one.at / 6)),
    ),
    "pages of files, 1 MB in the time": (
        {"RSS"}, lambda one: replace(one, rss_kb=(one.rss_kb or 0) + int(one.at / 2)),
    ),
    "a descriptor in ten minutes": (
        {"descriptors"}, lambda one: replace(one, fds=8 + int(one.at / 600)),
    ),
    "a thread in ten minutes": ({"threads"}, lambda one: replace(one, threads=6 + int(one.at / 600))),
    "CPU": ({"CPU"}, lambda one: replace(one, cpu_s=one.at * (0.004 + one.at / 1e6))),
    "wakeups": ({"wakeups"}, lambda one: replace(one, switches=int(one.at * (4 + one.at / 1e3)))),
    "every scrape": (
        {"scrape p50"},
        lambda one: replace(one, scrapes_ms=(one.scrapes_ms[0] * (1 + one.at / 400),)),
    ),
    "every probe": (
        {"probe p50"},
        lambda one: replace(one, probes_ms=tuple(v * (1 + one.at / 400) for v in one.probes_ms)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LEAKS)
def test_what_grows_is_found(name: str) -> None:
    expected, change = LEAKS[name]
    assert grown(rows(change)) == expected


def test_what_falls_is_no_leak() -> None:
    assert grown(rows(lambda one: replace(one, rss_kb=20000 - int(one.at)))) == set()


def test_what_comes_with_the_first_use_is_no_leak() -> None:
    """Modules are imported on the first look at the status page, and stay."""
    assert grown(rows(lambda one: replace(one, rss_kb=17000 if one.at > 500 else 14000))) == set()


def test_what_happens_in_a_fault_is_not_counted() -> None:
    def slow(one: Row) -> Row:
        late = (one.at % FAULT_EVERY) - FAULT_SECONDS
        bad = bool(one.fault) or late < flat.AFTERMATH - 1
        return replace(one, fds=72, scrapes_ms=(1.0 + one.at,)) if bad else one

    assert grown(rows(slow)) == set()


def test_the_slowest_answers_are_shown_and_not_judged() -> None:
    def slow(one: Row) -> Row:
        return replace(one, probes_ms=(*one.probes_ms, 5 + one.at)) if one.at % 20 == 0 else one

    judged = rows(slow)
    assert grown(judged) == set()
    trends = [flat.trend(measure, judged) for measure in flat.MEASURES]
    (line,) = (x for x in verdict.trend_table(trends).splitlines() if x.startswith("| probe p99"))
    assert line.endswith("| not judged | - |")


def test_each_quarter_of_an_hour_is_shown() -> None:
    judged = rows(lambda one: replace(one, fds=8 + int(one.at / 900), load=one.at / 900))
    lines = verdict.quarter_table(judged).splitlines()
    head, _, *body = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    found = [dict(zip(head, cells, strict=True)) for cells in body]
    assert [line["minute"] for line in found] == ["0", "15", "30"]
    assert [line["descriptors"] for line in found] == ["8", "9", "10"]
    assert [line["load"] for line in found] == ["0.5", "1.5", "2.3"]


def test_a_short_run_has_no_trends() -> None:
    short = rows(minutes=5)
    assert [flat.trend(measure, short) for measure in flat.MEASURES] == [None] * len(flat.MEASURES)
    assert "Too short to say" in verdict.page(short, FACTS, [None], ())


def test_a_slope_is_the_median_of_all_and_its_interval_holds_it() -> None:
    points = [(float(x), 3.0 + 2 * x) for x in range(30)]
    points[4] = (4.0, 1e6)
    slope, low, high = flat.theil_sen(points)
    assert slope == pytest.approx(2)
    assert low <= 2 <= high
    assert flat.theil_sen([(float(x), 5.0) for x in range(30)]) == (0, 0, 0)


COMPLAINTS: dict[str, tuple[flat.Facts, Callable[[Row], Row]]] = {
    "exit code after TERM is 143": (replace(FACTS, exit_code=143), lambda one: one),
    "ZooKeeper's exit codes": (replace(FACTS, zookeeper_codes=(0, 137)), lambda one: one),
    "processes are left": (replace(FACTS, left=("java",)), lambda one: one),
    "99 received": (replace(FACTS, received=99), lambda one: one),
    "1 out of order": (replace(FACTS, astray=1), lambda one: one),
    "9 reaped": (replace(FACTS, orphans_reaped=9), lambda one: one),
    "2 tracebacks": (replace(FACTS, bugs=2), lambda one: one),
    "could not be carried out": (replace(FACTS, failed=("diagnosis: 1",)), lambda one: one),
    "zombies for 3 s": (FACTS, lambda one: replace(one, zombies=int(40 <= one.at <= 42))),
    "4 requests": (FACTS, lambda one: replace(one, unanswered=4 if one.at > 9 else 0)),
    "/livez failed 1 times": (FACTS, lambda one: replace(one, not_live=int(one.at > 9))),
    "java was gone": (FACTS, lambda one: replace(one, java="" if one.at == 50 else "S")),
}


@pytest.mark.parametrize("text", COMPLAINTS)
def test_what_is_lost_or_wrong_is_a_complaint(text: str) -> None:
    facts, change = COMPLAINTS[text]
    (said,) = flat.complaints(rows(change, minutes=2), facts)
    assert text in said


def test_a_healthy_run_has_no_complaint() -> None:
    seen = rows(lambda one: replace(one, zombies=int(one.at % 9 == 0)), minutes=2)
    assert flat.complaints(seen, FACTS) == ()


def written(folder: Path, judged: tuple[Row, ...], facts: flat.Facts = FACTS) -> Path:
    file = folder / "soak.csv"
    with file.open("w") as out:
        recording.header(out)
        for one in judged:
            recording.write(out, one)
    facts.write(flat.beside(file))
    return file


def test_a_recording_is_read_as_it_was_written(tmp_path: Path) -> None:
    gone = {"rss_kb": None, "cpu_s": None, "scrapes_ms": (), "java": "", "ready": False}
    judged = tuple(
        replace(one, scrapes_ms=(1.5, 2.25), probes_ms=(0.125,)) for one in rows(minutes=1)
    )
    judged = (*judged, replace(judged[-1], **gone))  # type: ignore[arg-type]
    file = written(tmp_path, judged)
    assert recording.read(file) == judged
    assert flat.read_facts(flat.beside(file)) == FACTS


def test_another_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="not a recording"):
        recording.read(file)


def test_the_command_says_it_and_writes_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    assert flat.main([str(written(tmp_path, rows())), "--page", str(page)]) == 0
    assert capsys.readouterr().out == page.read_text()
    assert "**Nothing grew; nothing was lost.**" in page.read_text()

    leak = LEAKS["a descriptor in ten minutes"][1]
    assert flat.main([str(written(tmp_path, rows(leak)))]) == 1
    assert "Grown: descriptors" in capsys.readouterr().out

    assert flat.main([str(written(tmp_path, rows(), replace(FACTS, exit_code=143)))]) == 1
    assert "1 complaints" in capsys.readouterr().out
