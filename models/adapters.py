"""Graphs that borrow weights of the published encoder, the base: it is stored once for all.

An adapter lacks the weights that it shares with the base and has low-rank changes to them (LoRA; Hu
et al., 2021), which ONNX Runtime adds when the graph is opened: a head of its own in a few
megabytes. An encoder that was trained further lacks the word embeddings alone: they are half of its
weights, and training leaves them as they were.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnxruntime as ort
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file

from models.session import ORT_ERRORS, RUN_FAILURES, Array, Arrays, Provider, classify
from schemas.errors import ModelFileError

BASE_GRAPH_INPUTS = ("input_ids", "attention_mask", "word_shapes")
ROWS, SCALES = ".int8", ".scales"
"""Endings of a quantised matrix and of the scale of each of its rows."""
WORDS = "words.weight"
"""The word embeddings, a row for each token of the vocabulary."""


class AdapterSession:
    """The graph of an adapter on the CPU, float32; a models.session.Session."""

    def __init__(self, adapter: Path, base: Path, *, threads: int) -> None:
        names, self._weights = base_weights(base)  # the graph reads them where they lie
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        options.add_external_initializers(list(names), list(self._weights))
        try:
            self._session = ort.InferenceSession(
                str(adapter), options, providers=["CPUExecutionProvider"]
            )
        except ORT_ERRORS as error:
            raise ModelFileError(f"adapter {adapter} does not open on {base}: {error}") from error
        self._outputs = [output.name for output in self._session.get_outputs()]
        self.provider = Provider.CPU
        self.devices_lost = 0

    def run(self, inputs: Mapping[str, Array]) -> Arrays:
        """Raises OutOfMemory or InferenceError."""
        try:
            answers = self._session.run(self._outputs, dict(inputs))
        except RUN_FAILURES as error:
            raise classify(str(error) or type(error).__name__, self.provider) from error
        return dict(zip(self._outputs, answers, strict=True))


@lru_cache(maxsize=1)
def base_weights(base: Path) -> tuple[tuple[str, ...], tuple[ort.OrtValue, ...]]:
    """Names and float32 values of the base's weights. Raises ModelFileError."""
    try:
        stored = load_file(base)
    except (OSError, SafetensorError) as error:
        raise ModelFileError(f"weights {base} cannot be read: {error}") from error
    weights: dict[str, Array] = {}
    for name, value in stored.items():
        if name.endswith(ROWS):
            plain = name.removesuffix(ROWS)
            if plain + SCALES not in stored:
                raise ModelFileError(f"weights {base} have {name} without {plain + SCALES}")
            weights[plain] = value.astype(np.float32) * stored[plain + SCALES]
        elif not name.endswith(SCALES):
            weights[name] = value
    return tuple(weights), tuple(map(ort.OrtValue.ortvalue_from_numpy, weights.values()))


@lru_cache(maxsize=1)
def word_embeddings(base: Path) -> Mapping[str, ort.OrtValue]:
    """The base's word embeddings as stored: int8 rows and their scales. Raises ModelFileError."""
    try:
        with safe_open(base, framework="numpy") as stored:
            return {
                name: ort.OrtValue.ortvalue_from_numpy(stored.get_tensor(name))
                for name in (WORDS + ROWS, WORDS + SCALES)
            }
    except (OSError, SafetensorError) as error:
        raise ModelFileError(f"word embeddings of {base} cannot be read: {error}") from error
