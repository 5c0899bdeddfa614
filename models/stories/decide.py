"""The learned decisions: logistic regression on a handful of likenesses.

Means over all pairs of articles (average linkage), cosines between the centres, and time: all from
the sums that a story keeps.
"""

import math
from typing import NamedTuple

from models.stories.index import Near
from models.stories.story import Story
from models.stories.terms import overlap

HOUR_MS = 3_600_000
ROUNDING = 0.01
"""By which log-odds may differ that are reached by other sums."""


class Likeness(NamedTuple):
    """How alike two stories are; a new article is a story of one.

    mean_vector, mean_terms      mean over pairs of articles, -1..1 and 0..1
    centre_vector, centre_terms  cosine of the sums
    smaller, larger  log of the articles of each: sums of many articles are alike by size alone
    apart    log of 1 + the hours between them
    """

    mean_vector: float
    mean_terms: float
    centre_vector: float
    centre_terms: float
    smaller: float
    larger: float
    apart: float


class Weights(NamedTuple):
    """Log-odds of a decision: one weight a likeness, and a constant."""

    mean_vector: float
    mean_terms: float
    centre_vector: float
    centre_terms: float
    smaller: float
    larger: float
    apart: float
    constant: float


def likeness(one: Story, other: Story) -> Likeness:
    """How alike two stories are, whatever their order."""
    pairs = one.articles * other.articles
    vectors = float(one.vector.dot(other.vector))
    words = overlap(one.terms, other.terms)
    return Likeness(
        vectors / pairs,
        words / pairs,
        vectors / max(one.lengths[0] * other.lengths[0], 1e-9),
        words / max(one.lengths[1] * other.lengths[1], 1e-9),
        math.log(min(one.articles, other.articles)),
        math.log(max(one.articles, other.articles)),
        math.log1p(_gap_ms(one, other) / HOUR_MS),
    )


def without_words(weights: Weights, one: Story, near: Near) -> list[float]:
    """Log-odds that one story and each near it are about one event, but for words and time."""
    size = math.log(one.articles)
    by_mean = weights.mean_vector * one.lengths[0] / one.articles
    _, _, by_centre, _, by_smaller, by_larger, _, constant = weights
    return [
        (by_mean * mean + by_centre) * cosine
        + (
            by_smaller * other + by_larger * size
            if other < size
            else by_smaller * size + by_larger * other
        )
        + constant
        for (_, mean, other), cosine in near
    ]


def most_by_words(weights: Weights) -> float:
    """The log-odds that words and time can add at most."""
    words = max(0.0, weights.mean_terms) + max(0.0, weights.centre_terms)
    return math.inf if weights.apart > 0 else words


def by_words(weights: Weights, one: Story, other: Story) -> float:
    """The log-odds that words and time add."""
    words = overlap(one.terms, other.terms)
    return (
        weights.mean_terms * words / (one.articles * other.articles)
        + weights.centre_terms * words / max(one.lengths[1] * other.lengths[1], 1e-9)
        + weights.apart * math.log1p(_gap_ms(one, other) / HOUR_MS)
    )


def probability(weights: Weights, alike: Likeness) -> float:
    """The probability that both are about one event, 0..1."""
    odds = weights.constant + (
        weights.mean_vector * alike.mean_vector
        + weights.mean_terms * alike.mean_terms
        + weights.centre_vector * alike.centre_vector
        + weights.centre_terms * alike.centre_terms
        + weights.smaller * alike.smaller
        + weights.larger * alike.larger
        + weights.apart * alike.apart
    )
    return 1 / (1 + math.exp(-max(-500.0, min(500.0, odds))))


def log_odds(probability: float) -> float:
    """What `probability` comes from, for one between 0 and 1."""
    return math.log(probability / (1 - probability))


def _gap_ms(one: Story, other: Story) -> int:
    return max(0, one.first_ms - other.last_ms, other.first_ms - one.last_ms)
