"""A text encoder: one pass, several outputs a text."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from time import perf_counter_ns

import numpy as np
from tokenizers import Tokenizer

from models.romanise import romanise
from models.session import Array, Arrays, Session
from models.spelling import SLURS, respell
from models.word_shapes import shapes_and_words, word_indexes
from schemas.errors import InferenceError, OutOfMemory

Outputs = Arrays
"""One text's row of every output of the graph."""

CHARACTERS_PER_TOKEN = 6
"""Characters read for each token of the limit; ordinary English needs five."""


@dataclass(frozen=True)
class Tokens:
    """A text as an encoder reads it.

    ids      token ids, special tokens included
    offsets  int64 (tokens, 2): first and last+1 character of each token in the text as it was
             given; an empty span for special tokens
    words    int64 (tokens,): number of the word that each token is of, -1 for special tokens
    shapes   int64 (tokens,) of models.word_shapes; None if the graph does not take them
    """

    ids: list[int]
    offsets: Array
    words: Array
    shapes: Array | None = None

    def __len__(self) -> int:
        return len(self.ids)


@dataclass
class EncoderStats:
    """What an encoder has done since it was opened."""

    batches: int = 0
    batched_texts: int = 0
    batched_tokens: int = 0
    model_time_us: int = 0
    out_of_memory: int = 0


class Encoder:
    """Tokenises texts and runs batches of them through one ONNX graph.

    The graph takes `input_ids`, `attention_mask` and perhaps `word_shapes`, int64 (batch, tokens).
    Threads may share one.

    with_shapes  whether the graph takes `word_shapes`
    romanised    whether it reads texts in Latin letters
    respelled    whether it reads disguised words as the plain ones (models.spelling)
    """

    def __init__(
        self,
        session: Session,
        tokenizer: Path,
        *,
        max_tokens: int,
        with_shapes: bool = False,
        romanised: bool = False,
        respelled: bool = False,
    ) -> None:
        self._session = session
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.enable_truncation(max_tokens)
        self._tokenizer.no_padding()
        self._max_characters = max_tokens * CHARACTERS_PER_TOKEN
        self._with_shapes = with_shapes
        self._romanised = romanised
        self._words_known = known_words(self._tokenizer) if respelled else None
        self._tokens_that_fit: int | None = None
        self._counting = threading.Lock()
        self.stats = EncoderStats()

    @property
    def max_characters(self) -> int:
        """Characters of a text that are looked at."""
        return self._max_characters

    def tokenize(self, text: str) -> Tokens:
        """The tokens of a text with the special ones, cut at the model's limit."""
        read = text[: self._max_characters]
        if self._words_known is not None:
            plain, spans = respell(read, self._words_known)
            tokens = self._tokens(plain)
            return replace(tokens, offsets=spans_of(tokens.offsets, spans))
        if not self._romanised:
            return self._tokens(read)
        letters, origin = romanise(read)
        tokens = self._tokens(letters)
        return replace(tokens, offsets=_spans_before(tokens.offsets, origin))

    def _tokens(self, text: str) -> Tokens:
        encoding = self._tokenizer.encode(text)
        bounds = chain.from_iterable(encoding.offsets)
        offsets = np.fromiter(bounds, np.int64, 2 * len(encoding)).reshape(-1, 2)
        if not self._with_shapes:  # a third of the time of a short text
            return Tokens(encoding.ids, offsets, word_indexes(text, offsets))
        shapes, words = shapes_and_words(text, offsets)
        return Tokens(encoding.ids, offsets, words, shapes)

    def run(self, batch: Sequence[Tokens]) -> list[Outputs | InferenceError]:
        """Outputs of each text, or why the model failed on that text.

        A batch that does not fit into memory is halved, and later ones are kept to that size; one
        that fails is halved until the culprit stands alone.
        """
        answers: list[Outputs | InferenceError] = []
        for part in self._parts(batch):
            answers += self._run_or_halve(part)
        return answers

    def _parts(self, batch: Sequence[Tokens]) -> list[Sequence[Tokens]]:
        """The batch in as many parts as memory has asked for."""
        if self._tokens_that_fit is None:
            return [batch]
        widest = max(map(len, batch))
        count = max(1, self._tokens_that_fit // widest)
        return [batch[i : i + count] for i in range(0, len(batch), count)]

    def _run_or_halve(self, batch: Sequence[Tokens]) -> list[Outputs | InferenceError]:
        try:
            return self._run_once(batch)
        except InferenceError as error:
            if len(batch) == 1:
                return [error]
            if isinstance(error, OutOfMemory):
                self.stats.out_of_memory += 1
                self._tokens_that_fit = len(batch) * max(map(len, batch)) // 2
            middle = len(batch) // 2
            return self._run_or_halve(batch[:middle]) + self._run_or_halve(batch[middle:])

    def _run_once(self, batch: Sequence[Tokens]) -> list[Outputs | InferenceError]:
        started = perf_counter_ns()
        inputs = pad(batch)
        outputs = self._session.run(inputs)
        with self._counting:
            self.stats.batches += 1
            self.stats.batched_texts += len(batch)
            self.stats.batched_tokens += inputs["input_ids"].size
            self.stats.model_time_us += (perf_counter_ns() - started) // 1000
        answers = [
            {name: array[row] for name, array in outputs.items()} for row in range(len(batch))
        ]
        if all(np.isfinite(array).all() for array in outputs.values()):
            return [*answers]
        return [_finite(answer) for answer in answers]


def pad(batch: Sequence[Tokens]) -> Arrays:
    """The graph's inputs for a batch, int64 (batch, longest text) each; 0 marks padding.

    >>> two = [Tokens([7] * size, np.zeros((size, 2)), np.zeros(size)) for size in (2, 3)]
    >>> pad(two)["attention_mask"].tolist()
    [[1, 1, 0], [1, 1, 1]]
    """
    shape = (len(batch), max(map(len, batch)))
    inputs = {name: np.zeros(shape, np.int64) for name in ("input_ids", "attention_mask")}
    if batch[0].shapes is not None:
        inputs["word_shapes"] = np.zeros(shape, np.int64)
    for row, tokens in enumerate(batch):
        inputs["input_ids"][row, : len(tokens)] = tokens.ids
        inputs["attention_mask"][row, : len(tokens)] = 1
        if tokens.shapes is not None:
            inputs["word_shapes"][row, : len(tokens)] = tokens.shapes
    return inputs


def _spans_before(offsets: Array, origin: Sequence[int]) -> Array:
    """Where spans of a romanised text lie in the text before."""
    if not origin:
        return offsets
    starts = np.array(origin, np.int64)
    spans = np.zeros_like(offsets)
    real = offsets[:, 1] > offsets[:, 0]
    spans[real, 0] = starts[offsets[real, 0]]
    spans[real, 1] = starts[offsets[real, 1] - 1] + 1
    return spans


def known_words(tokenizer: Tokenizer) -> frozenset[str]:
    """Words that a disguised one may stand for: those that the tokenizer has whole, and slurs."""
    whole = (word for word in tokenizer.get_vocab() if len(word) > 1 and word.isalpha())
    return frozenset(whole) | SLURS


def spans_of(offsets: Array, spans: Array) -> Array:
    """Where tokens of a respelled text lie in the text before."""
    found = np.zeros_like(offsets)
    real = offsets[:, 1] > offsets[:, 0]
    found[real, 0] = spans[offsets[real, 0], 0]
    found[real, 1] = spans[offsets[real, 1] - 1, 1]
    return found


def _finite(outputs: Outputs) -> Outputs | InferenceError:
    for name, array in outputs.items():
        if not np.isfinite(array).all():
            return InferenceError(f"output {name} holds values that are not finite numbers")
    return outputs
