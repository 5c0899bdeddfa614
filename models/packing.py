"""Plain values (None, numbers, text, bytes, lists, maps) as MessagePack, the form of jobs' state.

Tuples come back as lists. Anything else raises TypeError: no class is ever pickled into a
savepoint.
"""

from typing import Any

import msgpack


def pack(value: Any) -> bytes:
    """
    >>> unpack(pack({"at": [1, None, b"x"]}))
    {'at': [1, None, b'x']}
    """
    packed: bytes = msgpack.packb(value)
    return packed


def unpack(packed: bytes) -> Any:
    """What `pack` was given."""
    return msgpack.unpackb(packed, strict_map_key=False)
