"""The learned decisions: logistic regression on a handful of likenesses.

Means over all pairs of articles (average linkage), cosines between the centres, and time: all from
the sums that a story keeps.
"""

import math
from typing import NamedTuple

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
    vectors = float(one.vector @ other.vector)
    words = overlap(one.terms, other.terms)
    gap_ms = max(0, one.first_ms - other.last_ms, other.first_ms - one.last_ms)
    return Likeness(
        vectors / pairs,
        words / pairs,
        vectors / max(one.lengths[0] * other.lengths[0], 1e-9),
        words / max(one.lengths[1] * other.lengths[1], 1e-9),
        math.log(min(one.articles, other.articles)),
        math.log(max(one.articles, other.articles)),
        math.log1p(gap_ms / HOUR_MS),
    )


def hopeless(weights: Weights, least: float, cosine: float, one: Story, other: Story) -> bool:
    """Whether no words could lift the probability that both are about one event to `least`.

    cosine  of their vectors; likeness costs ten times as much, and most candidates are not alike
    """
    pairs = one.articles * other.articles
    together = one.lengths[0] * other.lengths[0]
    most = weights.constant + (
        weights.mean_vector * cosine * together / pairs
        + weights.centre_vector * cosine
        + max(0.0, weights.mean_terms)
        + max(0.0, weights.centre_terms)
        + ROUNDING
    )
    if pairs > 1:
        most += weights.smaller * math.log(min(one.articles, other.articles))
        most += weights.larger * math.log(max(one.articles, other.articles))
    needed = math.log(least / (1 - least))
    if most < needed and weights.apart <= 0:
        return True
    gap_ms = max(0, one.first_ms - other.last_ms, other.first_ms - one.last_ms)
    return most + weights.apart * math.log1p(gap_ms / HOUR_MS) < needed


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
