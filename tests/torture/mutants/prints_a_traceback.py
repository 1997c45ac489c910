"""The preparation fails, and Python says so in its own way."""

import traceback

from entrypoint import prepare


def _main(argv, descriptor):
    try:
        return 1 // 0
    except ZeroDivisionError:
        traceback.print_exc()
        return 1


prepare.main = _main
