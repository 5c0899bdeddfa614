"""Which names may be known, in little memory: Bloom filters that grow (Bloom, 1970)."""

from dataclasses import dataclass

FEWEST_NAMES = 1 << 14
MOST_NAMES = 1 << 20
"""Names of the first filter and of the largest; each has twice those of the one before."""

_BITS_A_NAME = 16
_PROBES = 4
"""With 16 bits and 4 probes a name, 1 unknown name in 400 is taken for known by a full filter."""


@dataclass
class _Filter:
    bits: bytearray
    free: int


class Recollection:
    """Names that were added; never wrong about one that was.

    Two bytes for each name, whatever its length, and never more than twice that.
    """

    def __init__(self) -> None:
        self._filters: list[_Filter] = []

    def add(self, name: str) -> None:
        """The name is known from now on."""
        if not self._filters or not self._filters[-1].free:
            names = min(MOST_NAMES, FEWEST_NAMES << len(self._filters))
            self._filters.append(_Filter(bytearray(names * _BITS_A_NAME // 8), names))
        newest = self._filters[-1]
        newest.free -= 1
        for place in _places(name, newest):
            newest.bits[place >> 3] |= 1 << (place & 7)

    def __contains__(self, name: str) -> bool:
        return any(
            all(each.bits[place >> 3] >> (place & 7) & 1 for place in _places(name, each))
            for each in self._filters
        )


def _places(name: str, within: _Filter) -> list[int]:
    """Where a name stands in a filter, by double hashing (Kirsch & Mitzenmacher, 2008)."""
    mixed = hash(name)
    first, step = mixed & 0xFFFFFFFF, mixed >> 32 & 0xFFFFFFFF | 1
    bits = 8 * len(within.bits)
    return [(first + probe * step) % bits for probe in range(_PROBES)]
