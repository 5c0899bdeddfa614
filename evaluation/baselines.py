"""The simple methods that a trained head must beat, trained on the same rows.

tfidf           TF-IDF of words and word pairs with logistic regression, one label against the
                rest. Rows with languages: character 2- to 5-grams, one model a language.
                Where there is nothing to learn from, what most training rows have
majority        the most frequent label
gazetteer       entities of the training rows with their most frequent type, longest match first;
                on CoNLL-2003 the baseline of the shared task (F1 59.61)
lexicon         words that are marked in at least half of the training texts that hold them
lead3           the first three sentences
fasttext        lid.176 alone
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics import Booleans, Floats, entity_spans
from evaluation.rows import OUTSIDE, SpanRow, TagRow, TargetRow, TextRow
from models.language_codes import short

Integers = NDArray[np.int64]

LEAD = 3
"""Sentences that LEAD-3 takes."""

_WORDS = {"ngram_range": (1, 2), "sublinear_tf": True}
_CHARACTERS = {"analyzer": "char_wb", "ngram_range": (2, 5), "sublinear_tf": True}
_FEWEST_TEXTS = (2, 1)
"""That a term is in; the second where few texts have no term in common."""
_INVERSE_PENALTY = 10.0
"""C of the logistic regression; 1, its default, is too strict for TF-IDF's small values."""

_DECIDED = 0.5
_WORD = re.compile(r"\w+")


def tfidf_classes(
    train: Sequence[TextRow], texts: Sequence[TextRow], labels: Sequence[str], *, several: bool
) -> Booleans:
    """Decisions of TF-IDF with logistic regression, bool (texts, labels).

    A text in a language without training rows gets the most frequent label.
    """
    columns = {label: column for column, label in enumerate(labels)}
    given = np.zeros((len(texts), len(labels)), np.bool_)
    trained = _by_language(train)
    most_frequent = Counter(label for row in train for label in row.labels).most_common(1)
    for lang, places in _by_language(texts).items():
        if lang not in trained:
            given[places, [columns[label] for label, _ in most_frequent]] = True
            continue
        known = [train[place] for place in trained[lang]]
        options = _WORDS if lang is None else _CHARACTERS
        learned, asked = [row.text for row in known], [texts[place].text for place in places]
        if several:
            targets = np.zeros((len(known), len(labels)), np.int64)
            for number, row in enumerate(known):
                targets[number, [columns[label] for label in row.labels]] = 1
            given[places] = _fit_several(options, learned, targets, asked)
        else:
            found = _fit_one(options, learned, [row.labels[0] for row in known], asked)
            given[places, [columns[label] for label in found]] = True
    return given


def tfidf_targets(train: Sequence[TargetRow], rows: Sequence[TargetRow]) -> list[str]:
    """Labels by TF-IDF of the whole text, blind to the target."""
    return _fit_one(
        _WORDS, [row.text for row in train], [r.label for r in train], [r.text for r in rows]
    )


def tfidf_scores(train: Sequence[tuple[str, float]], texts: Sequence[str]) -> Floats:
    """Scores by TF-IDF with ridge regression; the mean where there is nothing to learn from."""
    from sklearn.linear_model import Ridge

    known = [score for _, score in train]
    vectors = _vectors(_WORDS, [text for text, _ in train], texts)
    if vectors is None:
        return np.full(len(texts), np.mean(known))
    scores: Floats = Ridge().fit(vectors[0], known).predict(vectors[1])
    return scores


def majority(labels: Sequence[str]) -> str:
    """The most frequent label; the first of equals in the alphabet.

    >>> majority(["b", "a", "b", "a"])
    'a'
    """
    counts = Counter(labels)
    return min(counts, key=lambda label: (-counts[label], label))


def gazetteer(train: Sequence[TagRow]) -> Callable[[Sequence[str]], list[str]]:
    """A tagger that knows the entities of some rows, as they are written there.

    An entity that has several types there gets the most frequent one.
    """
    types: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for row in train:
        for kind, start, end in entity_spans(row.tags):
            types[row.tokens[start:end]].append(kind)
    known = {name: majority(kinds) for name, kinds in types.items()}
    longest = max(map(len, known), default=0)

    def tag(tokens: Sequence[str]) -> list[str]:
        tags = [OUTSIDE] * len(tokens)
        start = 0
        while start < len(tokens):
            for size in range(min(longest, len(tokens) - start), 0, -1):
                kind = known.get(tuple(tokens[start : start + size]))
                if kind is not None:
                    tags[start : start + size] = [f"B-{kind}"] + [f"I-{kind}"] * (size - 1)
                    start += size
                    break
            else:
                start += 1
        return tags

    return tag


def marked_words(train: Sequence[SpanRow]) -> Callable[[str], set[int]]:
    """What marks the words that training rows mark at least as often as not."""
    seen: Counter[str] = Counter()
    marked: Counter[str] = Counter()
    for row in train:
        spans = frozenset(row.spans)
        for word in _WORD.finditer(row.text):
            seen[word[0].lower()] += 1
            marked[word[0].lower()] += word.start() in spans
    known = {word for word, count in marked.items() if count >= _DECIDED * seen[word]}

    def mark(text: str) -> set[int]:
        words = (word for word in _WORD.finditer(text) if word[0].lower() in known)
        return {i for word in words for i in range(*word.span())}

    return mark


def fasttext_language(texts: Sequence[str]) -> list[str]:
    """Language of each text by lid.176 alone."""
    from models.language import LANGUAGE_MODEL, LanguageDetector
    from models.manifest import SHIPPED, read

    model = read(SHIPPED).model_file(LANGUAGE_MODEL)
    detector = LanguageDetector(model, min_confidence=0.0, high_accuracy=False)
    return [detector.detect_fast(text).code for text in texts]


def _by_language(rows: Sequence[TextRow]) -> dict[str | None, list[int]]:
    """Places of the rows in each language."""
    places: dict[str | None, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        places[short(row.lang) if row.lang else None].append(place)
    return places


def _fit_one(
    options: Mapping[str, Any], texts: Sequence[str], labels: Sequence[str], asked: Sequence[str]
) -> list[str]:
    vectors = _vectors(options, texts, asked) if len(set(labels)) > 1 else None
    if vectors is None:
        return [majority(labels)] * len(asked)
    model = _one_against_the_rest().fit(vectors[0], labels)
    return [str(label) for label in model.predict(vectors[1])]


def _fit_several(
    options: Mapping[str, Any], texts: Sequence[str], targets: Integers, asked: Sequence[str]
) -> Booleans:
    """Decisions, bool (asked, labels).

    targets  int64 (texts, labels), 1 where a text has the label
    """
    given = np.tile(targets.mean(axis=0) > _DECIDED, (len(asked), 1))
    used = np.flatnonzero(targets.any(axis=0) & ~targets.all(axis=0))
    vectors = _vectors(options, texts, asked) if used.size else None
    if vectors is not None:
        model = _one_against_the_rest().fit(vectors[0], targets[:, used])
        # of one label, scikit-learn tells that it is not given, too
        given[:, used] = model.predict_proba(vectors[1])[:, -used.size :] >= _DECIDED
    return given


def _vectors(
    options: Mapping[str, Any], texts: Sequence[str], asked: Sequence[str]
) -> tuple[Any, Any] | None:
    """TF-IDF of the texts to learn from and of those asked; None where the former have no term."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    for fewest in _FEWEST_TEXTS:
        vectorizer = TfidfVectorizer(**options, min_df=fewest)
        try:
            learned = vectorizer.fit_transform(texts)
        except ValueError:  # no term is in so many texts
            continue
        return learned, vectorizer.transform(asked)
    return None


def _one_against_the_rest() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    return OneVsRestClassifier(LogisticRegression(C=_INVERSE_PENALTY, solver="liblinear"))
