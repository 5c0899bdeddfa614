"""A map in state that is read as little as can be."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pyflink.common import Types
from pyflink.datastream import RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from models.recollection import Recollection

SPANS = 5
"""States that a map's entries are spread over by the time of their write."""

NEVER = -SPANS
"""Number of a span that is long over."""


@dataclass
class _Entries:
    """What is known of the entries under one key.

    numbers  of the span that each state holds
    names    that each state may hold
    newest   the last entries written, each with its span and value
    """

    numbers: list[int] = field(default_factory=lambda: [NEVER] * SPANS)
    names: list[Recollection] = field(
        default_factory=lambda: [Recollection() for _ in range(SPANS)]
    )
    newest: OrderedDict[str, tuple[int, bytes]] = field(default_factory=OrderedDict)


class SparingMap:
    """Bytes by name, each for `lifetime_s` seconds after its write and at most a quarter longer.

    Entries lie in `SPANS` MapState<string, pickled bytes> in turn, one for the writes of each span
    of time, and a span that is over is cleared whole. Flink's time to live would cost far more: on
    the heap each access copies all entries of a key to look for old ones. Each access is a call of
    the JVM, so writes wait in memory until `write`, which a step ends with. Most reads are of names
    that were never written: memory tells, for `Recollection` is filled from the states when a key
    is met for the first time. The newest `recent` values of a key are in memory.
    """

    def __init__(
        self,
        runtime_context: RuntimeContext,
        name: str,
        *,
        lifetime_s: int,
        recent: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        pickled = Types.PICKLED_BYTE_ARRAY()
        self._states = [
            runtime_context.get_map_state(
                MapStateDescriptor(f"{name}-{place}", Types.STRING(), pickled)
            )
            for place in range(SPANS)
        ]
        self._numbers = runtime_context.get_map_state(
            MapStateDescriptor(f"{name}-spans", Types.INT(), Types.LONG())
        )
        self._span_s = lifetime_s / (SPANS - 1)
        self._recent = recent
        self._clock = clock
        self._by_key: dict[str, _Entries] = {}
        self._unwritten: dict[int, dict[str, bytes]] = {}

    def get(self, key: str, name: str) -> bytes | None:
        """The value of a name under the current key."""
        entries, now = self._entries(key), self._now()
        number, value = entries.newest.get(name, (NEVER, b""))
        if number > now - SPANS:
            return value
        for place in _latest_first(entries, now):
            if name in entries.names[place]:
                kept: bytes | None = self._unwritten.get(place, {}).get(name)
                if kept is None:
                    kept = self._states[place].get(name)
                if kept is not None:
                    return kept
        return None

    def put(self, key: str, name: str, value: bytes) -> None:
        """Take the value of a name under the current key; `write` must follow."""
        entries = self._entries(key)
        number = max(self._now(), *entries.numbers)  # the clock may have been put back
        place = number % SPANS
        if entries.numbers[place] != number:
            self._begin(entries, place, number)
        entries.names[place].add(name)
        entries.newest[name] = (number, value)
        entries.newest.move_to_end(name)
        if len(entries.newest) > self._recent:
            entries.newest.popitem(last=False)
        self._unwritten.setdefault(place, {})[name] = value

    def write(self) -> None:
        """Write what was put under the current key since the last call."""
        for place, values in self._unwritten.items():
            self._states[place].put_all(values)
        self._unwritten.clear()

    def _now(self) -> int:
        """Number of the span that it is, since 1970."""
        return int(self._clock() / self._span_s)

    def _begin(self, entries: _Entries, place: int, number: int) -> None:
        """A state takes the entries of a new span; those of its last one are over."""
        self._states[place].clear()
        self._unwritten.pop(place, None)
        self._numbers.put(place, number)
        entries.numbers[place] = number
        entries.names[place] = Recollection()

    def _entries(self, key: str) -> _Entries:
        """What may be known under the current key."""
        if key not in self._by_key:
            entries = self._by_key[key] = _Entries()
            for place, number in list(self._numbers.items()):
                entries.numbers[place] = number
            for place in _latest_first(entries, self._now()):
                known = self._states[place].keys()
                for name in known:
                    entries.names[place].add(name)
        return self._by_key[key]


def _latest_first(entries: _Entries, now: int) -> Iterator[int]:
    """The states whose span is not over, the newest first."""
    places = sorted(range(SPANS), key=lambda place: -entries.numbers[place])
    return (place for place in places if entries.numbers[place] > now - SPANS)
