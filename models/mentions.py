"""From scores of tokens to the named entities of a text."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

SLACK = 1e-3
"""By which sums of the same numbers in another order may differ."""


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
    calibration: tuple[float, float] = (1.0, 0.0),
) -> list[Mention]:
    """The entities of a text in its order: whole words, the best valid sequence of labels.

    scores       float32 (tokens, labels) logits or log probabilities
    offsets      first and last+1 character of each token
    words        int64 (tokens,) word of each token, -1 for special ones (see word_indexes); a word
                 is labelled by its first token
    transitions  as for viterbi
    fine_scores  float32 (tokens, fine types) logits or log probabilities
    calibration  temperature and bias, as for calibrated

    An entity's score is the calibrated mean probability of its labels, its fine type the one with
    the largest log probability summed over its words.

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
    means = calibrated(np.add.reduceat(chosen, bounds) / sizes, *calibration)
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


def calibrated(shares: Floats, temperature: float, bias: float = 0.0) -> Floats:
    """Probabilities with their log odds divided by a temperature, and a bias added (Platt, 2000).

    >>> calibrated(np.array([0.5, 0.9]), 2.0).round(4).tolist()
    [0.5, 0.75]
    >>> calibrated(np.array([0.5, 0.9]), 1.0, bias=-np.log(3)).round(4).tolist()
    [0.25, 0.75]
    """
    odds = math.exp(bias) * shares ** (1 / temperature)
    against = (1 - shares) ** (1 / temperature)
    told: Floats = odds / (odds + against)
    return told


def viterbi(emissions: Floats, labels: tuple[str, ...], transitions: Floats | None = None) -> Ints:
    """The best sequence of labels in which every I-x follows a B-x or I-x.

    emissions    float32 (tokens, labels)
    transitions  float32 (labels + 2, labels + 2), from row to column, start and end last
    Returns int64 (tokens,): index into labels.

    Most tokens can have one label only, whatever their neighbours have (`_possible`); between the
    others decides Viterbi's algorithm (1967).

    >>> viterbi(np.array([[0, 0, 3], [0, 0, 9]], np.float32), ("O", "B-x", "I-x")).tolist()
    [1, 2]
    """
    if not len(emissions):
        return np.zeros(0, np.int64)
    weights = _allowed(labels) if transitions is None else _allowed(labels) + transitions
    possible = _possible(emissions, _swaps(labels, weights.tobytes()))
    path: Ints = possible.argmax(1)
    undecided = np.flatnonzero(np.count_nonzero(possible, axis=1) > 1)
    if not len(undecided):
        return path
    steps = weights.tolist()
    gaps = np.flatnonzero(np.diff(undecided) > 1)
    firsts = undecided[np.concatenate(([0], gaps + 1))].tolist()
    ends = (undecided[np.append(gaps, -1)] + 1).tolist()
    for first, end in zip(firsts, ends, strict=True):
        path[first:end] = _best_path(
            emissions[first:end].tolist(),
            possible[first:end].tolist(),
            steps,
            before=int(path[first - 1]) if first else len(labels),
            after=int(path[end]) if end < len(path) else len(labels) + 1,
        )
    return path


def _best_path(
    emissions: list[list[float]],
    possible: list[list[bool]],
    steps: list[list[float]],
    *,
    before: int,
    after: int,
) -> list[int]:
    """The best path through what is possible between two labels; `steps[i][j]`: j follows i."""
    totals = {before: 0.0}
    choices: list[dict[int, int]] = []
    for of_token, may_be in zip(emissions, possible, strict=True):
        reached: dict[int, float] = {}
        chosen: dict[int, int] = {}
        for label, emission in enumerate(of_token):
            if not may_be[label]:
                continue
            best, via = -math.inf, -1
            for previous, total in totals.items():
                weight = total + steps[previous][label]
                if weight > best:
                    best, via = weight, previous
            if via >= 0:
                reached[label], chosen[label] = best + emission, via
        totals = reached
        choices.append(chosen)
    path = [max(totals, key=lambda label: totals[label] + steps[label][after])]
    for chosen in reversed(choices[1:]):
        path.append(chosen[path[-1]])
    return path[::-1]


class _Swaps(NamedTuple):
    """What it may cost a path at most to have another label at a token, but for the emissions.

    openers          labels that any label may precede
    begins, insides  B-x and I-x of each type
    plain            float32 (opener, label): weight of the transitions that the label has over the
                     opener, at most; where no I-x of the label follows
    inside           the same where one follows, which then becomes a B-x; -inf where none can, or
                     where it may also follow the opener
    """

    openers: Ints
    begins: Ints
    insides: Ints
    plain: Floats
    inside: Floats


@lru_cache(maxsize=64)
def _swaps(labels: tuple[str, ...], weights: bytes) -> _Swaps:
    count = len(labels)
    steps = np.frombuffer(weights, np.float32).reshape(count + 2, count + 2)
    into, out_of = np.delete(steps, count + 1, 0)[:, :count], np.delete(steps, count, 1)[:count]
    types = [label[2:] for label in labels if label.startswith("I-") and f"B-{label[2:]}" in labels]
    begins, insides = (
        np.array([labels.index(f"{mark}-{kind}") for kind in types], np.int64) for mark in "BI"
    )
    openers = np.flatnonzero(np.isfinite(into).all(0))
    plain, inside = (np.full((count, count), -np.inf, np.float32) for _ in range(2))
    for opener in openers:
        before = (into - into[:, [opener]]).max(0)
        common = np.isfinite(out_of[opener])
        plain[opener] = before + (out_of[:, common] - out_of[opener, common]).max(1)
        for begin, within in zip(begins, insides, strict=True):
            if not common[within]:
                behind = np.isfinite(out_of[within])  # the same labels as behind a B-x
                later = (out_of[within, behind] - out_of[begin, behind]).max()
                of_type = [begin, within]
                inside[opener, of_type] = (
                    before[of_type] + out_of[of_type, within] - out_of[opener, begin] + later
                )
    return _Swaps(openers, begins, insides, plain, inside)


def _possible(emissions: Floats, swaps: _Swaps) -> NDArray[np.bool_]:
    """Which labels a token can have in a best path, bool (tokens, labels), one at least.

    One cannot if the token's best opener is worth more, whatever stands around it.
    """
    tokens = np.arange(len(emissions))
    opener = swaps.openers[emissions[:, swaps.openers].argmax(1)]
    gain = np.full_like(emissions, -np.inf)  # of the I-x behind over the B-x that it would become
    ahead = emissions[1:, swaps.insides] - emissions[1:, swaps.begins]
    gain[:-1, swaps.begins] = gain[:-1, swaps.insides] = ahead
    lead = emissions[tokens, opener][:, None] - emissions
    possible: NDArray[np.bool_] = (
        lead <= np.maximum(swaps.plain[opener], swaps.inside[opener] + gain) + SLACK
    )
    possible[tokens, opener] = True
    return possible


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
