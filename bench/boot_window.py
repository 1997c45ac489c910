"""How long PID 1 is deaf: from the start of the interpreter until all signals are blocked.

The kernel drops signals with a default action for PID 1 until they are blocked or handled. This starts
plain mode again and again, and asks /proc/PID/status for SigBlk until TERM is in it.
Run: python bench/boot_window.py [COUNT]
"""

from __future__ import annotations

import os
import signal
import statistics
import sys
import time

WAYS = {
    "python -m entrypoint": ["-m", "entrypoint"],
    "python scripts/entrypoint": ["scripts/entrypoint"],
}
TERM = 1 << (signal.SIGTERM - 1)
LIMIT_SECONDS = 10.0


def blocks_term(pid: int) -> bool:
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        line = next(line for line in file if line.startswith("SigBlk:"))
    return bool(int(line.split()[1], 16) & TERM)


def measure(words: list[str]) -> float:
    """Return the milliseconds from spawn until TERM is blocked."""
    command = [sys.executable, *words, "run", "--exec", "--", "sleep", "60"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.getcwd()}
    began = time.perf_counter()
    pid = os.posix_spawn(sys.executable, command, environment, setpgroup=0)
    try:
        while not blocks_term(pid):
            if time.perf_counter() - began > LIMIT_SECONDS:
                raise SystemExit(f"signals are never blocked: {' '.join(command)}")
            time.sleep(0.0001)
        return (time.perf_counter() - began) * 1000
    finally:
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50

    times: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(count):
        for name, words in WAYS.items():
            times[name].append(measure(words))
    print(f"{f'ms, {count} starts each':<30} {'min':>6} {'median':>7} {'max':>6}")
    for name, found in times.items():
        print(f"{name:<30} {min(found):6.1f} {statistics.median(found):7.1f} {max(found):6.1f}")


if __name__ == "__main__":
    main()
