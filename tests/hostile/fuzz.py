"""Runs one fuzzer in this process: `python tests/hostile/fuzz.py TARGET [--seconds N] [--seed N]`.

Prints a report as JSON on its last line, and each finding before it. Without --seconds it tries as many
inputs as in CI. `--input NUMBER` judges that one input of the seed, `--file FILE` the bytes of a file.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[1])]

import fuzz_targets  # noqa: E402
import fuzzing  # noqa: E402


def main() -> int:
    """Run what the command line asks for; 1 where something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=sorted(fuzz_targets.TARGETS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--count", type=int)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--input", type=int)
    parser.add_argument("--file", type=Path)
    asked = parser.parse_args()
    target = fuzz_targets.TARGETS[asked.target]
    if asked.input is not None or asked.file is not None:
        data = (
            asked.file.read_bytes() if asked.file else fuzzing.make(target, asked.seed, asked.input)
        )
        fuzzing.limit_memory()
        wrong = fuzzing.judge(target, data)
        print(f"{data[:2000]!r}\n{wrong or 'taken well'}")
        return bool(wrong)
    count = asked.count or target.count
    report = fuzzing.run(target, asked.seed, asked.seconds, count, asked.keep)
    for number, wrong in report.findings:
        print(f"--- {target.name} --seed {asked.seed} --input {number}\n{wrong}")
    print(report.text())
    return bool(report.findings)


if __name__ == "__main__":
    sys.exit(main())
