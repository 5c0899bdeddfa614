"""A MapState that is read as little as can be."""

import time
from collections import OrderedDict

from pyflink.common import Time, Types
from pyflink.datastream import RuntimeContext
from pyflink.datastream.state import MapStateDescriptor, StateTtlConfig

from models.recollection import Recollection

_MARGIN_S = 3600
"""Flink dates a write when the bundle ends; until then, and some, a name may be known."""


class SparingMap:
    """Bytes by name in a MapState<string, bytes>, each for `lifetime_s` seconds after its write.

    Writes leave with the bundle, all at once; a read waits for the JVM (0.4 ms, PyFlink 2.3). Most
    reads are of names that were never written: memory tells, for `Recollection` is filled from the
    state when a key is met for the first time. The newest `recent` values of a key are in memory.
    """

    def __init__(
        self, runtime_context: RuntimeContext, name: str, *, lifetime_s: int, recent: int
    ) -> None:
        octets = Types.PRIMITIVE_ARRAY(Types.BYTE())
        state = MapStateDescriptor(name, Types.STRING(), octets)
        state.enable_time_to_live(StateTtlConfig.new_builder(Time.seconds(lifetime_s)).build())
        self._state = runtime_context.get_map_state(state)
        self._lifetime_s = lifetime_s
        self._recent = recent
        self._known: dict[str, Recollection] = {}
        self._newest: dict[str, OrderedDict[str, tuple[float, bytes]]] = {}

    def get(self, key: str, name: str) -> bytes | None:
        """The value of a name under the current key."""
        if name not in self._names(key):
            return None
        written_s, value = self._newest[key].get(name, (0.0, b""))
        if value and time.monotonic() - written_s <= self._lifetime_s:
            return value
        kept = self._state.get(name)
        return None if kept is None else bytes(kept)

    def put(self, key: str, name: str, value: bytes) -> None:
        """Write the value of a name under the current key."""
        self._names(key).add(name)
        newest = self._newest[key]
        newest[name] = (time.monotonic(), value)
        newest.move_to_end(name)
        if len(newest) > self._recent:
            newest.popitem(last=False)
        self._state.put(name, value)

    def _names(self, key: str) -> Recollection:
        """What may be known under the current key."""
        if key not in self._known:
            self._known[key] = Recollection(self._lifetime_s + _MARGIN_S)
            self._newest[key] = OrderedDict()
            known = self._state.keys()
            for name in known:
                self._known[key].add(name)
        return self._known[key]
