"""Which Media Topics an article is about, and how surely.

Every concept has a vector: the embedding of prompts made of its name, path and definition. What
tells for a concept, as numbers (`FEATURES`), becomes a probability by one logistic regression for
the concepts of the supervised head and one for all others, both fitted on articles that were judged
by reading (`training.fit_topics`); `calibration.toml` holds them.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, field_validator

from models.topics import concepts, mappings
from models.topics.concepts import MediaTopics
from schemas.errors import ModelFileError

FOLDER = Path(__file__).parent
VECTORS = "vectors.npz"
CALIBRATION = "calibration.toml"

FEATURES = ("similarity", "standardised", "gap", "supervised", "named", "partly_named")
"""What tells for a concept.

similarity    cosine of article and concept
standardised  the same in deviations from what news in general has: some vectors are near to all
gap           how much less similar the concept is than the article's most similar one
supervised    log-odds by the supervised head of the concept itself, else of its top one; 0 if none
named         1 if every word of the concept's name stands in the text
partly_named  share of the words that do, if not every one
"""

MAX_CHARACTERS = 2_000
"""Of a text in which names are looked for: it is about what it starts with."""

SIB200 = "sib200"
SIB200_LABELS = (
    "entertainment", "geography", "health", "politics", "science/technology", "sports", "travel",
)  # fmt: skip
"""In alphabetical order, as a model's outputs have them."""

Floats = npt.NDArray[np.floating[Any]]
_WORD = re.compile(r"[^\W\d_]+")
_ASIDE = re.compile(r"\(.*?\)")
_EMPTY_WORDS = frozenset("a and for in of on or s the to".split())  # noqa: SIM905


@dataclass(frozen=True, slots=True)
class Topic:
    """A concept that an article is about.

    name       British English
    names      language (BCP 47) to name
    ancestors  codes of the broader concepts, the top one first
    score      probability, 0 to 1; an ancestor's is at least that of its descendants
    """

    code: str
    name: str
    names: Mapping[str, str]
    ancestors: tuple[str, ...]
    score: float


class Weights(BaseModel):
    """A logistic regression over FEATURES."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bias: float
    weights: dict[str, float]

    @field_validator("weights")
    @classmethod
    def _each_feature_once(cls, weights: dict[str, float]) -> dict[str, float]:
        if set(weights) != set(FEATURES):
            raise ValueError(f"weights of {sorted(weights)}; expected {sorted(FEATURES)}")
        return weights


class Threshold(BaseModel):
    """Least scores at which `precision` was reached on judged articles, by depth 1, 2, 3 and up."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    precision: float
    scores: tuple[float, float, float]


class Calibration(BaseModel):
    """What `calibration.toml` says.

    head        where the supervised probabilities of the fit came from
    top         weights for concepts of the supervised head
    other       weights for all others
    thresholds  by rising precision
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    head: str
    top: Weights
    other: Weights
    thresholds: tuple[Threshold, ...]

    def scores_for(self, precision: float) -> tuple[float, float, float]:
        """Least scores for the smallest stated precision that is high enough.

        Raises ValueError if none is.
        """
        for threshold in self.thresholds:
            if threshold.precision >= precision - 1e-9:
                return threshold.scores
        known = ", ".join(str(threshold.precision) for threshold in self.thresholds)
        raise ValueError(f"no thresholds for a precision of {precision}; there are {known}")


@dataclass(frozen=True)
class Vectors:
    """Embeddings of all concepts, in the order of MediaTopics.

    vectors         float32 (concepts, 384), length 1
    mean, spread    float32 (concepts,): of their cosine to news in general
    """

    vectors: npt.NDArray[np.float32]
    mean: npt.NDArray[np.float32]
    spread: npt.NDArray[np.float32]


class NameMatcher:
    """How much of each concept's name stands in a text."""

    def __init__(self, topics: MediaTopics) -> None:
        self._share = np.zeros(len(topics), np.float32)
        self._rows: dict[str, list[int]] = {}
        for row, concept in enumerate(topics):
            words = set(_words(_ASIDE.sub("", concept.name)))
            self._share[row] = 1 / max(1, len(words))
            for word in words:
                self._rows.setdefault(word, []).append(row)
        forms = {f for word in self._rows for f in (word, word + "s", word[:-1] + "ies")}
        self._word_of_form = {
            form: word for form in forms - _EMPTY_WORDS if (word := _plain_form(form)) in self._rows
        }

    def shares(self, text: str) -> npt.NDArray[np.float32]:
        """Share of the words of each concept's name that the text has, float32 (concepts,)."""
        forms = self._word_of_form.keys() & _WORD.findall(text[:MAX_CHARACTERS].lower())
        words = {self._word_of_form[form] for form in forms}
        found = [row for word in words for row in self._rows[word]]
        counts = np.bincount(found, minlength=len(self._share)) if found else 0
        shares: npt.NDArray[np.float32] = (counts * self._share).astype(np.float32)
        return shares


def _words(text: str) -> Iterator[str]:
    """Words without case and plural, little words left out.

    >>> list(_words("The Refugees of wars"))
    ['refugee', 'war']
    """
    for word in _WORD.findall(text.lower()):
        if word not in _EMPTY_WORDS:
            yield _plain_form(word)


def _plain_form(word: str) -> str:
    """A word in lower case without the ending of a plural."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith("s") and not word.endswith("ss") and len(word) > 3:
        return word[:-1]
    return word


class FeatureMaker:
    """Turns an article into FEATURES for each concept."""

    def __init__(self, topics: MediaTopics, supervised: Sequence[str], vectors: Vectors) -> None:
        self._vectors = vectors
        self._names = NameMatcher(topics)
        self.supervised_rows = np.array([topics.row(code) for code in supervised])
        place = {code: column for column, code in enumerate(supervised)}
        columns = [
            place.get(concept.code, place.get(topics.top(concept.code), -1)) for concept in topics
        ]
        self._column = np.array(columns)
        self._has_column = self._column >= 0

    def features(self, probabilities: Floats, embedding: Floats, text: str) -> Floats:
        """FEATURES of one article, float32 (concepts, 6).

        probabilities  of the supervised concepts, (supervised,)
        embedding      (384,), length 1
        """
        vectors = self._vectors
        similarity = vectors.vectors @ embedding.astype(np.float32)
        sure = np.clip(probabilities, 1e-3, 1 - 1e-3)
        odds = np.log(sure / (1 - sure))
        shares = self._names.shares(text)
        named = shares > 0.999
        columns = (
            similarity,
            (similarity - vectors.mean) / vectors.spread,
            similarity.max() - similarity,
            np.where(self._has_column, odds[self._column], 0),
            named,
            np.where(named, 0, shares),
        )
        answer: Floats = np.empty((len(similarity), len(columns)), np.float32)
        for column, values in enumerate(columns):
            answer[:, column] = values
        return answer


class TopicAssigner:
    """Assigns Media Topics; threads may share one, and it pickles."""

    def __init__(
        self,
        topics: MediaTopics,
        labels: mappings.Mappings,
        vectors: Vectors,
        calibration: Calibration,
    ) -> None:
        self.topics = topics
        self.supervised = labels.supervised
        self._labels = labels
        self._calibration = calibration
        self._maker = FeatureMaker(topics, labels.supervised, vectors)
        self._weights = _weights(calibration, self._maker.supervised_rows, len(topics))
        self._depth = np.array([min(concept.depth, 3) - 1 for concept in topics])

    def assign(
        self,
        probabilities: Floats,
        embedding: Floats,
        text: str = "",
        *,
        precision: float = 0.8,
    ) -> list[Topic]:
        """Topics of an article, best first, an ancestor before its descendants.

        probabilities  of `supervised`, in that order, 0 to 1
        embedding      of the article, float (384,), length 1
        text           title and body; without it names are not looked for, and fewer are found
        precision      share of the topics that should be right; fewer come back as it rises
        """
        scores = self.scores(probabilities, embedding, text)
        least = np.array(self._calibration.scores_for(precision))[self._depth]
        return self.with_ancestors(
            {self.topics.concepts[row].code: scores[row] for row in np.flatnonzero(scores >= least)}
        )

    def scores(
        self, probabilities: Floats, embedding: Floats, text: str = ""
    ) -> npt.NDArray[np.float64]:
        """Probability of each concept by itself, float64 (concepts,)."""
        weights, bias = self._weights
        features = self._maker.features(probabilities, embedding, text)
        logits = np.einsum("cf,cf->c", features, weights) + bias
        answer: npt.NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
        return answer

    def from_sib200(self, probabilities: Floats) -> list[Topic]:
        """Topics of the likeliest label of SIB-200; none below the label's least probability.

        probabilities  of SIB200_LABELS, in that order
        """
        best = int(np.argmax(probabilities))
        label, score = SIB200_LABELS[best], float(probabilities[best])
        if score < self._labels.meaning(SIB200, label).least:
            return []
        return self.with_ancestors(dict.fromkeys(self._labels.implied(SIB200, label), score))

    def with_ancestors(self, scores: Mapping[str, float]) -> list[Topic]:
        """Topics for these codes and all above them."""
        best: dict[str, float] = {}
        for code, score in scores.items():
            for one in (code, *self.topics.ancestors(code)):
                best[one] = max(score, best.get(one, 0.0))
        order = sorted(best, key=lambda code: (-best[code], self.topics[code].depth, code))
        return [self._topic(code, best[code]) for code in order]

    def _topic(self, code: str, score: float) -> Topic:
        concept = self.topics[code]
        return Topic(
            code=code,
            name=concept.name,
            names=concept.names,
            ancestors=self.topics.ancestors(code),
            score=round(float(score), 4),
        )


def open_assigner(folder: Path = FOLDER) -> TopicAssigner:
    """The assigner of the files in a folder. Raises ModelFileError."""
    topics = concepts.read(folder / concepts.SHIPPED.name)
    labels = mappings.read(topics, folder / mappings.SHIPPED.name)
    return TopicAssigner(
        topics, labels, read_vectors(folder / VECTORS), read_calibration(folder / CALIBRATION)
    )


def read_vectors(path: Path) -> Vectors:
    """Concept embeddings, float16 in the file. Raises ModelFileError."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return Vectors(*(arrays[name].astype(np.float32) for name in Vectors.__annotations__))
    except (OSError, KeyError, ValueError) as error:
        raise ModelFileError(f"concept embeddings {path} cannot be read: {error}") from error


def read_calibration(path: Path) -> Calibration:
    """Weights and thresholds. Raises ModelFileError."""
    try:
        return Calibration.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise ModelFileError(f"calibration {path} cannot be read: {error}") from error


def _weights(
    calibration: Calibration, supervised_rows: npt.NDArray[np.intp], count: int
) -> tuple[Floats, Floats]:
    """Weights (concepts, features) and bias (concepts,), float32."""
    weights = np.empty((count, len(FEATURES)), np.float32)
    bias = np.empty(count, np.float32)
    everything = np.arange(count)
    parts = ((everything, calibration.other), (supervised_rows, calibration.top))
    for rows, part in parts:
        weights[rows] = [part.weights[name] for name in FEATURES]
        bias[rows] = part.bias
    return weights, bias
