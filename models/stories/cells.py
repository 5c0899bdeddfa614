"""Rows by the signs of their vectors: an inverted file (Jégou et al., 2011; Charikar, 2002).

A row lies in the cell of its nearest pivot, a query looks into the cells of its nearest pivots.
Near is who differs in few signs: 384 of them are 48 bytes. A cell keeps those of its rows side by
side, so that a query reads some dozens of stretches of memory, not thousands of places.
"""

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

NOWHERE = -1


class Cells:
    """Rows 0 to n - 1 around pivots. Cells are in order of rows: equals rank the same again."""

    def __init__(self, pivots: Signs, rows: Signs) -> None:
        self.pivots = pivots
        self._asked: tuple[bytes, Distances] = (b"", np.zeros(0, np.uint16))
        self._cell_of = [int(apart(pivots, signs).argmin()) for signs in rows]
        order = np.argsort(self._cell_of, kind="stable")
        ends = np.searchsorted(np.array(self._cell_of)[order], np.arange(1, len(pivots)))
        self._rows: list[Rows] = np.split(order, ends)
        self._signs: list[Signs] = np.split(rows[order], ends)

    def put(self, row: int, signs: Signs) -> None:
        """Give a row, or the one after the last, its signs."""
        if row == len(self._cell_of):
            self._cell_of.append(NOWHERE)
        cell = self._nearest(signs)
        if cell == self._cell_of[row]:
            self._signs[cell][self._rows[cell].searchsorted(row)] = signs
            return
        if self._cell_of[row] != NOWHERE:
            self._leave(row)
        self._enter(row, cell, signs)

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
        rows = np.concatenate([self._rows[cell] for cell in cells])
        differing = apart(np.concatenate([self._signs[cell] for cell in cells]), signs)
        found: Rows = rows[smallest(differing, count)]
        return found

    def _nearest(self, signs: Signs) -> int:
        return int(self._from_pivots(signs).argmin())

    def _from_pivots(self, signs: Signs) -> Distances:
        """How far each pivot is. What was asked last is asked again when it opens a story."""
        name = signs.tobytes()
        if name != self._asked[0]:
            self._asked = name, apart(self.pivots, signs)
        return self._asked[1]

    def _enter(self, row: int, cell: int, signs: Signs) -> None:
        rows, others = self._rows[cell], self._signs[cell]
        at = rows.searchsorted(row)
        self._rows[cell] = np.concatenate([rows[:at], [row], rows[at:]])
        self._signs[cell] = np.concatenate([others[:at], signs[None], others[at:]])
        self._cell_of[row] = cell

    def _leave(self, row: int) -> Signs:
        """Take a row out of its cell. Returns its signs."""
        cell = self._cell_of[row]
        rows, others = self._rows[cell], self._signs[cell]
        at = rows.searchsorted(row)
        self._rows[cell] = np.concatenate([rows[:at], rows[at + 1 :]])
        self._signs[cell] = np.concatenate([others[:at], others[at + 1 :]])
        self._cell_of[row] = NOWHERE
        left: Signs = others[at]
        return left


def pivots_among(rows: Signs, count: int) -> Signs:
    """So many pivots: rows, moved into the middle of the rows around them (a step of k-means).

    Half as many cells then hold what a query looks for.
    """
    sample = rows[np.linspace(0, len(rows) - 1, SAMPLE * count).astype(int)]
    pivots: Signs = sample[::SAMPLE].copy()
    nearest = np.array([apart(pivots, one).argmin() for one in sample])
    order = nearest.argsort(kind="stable")
    cells, starts, sizes = np.unique(nearest[order], return_index=True, return_counts=True)
    bits = np.unpackbits(sample[order].view(np.uint8), axis=-1)
    set_in = np.add.reduceat(bits, starts, axis=0, dtype=np.int32)
    pivots[cells] = np.packbits(2 * set_in > sizes[:, None], axis=-1).view(np.uint64)
    return pivots


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
