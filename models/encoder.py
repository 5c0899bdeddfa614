"""A text encoder: one pass, several outputs a text."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter_ns

import numpy as np
from tokenizers import Tokenizer

from models.session import Array, Arrays, Session
from schemas.errors import InferenceError, OutOfMemory

TokenIds = list[int]
Outputs = Arrays
"""One text's row of every output of the graph."""

CHARACTERS_PER_TOKEN = 6
"""Characters read for each token of the limit; ordinary English needs five."""


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

    The graph takes `input_ids` and `attention_mask`, int64 (batch, tokens). Threads may share one.
    """

    def __init__(self, session: Session, tokenizer: Path, *, max_tokens: int) -> None:
        self._session = session
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.enable_truncation(max_tokens)
        self._tokenizer.no_padding()
        self._max_characters = max_tokens * CHARACTERS_PER_TOKEN
        self._tokens_that_fit: int | None = None
        self._counting = threading.Lock()
        self.stats = EncoderStats()

    @property
    def max_characters(self) -> int:
        """Characters of a text that are looked at."""
        return self._max_characters

    def tokenize(self, text: str) -> TokenIds:
        """Token ids with the special tokens, cut at the model's limit."""
        ids: TokenIds = self._tokenizer.encode(text[: self._max_characters]).ids
        return ids

    def run(self, batch: Sequence[TokenIds]) -> list[Outputs | InferenceError]:
        """Outputs of each text, or why the model failed on that text.

        A batch that does not fit into memory is halved, and later ones are kept to that size; one
        that fails is halved until the culprit stands alone.
        """
        answers: list[Outputs | InferenceError] = []
        for part in self._parts(batch):
            answers += self._run_or_halve(part)
        return answers

    def _parts(self, batch: Sequence[TokenIds]) -> list[Sequence[TokenIds]]:
        """The batch in as many parts as memory has asked for."""
        if self._tokens_that_fit is None:
            return [batch]
        widest = max(len(ids) for ids in batch)
        count = max(1, self._tokens_that_fit // widest)
        return [batch[i : i + count] for i in range(0, len(batch), count)]

    def _run_or_halve(self, batch: Sequence[TokenIds]) -> list[Outputs | InferenceError]:
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

    def _run_once(self, batch: Sequence[TokenIds]) -> list[Outputs | InferenceError]:
        started = perf_counter_ns()
        ids, mask = pad(batch)
        outputs = self._session.run({"input_ids": ids, "attention_mask": mask})
        with self._counting:
            self.stats.batches += 1
            self.stats.batched_texts += len(batch)
            self.stats.batched_tokens += ids.size
            self.stats.model_time_us += (perf_counter_ns() - started) // 1000
        return [
            _finite({name: array[row] for name, array in outputs.items()})
            for row in range(len(batch))
        ]


def pad(batch: Sequence[TokenIds]) -> tuple[Array, Array]:
    """Token ids and mask of a batch, both int64 (batch, longest text); 0 marks padding.

    >>> pad([[101, 102], [101, 7592, 102]])[1].tolist()
    [[1, 1, 0], [1, 1, 1]]
    """
    shape = (len(batch), max(map(len, batch)))
    ids, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for row, text in enumerate(batch):
        ids[row, : len(text)] = text
        mask[row, : len(text)] = 1
    return ids, mask


def _finite(outputs: Outputs) -> Outputs | InferenceError:
    for name, array in outputs.items():
        if not np.isfinite(array).all():
            return InferenceError(f"output {name} holds values that are not finite numbers")
    return outputs
