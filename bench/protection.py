"""What a token and TLS on the HTTP port cost: start, memory, scrapes; side by side with none of it.

    python3 bench/protection.py [--quick] [--out FILE] [--page FILE]

Prints one Markdown table: docs/decisions/0019-http-token-and-tls.md. Needs cc and openssl, and root to
be PID 1.
"""

from __future__ import annotations

import secrets
import shutil
import signal
import ssl
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import report  # noqa: E402
import run  # noqa: E402
import scraping  # noqa: E402
from programs import Program, Scratch, programs  # noqa: E402
from publish import Conditions, command_line, machine, publish  # noqa: E402
from running import Run  # noqa: E402

from lab import certificates  # noqa: E402

SECRET = secrets.token_hex(24)
NEITHER, TOKEN, BOTH = "neither", "token", "token and TLS"


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    rounds: int = 15
    """Starts of each."""
    batches: int = 10
    batch: int = 20
    clients: int = 2000
    """Scrapes over a new connection each, between two looks at the memory."""
    settle: float = 1.5
    """Seconds from a start to the first scrape."""


QUICK = Effort(rounds=1, batches=2, batch=2, clients=20, settle=0.5)


@dataclass
class Port:
    """What was measured of one port; `kept` scrapes over one connection, `fresh` connects first."""

    kept: scraping.Target
    fresh: scraping.Target
    before: scraping.Memory
    after: scraping.Memory | None = None
    """After `Effort.clients` more scrapes."""


def variants(scratch: Scratch, openssl: Path) -> list[Program]:
    """Return the program with neither, with a token, and with both."""
    pair = certificates.make(openssl, Path(scratch.folder) / "tls")
    token = {"ENTRYPOINT_TOKEN": SECRET}
    tls = {
        "ENTRYPOINT_TLS_CERT_FILE": str(pair.certificate),
        "ENTRYPOINT_TLS_KEY_FILE": str(pair.key),
    }
    (plain,) = (one for one in programs(scratch)[0] if one.name == report.JVM)
    return [
        replace(plain, name=name, environment=plain.environment | more)
        for name, more in ((NEITHER, {}), (TOKEN, token), (BOTH, token | tls))
    ]


def measure_starts(
    scratch: Scratch, found: list[Program], effort: Effort
) -> dict[str, run.Figures]:
    """Measure starts, in turn: OpenSSL is loaded when java has been started."""
    figures = {program.name: run.Figures() for program in found}
    for number in range(effort.rounds):
        for program in found[number % len(found) :] + found[: number % len(found)]:
            run.measure_start(program, scratch, figures[program.name])
    return figures


def measure_ports(scratch: Scratch, found: list[Program], effort: Effort) -> dict[str, Port]:
    """Run all at once and scrape each: over one connection, over new ones, and very often."""
    with ExitStack() as stack:
        runs = [stack.enter_context(Run(program, scratch, "term")) for program in found]
        for one in runs:
            one.wait_for("exec")
        time.sleep(effort.settle)
        ports = [first_scrapes(one, effort) for one in runs]
        scraping.in_turn([port.kept for port in ports], effort.batches, effort.batch)
        scraping.in_turn([port.fresh for port in ports], effort.batches, effort.batch)
        for one, port in zip(runs, ports, strict=True):
            port.kept.close()
            for _ in range(effort.clients):
                port.fresh.scrape()
            port.after = scraping.memory(one.pid)
            one.send(signal.SIGTERM)
    return {program.name: port for program, port in zip(found, ports, strict=True)}


def first_scrapes(one: Run, effort: Effort) -> Port:
    """Scrape a few times, and look at the memory."""
    context = None
    if one.program.name == BOTH:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    headers = {} if one.program.name == NEITHER else {"Authorization": f"Bearer {SECRET}"}
    kept = scraping.Target(one.port, (one.pid,), headers=headers, context=context)
    fresh = replace(kept, fresh=True, seconds=[], cpu=[])
    for _ in range(effort.batch):
        fresh.scrape()
    return Port(kept, fresh, scraping.memory(one.pid))


def text(
    starts: dict[str, run.Figures], ports: dict[str, Port], effort: Effort, conditions: str
) -> str:
    """Return the report."""
    rows: list[tuple[str, int, list[float]]] = [
        ("time to exec, ms", 1, [median(one.start) for one in starts.values()]),
        ("CPU of a start, ms", 0, [median(one.cpu) for one in starts.values()]),
    ]
    before, after = (
        [port.before for port in ports.values()],
        [port.after for port in ports.values()],
    )
    rows += [
        ("RSS, MB", 1, [memory.rss for memory in before]),
        ("PSS, MB", 1, [memory.pss for memory in before]),
        ("of it anonymous, MB", 1, [memory.anonymous for memory in before]),
        (
            f"anonymous after {effort.clients:,} more scrapes, MB",
            1,
            [memory.anonymous for memory in after if memory],
        ),
    ]
    for what, targets in (
        ("over one connection", [port.kept for port in ports.values()]),
        ("that connects first", [port.fresh for port in ports.values()]),
    ):
        rows += [
            (f"scrape {what}, ms", 2, [median(one.seconds) * 1e3 for one in targets]),
            (f"CPU of a scrape {what}, ms", 2, [median(one.cpu) * 1e3 for one in targets]),
        ]
    openssl = " ".join(ssl.OPENSSL_VERSION.split()[:2])
    lines = [
        f"{machine()}, {openssl}; {conditions}.",
        f"{effort.rounds} starts and {effort.batches * effort.batch} scrapes of each kind, in turn,",
        "of a program in java's place that tells nothing. Medians.",
        "",
        *report.table(
            ["", *ports],
            [[what, *(f"{value:.{digits}f}" for value in values)] for what, digits, values in rows],
        ),
    ]
    return "\n".join(lines) + "\n"


def main(argv: list[str]) -> int:
    """Run the command line and return its exit code."""
    parser = command_line("protection.py", __doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds: see that it works")
    asked = parser.parse_args(argv)
    effort = QUICK if asked.quick else Effort()
    openssl = shutil.which("openssl")
    if openssl is None:
        raise SystemExit("bench: there is no openssl: the certificate cannot be made")
    conditions = Conditions()
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        scratch = Scratch(folder)
        found = variants(scratch, Path(openssl))
        # Thrown away: what a compiler needs would stay in the memory of who scrapes first.
        measure_ports(scratch, found, QUICK)
        starts = measure_starts(scratch, found, effort)
        ports = measure_ports(scratch, found, effort)
    publish(text(starts, ports, effort, str(conditions)), asked)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
