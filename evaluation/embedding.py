"""Texts as the shipped encoder sees them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from models.manifest import SHIPPED
from models.manifest import read as read_manifest
from models.opening import open_encoder
from schemas.errors import InferenceError, SetupError

Vectors = npt.NDArray[np.float32]

EMBEDDING = "embedding"
"""The task whose route names the encoder."""

BATCH = 16


def embed(texts: Sequence[str]) -> Vectors:
    """Vectors of texts by the shipped encoder, float32 (texts, width)."""
    manifest = read_manifest(SHIPPED)
    route = next(r for r in manifest.routes if r.task == EMBEDDING)
    encoder = open_encoder(manifest, route.model, threads=1)
    ids = [encoder.tokenize(text) for text in texts]
    order = sorted(range(len(ids)), key=lambda place: len(ids[place]))
    vectors: list[Any] = [None] * len(ids)
    for start in range(0, len(order), BATCH):
        places = order[start : start + BATCH]
        answers = encoder.run([ids[place] for place in places])
        for place, answer in zip(places, answers, strict=True):
            if isinstance(answer, InferenceError):
                raise SetupError(f"the encoder fails on row {place + 1}: {answer.detail}")
            vectors[place] = answer[route.output]
    stacked: Vectors = np.stack(vectors).astype(np.float32)
    return stacked
