"""Answers in pieces, unpacked as they come and never larger than allowed."""

import zlib
from collections.abc import AsyncIterator

from ingest.failures import FetchError, Reason


async def bounded(pieces: AsyncIterator[bytes], encoding: str, max_bytes: int, url: str) -> bytes:
    """The pieces of an answer, unpacked, as long as they are no more than `max_bytes`."""
    unpack = _Unpacker(encoding)
    found: list[bytes] = []
    size = 0
    async for piece in pieces:
        try:
            unpacked = unpack.more(piece, max_bytes + 1 - size)
        except zlib.error as error:
            raise FetchError(Reason.BAD_ENCODING, f"{url}: broken {encoding}: {error}") from error
        size += len(unpacked)
        if size > max_bytes:
            raise FetchError(Reason.TOO_LARGE, f"{url} sends more than {max_bytes:,} bytes")
        found.append(unpacked)
    if not unpack.is_whole:
        raise FetchError(Reason.BAD_ENCODING, f"{url}: the {encoding} answer ends too soon")
    return b"".join(found)


class _Unpacker:
    """gzip and deflate, never more than asked for at a time."""

    def __init__(self, encoding: str) -> None:
        name = encoding.strip().lower()
        self._packed = name in ("gzip", "x-gzip", "deflate")
        self._decoder = zlib.decompressobj(47)
        self._untouched = True

    @property
    def is_whole(self) -> bool:
        """Whether the packed stream has come to its end."""
        return not self._packed or self._untouched or self._decoder.eof

    def more(self, piece: bytes, most: int) -> bytes:
        """The unpacked bytes of one more piece, at most `most`; the rest would be too much."""
        if not self._packed:
            return piece
        try:
            unpacked = self._decoder.decompress(piece, most)
        except zlib.error:
            if not self._untouched:
                raise
            self._decoder = zlib.decompressobj(-15)  # deflate without its header
            unpacked = self._decoder.decompress(piece, most)
        self._untouched = False
        return unpacked
