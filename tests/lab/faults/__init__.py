"""C programs of the tests, compiled once: the fault layer (`faults.c`), and what a test brings itself.

Standard library only. What is compiled is kept in the lab's cache by the hash of its source.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from lab import cache
from lab.cache import Missing
from lab.command import run

LAYER = Path(__file__).with_name("faults.c")


def compiled(source: Path, flags: Sequence[str] = ("-pthread",)) -> Path | Missing:
    """Return the program made of a C file, compiled if it is not there yet."""
    compiler = shutil.which("cc")
    if compiler is None:
        return Missing("cc", "not in PATH")
    name = hashlib.sha256(source.read_bytes() + " ".join(flags).encode()).hexdigest()[:16]
    target = cache.root() / "compiled" / f"{source.stem}-{name}"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with cache.locked(), cache.staged(target.with_name(f"{target.name}.d")) as folder:
            made = folder / "made"
            run([compiler, "-std=gnu11", "-O1", "-Wall", "-Wextra", "-o", made, source, *flags])
            made.rename(target)
        shutil.rmtree(target.with_name(f"{target.name}.d"))
    return target


def layer() -> Path | Missing:
    """Return the fault layer, for LD_PRELOAD."""
    return compiled(LAYER, ("-shared", "-fPIC", "-ldl", "-pthread"))
