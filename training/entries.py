"""Models that are one file beside a manifest, as `wiredesk train` releases them."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from models.manifest import ModelEntry

CARD = "MODEL_CARD.md"


def write_tensors(tensors: Mapping[str, np.ndarray], path: Path) -> None:
    """A file of tensors that everybody may read, as safetensors would not have it."""
    path.parent.mkdir(exist_ok=True)
    save_file(dict(tensors), path)
    path.chmod(0o644)


def entry(manifest: Path, file: Path, *, commercial: bool, **more: Any) -> ModelEntry:
    """The entry of a model whose card lies in the folder of its file.

    file  below the manifest's folder
    more  other fields of the entry
    """
    return ModelEntry(
        file=file,
        sha256=digest(manifest.parent / file),
        licence="Apache-2.0" if commercial else "non-commercial",
        card=file.with_name(CARD),
        commercial=commercial,
        **more,
    )


def digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
