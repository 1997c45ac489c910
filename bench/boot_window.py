"""How long PID 1 is deaf: from exec of the interpreter until all signals are blocked.

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
    "python -I -m entrypoint": ["-I", "-m", "entrypoint"],
    "python -I -S -c pass (exit)": ["-I", "-S", "-c", "pass"],
}
TERM = 1 << (signal.SIGTERM - 1)


def blocked(pid: int) -> bool:
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        line = next(line for line in file if line.startswith("SigBlk:"))
    return bool(int(line.split()[1], 16) & TERM)


def once(words: list[str]) -> float:
    """Return the milliseconds until signals are blocked, or until the end where that never comes."""
    plain = ["run", "--exec", "--", "true"] if "entrypoint" in words else []
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.getcwd()}
    began = time.perf_counter()
    pid = os.posix_spawn(sys.executable, [sys.executable, *words, *plain], environment)
    if plain:
        while not blocked(pid):
            time.sleep(0.0001)
        took = time.perf_counter() - began
        os.waitpid(pid, 0)
    else:
        os.waitpid(pid, 0)
        took = time.perf_counter() - began
    return took * 1000


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    times: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(count):
        for name, words in WAYS.items():
            times[name].append(once(words))
    print(f"{'ms, of ' + str(count):<30} {'min':>6} {'median':>6} {'max':>6}")
    for name, found in times.items():
        median = statistics.median(found)
        print(f"{name:<30} {min(found):6.1f} {median:6.1f} {max(found):6.1f}")


if __name__ == "__main__":
    main()
