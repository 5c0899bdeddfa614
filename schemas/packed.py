"""Text files as they come: plain, gzip, xz or bzip2 by their suffix; `-` is standard input."""

import bz2
import gzip
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

from schemas.errors import SetupError

STDIN = "-"

UNPACKERS: dict[str, Callable[[IO[bytes]], Any]] = {
    ".gz": lambda raw: gzip.GzipFile(fileobj=raw),
    ".xz": lzma.LZMAFile,
    ".bz2": bz2.BZ2File,
}
"""Suffix to what unpacks it."""


def opened(path: str) -> tuple[IO[bytes], int]:
    """The bytes of a file as they lie on disk, and how many; 0 for standard input.

    Raises SetupError.
    """
    if path == STDIN:
        return sys.stdin.buffer, 0
    if path.endswith(".zst"):
        raise SetupError(f"{path}: unpack it on the way: zstd -dc {path} | wiredesk … -")
    try:
        return Path(path).open("rb"), Path(path).stat().st_size
    except OSError as error:
        raise SetupError(f"{path} cannot be opened: {error.strerror}") from error


@contextmanager
def unpacked(path: str, raw: IO[bytes]) -> Iterator[TextIOWrapper]:
    """The text of an opened file; closes it, unless it is standard input.

    A byte that is no UTF-8 becomes half a surrogate pair. Raises SetupError where the file ends
    or breaks too early.
    """
    unpack = UNPACKERS.get(Path(path).suffix.lower())
    packed: Any = raw
    text = TextIOWrapper(
        unpack(packed) if unpack else packed, "utf-8-sig", errors="surrogateescape", newline=""
    )
    try:
        yield text
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise SetupError(f"{path} cannot be read to its end: {error}") from error
    finally:
        if path == STDIN:
            text.detach()  # or standard input would be closed
        else:
            text.close()
            raw.close()


def numbered_lines(path: str) -> Iterator[tuple[int, str]]:
    """The lines of a file (`-`: standard input) that are not blank, counted from 1 with the blank
    ones. Raises SetupError.
    """
    raw, _ = opened(path)
    with unpacked(path, raw) as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield number, line
