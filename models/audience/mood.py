"""The mood of a subject: a pure function of the voices that hold and of a moment.

A voice weighs 2^(-age / half-life). Near-identical texts weigh together as one, if they have at
least COPIED_WORDS words; shorter ones, which many say of their own accord, as the square root of
their number. What one author says weighs together at most `author_weight` times their newest
voice. Both factors depend on the voices alone, not on the moment, so a mean does not move while
nobody speaks. Means carry 95 % intervals from Kish's effective sample size, in which an author and
a group of copies count once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from models.audience.likeness import groups
from models.audience.turns import last_turn
from models.audience.voices import Voice
from schemas.audience import AudienceMood, MoodMean, MoodMoment, MoodTrend

HALF_LIVES = 12
"""Age at which a voice is forgotten: it weighs a 4,000th."""

MOMENTS_PER_HALF_LIFE = 4
COPIED_WORDS = 4
TREND_LEAST = 4.0
"""Effective sample size that either stretch of a trend needs."""

_OF_ITS_OWN = 0.5
_PRIOR_VOICES = 2.0
"""Voices that the variance of a uniform distribution is worth: two that agree prove little."""

Numbers = NDArray[np.float64]
Ids = NDArray[np.int64]


@dataclass(frozen=True)
class MoodPolicy:
    """How voices count.

    half_life_s    seconds of event time after which a voice weighs half
    author_weight  what one author weighs at most, in newest voices of theirs
    most_voices    kept for a subject, the newest
    """

    half_life_s: int
    author_weight: float
    most_voices: int

    @property
    def horizon_ms(self) -> int:
        """Age at which a voice is forgotten."""
        return HALF_LIVES * self.half_life_s * 1000


class Weighed(NamedTuple):
    """Voices with what each weighs, as arrays in order of time.

    weights  at the moment, caps and discounts included
    factors  caps and discounts alone, 0..1
    units    int64, the independent unit that each belongs to: an author or a group of copies
    """

    voices: Sequence[Voice]
    weights: Numbers
    factors: Numbers
    units: Ids
    capped_authors: int
    near_copies: int


def kept(voices: Mapping[str, Voice], at_ms: int, policy: MoodPolicy) -> dict[str, Voice]:
    """The voices of a moment that are not forgotten: young enough, and the newest `most_voices`."""
    young = {i: v for i, v in voices.items() if at_ms - policy.horizon_ms < v.published_ms <= at_ms}
    if len(young) <= policy.most_voices:
        return young
    newest = sorted(young, key=lambda i: (young[i].published_ms, i))[-policy.most_voices :]
    return {comment_id: young[comment_id] for comment_id in newest}


def mood(
    subject: str,
    voices: Mapping[str, Voice],
    at_ms: int,
    policy: MoodPolicy,
    *,
    late_ignored: int,
    updated_ms: int,
) -> AudienceMood:
    """The mood of a subject at a moment, by comment id and voice; the order is of no account."""
    known = kept(voices, at_ms, policy)
    order = sorted(known, key=lambda i: (known[i].published_ms, i))
    found = weigh([known[i] for i in order], at_ms, policy)
    sentiments = _values(found.voices, "sentiment")
    turned = last_turn(_course(found))
    return AudienceMood(
        subject=subject,
        at_ms=at_ms,
        half_life_s=policy.half_life_s,
        comments=len(known),
        authors=len({v.author for v in found.voices}),
        effective_size=round(effective_size(found.weights, found.units), 3),
        capped_authors=found.capped_authors,
        near_copies=found.near_copies,
        late_ignored=late_ignored,
        sentiment=mean(sentiments, found.weights, found.units, (-1.0, 1.0)),
        tone=mean(_values(found.voices, "tone"), found.weights, found.units, (0.0, 1.0)),
        toxicity=mean(_values(found.voices, "toxicity"), found.weights, found.units, (0.0, 1.0)),
        emotions=_emotion_shares(found),
        basic_emotions=_basic_means(found),
        trend=_trend(found, sentiments, at_ms, policy),
        turned_ms=turned.at_ms if turned else None,
        turned=turned.direction if turned else None,
        history=_history(found, sentiments, policy),
        languages=_languages(found.voices),
        updated_ms=updated_ms,
    )


def weigh(voices: Sequence[Voice], at_ms: int, policy: MoodPolicy) -> Weighed:
    """What voices weigh at a moment; they come in order of time."""
    ages = np.array([at_ms - v.published_ms for v in voices], float)
    decay = np.exp2(-ages / (policy.half_life_s * 1000))
    copies = groups([v.mark for v in voices])
    sizes = np.bincount(copies, minlength=1)[copies] if len(voices) else np.zeros(0)
    long = np.array([v.words >= COPIED_WORDS for v in voices], bool)
    discounts = np.where(long, 1.0 / np.maximum(sizes, 1), 1.0 / np.sqrt(np.maximum(sizes, 1)))
    caps, capped = _author_caps(voices, decay * discounts, policy.author_weight)
    authors = _numbered([v.author for v in voices])
    units = np.where(sizes > 1, copies + (authors.max(initial=-1) + 1), authors)
    near_copies = int(sum(size - 1 for size in np.bincount(copies) if size > 1)) if voices else 0
    factors = discounts * caps
    return Weighed(voices, decay * factors, factors, units.astype(np.int64), capped, near_copies)


def effective_size(weights: Numbers, units: Ids) -> float:
    """Kish's effective sample size, (sum w)^2 / sum w^2, over the weights of independent units.

    >>> effective_size(np.array([1.0, 1.0, 1.0]), np.array([0, 1, 1]))
    1.8
    """
    total = float(weights.sum())
    if total <= 0:
        return 0.0
    of_unit = np.bincount(units, weights)
    return total**2 / float((of_unit**2).sum())


def mean(
    values: Numbers, weights: Numbers, units: Ids, bounds: tuple[float, float]
) -> MoodMean | None:
    """Weighted mean of the values that are numbers, with its 95 % interval (Student's t).

    The variance is drawn towards that of a uniform distribution over the bounds, so that few
    voices that agree are not taken for certainty.
    """
    heard = ~np.isnan(values)
    values, weights, units = values[heard], weights[heard], units[heard]
    size = effective_size(weights, units)
    if size == 0:
        return None
    average = float(np.average(values, weights=weights))
    error = _error(values, weights, units, average, bounds)
    reach = float(stdtrit(max(size, 1.0), 0.975)) * error
    low, high = max(bounds[0], average - reach), min(bounds[1], average + reach)
    return MoodMean(
        mean=round(average, 6),
        low=round(min(low, average), 6),
        high=round(max(high, average), 6),
        effective_size=round(size, 3),
    )


def _error(
    values: Numbers, weights: Numbers, units: Ids, average: float, bounds: tuple[float, float]
) -> float:
    """Standard error of a weighted mean over independent units."""
    size = effective_size(weights, units)
    spread = float(np.average((values - average) ** 2, weights=weights))
    prior = (bounds[1] - bounds[0]) ** 2 / 12
    variance = (size * spread + _PRIOR_VOICES * prior) / (size + _PRIOR_VOICES)
    return float(np.sqrt(variance / size))


def _author_caps(voices: Sequence[Voice], weights: Numbers, most: float) -> tuple[Numbers, int]:
    """Factor of each voice by which its author stays below the cap; and how many are capped."""
    caps = np.ones(len(voices))
    capped = 0
    authors = _numbered([v.author for v in voices])
    total = np.bincount(authors, weights, minlength=1)
    newest = np.zeros(len(total))
    np.maximum.at(newest, authors, weights)
    for author in np.flatnonzero(total > most * newest + 1e-12):
        caps[authors == author] = most * newest[author] / total[author]
        capped += 1
    return caps, capped


def _numbered(names: Sequence[str]) -> Ids:
    """Equal names get equal numbers, from 0 in order of appearance."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int64)


def _values(voices: Sequence[Voice], name: Literal["sentiment", "tone", "toxicity"]) -> Numbers:
    """float64 (voices,), NaN where no model answered."""
    return np.array([getattr(v, name) for v in voices], float)


def _course(found: Weighed) -> list[tuple[int, float]]:
    """(event time, tone) of the voices that speak for themselves; of those that caps and discounts
    leave less than half, each unit is heard once.
    """
    heard: set[int] = set()
    course = []
    for position, said in enumerate(found.voices):
        unit = int(found.units[position])
        if said.tone is None or (found.factors[position] < _OF_ITS_OWN and unit in heard):
            continue
        heard.add(unit)
        course.append((said.published_ms, said.tone))
    return course


def _emotion_shares(found: Weighed) -> dict[str, float]:
    """Share of the weight of the voices that were asked, by label; the most frequent first."""
    total = 0.0
    shares: dict[str, float] = {}
    for said, weight in zip(found.voices, found.weights, strict=True):
        if said.emotions is not None:
            total += weight
            for label in said.emotions:
                shares[label] = shares.get(label, 0.0) + weight
    ranked = sorted(shares.items(), key=lambda pair: (-pair[1], pair[0]))
    return {label: round(float(weight / total), 6) for label, weight in ranked}


def _basic_means(found: Weighed) -> dict[str, float]:
    total = 0.0
    sums: dict[str, float] = {}
    for said, weight in zip(found.voices, found.weights, strict=True):
        if said.basic is not None:
            total += weight
            for name, probability in said.basic.items():
                sums[name] = sums.get(name, 0.0) + weight * probability
    return {name: round(float(value / total), 6) for name, value in sorted(sums.items())}


def _trend(found: Weighed, sentiments: Numbers, at_ms: int, policy: MoodPolicy) -> MoodTrend | None:
    """The newer half-life beside the one before it, each voice by its factor alone."""
    times = np.array([v.published_ms for v in found.voices], np.int64)
    ages = (at_ms - times) / (policy.half_life_s * 1000)
    means = []
    for stretch in (ages < 1, (ages >= 1) & (ages < 2)):
        heard = stretch & ~np.isnan(sentiments)
        values, weights, units = sentiments[heard], found.factors[heard], found.units[heard]
        if effective_size(weights, units) < TREND_LEAST:
            return None
        average = float(np.average(values, weights=weights))
        means.append((average, _error(values, weights, units, average, (-1.0, 1.0))))
    (newer, newer_error), (older, older_error) = means
    change = newer - older
    reach = 1.96 * float(np.hypot(newer_error, older_error))
    direction: Literal["rising", "falling", "steady"] = (
        "rising" if change > reach else "falling" if change < -reach else "steady"
    )
    return MoodTrend(
        direction=direction,
        change=round(change, 6),
        low=round(change - reach, 6),
        high=round(change + reach, 6),
    )


def _history(found: Weighed, sentiments: Numbers, policy: MoodPolicy) -> list[MoodMoment]:
    """The mood at the end of each stretch that has comments."""
    if not found.voices:
        return []
    half_life_ms = policy.half_life_s * 1000
    times = np.array([v.published_ms for v in found.voices], np.int64)
    stretches = times // (half_life_ms // MOMENTS_PER_HALF_LIFE)
    numbers, first, counts = np.unique(stretches, return_index=True, return_counts=True)
    ends = (numbers + 1) * (half_life_ms // MOMENTS_PER_HALF_LIFE)
    weights = found.factors * np.exp2((times - np.repeat(ends, counts)) / half_life_ms)
    fades = np.exp2(-np.diff(ends, prepend=ends[0]) / half_life_ms)
    said = _running_mean(sentiments, weights, first, fades)
    toxic = _running_mean(_values(found.voices, "toxicity"), weights, first, fades)
    return [
        MoodMoment(at_ms=int(end), comments=int(count), sentiment=s, toxicity=t)
        for end, count, s, t in zip(ends, counts, said, toxic, strict=True)
    ]


def _running_mean(
    values: Numbers, weights: Numbers, first: Ids, fades: Numbers
) -> list[float | None]:
    """Decayed mean at the end of each stretch; None while nothing has a value.

    weights  of each voice at the end of its stretch
    first    index of the first voice of each stretch
    fades    what is left, at the end of a stretch, of the weight at the end of the one before
    """
    heard = ~np.isnan(values)
    sums = np.add.reduceat(np.where(heard, values * weights, 0.0), first)
    totals = np.add.reduceat(np.where(heard, weights, 0.0), first)
    means: list[float | None] = []
    running = total = 0.0
    for added, weight, fade in zip(sums, totals, fades, strict=True):
        running, total = running * fade + added, total * fade + weight
        means.append(round(float(running / total), 6) if total > 0 else None)
    return means


def _languages(voices: Sequence[Voice]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for said in voices:
        counts[said.language] = counts.get(said.language, 0) + 1
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
