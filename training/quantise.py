"""int8 with NNCF, which takes seconds to load."""

from collections.abc import Iterable
from pathlib import Path

import nncf
import onnx

from models.session import Arrays


def quantise(
    source: Path, inputs: Iterable[Arrays], target: Path, *, leave: str | None = None
) -> None:
    """Write a float32 graph with int8 weights and activations, as quantise and dequantise nodes.

    inputs  batches that set the scales
    leave   names of nodes that stay float32, a regular expression
    """
    batches = list(inputs)
    quantised = nncf.quantize(
        onnx.load(source),
        nncf.Dataset(batches),
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(batches),
        ignored_scope=nncf.IgnoredScope(patterns=[leave], validate=False) if leave else None,
    )
    onnx.checker.check_model(quantised)
    onnx.save(quantised, target)
