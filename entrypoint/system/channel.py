"""Messages from the helper to PID 1, over a pipe.

Here: framing only. Both ends are our own program, one forked from the other, so pickle is safe.
"""

from __future__ import annotations

import os
from _pickle import dumps, loads  # the C half alone: `pickle` imports `re`, 2 ms in PID 1

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def send(descriptor: int, message: object) -> None:
    """Write one message; raises BrokenPipeError when the reader is gone."""
    body = dumps(message)
    data = len(body).to_bytes(4, "big") + body
    while data:
        data = data[os.write(descriptor, data) :]


def receive(descriptor: int) -> Iterator[object]:
    """Yield messages until the writer is gone; what it left unfinished is dropped."""
    with open(descriptor, "rb") as file:
        while len(head := file.read(4)) == 4:
            size = int.from_bytes(head, "big")
            if len(body := file.read(size)) < size:
                return
            yield loads(body)
