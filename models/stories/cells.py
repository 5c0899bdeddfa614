"""Rows by the signs of their vectors: an inverted file (Jégou et al., 2011; Charikar, 2002).

A row lies in the cell of its nearest pivot, a query looks into the cells of its nearest pivots.
Near is who differs in few signs: 384 of them are 48 bytes. A cell keeps those of its rows side by
side, so that a query reads some dozens of stretches of memory, not thousands of places.
"""

import sys
from functools import cache

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]
Signs = npt.NDArray[np.uint64]
Distances = npt.NDArray[np.uint16]

PROBES = 16
"""Cells that a query looks into."""

SAMPLE = 8
"""Rows a pivot whose middle it becomes."""

BLOCK = 1024
"""Rows whose pivots are found at once."""

ROW_BYTES = 8


class Cells:
    """Rows 0 to n - 1 around pivots.

    A cell is the bytes of its records, a row and its signs each, uint64: bytes are joined at once.
    They are in order of rows, so equals rank the same again.
    """

    def __init__(self, pivots: Signs, rows: Signs) -> None:
        self.pivots = pivots
        self._asked: tuple[bytes, Distances] = (b"", np.zeros(0, np.uint16))
        cell_of = nearest_pivots(pivots, rows)
        order = cell_of.argsort(kind="stable")
        ends = np.searchsorted(cell_of[order], np.arange(1, len(pivots)))
        records = np.column_stack([order.astype(np.uint64), rows[order]])
        self._cells: list[bytes] = [cell.tobytes() for cell in np.split(records, ends)]
        self._cell_of: list[int] = cell_of.tolist()
        self._record_bytes: int = ROW_BYTES + pivots.itemsize * pivots.shape[1]

    def put(self, row: int, signs: Signs) -> None:
        """Give a row, or the one after the last, its signs."""
        cell = int(self._from_pivots(signs).argmin())
        if row == len(self._cell_of):
            self._cells[cell] += _record(row, signs.tobytes())  # no row is larger
            self._cell_of.append(cell)
        else:
            self._leave(row)
            self._enter(row, cell, signs.tobytes())

    def remove(self, row: int) -> None:
        """Forget a row; the last one takes its number."""
        self._leave(row)
        last = len(self._cell_of) - 1
        if row != last:
            cell = self._cell_of[last]
            self._enter(row, cell, self._leave(last))
        self._cell_of.pop()

    def nearest(self, signs: Signs, count: int) -> Rows:
        """Rows that differ least, as far as the cells around hold them."""
        cells = smallest(self._from_pivots(signs), PROBES).tolist()
        records = self._records(b"".join([self._cells[cell] for cell in cells]))
        near = smallest(apart(records[:, 1:], signs), count)
        rows: Rows = records[near, 0].astype(np.intp)
        return rows

    def _from_pivots(self, signs: Signs) -> Distances:
        """How far each pivot is. What was asked last is asked again when it opens a story."""
        name = signs.tobytes()
        if name != self._asked[0]:
            self._asked = name, apart(self.pivots, signs)
        return self._asked[1]

    def _enter(self, row: int, cell: int, signs: bytes) -> None:
        records = self._cells[cell]
        at = self._begin(records, row)
        self._cells[cell] = records[:at] + _record(row, signs) + records[at:]
        self._cell_of[row] = cell

    def _leave(self, row: int) -> bytes:
        """Take a row out of its cell. Returns its signs."""
        records = self._cells[self._cell_of[row]]
        at = self._begin(records, row)
        end = at + self._record_bytes
        self._cells[self._cell_of[row]] = records[:at] + records[end:]
        return records[at + ROW_BYTES : end]

    def _begin(self, records: bytes, row: int) -> int:
        """Where the record of a row begins in a cell, or would."""
        rows = self._records(records)[:, 0]
        before = int(rows.searchsorted(np.uint64(row)))
        return before * self._record_bytes

    def _records(self, cells: bytes) -> Signs:
        """uint64 (rows, 1 + words)."""
        return np.frombuffer(cells, np.uint64).reshape(-1, 1 + self.pivots.shape[1])


def _record(row: int, signs: bytes) -> bytes:
    return row.to_bytes(ROW_BYTES, sys.byteorder) + signs


def pivots_among(rows: Signs, count: int) -> Signs:
    """So many pivots: rows, moved into the middle of the rows around them (a step of k-means).

    Half as many cells then hold what a query looks for.
    """
    sample = rows[np.linspace(0, len(rows) - 1, SAMPLE * count).astype(int)]
    pivots: Signs = sample[::SAMPLE].copy()
    nearest = nearest_pivots(pivots, sample)
    order = nearest.argsort(kind="stable")
    cells, starts, sizes = np.unique(nearest[order], return_index=True, return_counts=True)
    bits = np.unpackbits(sample[order].view(np.uint8), axis=-1)
    set_in = np.add.reduceat(bits, starts, axis=0, dtype=np.int32)
    pivots[cells] = np.packbits(2 * set_in > sizes[:, None], axis=-1).view(np.uint64)
    return pivots


def nearest_pivots(pivots: Signs, rows: Signs) -> Rows:
    """The pivot of each row, the first of equals: those of most equal signs, by a product."""
    to_pivots = _plus_minus(pivots).T
    blocks = np.split(rows, range(BLOCK, len(rows), BLOCK))
    return np.concatenate([(_plus_minus(block) @ to_pivots).argmax(axis=1) for block in blocks])


def _plus_minus(signs: Signs) -> Vector:
    """1 for each sign that is set, -1 for the others."""
    bits = np.unpackbits(signs.view(np.uint8), axis=-1).astype(np.float32)
    return 2 * bits - 1


def signs_of(vectors: Vector) -> Signs:
    """One bit for each number that is positive, in words of 64."""
    bits = np.packbits(vectors > 0, axis=-1)
    if missing := -bits.shape[-1] % 8:
        bits = np.concatenate([bits, np.zeros((*bits.shape[:-1], missing), np.uint8)], axis=-1)
    signs: Signs = bits.view(np.uint64)
    return signs


def apart(many: Signs, one: Signs) -> Distances:
    """In how many signs each differs from one."""
    different = np.bitwise_count(many ^ one).astype(np.float32)
    counted: Distances = different.dot(_ones(one.shape[0])).astype(np.uint16)
    return counted


@cache
def _ones(count: int) -> Vector:
    """A product with them adds up a row faster than `sum` does."""
    return np.ones(count, np.float32)


def smallest(values: Distances, count: int) -> Rows:
    """Places of the smallest values, smallest first, the first of equals first."""
    places: Rows = values.argsort(kind="stable")[:count]
    return places
