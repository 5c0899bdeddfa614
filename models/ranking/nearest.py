"""The vectors nearest to a reader, among those of articles that are fresh (FAISS; Douze et al.).

Most vectors lie in a base that never changes; new ones in a tail that is compared one by one until
the next rebuild, which builds another base beside the old one and swaps it in whole. A search
reads one reference and needs no lock. The base keeps its vectors in order of publication, so that
freshness is a range of rows that FAISS skips by itself.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.errors import missing_extra

Vector = npt.NDArray[np.float32]
Vectors = npt.NDArray[np.float32]
Whole = npt.NDArray[np.int64]
Numbers = Sequence[int] | Whole

FLAT_UP_TO = 50_000
"""Vectors that are compared one by one faster than any index finds them."""

IVF_UP_TO = 250_000
"""From here on a graph's search pays for its slow building."""

TAIL_OF_BASE = 16
"""The tail may have 1/16 of the base's vectors, at least LEAST_TAIL, before a rebuild is due."""

LEAST_TAIL = 1024

POINTS_A_CELL = 64
"""Vectors that k-means looks at for each cell."""

CELLS_OF_ROOT = 3
"""Cells of the inverted file: three times the square root of the vectors."""

ROUNDS = 8
"""Of k-means."""

PROBES_OF_CELLS = 4
"""1/4 of the cells are looked into: see docs/FEED.md for the recall."""

GRAPH_DEGREE = 24
GRAPH_BUILD_WIDTH = 80
GRAPH_SEARCH_WIDTH = 512

GPU_MOST = 2048
"""Neighbours that a GPU index gives at most."""


class Kind(StrEnum):
    """How a base finds neighbours; GPU: one by one, which a GPU does fast enough for millions."""

    FLAT = "flat"
    IVF = "ivf"
    HNSW = "hnsw"
    GPU = "gpu"


class Found(NamedTuple):
    """Keys and cosines, the nearest first."""

    keys: Whole
    cosines: Vector


@dataclass(frozen=True, eq=False)
class _Base:
    """An index whose row `i` is the vector of `keys[i]`, published at `published_ms[i]`."""

    kind: Kind
    index: Any
    keys: Whole
    published_ms: Whole


@dataclass(frozen=True, eq=False)
class _Tail:
    """Vectors added since the last rebuild."""

    keys: Whole
    vectors: Vectors
    published_ms: Whole


@dataclass(frozen=True, eq=False)
class _State:
    base: _Base | None
    tail: _Tail


def kind_for(count: int) -> Kind:
    """The kind of index for so many vectors.

    >>> [kind_for(count).value for count in (100, 100_000, 1_000_000)]
    ['flat', 'ivf', 'hnsw']
    """
    if count <= FLAT_UP_TO:
        return Kind.FLAT
    return Kind.IVF if count <= IVF_UP_TO else Kind.HNSW


def nearest_of(found: Sequence[Found], count: int) -> Found:
    """The nearest of several searches."""
    keys = np.concatenate([_whole(()), *(one.keys for one in found)])
    cosines = np.concatenate([np.zeros(0, np.float32), *(one.cosines for one in found)])
    best = np.lexsort((keys, -cosines))[:count]
    return Found(keys[best], cosines[best])


class Nearest:
    """Unit vectors of one width and one encoder version, known by a whole number, in float16.

    Threads may search while one adds or rebuilds.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._writing = threading.Lock()
        self._state = _State(None, _Tail(_whole(()), np.zeros((0, width), np.float32), _whole(())))

    def __len__(self) -> int:
        state = self._state
        return len(state.tail.keys) + (0 if state.base is None else len(state.base.keys))

    @property
    def kind(self) -> Kind | None:
        """How the base finds neighbours; None while everything is in the tail."""
        base = self._state.base
        return None if base is None else base.kind

    @property
    def rebuild_due(self) -> bool:
        """Whether the tail costs searches more than a rebuild would."""
        state = self._state
        base = 0 if state.base is None else len(state.base.keys)
        return len(state.tail.keys) > max(LEAST_TAIL, base // TAIL_OF_BASE)

    def add(self, keys: Numbers, vectors: Vectors, published_ms: Numbers) -> None:
        """Add vectors under new keys; they are found from now on.

        vectors  float32 (keys, width), of length 1
        """
        self._check(keys, vectors)
        with self._writing:
            base, tail = self._state.base, self._state.tail
            self._state = _State(
                base,
                _Tail(
                    np.concatenate([tail.keys, _whole(keys)]),
                    np.concatenate([tail.vectors, vectors]),
                    np.concatenate([tail.published_ms, _whole(published_ms)]),
                ),
            )

    def search(self, vector: Vector, count: int, *, since_ms: int) -> Found:
        """What was published since a moment and is nearest to a vector of any length."""
        state = self._state
        length = float(np.linalg.norm(vector))
        if length == 0 or count < 1:
            return Found(_whole(()), np.zeros(0, np.float32))
        query = (vector / length).astype(np.float32)
        found = [_in_tail(state.tail, query, count, since_ms)]
        if state.base is not None:
            found.append(_in_base(state.base, query, count, since_ms))
        return nearest_of(found, count)

    def rebuild(self, keys: Numbers, vectors: Vectors, published_ms: Numbers) -> None:
        """Build a base of exactly these vectors beside the old one, and swap it in.

        What is added while it is built stays; one thread rebuilds at a time.
        """
        self._check(keys, vectors)
        known = len(self._state.tail.keys)
        times = _whole(published_ms)
        order = np.argsort(times, kind="stable")
        kind, index = _built(np.ascontiguousarray(vectors[order], np.float32))
        base = _Base(kind, index, _whole(keys)[order], times[order])
        with self._writing:
            tail = self._state.tail
            late = _Tail(tail.keys[known:], tail.vectors[known:], tail.published_ms[known:])
            self._state = _State(base, late)

    def _check(self, keys: Numbers, vectors: Vectors) -> None:
        if vectors.shape != (len(keys), self._width):
            raise ValueError(
                f"vectors of shape {vectors.shape}; expected {(len(keys), self._width)}"
            )


def _built(vectors: Vectors) -> tuple[Kind, Any]:
    """An index of vectors in float16, on the GPU where faiss-gpu finds one."""
    faiss = _faiss()
    count, width = vectors.shape
    kind = Kind.GPU if _gpus(faiss) else kind_for(count)
    metric, half = faiss.METRIC_INNER_PRODUCT, faiss.ScalarQuantizer.QT_fp16
    if kind is Kind.GPU:
        index = _on_gpu(faiss, width)
    elif kind is Kind.FLAT:
        index = faiss.IndexScalarQuantizer(width, half, metric)
    elif kind is Kind.IVF:
        cells = max(1, round(CELLS_OF_ROOT * count**0.5))
        centres = faiss.IndexFlatIP(width)
        index = faiss.IndexIVFScalarQuantizer(centres, width, cells, half, metric, False)
        index.nprobe = max(1, cells // PROBES_OF_CELLS)
        index.cp.max_points_per_centroid = POINTS_A_CELL
        index.cp.niter = ROUNDS
    else:
        index = faiss.IndexHNSWSQ(width, half, GRAPH_DEGREE, metric)
        index.hnsw.efConstruction = GRAPH_BUILD_WIDTH
        index.hnsw.efSearch = GRAPH_SEARCH_WIDTH
    if count:
        index.train(vectors)
        index.add(vectors)
    return kind, index


def _in_base(base: _Base, query: Vector, count: int, since_ms: int) -> Found:
    first = int(np.searchsorted(base.published_ms, since_ms))
    if base.kind is Kind.GPU:
        return _in_gpu_base(base, query, count, first)
    faiss = _faiss()
    fresh = faiss.IDSelectorRange(first, len(base.keys))
    if base.kind is Kind.IVF:
        asked = faiss.SearchParametersIVF(sel=fresh, nprobe=base.index.nprobe)
    elif base.kind is Kind.HNSW:
        asked = faiss.SearchParametersHNSW(sel=fresh, efSearch=base.index.hnsw.efSearch)
    else:
        asked = faiss.SearchParameters(sel=fresh)
    cosines, rows = base.index.search(query[None], count, params=asked)
    kept = rows[0] >= 0
    return Found(base.keys[rows[0][kept]], cosines[0][kept])


def _in_gpu_base(base: _Base, query: Vector, count: int, first: int) -> Found:
    """GPU indexes know no filter: more is asked for, and what is not fresh is left out."""
    fresh = max(1, len(base.keys) - first)
    asked = min(GPU_MOST, len(base.keys), -(-2 * count * len(base.keys) // fresh))
    if asked == 0:
        return Found(_whole(()), np.zeros(0, np.float32))
    cosines, rows = base.index.search(query[None], asked)
    kept = rows[0] >= first
    return Found(base.keys[rows[0][kept]][:count], cosines[0][kept][:count])


def _in_tail(tail: _Tail, query: Vector, count: int, since_ms: int) -> Found:
    fresh = np.flatnonzero(tail.published_ms >= since_ms)
    cosines = (tail.vectors[fresh] if len(fresh) < len(tail.keys) else tail.vectors) @ query
    if len(fresh) > count:
        best = np.argpartition(-cosines, count - 1)[:count]
        fresh, cosines = fresh[best], cosines[best]
    return Found(tail.keys[fresh], cosines)


def _on_gpu(faiss: Any, width: int) -> Any:
    wanted = faiss.GpuIndexFlatConfig()
    wanted.useFloat16 = True
    return faiss.GpuIndexFlatIP(faiss.StandardGpuResources(), width, wanted)


def _gpus(faiss: Any) -> int:
    """GPUs that this build of FAISS can use; faiss-cpu knows none."""
    return int(faiss.get_num_gpus()) if hasattr(faiss, "StandardGpuResources") else 0


def _whole(numbers: Numbers) -> Whole:
    return np.array(numbers, np.int64)


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise missing_extra(error, "serving") from error
    return faiss
