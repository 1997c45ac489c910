"""The command line of scripts/upkeep."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from scripts.supply import audit, locks, wheel
from scripts.supply.locks import BUILD, LOCKS, RUNTIME, UPKEEP
from scripts.supply.tools import ROOT, SupplyError, Tools, tools

EPILOG = """\
exit codes: 0 in order, 1 not in order, 2 wrong usage, 3 nobody can be asked about some of it
"""
UNKNOWN = 3


def main(argv: list[str]) -> int:
    """Run the command line and return its exit code."""
    asked = _parser().parse_args(argv)
    work = Path(asked.work).absolute()
    try:
        match asked.verb:
            case "lock":
                return _lock(asked, work)
            case "audit":
                return _audit(asked, work)
            case _:
                return _wheel(asked, work)
    except SupplyError as error:
        print(f"scripts/upkeep: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "scripts/upkeep",
        description="Keeps what the project is made of in order.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--work",
        default=str(ROOT / "build" / "upkeep"),
        metavar="DIR",
        help="where its tools are kept; default: build/upkeep",
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    lock = verbs.add_parser("lock", help="renew all lock files from pyproject.toml")
    lock.add_argument("--check", action="store_true", help="change nothing, tell what has drifted")
    lock.add_argument(
        "--keep", action="store_true", help="keep every version that pyproject.toml still allows"
    )
    lock.add_argument(
        "--newest",
        action="store_true",
        help=f"take releases younger than {locks.COOL_DOWN} too: a fix that cannot wait",
    )
    checked = verbs.add_parser("audit", help="advisories and licences of what is locked")
    checked.add_argument(
        "--all", action="store_true", help="advisories of development tools as well"
    )
    built = verbs.add_parser("wheel", help="build wheel, sdist and bill of materials")
    built.add_argument("--out", default=str(ROOT / "dist"), metavar="DIR", help="default: dist")
    return parser


def _lock(asked: argparse.Namespace, work: Path) -> int:
    uv = _upkeep(work)
    if asked.check:
        found = locks.drifted(uv)
        for lock in found:
            print(f"{lock.file} does not fit pyproject.toml: run scripts/upkeep lock --keep")
        return 1 if found else 0
    locks.renew(uv, ROOT, upgrade=not asked.keep, newest=asked.newest)
    for lock in LOCKS:
        print(f"{lock.file:<32} {len(locks.read(lock)):3} distributions: {lock.use}")
    return 0


def _upkeep(work: Path) -> Tools:
    if not UPKEEP.path.exists():
        raise SupplyError(f"{UPKEEP.file} is not there, and what makes it comes from it")
    return tools(UPKEEP.path, work)


def _audit(asked: argparse.Namespace, work: Path) -> int:
    upkeep = _upkeep(work)
    verdicts = [
        verdict
        for lock in (LOCKS if asked.all else (RUNTIME, BUILD))
        for verdict in audit.advisories(upkeep, lock)
    ]
    licences = [
        licence
        for lock in (RUNTIME, BUILD)
        for licence in audit.licences(audit.wheels(upkeep, lock, work), lock)
    ]
    for verdict in verdicts:
        print(f"{verdict.name:<24} {verdict.version:<14} {verdict.said}")
    for licence in licences:
        print(f"{licence.name:<24} {licence.version:<14} {licence.said}")
    if any(verdict.ids for verdict in verdicts) or not all(one.allowed for one in licences):
        return 1
    return UNKNOWN if any(verdict.unknown for verdict in verdicts) else 0


def _wheel(asked: argparse.Namespace, work: Path) -> int:
    for path in wheel.release(Path(asked.out).absolute(), work):
        print(f"{wheel.sha256(path)}  {path.name}")
    return 0
