"""The metrics of each task's literature, with bootstrap intervals.

A metric is a function of weights: float64 (resamples, rows), how often each resample holds a row,
to float64 (resamples,). Ones give the figure itself; multinomial draws give its distribution, one
matrix product for a thousand resamples, where a library would be called a thousand times. The
tests hold every figure against scikit-learn, SciPy, or the official definition.

Classes         accuracy (of multi-label rows: all labels right), micro and macro F1, macro recall,
                AUROC (one-vs-rest, mean over the labels). Macro figures are means over the labels
                that occur, expected or given; macro recall and AUROC over the expected ones.
Entities        exact spans and types, as the CoNLL script counts (Tjong Kim Sang and De Meulder,
                2003).
Characters      mean F1 of a text's character offsets (SemEval-2021 task 5, Pavlopoulos et al.).
Summaries       F of ROUGE-1, ROUGE-2 and summary-level ROUGE-L (Lin, 2004; `rougeLsum` of
                rouge-score, one sentence a line, as the CNN/DailyMail literature reports it), with
                Porter's stemmer.
Scores          Spearman's rank correlation.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.stats import binom

from evaluation.rows import OUTSIDE
from schemas.errors import missing_extra

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
Metric = Callable[[Floats], Floats]
Span = tuple[str, int, int]
"""Type, first token, last+1 token."""

RESAMPLES = 1000
CONFIDENCE = 0.95
BINS = 15
"""Equal-width bins of the expected calibration error (Guo et al., 2017)."""

ROUGE_KEYS = ("rouge1", "rouge2", "rougeL")
_CELLS_AT_ONCE = 4_000_000
"""Weights held in memory at a time: 32 MB."""


@dataclass(frozen=True)
class Measured:
    """A figure with its 95 % bootstrap interval (percentiles; Efron and Tibshirani, 1993)."""

    value: float
    low: float
    high: float


def measure(metrics: Mapping[str, Metric], rows: int, *, seed: int = 0) -> dict[str, Measured]:
    """Every metric that is defined on some rows, with its interval; seeds decide the draws."""
    values = {name: value for name, value in point(metrics, rows).items() if not np.isnan(value)}
    chance = np.random.default_rng(seed)
    drawn: dict[str, list[Floats]] = {name: [] for name in values}
    step = max(1, _CELLS_AT_ONCE // rows)
    for start in range(0, RESAMPLES, step):
        size = min(step, RESAMPLES - start)
        draws = chance.integers(rows, size=(size, rows))
        weights = np.stack([np.bincount(draw, minlength=rows) for draw in draws]).astype(np.float64)
        for name, of_metric in drawn.items():
            of_metric.append(metrics[name](weights))
    tail = 100 * (1 - CONFIDENCE) / 2
    measured = {}
    for name, value in values.items():
        low, high = np.nanpercentile(np.concatenate(drawn[name]), [tail, 100 - tail])
        measured[name] = Measured(value, float(low), float(high))
    return measured


def point(metrics: Mapping[str, Metric], rows: int) -> dict[str, float]:
    """Every metric of some rows, without its interval."""
    ones = np.ones((1, rows))
    return {name: float(metric(ones)[0]) for name, metric in metrics.items()}


def mean_of(values: Sequence[float] | Floats) -> Metric:
    """The mean of one value a row."""
    array = np.asarray(values, np.float64)

    def mean(weights: Floats) -> Floats:
        averaged: Floats = weights @ array / weights.sum(axis=1)
        return averaged

    return mean


def class_metrics(expected: Booleans, given: Booleans) -> dict[str, Metric]:
    """Accuracy, micro and macro F1 and macro recall of decisions.

    expected, given  bool (rows, labels)
    """
    right = (expected == given).all(axis=1).astype(np.float64)
    parts = [expected & given, expected, given]
    of_rows = [part.sum(axis=1).astype(np.float64) for part in parts]
    of_labels = [csr_array(part.T, dtype=np.float64) for part in parts]

    def micro_f1(weights: Floats) -> Floats:
        hits, wanted, found = (weights @ part for part in of_rows)
        return _ratio(2 * hits, wanted + found)

    def macro_f1(weights: Floats) -> Floats:
        hits, wanted, found = (part @ weights.T for part in of_labels)
        return _mean_where(_ratio(2 * hits, wanted + found), wanted + found > 0)

    def macro_recall(weights: Floats) -> Floats:
        hits, wanted, _ = (part @ weights.T for part in of_labels)
        return _mean_where(_ratio(hits, wanted), wanted > 0)

    return {
        "accuracy": mean_of(right),
        "micro_f1": micro_f1,
        "macro_f1": macro_f1,
        "macro_recall": macro_recall,
    }


def grouped_mean(metric: Callable[[NDArray[np.intp]], Metric], groups: Sequence[str]) -> Metric:
    """The mean of a metric over groups of rows, each computed on its own: over languages.

    A resample without rows of a group leaves that group out.
    """
    names = np.asarray(groups)
    parts = [np.flatnonzero(names == name) for name in sorted(set(groups))]
    metrics = [metric(rows) for rows in parts]

    def mean(weights: Floats) -> Floats:
        values = np.array([m(weights[:, rows]) for m, rows in zip(metrics, parts, strict=True)])
        drawn = np.array([weights[:, rows].any(axis=1) for rows in parts])
        return _mean_where(values, drawn)

    return mean


def auroc(expected: Booleans, scores: Floats) -> Metric:
    """Area under the ROC curve, mean over the labels that some rows have and some have not; NaN
    for a resample that has no such label.

    expected  bool (rows, labels)
    scores    float (rows, labels)
    """
    columns = [c for c in range(expected.shape[1]) if 0 < expected[:, c].sum() < len(expected)]
    sorted_columns = []
    for column in columns:
        order = np.argsort(scores[:, column], kind="stable")
        ordered = scores[order, column]
        ties = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        sorted_columns.append((order, ties, expected[order, column].astype(np.float64)))

    def area(weights: Floats) -> Floats:
        if not sorted_columns:
            return np.full(len(weights), np.nan)
        areas, pairs = [], []
        for order, ties, positive in sorted_columns:
            ordered = weights[:, order]
            above = np.add.reduceat(ordered * positive, ties, axis=1)
            below = np.add.reduceat(ordered * (1 - positive), ties, axis=1)
            won = (above * (np.cumsum(below, axis=1) - below / 2)).sum(axis=1)
            pairs.append(above.sum(axis=1) * below.sum(axis=1))
            areas.append(_ratio(won, pairs[-1]))
        defined = np.array(pairs) > 0
        return np.where(defined.any(axis=0), _mean_where(np.array(areas), defined), np.nan)

    return area


def entity_spans(tags: Sequence[str]) -> set[Span]:
    """Entities in IOB2 tags; an I- that continues nothing begins one, as in the CoNLL script.

    >>> sorted(entity_spans(["B-PER", "I-PER", "O", "I-LOC"]))
    [('LOC', 3, 4), ('PER', 0, 2)]
    """
    found: set[Span] = set()
    begun: tuple[str, int] | None = None
    for place, tag in enumerate([*tags, OUTSIDE]):
        mark, _, kind = tag.partition("-")
        if begun is not None and (mark != "I" or kind != begun[0]):
            found.add((*begun, place))
            begun = None
        if mark != OUTSIDE and begun is None:
            begun = (kind, place)
    return found


def entity_metrics(
    expected: Sequence[Sequence[str]], given: Sequence[Sequence[str]]
) -> dict[str, Metric]:
    """Precision, recall and F1 of entities, tags in IOB2, one sentence a row."""
    pairs = zip(map(entity_spans, expected), map(entity_spans, given), strict=True)
    counts = np.array(
        [(len(true & found), len(true), len(found)) for true, found in pairs], np.float64
    ).reshape(-1, 3)
    hits, wanted, found = counts.T

    return {
        "entity_f1": lambda weights: _ratio(2 * (weights @ hits), weights @ (wanted + found)),
        "entity_precision": lambda weights: _ratio(weights @ hits, weights @ found),
        "entity_recall": lambda weights: _ratio(weights @ hits, weights @ wanted),
    }


def entity_scores(
    expected: Sequence[Sequence[str]], given: Sequence[Sequence[str]]
) -> dict[str, float]:
    """`entity_f1`, `entity_precision` and `entity_recall` of IOB2 tags, 0..1.

    >>> entity_scores([["B-PER", "I-PER", "O", "B-LOC"]], [["B-PER", "I-PER", "O", "B-ORG"]])
    {'entity_f1': 0.5, 'entity_precision': 0.5, 'entity_recall': 0.5}
    """
    return point(entity_metrics(expected, given), len(expected))


def char_f1(expected: Collection[int], given: Collection[int]) -> float:
    """F1 of the character offsets of one text; 1 where both are empty.

    >>> char_f1({0, 1, 2, 3}, {2, 3}), char_f1((), ()), char_f1((), {1})
    (0.6666666666666666, 1.0, 0.0)
    """
    true, found = set(expected), set(given)
    return 2 * len(true & found) / (len(true) + len(found)) if true or found else 1.0


def rouge(references: Sequence[str], summaries: Sequence[str]) -> dict[str, Floats]:
    """F of `rouge1`, `rouge2` and `rougeL` of each summary; one sentence a line.

    Raises SetupError where the extra `evaluation` is not installed.
    """
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError as error:
        raise missing_extra(error, "evaluation") from error
    names = ("rouge1", "rouge2", "rougeLsum")
    scorer = RougeScorer(names, use_stemmer=True)
    scores = [scorer.score(*pair) for pair in zip(references, summaries, strict=True)]
    return {
        key: np.array([score[name].fmeasure for score in scores])
        for key, name in zip(ROUGE_KEYS, names, strict=True)
    }


def spearman(expected: Floats, given: Floats) -> Metric:
    """Spearman's rank correlation; rows drawn twice are ties, so ranks are made anew."""

    def correlation(weights: Floats) -> Floats:
        return np.array([_rank_correlation(expected, given, row) for row in weights])

    return correlation


def calibration_error(confidence: Floats, correct: Floats) -> "Calibration":
    """Expected calibration error with its bins.

    confidence  float (decisions,), 0..1; multi-label: the probability of each label of each row
    correct     float (decisions,), 1 where the decision was right, or where the row has the label
    """
    bins = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    filled = np.maximum(counts, 1)
    said = np.bincount(bins, weights=confidence, minlength=BINS) / filled
    true = np.bincount(bins, weights=correct, minlength=BINS) / filled
    error = float((counts * np.abs(said - true)).sum() / max(1, counts.sum()))
    return Calibration(error, tuple(map(int, counts)), tuple(map(float, said)), tuple(true))


@dataclass(frozen=True)
class Calibration:
    """How far probabilities are from what they promise.

    error       mean distance, weighted by the decisions of a bin
    counts      decisions in each of the bins of equal width
    confidence  mean probability in each bin
    accuracy    share of right decisions in each bin
    """

    error: float
    counts: tuple[int, ...]
    confidence: tuple[float, ...]
    accuracy: tuple[float, ...]

    @property
    def by_chance(self) -> float:
        """The error that is to be expected on as many decisions of probabilities without any fault:
        the mean deviation of a binomial (De Moivre, 1730) in each bin.

        >>> round(Calibration(0.0, (100,), (0.5,), (0.5,)).by_chance, 4)
        0.0398
        """
        counts, said = np.array(self.counts), np.array(self.confidence)
        above = np.floor(counts * said) + 1
        deviations = 2 * above * (1 - said) * binom.pmf(above, counts, said)
        return float(deviations.sum() / max(1, counts.sum()))


def _ratio(part: Floats, whole: Floats) -> Floats:
    """part / whole, 0 where whole is 0."""
    ratio: Floats = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return ratio


def _mean_where(values: Floats, counted: Booleans) -> Floats:
    """Mean of each column over the rows that count."""
    return _ratio(
        np.where(counted, values, 0.0).sum(axis=0), counted.sum(axis=0).astype(np.float64)
    )


def _rank_correlation(expected: Floats, given: Floats, weights: Floats) -> float:
    ranks = [_ranks(values, weights) for values in (expected, given)]
    centred = [r - np.average(r, weights=weights) for r in ranks]
    covariance = float((weights * centred[0] * centred[1]).sum())
    spread = float(np.prod([(weights * c**2).sum() for c in centred])) ** 0.5
    return covariance / spread if spread > 0 else 0.0


def _ranks(values: Floats, weights: Floats) -> Floats:
    """Mean rank of each row when it stands there as often as its weight says."""
    distinct, place = np.unique(values, return_inverse=True)
    times = np.bincount(place, weights=weights, minlength=len(distinct))
    ranks: Floats = (np.cumsum(times) - (times - 1) / 2)[place]
    return ranks
