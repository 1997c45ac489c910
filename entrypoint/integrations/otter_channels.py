"""Which channels of a node run, remembered beyond its pod, and started again when it is back.

otter pauses a channel whose only node goes away, and leaves it so until its self-monitor looks (every two
minutes) or somebody starts it. The manager's pages can only stop a channel, not pause it: PAUSE is always
otter's own doing, STOP somebody's hand.

The memory is a lasting node of ZooKeeper, `/entrypoint/otter/<nid>`: a pod that is replaced has no volume,
the node's row in the manager cannot be edited while the node runs, and otter's own `/otter/node/<nid>` is
ephemeral. It is written when we stop and when we are ready, so that a crash finds it too.
"""

from __future__ import annotations

import json
import time

from entrypoint.integrations.otter_pages import Pages
from entrypoint.integrations.otter_rows import channel, channels_of_node
from entrypoint.integrations.protocol import TryAgainError
from entrypoint.integrations.zookeeper import Kept
from entrypoint.records import record
from entrypoint.system.checks.result import CheckFailed, Deadline
from entrypoint.system.checks.zookeeper import parse_servers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import Final

    from entrypoint.integrations.otter import Wish
    from entrypoint.integrations.otter_rows import Channel

MEMORY: Final = "/entrypoint/otter/"
NO_MEMORY: Final = "nothing: without zookeeper.servers there is no place to remember channels"
MEMORY_SECONDS: Final = 3.0
RESUME_SECONDS: Final = 100.0
LOOK_SECONDS: Final = 1.0


@record
class Memory:
    """What is to run when we are back; `settled` when all of it has been seen to since we are."""

    channels: frozenset[int]
    settled: bool = False


def remember(wish: Wish) -> str:
    """Write down which channels run; return what was written, in words."""
    if not wish.servers:
        return NO_MEMORY
    before = _read(wish)
    found = _channels(_visit(wish), wish.nid)
    running = _in_state(found, "START")
    # Those that were to be resumed and are not yet: a second stop must not make us forget them.
    waiting = set() if before.settled else _in_state(found, "PAUSE") & before.channels
    _write(wish, Memory(frozenset(running | waiting)))
    return f"running channels: {_listed(running)}"


def resume(
    wish: Wish,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> str:
    """Start what ran and is paused, then write down what runs now; return what was done, in words.

    A channel is started when the manager's page offers it: all its nodes are there then, and nothing is
    left in its pipelines. One that was stopped meanwhile stays so.
    """
    if not wish.servers:
        return NO_MEMORY
    remembered = _read(wish).channels
    _write(wish, Memory(remembered))
    pages = _visit(wish)
    deadline = clock() + RESUME_SECONDS
    started: set[int] = set()
    while stuck := [one for one in _look(pages, remembered) if one.state == "PAUSE"]:
        for one in stuck:
            if one.offers_start:
                _start(pages, one.number)
                started.add(one.number)
        if clock() >= deadline:
            break
        sleep(LOOK_SECONDS)
    left = {one.number for one in stuck}
    running = _in_state(_channels(pages, wish.nid), "START")
    _write(wish, Memory(frozenset(running | left), settled=True))
    said = f"resumed channels: {_listed(started - left)}"
    return f"{said}; still paused: {_listed(left)}" if left else said


def _visit(wish: Wish) -> Pages:
    from entrypoint.integrations.otter import log_in  # noqa: PLC0415 - it imports us

    pages = Pages(wish.url)
    log_in(pages, wish)
    return pages


def _channels(pages: Pages, nid: str) -> list[Channel]:
    answer = pages.get("nodeInfo.htm", {"nodeId": nid})
    if answer.status != 200 or answer.leads_to:
        raise TryAgainError(f"/nodeInfo.htm answers {answer.status}")
    return channels_of_node(answer.page)


def _in_state(found: list[Channel], state: str) -> set[int]:
    return {one.number for one in found if one.state == state}


def _look(pages: Pages, numbers: Collection[int]) -> list[Channel]:
    found = []
    for number in sorted(numbers):
        answer = pages.get("channelList.htm", {"channelId": str(number)})
        seen = channel(answer.page, number)
        if seen is not None:
            found.append(seen)
    return found


def _start(pages: Pages, number: int) -> None:
    action = {"action": "channelAction", "eventSubmitDoStatus": "true", "status": "start"}
    more = {"channelId": str(number), "pageIndex": "1", "searchKey": ""}
    pages.get("channelList.htm", action | more)


def _write(wish: Wish, memory: Memory) -> None:
    content = {"channels": sorted(memory.channels), "settled": memory.settled}
    data = json.dumps(content).encode()
    try:
        kept = Kept(parse_servers(wish.servers), timeout_ms=4000)
        kept.write(MEMORY + wish.nid, data, Deadline(MEMORY_SECONDS))
        kept.close(Deadline(MEMORY_SECONDS))
    except (CheckFailed, OSError, ValueError) as error:
        raise TryAgainError(f"not remembered in ZooKeeper: {_reason(error)}") from None


def _read(wish: Wish) -> Memory:
    try:
        kept = Kept(parse_servers(wish.servers), timeout_ms=4000)
        data = kept.read(MEMORY + wish.nid, Deadline(MEMORY_SECONDS))
        kept.close(Deadline(MEMORY_SECONDS))
    except (CheckFailed, OSError, ValueError) as error:
        raise TryAgainError(f"nothing remembered in ZooKeeper: {_reason(error)}") from None
    try:
        content = json.loads(data or b"{}")
        channels = frozenset(int(one) for one in content.get("channels", [])[:1000])
        return Memory(channels, content.get("settled") is True)
    except (ValueError, TypeError, AttributeError):
        return Memory(frozenset())


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


def _listed(numbers: Collection[int]) -> str:
    return ", ".join(map(str, sorted(numbers))) or "none"
