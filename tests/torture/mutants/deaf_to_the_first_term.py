"""The first TERM is taken and forgotten."""

from entrypoint.system import process

_wait = process.wait_signal
_heard = []


def _wait_signal(deadline, heard):
    received = _wait(deadline, heard)
    if received is None or received.number != 15:
        return received
    _heard.append(received)
    return None if len(_heard) == 1 else received


process.wait_signal = _wait_signal
