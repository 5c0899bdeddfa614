"""Heads as `wiredesk evaluate` and the jobs ask them: texts in, answers out.

A language is an ISO 639-1 code (639-3 where there is none), or None where it is not known.
"""

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.comment_heads import marked_spans
from models.document_scorer import best_together
from models.language import LANGUAGE_MODEL, LanguageDetector
from models.manifest import Manifest, Route
from models.opening import open_document_scorer
from models.probabilities import sigmoid, softmax, told_by
from models.routed import Routed
from models.summary import choose
from models.tag_predictors import TagPredictor, open_tags
from models.token_spans import sentence_scores, tokens_between
from schemas.enriched_article import UNDETERMINED
from schemas.errors import ModelFileError

Probabilities = NDArray[np.float32]
BEFORE_TARGET = 400
"""Characters that are read before what a sentiment is towards."""
MAX_CHARACTERS = 10_000
"""Of a summary that is measured: its length is counted in sentences."""


class ClassPredictor(Protocol):
    """Classes of texts.

    labels       in the order of the columns
    multi_label  whether each label is a decision of its own, at its threshold
    thresholds   float32 (labels,); None: the most probable label, or 0.5 where multi_label
    """

    labels: tuple[str, ...]
    multi_label: bool
    thresholds: Probabilities | None

    def predict(self, texts: Sequence[str], languages: Sequence[str | None]) -> Probabilities:
        """Calibrated probabilities, float32 (texts, labels); NaN in unknown languages."""
        ...


class TargetPredictor(Protocol):
    """Sentiment towards what stands at two characters of a text."""

    labels: tuple[str, ...]

    def predict(self, rows: Sequence[tuple[str, int, int]]) -> Probabilities:
        """Calibrated probabilities, float32 (rows, labels); a row is text, start and end."""
        ...


class SummaryPredictor(Protocol):
    """Sentences that sum a document up."""

    def choose(self, documents: Sequence[Sequence[str]]) -> list[list[int]]:
        """Numbers of the chosen sentences of each document, in order."""
        ...


class SpanPredictor(Protocol):
    """Marked parts of texts."""

    def predict(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """(first, last+1 character) of each part, in order."""
        ...


class ScorePredictor(Protocol):
    """One number a text."""

    def predict(self, texts: Sequence[str], languages: Sequence[str | None]) -> Probabilities:
        """Scores, float32 (texts,); NaN in unknown languages."""
        ...


Predictor = (
    ClassPredictor
    | TagPredictor
    | TargetPredictor
    | SummaryPredictor
    | ScorePredictor
    | SpanPredictor
)


class LanguagePredictor:
    """The language detector as a classifier; the probability is of the language found alone."""

    multi_label = False
    thresholds = None

    def __init__(self, manifest: Manifest, *, high_accuracy: bool) -> None:
        model = manifest.model_file(LANGUAGE_MODEL)
        self._detector = LanguageDetector(model, min_confidence=0.0, high_accuracy=high_accuracy)
        self.labels = (UNDETERMINED, *sorted(self._detector.codes))
        self._columns = {label: column for column, label in enumerate(self.labels)}

    def predict(
        self,
        texts: Sequence[str],
        languages: Sequence[str | None],  # noqa: ARG002  # what is to be found
    ) -> Probabilities:
        """float32 (texts, labels), 0 but for the language found."""
        found = np.zeros((len(texts), len(self.labels)), np.float32)
        for row, text in enumerate(texts):
            language = self._detector.detect(text)
            found[row, self._columns[language.code]] = language.confidence
        return found


class RouteClasses(Routed):
    """Classes by the routes of a head."""

    def __init__(self, manifest: Manifest, routes: Sequence[Route]) -> None:
        super().__init__(manifest, routes)
        first = routes[0]
        self.labels = first.labels
        self.multi_label = first.multi_label
        self.thresholds = np.array(first.thresholds, np.float32) if first.thresholds else None

    def predict(self, texts: Sequence[str], languages: Sequence[str | None]) -> Probabilities:
        """float32 (texts, labels)."""
        found = np.full((len(texts), len(self.labels)), np.nan, np.float32)
        for row, answer in enumerate(self.read(texts, languages)):
            if answer is not None:
                route, tokens, outputs = answer
                of_route = told_by(route, outputs[route.output], len(tokens))
                found[row] = of_route[[route.labels.index(label) for label in self.labels]]
        return found


class RouteTargets(Routed):
    """Sentiment towards a part of a text."""

    def __init__(self, manifest: Manifest, routes: Sequence[Route]) -> None:
        super().__init__(manifest, routes)
        self.labels = routes[0].labels

    def predict(self, rows: Sequence[tuple[str, int, int]]) -> Probabilities:
        """float32 (rows, labels); NaN where the target lies behind what the model reads."""
        found = np.full((len(rows), len(self.labels)), np.nan, np.float32)
        cut = [max(0, start - BEFORE_TARGET) for _, start, _ in rows]
        texts = [text[first:] for (text, _, _), first in zip(rows, cut, strict=True)]
        answers = self.read(texts, [None] * len(rows))
        for row, answer in enumerate(answers):
            if answer is not None:
                route, tokens, outputs = answer
                start, end = (place - cut[row] for place in rows[row][1:])
                inside = tokens_between(tokens.offsets, start, end)
                if inside.size:
                    logits = outputs[route.output][inside].mean(axis=0)
                    found[row] = softmax(logits, route.temperature_of(len(tokens)))
        return found


class RouteSummaries(Routed):
    """Sentences that sum a document up, of those that the model reads."""

    def choose(self, documents: Sequence[Sequence[str]]) -> list[list[int]]:
        """Numbers of the chosen sentences."""
        chosen = []
        answers = self.read([" ".join(d) for d in documents], [None] * len(documents))
        for sentences, answer in zip(documents, answers, strict=True):
            assert answer is not None  # without a language, the first route answers
            route, tokens, outputs = answer
            ends = np.cumsum([len(sentence) + 1 for sentence in sentences])
            spans = [(end - len(s) - 1, end - 1) for end, s in zip(ends, sentences, strict=True)]
            scores = sentence_scores(outputs[route.output], tokens.offsets, spans)
            chosen.append(choose(scores, sentences, max_characters=MAX_CHARACTERS))
        return chosen


class DocumentSummaries:
    """Sentences that sum a document up together, by a scorer of documents."""

    def __init__(self, manifest: Manifest, routes: Sequence[Route]) -> None:
        self._scorer = open_document_scorer(manifest, routes[0].model, threads=os.cpu_count() or 1)

    def choose(self, documents: Sequence[Sequence[str]]) -> list[list[int]]:
        """Numbers of the chosen sentences. Raises InferenceError."""
        return [best_together(self._scorer.score(sentences)) for sentences in documents]


def _open_summaries(manifest: Manifest, routes: Sequence[Route]) -> SummaryPredictor:
    of_documents = manifest.entry(routes[0].model).kind == "documents"
    return (DocumentSummaries if of_documents else RouteSummaries)(manifest, routes)


class RouteScores(Routed):
    """A number a text."""

    def predict(self, texts: Sequence[str], languages: Sequence[str | None]) -> Probabilities:
        """float32 (texts,)."""
        return np.array(
            [
                np.nan if answer is None else sigmoid(answer[2][answer[0].output])[0]
                for answer in self.read(texts, languages)
            ],
            np.float32,
        )


class RouteSpans(Routed):
    """Marked words by the first route of a head."""

    def predict(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Of each text, as far as it is read."""
        found = []
        for text, answer in zip(texts, self.read(texts, [None] * len(texts)), strict=True):
            assert answer is not None  # without a language, the first route answers
            route, tokens, outputs = answer
            scores = sigmoid(outputs[route.output][: len(tokens), 0], route.temperature)
            least, share = route.thresholds[0], route.odds_share
            found.append(marked_spans(text, tokens, scores, least, share))
        return found


_OF_ROUTES: dict[str, Callable[[Manifest, Sequence[Route]], Predictor]] = {
    "emotion": RouteClasses,
    "entities": open_tags,
    "importance": RouteScores,
    "irony": RouteClasses,
    "sentiment": RouteClasses,
    "summary": _open_summaries,
    "target": RouteTargets,
    "topics": RouteClasses,
    "toxic_spans": RouteSpans,
    "toxicity": RouteClasses,
    "toxicity_kinds": RouteClasses,
}
"""By the task of the head's first route."""

_OPENERS: dict[str, Callable[[Manifest], Predictor]] = {
    "language": partial(LanguagePredictor, high_accuracy=True),
    "language/fast": partial(LanguagePredictor, high_accuracy=False),
}


def open_predictor(manifest: Manifest, head: str) -> Predictor:
    """What answers for a head, for example `topics/agnews`. Raises ModelFileError."""
    if head in _OPENERS:
        return _OPENERS[head](manifest)
    measurable = [route for route in manifest.routes if route.task in _OF_ROUTES]
    routes = [route for route in measurable if route.head == head]
    if not routes:
        known = sorted({*_OPENERS, *(route.head for route in measurable)})
        raise ModelFileError(
            f"no model answers for head {head} in {manifest.folder}/manifest.toml; "
            f"there are models for {', '.join(known)}"
        )
    return _OF_ROUTES[routes[0].task](manifest, _first_of_each_language(routes))


def _first_of_each_language(routes: Sequence[Route]) -> list[Route]:
    """The routes that answer for some language; a blend stands before those of its parts."""
    covered: set[str] = set()
    found = []
    for route in routes:
        if not route.languages <= covered:
            found.append(route)
            covered |= route.languages
    return found
