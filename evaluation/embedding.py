"""Texts as the shipped encoder sees them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from models.manifest import SHIPPED
from models.manifest import read as read_manifest
from models.text_models import open_texts
from schemas.enriched_article import EMBEDDING
from schemas.errors import InferenceError, SetupError

Vectors = npt.NDArray[np.float32]


def embed(texts: Sequence[str]) -> Vectors:
    """Vectors of texts by the shipped encoder, float32 (texts, width). Raises SetupError."""
    manifest = read_manifest(SHIPPED)
    route = next(r for r in manifest.routes if r.task == EMBEDDING)
    try:
        read = open_texts(manifest, route.model).read(texts)
    except InferenceError as error:
        raise SetupError(f"the encoder fails: {error}") from error
    return np.stack([outputs[route.output] for _, outputs in read]).astype(np.float32)
