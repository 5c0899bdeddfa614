"""float16 for GPUs."""

from pathlib import Path

import onnx


def to_half(source: Path, target: Path) -> None:
    """Write a float32 graph in float16; inputs and outputs stay as they are."""
    from onnxruntime.transformers import float16

    model = float16.convert_float_to_float16(
        onnx.load(source),
        keep_io_types=True,
        op_block_list=[*float16.DEFAULT_OP_BLOCK_LIST, "ReduceLogSumExp"],
    )
    onnx.save(model, target)
