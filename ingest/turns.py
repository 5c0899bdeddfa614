"""Whose turn it is: what is due, a few of one host at a time, slow hosts among themselves.

A bad source never slows the others: what waits for its host takes nobody's place, and a host that
took long last time waits with the others that did. However many are silent or far behind, those
that answer are asked in time.
"""

import heapq
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

SLOW_MS = 5_000
"""A turn that takes so long makes its host a slow one, until a turn takes less."""


@dataclass(frozen=True)
class Turn(Generic[K]):
    """A turn that has begun."""

    key: K
    host: str
    due_ms: int
    begun_ms: int
    slow: bool

    @property
    def late_ms(self) -> int:
        """How long after it was due."""
        return self.begun_ms - self.due_ms


@dataclass
class _Host(Generic[K]):
    """What waits for a host, when it was due, and how many turns of it wait or are under way."""

    waiting: deque[tuple[int, K]] = field(default_factory=deque)
    taken: int = 0
    slow: bool = False


@dataclass
class _Lane(Generic[K]):
    """Turns that may begin, as far as there is room: (due_ms, key, host)."""

    most: int
    ready: deque[tuple[int, K, str]] = field(default_factory=deque)
    under_way: int = 0


class Turns(Generic[K]):
    """When each key has its turn; whoever holds one has to `end` it.

    at_once   turns under way, of hosts that answer
    slow      likewise, of hosts that were slow last time
    per_host  turns of one host

    >>> turns = Turns(at_once=8, slow=2, per_host=1)
    >>> turns.plan("a", "news.example", 10), turns.plan("b", "news.example", 10)
    (None, None)
    >>> [(turn.key, turn.late_ms) for turn in turns.begin(at_ms=15)]
    [('a', 5)]
    """

    def __init__(self, *, at_once: int, slow: int, per_host: int) -> None:
        self._per_host = per_host
        self._lanes: dict[bool, _Lane[K]] = {False: _Lane(at_once), True: _Lane(slow)}
        self._hosts: dict[str, _Host[K]] = {}
        self._planned: dict[K, tuple[int, str]] = {}
        self._times: list[tuple[int, K]] = []
        self._waiting: set[K] = set()
        self._under_way: set[K] = set()

    def __len__(self) -> int:
        """How many are planned, wait, or are under way; one that is planned again counts twice."""
        return len(self._planned) + len(self._waiting) + len(self._under_way)

    def plan(self, key: K, host: str, due_ms: int) -> None:
        """Give a key its turn then, whatever was planned before; one that waits keeps its place."""
        if key not in self._waiting:
            self._planned[key] = (due_ms, host)
            heapq.heappush(self._times, (due_ms, key))

    def begin(self, at_ms: int) -> list[Turn[K]]:
        """The turns that begin now."""
        self._queue_due(at_ms)
        begun = []
        for slow, lane in self._lanes.items():
            while lane.ready and lane.under_way < lane.most:
                due_ms, key, host = lane.ready.popleft()
                lane.under_way += 1
                self._waiting.discard(key)
                self._under_way.add(key)
                begun.append(Turn(key, host, due_ms, at_ms, slow))
        return begun

    def end(self, turn: Turn[K], at_ms: int) -> None:
        """A turn is over."""
        self._under_way.discard(turn.key)
        self._lanes[turn.slow].under_way -= 1
        host = self._hosts[turn.host]
        host.taken -= 1
        host.slow = at_ms - turn.begun_ms >= SLOW_MS
        self._advance(turn.host, host)

    def next_ms(self) -> int | None:
        """When something is due next; None when nothing is planned."""
        return self._times[0][0] if self._times else None

    def _queue_due(self, at_ms: int) -> None:
        again = []
        while self._times and self._times[0][0] <= at_ms:
            due_ms, key = heapq.heappop(self._times)
            planned = self._planned.get(key)
            if planned is None or planned[0] != due_ms:
                continue  # it was planned anew
            if key in self._under_way:
                again.append((due_ms, key))
                continue
            del self._planned[key]
            self._waiting.add(key)
            host = self._hosts.setdefault(planned[1], _Host())
            host.waiting.append((due_ms, key))
            self._advance(planned[1], host)
        for one in again:
            heapq.heappush(self._times, one)

    def _advance(self, name: str, host: _Host[K]) -> None:
        """What waits for a host goes on, as far as the host may be asked."""
        while host.waiting and host.taken < self._per_host:
            due_ms, key = host.waiting.popleft()
            host.taken += 1
            self._lanes[host.slow].ready.append((due_ms, key, name))
        if not (host.taken or host.slow):
            del self._hosts[name]
