"""From scores of tokens to the named entities of a text."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Scheme:
    """What the columns of the scores mean.

    labels    "O", "B-person", "I-person", ...: a label of each token
    fine      names of the fine types
    parents   coarse type of each fine type: a person is never called a river
    """

    labels: tuple[str, ...]
    fine: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mention:
    """A named entity; `start` and `end` are characters of the text that was tokenised.

    `fine_type` is None where no fine type belongs to the coarse one.
    """

    start: int
    end: int
    type: str
    score: float
    fine_type: str | None = None


def mentions(
    scores: Floats,
    offsets: Sequence[tuple[int, int]] | Ints,
    words: Ints,
    scheme: Scheme,
    *,
    transitions: Floats | None = None,
    fine_scores: Floats | None = None,
) -> list[Mention]:
    """The entities of a text in its order: whole words, the best valid sequence of labels.

    scores       float32 (tokens, labels) logits or log probabilities
    offsets      first and last+1 character of each token
    words        int64 (tokens,) word of each token, -1 for special ones (see word_indexes); a word
                 is labelled by its first token
    transitions  as for viterbi
    fine_scores  float32 (tokens, fine types) logits or log probabilities

    An entity's score is the mean probability of its labels, its fine type the one with the largest
    log probability summed over its words.

    >>> scheme = Scheme(("O", "B-person", "I-person"))
    >>> scores = np.log(np.array([[1, 8, 1], [1, 1, 8], [8, 1, 1], [8, 1, 1]], np.float32) / 10)
    >>> mentions(scores, [(0, 3), (4, 7), (7, 10), (11, 15)], np.array([0, 1, 1, 2]), scheme)
    [Mention(start=0, end=10, type='person', score=0.8, fine_type=None)]
    """
    spans = np.asarray(offsets, np.int64).reshape(-1, 2)
    firsts, lasts = _pieces(words)
    of_words = scores[firsts]
    path = viterbi(of_words, scheme.labels, transitions)
    begins, ends = _runs(path, scheme.labels)
    if not len(begins):
        return []
    coarse = [scheme.labels[label][2:] for label in path[begins].tolist()]
    sizes = ends - begins
    inside = np.repeat(begins, sizes) + _counts(sizes)
    bounds = np.cumsum(sizes) - sizes
    chosen = np.exp(_log_softmax(of_words[inside])[np.arange(len(inside)), path[inside]])
    means = np.add.reduceat(chosen, bounds) / sizes
    fine: list[str | None] = [None] * len(begins)
    if fine_scores is not None:
        sums = np.add.reduceat(_log_softmax(fine_scores[firsts[inside]]), bounds)
        fine = _fine_types(sums, coarse, scheme)
    return [
        Mention(start, end, kind, round(score, 4), fine_type)
        for start, end, kind, score, fine_type in zip(
            spans[firsts[begins], 0].tolist(),
            spans[lasts[ends - 1], 1].tolist(),
            coarse,
            means.tolist(),
            fine,
            strict=True,
        )
    ]


def viterbi(
    emissions: Floats,
    labels: tuple[str, ...],
    transitions: Floats | None = None,
    lengths: Sequence[int] | None = None,
) -> Ints:
    """The best sequence of labels in which every I-x follows a B-x or I-x.

    emissions    float32 (tokens, labels), or (texts, tokens, labels) for a batch
    transitions  float32 (labels + 2, labels + 2), from row to column, start and end last
    lengths      tokens of each text of a batch; the others are padding
    Returns int64 (tokens,) or (texts, tokens): index into labels, -1 for padding.

    Max-plus products of transition matrices over a binary tree: a step for each doubling of the
    length, not for each token (Särkkä and García-Fernández, 2021).

    >>> viterbi(np.array([[0, 0, 3], [0, 0, 9]], np.float32), ("O", "B-x", "I-x")).tolist()
    [1, 2]
    """
    if emissions.ndim == 2:
        paths: Ints = viterbi(emissions[None], labels, transitions)[0]
        return paths
    texts, tokens, _ = emissions.shape
    if lengths is None:
        lengths = [tokens] * texts
    padding = np.arange(tokens) >= np.asarray(lengths, np.int64).reshape(-1, 1)
    if not emissions.size or padding.all():
        return np.full((texts, tokens), -1, np.int64)
    if transitions is None:
        greedy = emissions.argmax(2)
        if _is_valid(greedy, padding, labels):  # nothing better exists
            return np.where(padding, -1, greedy)
    best = _best_paths(emissions, padding, _weights(labels, transitions))
    return np.where(padding, -1, best)


def _best_paths(emissions: Floats, padding: NDArray[np.bool_], weights: Floats) -> Ints:
    """Best path of each text; a padding token repeats the label before it."""
    texts, tokens, count = emissions.shape
    starts = weights[count, :count] + emissions[:, 0]
    if tokens == 1:
        alone: Ints = (starts + weights[:count, count + 1]).argmax(1)[:, None]
        return alone
    tree = [_step_matrices(emissions, padding, weights)]
    while tree[-1].shape[3] > 1:
        tree.append(_joined(tree[-1]))
    totals = starts[:, :, None] + tree[-1][..., 0].transpose(2, 0, 1) + weights[:count, count + 1]
    path = np.stack(np.divmod(totals.reshape(texts, -1).argmax(1), count), axis=1)
    rows = np.arange(texts)[:, None]
    for level in reversed(tree[:-1]):
        left = 2 * np.arange(path.shape[1] - 1)
        into = level[path[:, :-1], :, rows, left]
        out = level[:, path[:, 1:], rows, left + 1]
        finer = np.empty((texts, 2 * path.shape[1] - 1), path.dtype)
        finer[:, 0::2] = path
        finer[:, 1::2] = (into + out.transpose(1, 2, 0)).argmax(2)
        path = finer
    return path[:, :tokens]


def _step_matrices(emissions: Floats, padding: NDArray[np.bool_], weights: Floats) -> Floats:
    """float32 (from, to, texts, steps): weight of each step, 2^n of them; padding changes nothing.

    The steps are the last axis: long inner loops.
    """
    texts, tokens, count = emissions.shape
    matrices = np.empty((count, count, texts, 1 << (tokens - 2).bit_length()), np.float32)
    matrices[:] = np.where(np.eye(count, dtype=bool), 0, -np.inf)[:, :, None, None]
    real = emissions[:, 1:].transpose(2, 0, 1) + weights[:count, :count, None, None]
    np.copyto(matrices[..., : tokens - 1], real, where=~padding[:, 1:])
    return matrices


def _joined(level: Floats) -> Floats:
    """Max-plus products of neighbours: the best way through any label in the middle."""
    left = np.ascontiguousarray(level[..., 0::2])
    right = np.ascontiguousarray(level[..., 1::2])
    best: Floats = left[:, 0, None] + right[None, 0]
    buffer = np.empty_like(best)
    for middle in range(1, len(level)):
        np.add(left[:, middle, None], right[None, middle], out=buffer)
        np.maximum(best, buffer, out=best)
    return best


def _weights(labels: tuple[str, ...], transitions: Floats | None) -> Floats:
    allowed = _allowed(labels)
    return allowed if transitions is None else allowed + transitions


@lru_cache(maxsize=16)
def _allowed(labels: tuple[str, ...]) -> Floats:
    """float32 (labels + 2, labels + 2): 0 where one label may follow another, else -inf."""
    size = len(labels) + 2
    allowed = np.zeros((size, size), np.float32)
    for column, label in enumerate(labels):
        if label.startswith("I-"):
            for row in range(size):
                if row >= len(labels) or labels[row] not in (label, f"B-{label[2:]}"):
                    allowed[row, column] = -np.inf
    return allowed


def _is_valid(paths: Ints, padding: NDArray[np.bool_], labels: tuple[str, ...]) -> bool:
    allowed = _allowed(labels) == 0
    starts = allowed[len(labels), paths[:, 0]]
    steps = allowed[paths[:, :-1], paths[:, 1:]] | padding[:, 1:]
    return bool(starts.all() and steps.all())


def _pieces(words: Ints) -> tuple[Ints, Ints]:
    """First and last token of each word."""
    change = np.flatnonzero(np.diff(words)) + 1
    firsts = np.concatenate(([0], change)) if len(words) else change
    lasts = np.append(firsts[1:], len(words)) - 1 if len(words) else change
    real = words[firsts] >= 0
    return firsts[real], lasts[real]


def _runs(path: Ints, labels: tuple[str, ...]) -> tuple[Ints, Ints]:
    """First and last+1 word of each entity of a valid path."""
    kinds = np.array([" BI".find(label[0]) for label in labels])[path]
    begins = np.flatnonzero(kinds == 1)
    stops = np.append(np.flatnonzero(kinds != 2), len(path))
    return begins, stops[np.searchsorted(stops, begins, side="right")]


def _counts(sizes: Ints) -> Ints:
    """0, 1, ... within each span."""
    counts: Ints = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return counts


def _fine_types(scores: Floats, coarse: Sequence[str], scheme: Scheme) -> list[str | None]:
    """The best fine type of each coarse one; `scores` (entities, fine types)."""
    belongs = _belongs(scheme.parents, tuple(sorted(set(coarse))))
    mask = np.array([belongs[kind] for kind in coarse])
    best = np.where(mask, scores, -np.inf).argmax(1).tolist()
    return [scheme.fine[i] if has else None for i, has in zip(best, mask.any(1), strict=True)]


@lru_cache(maxsize=64)
def _belongs(parents: tuple[str, ...], coarse: tuple[str, ...]) -> dict[str, NDArray[np.bool_]]:
    """Which fine types belong to each coarse type."""
    return {kind: np.array([parent == kind for parent in parents], bool) for kind in coarse}


def _log_softmax(scores: Floats) -> Floats:
    shifted = scores - scores.max(-1, keepdims=True)
    normal: Floats = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return normal
