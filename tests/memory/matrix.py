"""Try the memory budget on every JDK, limit and subject, and write the table of docs/reference.

    PYTHONPATH=.:tests .venv/bin/python -m memory.matrix --write docs/reference/memory-validation.md

Needs root, a memory cgroup that can be made, and the test lab (tests/lab/install.py); about 40 minutes on
two cores. `--results FILE` keeps each run's outcome, so that a broken off matrix goes on where it was;
`--subject`, `--jdk` and `--limit` choose a part. Exit 1 when the promise is broken anywhere.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from lab import jars, jdks
from memory import box, subjects
from memory.subjects import Outcome, Subject

LIMITS = (256, 384, 512, 768, 1024, 2048)
SUBJECTS = ("filler", "unknown", "kafka", "zookeeper")
HEAD = """\
# Memory validation

Made by `tests/memory/matrix.py`; what the numbers mean is in
[decision 10](../decisions/0010-memory-budget.md). Every row is one run of the real entrypoint in a real
memory cgroup ({cgroup}, swap {swap}, {cpus} CPUs), with java under load:

- **filler** has the whole heap resident and 62% of it live, loads as many classes (through generated
  loaders) as its profile declares, uses the stacks of all declared threads, fills the declared direct
  memory, and has thousands of methods compiled;
- **filler, nothing declared** does the same with what is assumed of an application that nothing is
  known of;
- **Kafka** 3.9 in KRaft mode takes 300 MB from its producer and gives them back to a consumer;
- **ZooKeeper** 3.9 has 40 sessions that write and read 12,000 nodes.

All numbers are MiB. *By choice* is what the plan left on purpose (headroom and left over); *peak* the
most that was in use, mapped libraries included, file cache not. The real servers do not need all that
they may have: only the filler tells how good the sum is. **Promise: no OOM kill where we said that it
fits, and from 1 GiB up at most 15% of the limit left by choice, and at most 15% never used by the
filler.**

"""


def main(argv: Sequence[str]) -> int:
    """Run what is missing, write the table, and tell what breaks the promise."""
    options = _parse(argv)
    # A box has to be left even when somebody ends us: what runs in it would go on.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    if why := box.problem():
        print(why, file=sys.stderr)
        return 2
    done: dict[str, Outcome] = {}
    results: Path | None = options.results
    if results is not None and results.exists():
        done = {key: Outcome(**one) for key, one in json.loads(results.read_text()).items()}
    homes = jdks.jdks()
    missing = [f"JDK {major} is not here" for major in jdks.MAJORS if major not in homes]
    with tempfile.TemporaryDirectory(prefix="memory-") as made:
        classpath = subjects.compile_filler(Path(made), Path("javac"))
        for name, jdk, limit in _cases(options, homes):
            key = f"{name} {jdk} {limit}"
            if key in done:
                continue
            with tempfile.TemporaryDirectory(prefix="memory-") as folder:
                subject = _subject(name, Path(folder), classpath, homes[jdk], limit)
                done[key] = subjects.try_in_box(subject, jdk, homes[jdk], limit, Path(folder))
            print(f"{key}: {_told(done[key])}", flush=True)
            if results is not None:
                results.write_text(json.dumps({key: asdict(one) for key, one in done.items()}))
    broken = subjects.failures(list(done.values()))
    if options.write:
        options.write.write_text(table(list(done.values()), missing))
    for line in (*missing, *broken):
        print(line, file=sys.stderr)
    return 1 if broken else 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("memory.matrix", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", type=Path, help="the Markdown file to write")
    parser.add_argument("--results", type=Path, help="where to keep outcomes, to go on from there")
    parser.add_argument("--subject", action="append", choices=SUBJECTS)
    parser.add_argument("--jdk", action="append", type=int)
    parser.add_argument("--limit", action="append", type=int)
    return parser.parse_args(argv)


def _cases(options: argparse.Namespace, homes: dict[int, Path]) -> Iterator[tuple[str, int, int]]:
    for name in options.subject or SUBJECTS:
        for jdk in sorted(homes):
            for limit in LIMITS:
                if (not options.jdk or jdk in options.jdk) and (
                    not options.limit or limit in options.limit
                ):
                    yield name, jdk, limit


def _subject(name: str, folder: Path, classpath: Path, java_home: Path, limit: int) -> Subject:
    match name:
        case "kafka":
            return subjects.kafka(folder, _have(jars.kafka_home()), java_home)
        case "zookeeper":
            return subjects.zookeeper(folder, _have(jars.zookeeper_home()))
        case _:
            return subjects.filler(folder, classpath, limit, known=name == "filler", seconds=8)


def _have(found: object) -> Path:
    if not isinstance(found, Path):
        raise SystemExit(f"memory.matrix: {found}")
    return found


def _told(one: Outcome) -> str:
    if one.refused:
        return f"refused: {one.refused}"
    return (
        f"heap {one.heap} {one.collector}, peak {one.peak}, unused {one.unused}, by choice {one.by_choice},"
        f" exit {one.exit_code}, {one.oom_kills} OOM kills"
    )


def table(outcomes: Sequence[Outcome], missing: Sequence[str]) -> str:
    """Return the page: a table for each subject, JDKs and limits as rows."""
    with box.Box(64 * box.MIB) as tried:
        swap = "off" if tried.swap_is_off else "NOT limited"
        version = "version 2" if tried.is_v2 else "version 1"
    text = HEAD.format(cgroup=version, swap=swap, cpus=_cpus())
    broken = len(subjects.failures(outcomes))
    refused = sum(bool(one.refused) for one in outcomes)
    kills = sum(one.oom_kills for one in outcomes)
    text += (
        f"{len(outcomes)} runs: {len(outcomes) - refused} fitted, {refused} were refused before java"
        f" started, "
        f"{kills} OOM kills, {broken} broken promises.\n"
    )
    text += "".join(f"\n**{line}: not tried.**\n" for line in missing)
    for name in dict.fromkeys(one.subject for one in outcomes):
        text += f"\n## {name[0].upper()}{name[1:]}\n\n"
        text += "| limit | JDK | collector | heap | peak | unused | by choice | OOM kills |\n"
        text += "|---:|---:|---|---:|---:|---:|---:|---:|\n"
        mine = [one for one in outcomes if one.subject == name]
        for one in sorted(mine, key=lambda one: (one.limit, one.jdk)):
            text += _row(one)
    return text


def _row(one: Outcome) -> str:
    if one.refused:
        enough = next((word for word in one.refused.split() if word.isdigit()), "?")
        return f"| {one.limit} | {one.jdk} | refused: {enough} would do | | | | | |\n"
    share = f"{one.unused} ({one.unused / one.limit:.0%})"
    choice = f"{one.by_choice} ({one.by_choice / one.limit:.0%})"
    return (
        f"| {one.limit} | {one.jdk} | {one.collector} | {one.heap} | {one.peak} | {share} | {choice}"
        f" | {one.oom_kills} |\n"
    )


def _cpus() -> int:
    from entrypoint.system.facts import count_cpus

    return int(count_cpus())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
