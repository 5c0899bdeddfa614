"""Models of a manifest outside the jobs: texts in batches, one after another."""

import os
from collections.abc import Sequence
from typing import Protocol

from models.blend import Blend
from models.encoder import Outputs, Tokens
from models.manifest import Manifest
from models.opening import Reader, open_blend, open_encoder, open_reader
from schemas.errors import InferenceError

BATCH = 16


class TextModel(Protocol):
    """What a model says of texts."""

    def tokens(self, text: str) -> int:
        """How many a text has, as the model counts them."""
        ...

    def read(self, texts: Sequence[str]) -> list[tuple[Tokens, Outputs]]:
        """Tokens, if the model makes any, and outputs of each text. Raises InferenceError."""
        ...


class _OfGraph:
    """A graph, which is given batches of similar length."""

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


class _OfReader:
    """A model without a graph."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def tokens(self, text: str) -> int:
        """How many words a text has."""
        return len(text.split())

    def read(self, texts: Sequence[str]) -> list[tuple[Tokens, Outputs]]:
        """Tokens, if the model makes any, and outputs of each text."""
        return [self._reader.read(text) for text in texts]


class _OfBlend:
    """Several models weighed together."""

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
    """A model of the manifest. Raises ModelFileError."""
    blend = open_blend(manifest, name)
    if blend is not None:
        return _OfBlend(manifest, blend)
    reader = open_reader(manifest, name)
    return _OfGraph(manifest, name) if reader is None else _OfReader(reader)
