"""Heads as `wiredesk evaluate` and the jobs ask them: texts in, answers out.

A language is an ISO 639-1 code (639-3 where there is none), or None where it is not known.
"""

import os
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from functools import cached_property, partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.blend import Blend
from models.comment_heads import marked_spans
from models.document_scorer import best_together
from models.encoder import Outputs, Tokens
from models.heads import (
    ENTITY_TYPES_OUTPUT,
    SPELLINGS,
    TRANSITIONS_OUTPUT,
    sentence_scores,
    sigmoid,
    softmax,
    tokens_between,
)
from models.language import LANGUAGE_MODEL, LanguageDetector
from models.manifest import Manifest, Route
from models.mentions import Mention, Scheme, mentions
from models.name_tagger import NameTagger
from models.opening import Reader, open_blend, open_document_scorer, open_encoder, open_reader
from models.summary import choose
from schemas.enriched_article import UNDETERMINED
from schemas.errors import InferenceError, ModelFileError

Probabilities = NDArray[np.float32]
BATCH = 16
JOINED_TOKENS = 192
"""Of the sentences of a document that are read as one text; as in training."""
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


class TagPredictor(Protocol):
    """Entities in sentences of tokens."""

    def predict(
        self,
        sentences: Sequence[Sequence[str]],
        documents: Sequence[int] | None,
        languages: Sequence[str | None],
        types: Collection[str],
    ) -> list[list[str]]:
        """An IOB2 tag a token. Neighbours with the same number in `documents` are one text.

        types  the names of entity types that the tags may have
        """
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


class TextModel(Protocol):
    """What a model says of texts."""

    def tokens(self, text: str) -> int:
        """How many a text has, as the model counts them."""
        ...

    def read(self, texts: Sequence[str]) -> list[tuple[Tokens, Outputs]]:
        """Tokens, if the model makes any, and outputs of each text. Raises InferenceError."""
        ...


class _Model:
    """A model of the manifest outside the jobs: batches of similar length, one after another."""

    def __init__(self, manifest: Manifest, name: str) -> None:
        self._encoder = open_encoder(manifest, name, threads=os.cpu_count() or 1)

    def tokens(self, text: str) -> int:
        """How many a text has, as far as it is read."""
        return len(self._encoder.tokenize(text))

    def read(self, texts: Sequence[str]) -> list[tuple[Tokens, Outputs]]:
        """Tokens and outputs of each text. Raises InferenceError."""
        tokens = [self._encoder.tokenize(text) for text in texts]
        answers: list[Outputs | InferenceError | None] = [None] * len(texts)
        order = sorted(range(len(texts)), key=lambda i: len(tokens[i]))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            for row, answer in zip(rows, self._encoder.run([tokens[i] for i in rows]), strict=True):
                if isinstance(answer, InferenceError):
                    raise answer
                answers[row] = answer
        return [(t, a) for t, a in zip(tokens, answers, strict=True) if isinstance(a, dict)]


class _Plain:
    """A model without a graph outside the jobs."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def tokens(self, text: str) -> int:
        """How many words a text has."""
        return len(text.split())

    def read(self, texts: Sequence[str]) -> list[tuple[Tokens, Outputs]]:
        """Tokens, if the model makes any, and outputs of each text."""
        return [self._reader.read(text) for text in texts]


class _Blended:
    """Several models weighed together, outside the jobs."""

    def __init__(self, manifest: Manifest, blend: Blend) -> None:
        self._blend = blend
        self._parts = {part: open_texts(manifest, part) for part in blend.parts}

    def tokens(self, text: str) -> int:
        """How many the first part makes of a text."""
        return self._parts[self._blend.parts[0]].tokens(text)

    def read(self, texts: Sequence[str]) -> list[tuple[Tokens, Outputs]]:
        """Tokens of the first part, and the outputs of the blend for each text."""
        of_parts = {part: model.read(texts) for part, model in self._parts.items()}
        found = []
        for row in range(len(texts)):
            said = {part: answers[row][1] for part, answers in of_parts.items()}
            tokens, _ = of_parts[self._blend.parts[0]][row]
            found.append((tokens, self._blend.outputs(said)))
        return found


def open_texts(manifest: Manifest, name: str) -> TextModel:
    """A model outside the jobs. Raises ModelFileError."""
    blend = open_blend(manifest, name)
    if blend is not None:
        return _Blended(manifest, blend)
    reader = open_reader(manifest, name)
    return _Model(manifest, name) if reader is None else _Plain(reader)


class _Languages:
    """Which languages texts are in that do not say so, where several models answer for a head."""

    def __init__(self, manifest: Manifest, routes: Sequence[Route]) -> None:
        self._manifest = manifest
        self._covered = frozenset().union(*(route.languages for route in routes))
        self._several = len({route.languages for route in routes}) > 1

    def told(self, texts: Sequence[str], languages: Sequence[str | None]) -> list[str | None]:
        """The languages as they were told, those that are None detected; a text of which none of
        the models' languages is found is in the most frequent one of the others.
        """
        if not self._several or LANGUAGE_MODEL not in self._manifest.models:
            return list(languages)
        found = [
            self._detected(text) if language is None else language
            for text, language in zip(texts, languages, strict=True)
        ]
        counts = Counter(language for language in found if language in self._covered)
        usual = next((language for language, _ in counts.most_common(1)), None)
        return [usual if language is None else language for language in found]

    def _detected(self, text: str) -> str | None:
        code = self._detector.detect(text).code
        return code if code in self._covered else None

    @cached_property
    def _detector(self) -> LanguageDetector:
        model = self._manifest.model_file(LANGUAGE_MODEL)
        return LanguageDetector(model, min_confidence=0.0, high_accuracy=False)


class _Routed:
    """The models of a head's routes; a row goes to the first route that covers its language."""

    def __init__(self, manifest: Manifest, routes: Sequence[Route]) -> None:
        self._routes = routes
        names = dict.fromkeys(route.model for route in routes)
        self._models = {name: open_texts(manifest, name) for name in names}
        self._languages = _Languages(manifest, routes)

    def read(
        self, texts: Sequence[str], languages: Sequence[str | None]
    ) -> list[tuple[Route, Tokens, Outputs] | None]:
        """Route, tokens and outputs of each text; None in a language that no route covers."""
        found: list[tuple[Route, Tokens, Outputs] | None] = [None] * len(texts)
        chosen = [self._route(language) for language in self._languages.told(texts, languages)]
        for route in self._routes:
            rows = [i for i, of_row in enumerate(chosen) if of_row is route]
            if rows:
                answers = self._models[route.model].read([texts[i] for i in rows])
                for row, (tokens, outputs) in zip(rows, answers, strict=True):
                    found[row] = route, tokens, outputs
        return found

    def tokens(self, text: str) -> int:
        """Tokens that the first model makes of a text."""
        return self._models[self._routes[0].model].tokens(text)

    def _route(self, language: str | None) -> Route | None:
        if language is None:
            return self._routes[0]
        return next((route for route in self._routes if language in route.languages), None)


class RouteClasses(_Routed):
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
                route, _, outputs = answer
                squash = sigmoid if route.multi_label else softmax
                of_route = squash(outputs[route.output], route.temperature)
                found[row] = of_route[[route.labels.index(label) for label in self.labels]]
        return found


class RouteTags(_Routed):
    """Entities by the routes of a head."""

    def predict(
        self,
        sentences: Sequence[Sequence[str]],
        documents: Sequence[int] | None,
        languages: Sequence[str | None],
        types: Collection[str],
    ) -> list[list[str]]:
        """An IOB2 tag a token, of the types asked for."""
        lengths = [self.tokens(" ".join(words)) for words in sentences]
        parts = _joined(lengths, documents)
        texts = [" ".join(word for i in part for word in sentences[i]) for part in parts]
        answers = self.read(texts, [languages[part[0]] for part in parts])
        tags: list[list[str]] = [["O"] * len(sentence) for sentence in sentences]
        for part, answer in zip(parts, answers, strict=True):
            if answer is None:
                continue
            words = [(i, j) for i in part for j in range(len(sentences[i]))]
            starts = np.cumsum([0] + [len(sentences[i][j]) + 1 for i, j in words])
            route, tokens, outputs = answer
            for mention in _mentions(route, tokens, outputs, types):
                kind = _asked(mention, types)
                if kind is None:
                    continue
                first, last = np.searchsorted(starts, (mention.start, mention.end - 1), "right") - 1
                for place, (i, j) in enumerate(words[first : last + 1]):
                    tags[i][j] = f"{'I' if place and j else 'B'}-{kind}"
        return tags


class WordTags:
    """Entities by taggers of names (models.name_tagger), which take the words as they are given."""

    def __init__(self, manifest: Manifest, routes: Sequence[Route]) -> None:
        self._languages = _Languages(manifest, routes)
        self._routes = [(route, NameTagger(manifest.model_file(route.model))) for route in routes]

    def predict(
        self,
        sentences: Sequence[Sequence[str]],
        documents: Sequence[int] | None,  # noqa: ARG002  # a sentence is tagged alone
        languages: Sequence[str | None],
        types: Collection[str],
    ) -> list[list[str]]:
        """An IOB2 tag a token, of the types asked for; `O` in languages without a tagger."""
        told = self._languages.told([" ".join(words) for words in sentences], languages)
        return [
            self._tags(words, language, types)
            for words, language in zip(sentences, told, strict=True)
        ]

    def _tags(
        self, words: Sequence[str], language: str | None, types: Collection[str]
    ) -> list[str]:
        tags = ["O"] * len(words)
        for route, tagger in self._routes:
            if language is None or language in route.languages:
                places = np.arange(len(words))
                for mention in mentions(
                    tagger.scores(words),
                    np.stack([places, places + 1], axis=1),
                    places,
                    Scheme(route.labels),
                    transitions=tagger.transitions,
                ):
                    kind = _asked(mention, types)
                    if kind is not None:
                        inner = [f"I-{kind}"] * (mention.end - mention.start - 1)
                        tags[mention.start : mention.end] = [f"B-{kind}", *inner]
                break
        return tags


def _open_tags(manifest: Manifest, routes: Sequence[Route]) -> TagPredictor:
    kinds = {manifest.entry(route.model).kind for route in routes}
    return (WordTags if kinds == {"names"} else RouteTags)(manifest, routes)


class RouteTargets(_Routed):
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
                    found[row] = softmax(logits, route.temperature)
        return found


class RouteSummaries(_Routed):
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


class RouteScores(_Routed):
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


class RouteSpans(_Routed):
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


def _joined(lengths: Sequence[int], documents: Sequence[int] | None) -> list[list[int]]:
    """Numbers of the sentences that are read as one text: neighbours in a document that fit.

    lengths  tokens of each sentence

    >>> _joined([90, 90, 90, 9], [0, 0, 0, 1])
    [[0, 1], [2], [3]]
    """
    parts: list[list[int]] = []
    size = 0
    for i, length in enumerate(lengths):
        same = documents is not None and i > 0 and documents[i] == documents[i - 1]
        if not (same and size + length <= JOINED_TOKENS):
            parts.append([])
            size = 0
        parts[-1].append(i)
        size += length
    return parts


def _mentions(
    route: Route, tokens: Tokens, outputs: Outputs, types: Collection[str]
) -> list[Mention]:
    """Mentions whose fine type is one of those asked for, where the model knows such."""
    fine = [i for i, name in enumerate(route.fine_labels) if name in types]
    names = list(route.fine_labels)
    scheme = Scheme(
        route.labels,
        tuple(names[i] for i in fine),
        tuple(route.fine_labels[names[i]] for i in fine),
    )
    kinds = outputs.get(ENTITY_TYPES_OUTPUT)
    return mentions(
        outputs[route.output][: len(tokens)],
        tokens.offsets,
        tokens.words,
        scheme,
        transitions=outputs.get(TRANSITIONS_OUTPUT),
        fine_scores=kinds[: len(tokens), fine] if kinds is not None and fine else None,
    )


def _asked(mention: Mention, types: Collection[str]) -> str | None:
    """A mention's type as the rows spell it; None if they do not mark such.

    >>> _asked(Mention(0, 1, "place", 1.0), {"PER", "LOC"})
    'LOC'
    """
    coarse = SPELLINGS.get(mention.type, mention.type)
    same = (name for name, meant in SPELLINGS.items() if meant == coarse)
    spelled = (name for name in (mention.fine_type, mention.type, *same) if name in types)
    return next(spelled, None)


_OF_ROUTES: dict[str, Callable[[Manifest, Sequence[Route]], Predictor]] = {
    "emotion": RouteClasses,
    "entities": _open_tags,
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
