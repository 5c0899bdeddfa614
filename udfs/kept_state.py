"""State that lives in memory and is mirrored in Flink piece by piece."""

from collections.abc import Iterator, Mapping
from typing import Any

from pyflink.common import Types
from pyflink.datastream import RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from models.packing import pack, unpack


class KeptState:
    """Pieces of one key's state by name, MessagePack, in a MapState<string, bytes>.

    An operator restores an object from `pieces` when it meets a key for the first time, and hands
    what has changed to `write` after each step: Flink writes both at the end of the same bundle,
    so a checkpoint holds all of a step or none.
    """

    def __init__(self, runtime_context: RuntimeContext, name: str) -> None:
        octets = Types.PRIMITIVE_ARRAY(Types.BYTE())
        self._state = runtime_context.get_map_state(
            MapStateDescriptor(name, Types.STRING(), octets)
        )

    def pieces(self) -> Iterator[tuple[str, Any]]:
        """Every piece of the current key."""
        for name, packed in self._state.items():
            yield name, unpack(bytes(packed))

    def write(self, changes: Mapping[str, Any]) -> None:
        """Write the pieces that have changed; None removes one."""
        for name, piece in changes.items():
            if piece is None:
                self._state.remove(name)
            else:
                self._state.put(name, pack(piece))
