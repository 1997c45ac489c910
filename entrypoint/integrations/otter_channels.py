"""Which channels run, remembered beyond a node's pod, and started again when the node is back.

otter pauses a channel whose only node goes away, and leaves it so until its self-monitor looks (every two
minutes) or somebody starts it. The manager's pages can only stop a channel, not pause it: PAUSE is always
otter's own doing, STOP somebody's hand.

The memory is a lasting node of ZooKeeper, `/entrypoint/otter/<nid>`: a pod that is replaced has no volume,
the node's row in the manager cannot be edited while the node runs, and otter's own `/otter/node/<nid>` is
ephemeral. It is written when we stop and when we are ready, so that a crash finds it too.

At the stop only ZooKeeper is asked, where otter keeps the state of every channel: all that run are written
down. The manager need not be there for that, nor be able to reach us. (Its page about a node asks the node by
JMX, and its JVM remembers for 30 s which address a name had: after a roll-out that was often the old pod's.)
Whose the channels are is looked up when we are back, for those that are paused then, on pages without JMX.
"""

from __future__ import annotations

import json
import time
from contextlib import contextmanager

from entrypoint.integrations.otter_pages import Pages
from entrypoint.integrations.otter_rows import channel, nodes_of_pipeline, pipelines
from entrypoint.integrations.protocol import TryAgainError
from entrypoint.integrations.zookeeper import Kept
from entrypoint.records import record
from entrypoint.system.checks.result import CheckFailed, Deadline
from entrypoint.system.checks.zookeeper import parse_servers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from typing import Final

    from entrypoint.integrations.otter import Wish
    from entrypoint.integrations.otter_pages import Answer

MEMORY: Final = "/entrypoint/otter/"
CHANNELS: Final = "/otter/channel"
SESSIONS: Final = "/otter/node/"
NO_MEMORY: Final = "nothing: without zookeeper.servers there is no place to remember channels"
MEMORY_SECONDS: Final = 4.0
"""All that is done with ZooKeeper at the stop; the rung `leave` has 5 s, and a process starts in them too."""
RESUME_SECONDS: Final = 100.0
LOOK_SECONDS: Final = 1.0
MOST_CHANNELS: Final = 5000
"""As many numbers as our session reads back in one answer."""
MOST_LISTED: Final = 20


@record
class Memory:
    """What is to run when we are back; `settled` when all of it has been seen to since we are."""

    channels: frozenset[int]
    settled: bool = False


def remember(wish: Wish) -> str:
    """Write down which channels run, ours or not; return what was written, in words."""
    if not wish.servers:
        return NO_MEMORY
    with _store(wish) as store:
        before = store.read()
        states = store.states()
        running = _in_state(states, "START")
        # Those that were to be resumed and are not yet: a second stop must not make us forget them. Nor
        # must one that comes because the node's session is lost, for which otter has paused them.
        settled = before.settled and store.has_session()
        waiting = set() if settled else _in_state(states, "PAUSE") & before.channels
        store.write(Memory(frozenset(running | waiting)))
    return f"running channels: {_listed(running)}"


def resume(
    wish: Wish,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> str:
    """Start what is ours, ran and is paused, then write down what runs now; return what was done, in words.

    A channel is started when the manager's page offers it: all its nodes are there then, and nothing is
    left in its pipelines. One that was stopped meanwhile stays so. A manager that does not answer is asked
    again until the time is over.
    """
    if not wish.servers:
        return NO_MEMORY
    with _store(wish) as store:
        remembered = store.read().channels
        store.write(Memory(remembered))
        left = _in_state(store.states(remembered), "PAUSE")
    manager, deadline = _Manager(wish), clock() + RESUME_SECONDS
    while left := manager.start(left):
        if clock() >= deadline:
            break
        sleep(LOOK_SECONDS)
    with _store(wish) as store:
        running = _in_state(store.states(), "START")
        store.write(Memory(frozenset(running | left), settled=True))
    said = f"resumed channels: {_listed(manager.started - left)}"
    trouble = f" ({manager.trouble})" if manager.trouble else ""
    return f"{said}; still paused: {_listed(left)}{trouble}" if left else said


class _Manager:
    """Starts channels by the manager's pages, in as many visits as it takes."""

    def __init__(self, wish: Wish) -> None:
        self.started: set[int] = set()
        self.trouble = ""
        self._wish = wish
        self._pages: Pages | None = None
        self._ours: dict[int, bool] = {}

    def start(self, channels: Collection[int]) -> set[int]:
        """Start those that are ours, paused and offered; return what is to be looked at again."""
        left = {number for number in channels if self._ours.get(number, True)}
        self.trouble = ""
        if not left:
            return left
        try:
            pages = self._pages or _visit(self._wish)
        except TryAgainError as error:
            self.trouble = error.detail
            return left
        for number in sorted(left):
            try:
                if self._is_settled(pages, number):
                    left.discard(number)
            except TryAgainError as error:
                self.trouble = error.detail
        # After trouble with a new login: the manager may have been started anew.
        self._pages = None if self.trouble else pages
        return left

    def _is_settled(self, pages: Pages, number: int) -> bool:
        """Start a channel if that is possible now; tell whether nothing is to be done about it any more."""
        if number not in self._ours:
            self._ours[number] = _works_for(pages, number, self._wish.nid)
        if not self._ours[number]:
            return True
        seen = channel(_page(pages, "channelList", channelId=str(number)).page, number)
        if seen is None or seen.state != "PAUSE":
            return True
        if seen.offers_start:
            _start(pages, number)
            self.started.add(number)
        return False


def _visit(wish: Wish) -> Pages:
    from entrypoint.integrations.otter import log_in  # noqa: PLC0415 - it imports us

    pages = Pages(wish.url)
    log_in(pages, wish)
    return pages


def _page(pages: Pages, name: str, **fields: str) -> Answer:
    answer = pages.get(f"{name}.htm", fields)
    if answer.status != 200:
        leads = f", leads to {answer.leads_to[:40]}" if answer.leads_to else ""
        raise TryAgainError(f"/{name}.htm answers {answer.status}{leads}")
    return answer


def _works_for(pages: Pages, number: int, nid: str) -> bool:
    """Tell whether one of a channel's pipelines runs on this node."""
    found = pipelines(_page(pages, "pipelineList", channelId=str(number)).page)
    if not found:
        # Without a pipeline it could not have run.
        raise TryAgainError("/pipelineList.htm is not the page we know")
    return any(
        int(nid) in nodes_of_pipeline(_page(pages, "pipelineInfo", pipelineId=str(one)).page)
        for one in found
    )


def _start(pages: Pages, number: int) -> None:
    action = {"action": "channelAction", "eventSubmitDoStatus": "true", "status": "start"}
    more = {"channelId": str(number), "pageIndex": "1", "searchKey": ""}
    if pages.get("channelList.htm", action | more).leads_to == "login":
        raise TryAgainError("/channelList.htm wants us to log in again")


class _Store:
    """One session of ZooKeeper: our memory, and otter's states of channels."""

    def __init__(self, wish: Wish) -> None:
        self._path = MEMORY + wish.nid
        self._session = SESSIONS + wish.nid
        self._deadline = Deadline(MEMORY_SECONDS)
        self._kept = Kept(parse_servers(wish.servers), timeout_ms=4000)

    def read(self) -> Memory:
        """Return what is remembered; what is no memory is none."""
        data = self._kept.read(self._path, self._deadline)
        try:
            content = json.loads(data or b"{}")
            channels = frozenset(int(one) for one in content.get("channels", [])[:MOST_CHANNELS])
            return Memory(channels, content.get("settled") is True)
        except (
            ValueError,
            TypeError,
            AttributeError,
            LookupError,
            ArithmeticError,
            RecursionError,
        ):
            return Memory(frozenset())

    def write(self, memory: Memory) -> None:
        """Remember this instead of what was."""
        channels = sorted(memory.channels)[:MOST_CHANNELS]
        content = {"channels": channels, "settled": memory.settled}
        self._kept.write(self._path, json.dumps(content).encode(), self._deadline)

    def states(self, numbers: Collection[int] | None = None) -> Mapping[int, str]:
        """Return the state of these channels, or of all: START, PAUSE or STOP. One that is gone has none."""
        if numbers is None:
            names = self._kept.children(CHANNELS, self._deadline)
            numbers = {int(name) for name in names if name.isascii() and name.isdecimal()}
        found = {}
        for number in sorted(numbers):
            data = self._kept.read(f"{CHANNELS}/{number}", self._deadline)
            found[number] = (data or b"").decode("utf-8", "replace").strip('"')
        return found

    def has_session(self) -> bool:
        """Tell whether otter's own session is there, without which the manager takes the node for down."""
        return self._kept.exists(self._session, self._deadline) is not None

    def close(self) -> None:
        """End our session."""
        self._kept.close(self._deadline)


@contextmanager
def _store(wish: Wish) -> Iterator[_Store]:
    """Yield a session; what goes wrong with it is a reason to try again."""
    try:
        store = _Store(wish)
        try:
            yield store
        finally:
            store.close()
    except (CheckFailed, OSError, ValueError) as error:
        raise TryAgainError(f"no memory in ZooKeeper: {_reason(error)}") from None


def _in_state(states: Mapping[int, str], state: str) -> set[int]:
    return {number for number, found in states.items() if found == state}


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


def _listed(numbers: Collection[int]) -> str:
    first = ", ".join(map(str, sorted(numbers)[:MOST_LISTED]))
    more = len(numbers) - MOST_LISTED
    return f"{first} and {more} more" if more > 0 else first or "none"
