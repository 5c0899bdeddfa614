"""From a graph's outputs for a comment to what is told of it.

A task of a route `texts = "comments"` answers the fields of CommentAnalysis that its head names.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from models.audience.analysis import Emotion
from models.encoder import Tokens
from models.heads import SENTIMENTS, sentiment
from models.manifest import Route
from models.passes import Pass
from models.probabilities import sigmoid, softmax
from models.session import Array
from schemas.errors import ModelFileError

NEUTRAL = "neutral"

BASIC_EMOTIONS: Mapping[str, tuple[str, ...]] = {
    "anger": ("anger", "annoyance", "disapproval"),
    "disgust": ("disgust",),
    "fear": ("fear", "nervousness"),
    "joy": (
        "admiration", "amusement", "approval", "caring", "desire", "excitement", "gratitude",
        "joy", "love", "optimism", "pride", "relief",
    ),
    "sadness": ("disappointment", "embarrassment", "grief", "remorse", "sadness"),
    "surprise": ("confusion", "curiosity", "realization", "surprise"),
}  # fmt: skip
"""Ekman's six and the labels of GoEmotions that belong to each (Demszky et al., 2020, section 5.3);
what is `neutral` belongs to none."""

TOXICITY_KINDS = ("severe", "insult", "identity_attack", "threat", "obscene")
TOXIC_LABELS = ("clean", "toxic")


Fields = Mapping[str, Any]
Head = Callable[[Pass], Fields]


class SentimentHead:
    """Task `sentiment`."""

    def __init__(self, route: Route) -> None:
        self._route = route
        self._order = _columns(route, SENTIMENTS)

    def __call__(self, read: Pass) -> Fields:
        logits = read.outputs[self._route.output][self._order]
        temperature = self._route.temperature_of(len(read.tokens))
        return {"sentiment": sentiment(softmax(logits, temperature))}


class EmotionHead:
    """Task `emotion`: the labels of GoEmotions, each on its own, and the basic ones from them."""

    def __init__(self, route: Route) -> None:
        self._route = route
        self._thresholds = np.array(route.thresholds or [0.5] * len(route.labels))
        known = {label for group in BASIC_EMOTIONS.values() for label in group} | {NEUTRAL}
        if unknown := set(route.labels) - known:
            raise ModelFileError(
                f"route {route.head} has labels that are no emotions of GoEmotions: "
                f"{', '.join(sorted(unknown))}"
            )
        self._members = {
            basic: [route.labels.index(label) for label in group if label in route.labels]
            for basic, group in BASIC_EMOTIONS.items()
        }

    def __call__(self, read: Pass) -> Fields:
        found = sigmoid(read.outputs[self._route.output], self._route.temperature)
        shown = sorted(np.flatnonzero(found >= self._thresholds), key=lambda i: -found[i])
        return {
            "emotions": tuple(
                Emotion(self._route.labels[i], round(float(found[i]), 4)) for i in shown
            ),
            "basic_emotions": {
                basic: round(any_of(found[members]), 4) for basic, members in self._members.items()
            },
        }


class ToxicityHead:
    """Task `toxicity`: how likely a moderator calls the comment toxic."""

    def __init__(self, route: Route) -> None:
        self._route = route
        self._order = _columns(route, TOXIC_LABELS)

    def __call__(self, read: Pass) -> Fields:
        logits = read.outputs[self._route.output][self._order]
        _, toxic = softmax(logits, self._route.temperature_of(len(read.tokens)))
        return {"toxicity": {"overall": round(float(toxic), 4)}}


class ToxicityKindsHead:
    """Task `toxicity_kinds`: in what way it is toxic; the route's labels name the ways."""

    def __init__(self, route: Route) -> None:
        self._route = route
        if unknown := set(route.labels) - set(TOXICITY_KINDS):
            raise ModelFileError(
                f"route {route.head} has labels {', '.join(sorted(unknown))}; "
                f"expected some of {', '.join(TOXICITY_KINDS)}"
            )

    def __call__(self, read: Pass) -> Fields:
        found = sigmoid(read.outputs[self._route.output], self._route.temperature)
        scores = {k: round(float(p), 4) for k, p in zip(self._route.labels, found, strict=True)}
        return {"toxicity": scores}


class ToxicSpansHead:
    """Task `toxic_spans`: the words that make it toxic."""

    def __init__(self, route: Route) -> None:
        self._route = route
        if len(route.thresholds) != 1:
            raise ModelFileError(f"route {route.head} needs one threshold")

    def __call__(self, read: Pass) -> Fields:
        logits = read.outputs[self._route.output][: len(read.tokens), 0]
        found = sigmoid(logits, self._route.temperature)
        least, share = self._route.thresholds[0], self._route.odds_share
        spans = marked_spans(read.head, read.tokens, found, least, share)
        return {"toxic_spans": tuple(spans)}


def any_of(probabilities: Array) -> float:
    """The probability that at least one happens, were they independent (noisy or).

    >>> round(any_of(np.array([0.5, 0.5])), 4)
    0.75
    """
    return 1.0 - float(np.prod(1.0 - probabilities))


def marked_spans(
    text: str, tokens: Tokens, scores: Array, threshold: float, odds_share: float
) -> list[tuple[int, int]]:
    """Characters of the words of which some token is likely enough; neighbours with only blanks
    between them are one span. Where one word stands out, those that are far less likely are not
    told, however likely they are.

    scores      float (tokens,) probabilities
    odds_share  of the likeliest token's odds
    """
    of_words = np.where(tokens.words >= 0, scores, 0.0)
    odds = of_words / np.maximum(1.0 - of_words, np.finfo(np.float32).eps)
    enough = (of_words >= threshold) & (odds >= odds_share * odds.max(initial=0.0))
    spans: list[tuple[int, int]] = []
    last = None
    for i in np.flatnonzero(enough & (tokens.words >= 0)):
        if tokens.words[i] == last:
            continue
        last = tokens.words[i]
        of_word = tokens.offsets[tokens.words == last]
        start, end = int(of_word[:, 0].min()), int(of_word[:, 1].max())
        if spans and not text[spans[-1][1] : start].strip():
            start = spans.pop()[0]
        spans.append((start, end))
    return spans


def _columns(route: Route, wanted: Sequence[str]) -> list[int]:
    """Which logits are those of some labels. Raises ModelFileError."""
    if sorted(route.labels) != sorted(wanted):
        raise ModelFileError(
            f"route {route.head} has labels {', '.join(route.labels)}; expected {', '.join(wanted)}"
        )
    return [route.labels.index(label) for label in wanted]


HEADS: dict[str, Callable[[Route], Head]] = {
    "emotion": EmotionHead,
    "sentiment": SentimentHead,
    "toxic_spans": ToxicSpansHead,
    "toxicity": ToxicityHead,
    "toxicity_kinds": ToxicityKindsHead,
}
"""The head of each task that a manifest may route for comments."""
