"""What the sentences of a document tell together: scores of each, of each pair, of how many.

A small graph reads a document as a row of sentence vectors, which another model of the manifest
gives, beside counts of words. A summary's score is the sum of its sentences' scores, of the scores
of their pairs (two that say the same lose) and of its size.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np

from models.encoder import Encoder
from models.session import Array, Session
from models.tags import stop_words
from schemas.errors import InferenceError

MOST_READ = 20
"""Sentences of a document that are read, from the first."""
MOST_TOLD = 5
"""Sentences that a summary has at most."""
POOL = 10
"""Sentences among which a summary is sought, the best by their own scores."""
VECTOR_OUTPUT = "sentence_embedding"
INPUTS = ("vectors", "features", "mask")
OUTPUTS = ("scores", "pairs", "sizes")

_BATCH = 16
_WORD = re.compile(r"\w+(?:'\w+)?")
_BRACKETS = frozenset({"lrb", "rrb", "lsb", "rsb"})
_LEANING = frozenset({
    "he", "she", "it", "they", "we", "i", "you", "this", "that", "these", "those", "his", "her",
    "its", "their", "but", "and", "so", "then",
})  # fmt: skip
"""What a sentence begins with that leans on the one before."""
_QUOTATION = re.compile(r"[\"“”«»]|``|''")


@dataclass(frozen=True)
class DocumentScores:
    """Of the sentences of a document that were read.

    scores  float32 (sentences,)
    pairs   float32 (sentences, sentences), symmetric
    sizes   float32 (MOST_TOLD,): of a summary of one sentence, of two, …
    """

    scores: Array
    pairs: Array
    sizes: Array


class DocumentScorer:
    """An encoder of sentences before a graph of documents.

    The graph takes `vectors` float32 (documents, sentences, width), `features` float32 (documents,
    sentences, FEATURES) and `mask` float32 (documents, sentences), 1 marks a real sentence.
    """

    def __init__(self, encoder: Encoder, graph: Session) -> None:
        self._encoder = encoder
        self._graph = graph

    def score(self, sentences: Sequence[str]) -> DocumentScores:
        """Of a document with at least one sentence. Raises InferenceError."""
        vectors = sentence_vectors(self._encoder, sentences[:MOST_READ])
        inputs = (vectors, features(sentences), np.ones(len(vectors), np.float32))
        outputs = self._graph.run({n: a[None] for n, a in zip(INPUTS, inputs, strict=True)})
        return DocumentScores(*(outputs[name][0] for name in OUTPUTS))


def sentence_vectors(encoder: Encoder, sentences: Sequence[str]) -> Array:
    """Float32 (sentences, width). Raises InferenceError."""
    tokens = [encoder.tokenize(sentence) for sentence in sentences]
    order = sorted(range(len(tokens)), key=lambda i: len(tokens[i]))
    found: dict[int, Array] = {}
    for start in range(0, len(order), _BATCH):
        rows = order[start : start + _BATCH]
        for row, answer in zip(rows, encoder.run([tokens[i] for i in rows]), strict=True):
            if isinstance(answer, InferenceError):
                raise answer
            found[row] = answer[VECTOR_OUTPUT]
    return np.stack([found[i] for i in range(len(tokens))]).astype(np.float32)


FEATURES = 17
"""Columns of `features`."""


def features(sentences: Sequence[str]) -> Array:
    """What counting words tells of the first MOST_READ sentences, float32 (sentences, FEATURES).

    Length, place, how much of the document's and of the lead's words a sentence has, what is new in
    it, numbers, quotations, questions, and whether it leans on the sentence before.
    """
    texts = [sentence.lower() for sentence in sentences]
    words = [_WORD.findall(text) for text in texts]
    ignored = stop_words("en") | _BRACKETS
    content = [{w for w in of_one if len(w) > 2 and w not in ignored} for of_one in words]
    frequency = Counter(word for of_one in content for word in of_one)
    weights = {word: 1.0 + float(np.log(count)) for word, count in frequency.items()}
    of_document = sum(w * w for w in weights.values()) ** 0.5 or 1.0
    total = sum(frequency.values()) or 1
    told: set[str] = set()
    rows = []
    for i in range(min(len(sentences), MOST_READ)):
        own, size = content[i], max(1, len(words[i]))
        known = max(1, len(own))
        length = sum(weights[w] ** 2 for w in own) ** 0.5 or 1.0
        lead = set().union(*(content[j] for j in range(min(3, len(content))) if j != i))
        earlier = max((len(own & content[j]) for j in range(i)), default=0)
        other = max((len(own & content[j]) for j in range(len(content)) if j != i), default=0)
        rows.append(
            (
                np.log1p(size) / 4,
                min(size, 80) / 40,
                len(own) / size,
                np.log(len(sentences)) / 4,
                i / len(sentences),
                sum(weights[w] for w in own) / known / 3,
                max((weights[w] for w in own), default=0.0) / 4,
                10 * sum(frequency[w] for w in own) / total,
                length / of_document * 3,
                len(own & lead) / known,
                earlier / known,
                other / known,
                len(own - told) / known,
                sum(any(c.isdigit() for c in w) for w in words[i]) / size * 4,
                bool(_QUOTATION.search(texts[i])),
                words[i][:1] != [] and words[i][0] in _LEANING,
                "?" in texts[i],
            )
        )
        told |= own
    return np.array(rows, np.float32).reshape(-1, FEATURES)


def best_together(found: DocumentScores, longest: int = MOST_TOLD) -> list[int]:
    """Indexes, ascending, of at most `longest` sentences whose summary scores highest.

    >>> scores = np.array([3.0, 2.0, 1.9]), np.array([[0, -2, 0], [-2, 0, 0], [0, 0, 0.0]])
    >>> best_together(DocumentScores(*scores, np.zeros(MOST_TOLD)), longest=2)
    [0, 2]
    """
    pool = np.sort(np.argsort(-found.scores, kind="stable")[:POOL])
    chosen = subsets(len(pool), longest)
    alone = chosen @ found.scores[pool]
    pairs = found.pairs[np.ix_(pool, pool)]
    among = ((chosen @ pairs) * chosen).sum(axis=1) - chosen @ np.diag(pairs)
    sizes = found.sizes[chosen.sum(axis=1).astype(int) - 1]
    best = chosen[int(np.argmax(alone + among / 2 + sizes))]
    return [int(i) for i in pool[best > 0]]


@lru_cache(maxsize=64)
def subsets(count: int, longest: int) -> Array:
    """Every choice of one to `longest` of `count` things, float32 (choices, count) of 0 and 1."""
    rows = [
        chosen
        for size in range(1, min(longest, count) + 1)
        for chosen in combinations(range(count), size)
    ]
    marks = np.zeros((len(rows), count), np.float32)
    for mark, chosen in zip(marks, rows, strict=True):
        mark[list(chosen)] = 1.0
    return marks
