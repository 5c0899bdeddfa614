"""Which names may be known, in little memory: Bloom filters that age (Bloom, 1970)."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

NAMES_A_FILTER = 1 << 20
_BITS = 16 * NAMES_A_FILTER
_PROBES = 4
"""With 16 bits and 4 probes a name, 1 unknown name in 400 is taken for known once a filter is full.
"""


@dataclass
class _Filter:
    bits: bytearray = field(default_factory=lambda: bytearray(_BITS // 8))
    names: int = 0
    newest_s: float = 0.0


class Recollection:
    """Names that were added and may still be known; never wrong about one that is.

    lifetime_s  how long a name is known after it was added last

    Two MiB for each million names, whatever their length; a filter goes when its last name has.
    """

    def __init__(self, lifetime_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._lifetime_s = lifetime_s
        self._clock = clock
        self._filters: list[_Filter] = []

    def add(self, name: str) -> None:
        """The name is known from now on."""
        now_s = self._clock()
        self._filters = [f for f in self._filters if now_s - f.newest_s <= self._lifetime_s]
        if not self._filters or self._filters[-1].names >= NAMES_A_FILTER:
            self._filters.append(_Filter())
        newest = self._filters[-1]
        newest.newest_s = now_s
        newest.names += 1
        for place in _places(name):
            newest.bits[place >> 3] |= 1 << (place & 7)

    def __contains__(self, name: str) -> bool:
        places = _places(name)
        return any(
            all(each.bits[place >> 3] >> (place & 7) & 1 for place in places)
            for each in self._filters
        )


def _places(name: str) -> list[int]:
    """Where a name stands in a filter, by double hashing (Kirsch & Mitzenmacher, 2008)."""
    mixed = hash(name)
    first, step = mixed & 0xFFFFFFFF, mixed >> 32 & 0xFFFFFFFF | 1
    return [(first + probe * step) % _BITS for probe in range(_PROBES)]
