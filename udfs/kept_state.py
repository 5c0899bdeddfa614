"""State that lives in memory and is mirrored in Flink piece by piece."""

from collections.abc import Iterator, Mapping
from typing import Any

from pyflink.common import Types
from pyflink.datastream import RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from models.packing import pack, unpack


class KeptState:
    """Pieces of one key's state by name, MessagePack, in a MapState<string, pickled bytes>.

    An operator restores an object from `pieces` when it meets a key for the first time, and hands
    what has changed to `write` at the end of each step: a checkpoint holds all of a step or none.
    """

    def __init__(self, runtime_context: RuntimeContext, name: str) -> None:
        self._state = runtime_context.get_map_state(
            MapStateDescriptor(name, Types.STRING(), Types.PICKLED_BYTE_ARRAY())
        )

    def pieces(self) -> Iterator[tuple[str, Any]]:
        """Every piece of the current key."""
        for name, packed in self._state.items():
            yield name, unpack(packed)

    def write(self, changes: Mapping[str, Any]) -> None:
        """Write the pieces that have changed; None removes one."""
        kept = {name: pack(piece) for name, piece in changes.items() if piece is not None}
        if kept:
            self._state.put_all(kept)
        for name in changes.keys() - kept.keys():
            self._state.remove(name)
