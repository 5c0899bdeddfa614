"""From a graph's outputs for a text to what is told of the article."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any

from models.encoder import Outputs, Tokens
from models.linking import Linker, Named, read_table
from models.manifest import Manifest, Route
from models.mentions import Mention, Scheme, mentions
from models.probabilities import sigmoid, softmax, told_by
from models.sentences import split
from models.session import Array
from models.summary import choose
from models.text import ArticleText
from models.token_spans import mean_rows, sentence_scores, tokens_of
from models.topics.assigner import SIB200_LABELS, Topic, TopicAssigner, open_assigner
from schemas.enriched_article import Sentiment, SentimentLabel, TopicScore
from schemas.errors import ModelFileError

PLAIN_THRESHOLD = 0.5
"""Of a topic that has none of its own."""

MAIN_ENTITIES = 5
"""Names for which the sentiment towards them is told."""

TRANSITIONS_OUTPUT = "entity_transitions"
ENTITY_TYPES_OUTPUT = "entity_types"
"""Outputs that a graph may have beside the one that the route of `entities` names."""
SPELLINGS = {
    "person": "person",
    "per": "person",
    "organisation": "organisation",
    "org": "organisation",
    "organization": "organisation",
    "place": "place",
    "loc": "place",
    "location": "place",
    "gpe": "place",
    "other": "other",
    "misc": "other",
}
"""Names of the coarse types in published data, casefolded, and ours."""

TOPIC_TABLES = {"media_topics", "media_topic_vectors"}
"""Entries of the manifest: the concepts and their vectors, read from this package."""

ALIAS_TABLES = ("entity_names", "country_names")
"""Entries of the manifest: names with their Wikidata ids; without them nothing is linked."""

SENTIMENTS: tuple[SentimentLabel, ...] = ("negative", "neutral", "positive")

LOOK_AHEAD = 100
"""Characters behind what a model read that tell whether a sentence ended there."""

_WORD = re.compile(r"\w+")
_UNREAD_MARKS = re.compile(r"\W*\Z")


@dataclass(frozen=True)
class Reading:
    """A text as a model read it.

    head    the first characters of the text; the tokens' offsets count in it
    """

    text: ArticleText
    head: str
    tokens: Tokens
    outputs: Outputs
    language: str


@dataclass(frozen=True)
class FoundEntity:
    """An entity of a text; its mention's offsets count in the head of the text."""

    mention: Mention
    text: str
    wikidata_id: str | None = None
    sentiment: Sentiment | None = None


@dataclass(frozen=True)
class HeadOptions:
    """What a user may choose.

    topics_precision   share of an article's topics that should be right
    summary_sentences  most sentences of a summary
    summary_characters most characters of a summary
    tags               most tags of an article
    entities_score     least score of an entity
    """

    topics_precision: float
    entities_score: float
    summary_sentences: int
    summary_characters: int
    tags: int


Fields = Mapping[str, Any]
Head = Callable[[Reading], Fields]


def embedding(vector: Array) -> bytes:
    """A unit vector, float32 (width,), as float16 little-endian bytes.

    >>> import numpy as np
    >>> embedding(np.array([0.6, -0.8], np.float32)).hex()
    'cd3866ba'
    """
    return vector.astype("<f2").tobytes()


def sentiment(probabilities: Sequence[float] | Array) -> Sentiment:
    """A sentiment from the probabilities of SENTIMENTS.

    >>> sentiment([0.1, 0.2, 0.7]).label
    'positive'
    """
    rounded = [round(float(p), 4) for p in probabilities]
    best = SENTIMENTS[rounded.index(max(rounded))]
    return Sentiment(label=best, negative=rounded[0], neutral=rounded[1], positive=rounded[2])


class EmbeddingHead:
    """Task `embedding`: the field of the same name."""

    def __init__(self, manifest: Manifest, route: Route, options: HeadOptions) -> None:  # noqa: ARG002
        self._output = route.output

    def __call__(self, reading: Reading) -> Fields:
        return {"embedding": embedding(reading.outputs[self._output])}


class SentimentHead:
    """Task `sentiment`: `sentiment`, and `tone_score`, 0 negative to 1 positive."""

    def __init__(self, manifest: Manifest, route: Route, options: HeadOptions) -> None:  # noqa: ARG002
        self._route = route
        self._order = _sentiment_order(route)

    def __call__(self, reading: Reading) -> Fields:
        logits = reading.outputs[self._route.output][self._order]
        temperature = self._route.temperature_of(len(reading.tokens))
        negative, neutral, positive = softmax(logits, temperature)
        return {
            "sentiment": sentiment((negative, neutral, positive)),
            "tone_score": round(float(positive + neutral / 2), 4),
        }


class TopicsHead:
    """Task `topics`: concepts of the IPTC Media Topics.

    The labels are those of the supervised head, and the model's own embedding finds the other
    concepts; or they are any concepts' codes; or those of SIB-200, which imply concepts.
    """

    def __init__(self, manifest: Manifest, route: Route, options: HeadOptions) -> None:
        self._route = route
        self._precision = options.topics_precision
        for table in manifest.models.keys() & TOPIC_TABLES:
            manifest.model_file(table)
        self._assigner = _assigner()
        embedding = manifest.find("embedding", route.model)
        self._embedding = embedding.output if embedding else None
        unknown = [label for label in route.labels if label not in self._assigner.topics]
        if route.labels != SIB200_LABELS and unknown:
            raise ModelFileError(
                f"route {route.head} has labels that are no Media Topics: {', '.join(unknown[:3])}"
            )

    def __call__(self, reading: Reading) -> Fields:
        return {
            "topics": [
                TopicScore(
                    code=topic.code,
                    name=topic.name,
                    score=topic.score,
                    ancestors=list(topic.ancestors),
                    names=dict(topic.names),
                )
                for topic in self._topics(reading)
            ]
        }

    def _topics(self, reading: Reading) -> Sequence[Topic]:
        route, logits = self._route, reading.outputs[self._route.output]
        probabilities = told_by(route, logits, len(reading.tokens))
        if route.labels == SIB200_LABELS:
            return self._assigner.from_sib200(probabilities)
        if route.labels == self._assigner.supervised and self._embedding:
            vector = reading.outputs[self._embedding]
            return self._assigner.assign(
                probabilities, vector, reading.head, precision=self._precision
            )
        least = route.thresholds or (PLAIN_THRESHOLD,) * len(route.labels)
        return self._assigner.with_ancestors(
            {
                code: float(p)
                for code, p, t in zip(route.labels, probabilities, least, strict=True)
                if p >= t
            }
        )


class EntitiesHead:
    """Task `entities`: who and what is named, linked where the alias table is sure."""

    def __init__(self, manifest: Manifest, route: Route, options: HeadOptions) -> None:
        self._output = route.output
        self._calibration = (route.temperature, route.bias)
        self._least = options.entities_score
        fine = tuple(route.fine_labels)
        self._scheme = Scheme(route.labels, fine, tuple(route.fine_labels.values()))
        self._target = manifest.find("target", route.model)
        self._target_order = _sentiment_order(self._target) if self._target else []
        known = [name for name in ALIAS_TABLES if name in manifest.models]
        self._linker = _linker(tuple(manifest.model_file(name) for name in known))

    def __call__(self, reading: Reading) -> Fields:
        outputs, tokens = reading.outputs, reading.tokens
        found = mentions(
            outputs[self._output][: len(tokens)],
            tokens.offsets,
            tokens.words,
            self._scheme,
            transitions=outputs.get(TRANSITIONS_OUTPUT),
            fine_scores=_rows(outputs.get(ENTITY_TYPES_OUTPUT), len(tokens)),
            calibration=self._calibration,
        )
        found = [_spelled(mention) for mention in found if mention.score >= self._least]
        texts = [reading.head[mention.start : mention.end] for mention in found]
        found = of_one_kind(texts, found)
        named = [Named(t, m.type, m.start, m.end) for t, m in zip(texts, found, strict=True)]
        links = self._linker.link(named, frozenset(_WORD.findall(reading.head.lower())))
        entities = [
            FoundEntity(mention, text, link)
            for mention, text, link in zip(found, texts, links, strict=True)
        ]
        return {"entities": self._with_sentiment(entities, reading)}

    def _with_sentiment(
        self, entities: list[FoundEntity], reading: Reading
    ) -> tuple[FoundEntity, ...]:
        if self._target is None:
            return tuple(entities)
        main = main_names(entities, len(reading.text.title))
        told = [i for i, entity in enumerate(entities) if entity.text in main]
        if not told:
            return tuple(entities)
        spans = [(entities[i].mention.start, entities[i].mention.end) for i in told]
        of_names = mean_rows(
            reading.outputs[self._target.output], tokens_of(reading.tokens.offsets, spans)
        )
        temperature = self._target.temperature_of(len(reading.tokens))
        shares = softmax(of_names[:, self._target_order], temperature)
        for i, of_name in zip(told, shares, strict=True):
            entities[i] = replace(entities[i], sentiment=sentiment(of_name))
        return tuple(entities)


class SummaryHead:
    """Task `summary`: sentences of the body, whole ones, that the model read."""

    def __init__(self, manifest: Manifest, route: Route, options: HeadOptions) -> None:  # noqa: ARG002
        self._output = route.output
        self._length = {
            "max_sentences": options.summary_sentences,
            "max_characters": options.summary_characters,
        }

    def __call__(self, reading: Reading) -> Fields:
        text, offsets = reading.text, reading.tokens.offsets
        start = len(text.title) + 1 if text.title else 0
        spans = read_sentences(text.body, int(offsets[:, 1].max(initial=0)) - start)
        if not spans:
            return {}
        in_head = [(start + a, start + b) for a, b in spans]
        scores = sentence_scores(reading.outputs[self._output], offsets, in_head)
        sentences = [text.body[a:b] for a, b in spans]
        chosen = choose(scores, sentences, **self._length)
        if not chosen:
            return {}
        summary = " ".join(sentences[i] for i in chosen)
        return {"summary": summary, "summary_method": "extractive"}


class ImportanceHead:
    """Task `importance`: probability that a front page takes it (training.importance)."""

    def __init__(self, manifest: Manifest, route: Route, options: HeadOptions) -> None:  # noqa: ARG002
        self._output = route.output

    def __call__(self, reading: Reading) -> Fields:
        (logit,) = reading.outputs[self._output]
        return {"importance": round(float(sigmoid(logit)), 4)}


def of_one_kind(texts: Sequence[str], found: Sequence[Mention]) -> list[Mention]:
    """Mentions of one name have one type in a text: the one that its mentions are surest of.

    >>> found = [Mention(0, 4, "place", 0.6), Mention(9, 13, "person", 0.9)]
    >>> [mention.type for mention in of_one_kind(["Orla", "Orla"], found)]
    ['person', 'person']
    """
    votes: dict[str, dict[tuple[str, str | None], float]] = {}
    for text, mention in zip(texts, found, strict=True):
        kinds, kind = votes.setdefault(text, {}), (mention.type, mention.fine_type)
        kinds[kind] = kinds.get(kind, 0.0) + mention.score
    surest = {text: max(kinds.items(), key=itemgetter(1))[0] for text, kinds in votes.items()}
    return [
        mention
        if (mention.type, mention.fine_type) == surest[text]
        else replace(mention, type=surest[text][0], fine_type=surest[text][1])
        for text, mention in zip(texts, found, strict=True)
    ]


def read_sentences(body: str, read: int) -> list[tuple[int, int]]:
    """The sentences of a body whose words all lie in its first `read` characters.

    >>> read_sentences("Rain fell. Roads closed.", 22)
    [(0, 10)]
    """
    if read <= 0:
        return []
    looked_at = body[: read + LOOK_AHEAD]
    spans = split(looked_at)
    if len(looked_at) < len(body):  # the last one may be cut
        spans = spans[:-1]
    return [(a, b) for a, b in spans if b <= read or b - len(_marks_behind(body[a:b])) <= read]


def main_names(entities: Sequence[FoundEntity], title_size: int) -> frozenset[str]:
    """The names that a text is mostly about: in its title, often, early."""
    people = [e for e in entities if e.mention.type in ("person", "organisation", "place")]
    counts = Counter(e.text for e in people)
    titled = {e.text for e in people if e.mention.end <= title_size}
    ranked = sorted(counts, key=lambda name: (name not in titled, -counts[name]))
    return frozenset(ranked[:MAIN_ENTITIES])


def _spelled(mention: Mention) -> Mention:
    """The mention with our name of its type."""
    kind = SPELLINGS.get(mention.type.casefold(), mention.type)
    return mention if kind == mention.type else replace(mention, type=kind)


def _marks_behind(sentence: str) -> str:
    """What follows the last word; a tokenizer may leave it out."""
    found = _UNREAD_MARKS.search(sentence)
    return found[0] if found else ""


def _sentiment_order(route: Route) -> list[int]:
    """Which logits are those of SENTIMENTS. Raises ModelFileError."""
    if sorted(route.labels) != sorted(SENTIMENTS):
        raise ModelFileError(f"route {route.head} has labels {route.labels}; expected {SENTIMENTS}")
    return [route.labels.index(label) for label in SENTIMENTS]


def _rows(output: Array | None, count: int) -> Array | None:
    return None if output is None else output[:count]


@cache
def _assigner() -> TopicAssigner:
    return open_assigner()


@cache
def _linker(tables: tuple[Path, ...]) -> Linker:
    return Linker(read_table(tables))


HEADS: dict[str, Callable[[Manifest, Route, HeadOptions], Head]] = {
    "embedding": EmbeddingHead,
    "entities": EntitiesHead,
    "importance": ImportanceHead,
    "sentiment": SentimentHead,
    "summary": SummaryHead,
    "topics": TopicsHead,
}
"""The head of each task that a manifest may route; `target` is told with the entities."""
