"""What is exported answers as what it was made of, or it is not made."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

from models.adapters import word_embeddings
from models.manifest import SHIPPED
from models.session import OnnxSession, Provider

MISSING = "needs the extra `training`"
torch = pytest.importorskip("torch", reason=MISSING)
export = pytest.importorskip("training.export", reason=MISSING)
network = pytest.importorskip("training.network", reason=MISSING)

BASE = SHIPPED.parent / "adapters" / "base.safetensors"


def test_adapter_trained_on_other_weights_than_the_base_is_refused(tmp_path):
    trained = network.Network(network.published_encoder(), {"logits": network.OfText(2)})
    trained.add_low_rank(2)
    trained.eval().requires_grad_(False)
    export.export_adapter(trained, BASE, tmp_path / "adapter.onnx", seed=1)
    trained.encoder.layer[0].output.dense.parametrizations.weight.original.mul_(1.3)
    with pytest.raises(ValueError, match=r"adapter\.onnx differs from its network by"):
        export.export_adapter(trained, BASE, tmp_path / "adapter.onnx", seed=1)


def test_graph_for_gpus_answers_as_its_network_or_is_refused(tmp_path):
    trained = network.Network(network.published_encoder(), {"logits": network.OfText(2)})
    trained.eval().requires_grad_(False)
    export.export_float(trained, tmp_path / "exact.onnx", fold=True)
    half = tmp_path / "half.onnx"
    export.export_half(trained, tmp_path / "exact.onnx", half, seed=1)
    assert half.stat().st_size < 0.6 * (tmp_path / "exact.onnx").stat().st_size
    trained.heads["logits"].layers[4].bias.add_(1.0)
    with pytest.raises(ValueError, match=r"half\.onnx is 1\.0e\+00 off"):
        export.export_half(trained, tmp_path / "exact.onnx", half, seed=1)


ROWS = np.arange(-6, 6, dtype=np.int8).reshape(4, 3)
SCALES = np.array([0.5, 0.25, 2.0, 1.0], np.float32)
IDS = np.array([[1, 2, 0]], np.int64)


@pytest.fixture
def quantised():
    """A graph that looks up its own quantised word embeddings."""
    weights = {"rows": ROWS, "scales": SCALES, "zeros": np.zeros(4, np.int8)}
    axes = ["batch", "tokens"]
    made = helper.make_graph(
        [
            helper.make_node("DequantizeLinear", [*weights], ["words"], axis=0),
            helper.make_node("Gather", ["words", "input_ids"], ["vectors"], name=export.LOOKUP),
        ],
        "encoder",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, axes)],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, [*axes, 3])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    return helper.make_model(made, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


def base(tmp_path, rows):
    weights = {"words.weight.int8": rows, "words.weight.scales": SCALES[:, None]}
    save_file(weights, tmp_path / "base.safetensors")
    return tmp_path / "base.safetensors"


def test_borrowed_words_are_those_that_the_graph_had(tmp_path, quantised):
    file = base(tmp_path, ROWS)
    onnx.save(quantised, tmp_path / "whole.onnx")
    export.borrow_words(quantised, file)
    onnx.save(quantised, tmp_path / "borrowing.onnx")
    assert not {"rows", "scales", "zeros"} & {t.name for t in quantised.graph.initializer}
    answers = [
        OnnxSession(tmp_path / name, Provider.CPU, threads=1, weights=weights).run(
            {"input_ids": IDS}
        )["vectors"]
        for name, weights in (("whole.onnx", {}), ("borrowing.onnx", word_embeddings(file)))
    ]
    assert answers[0].tolist() == answers[1].tolist()


def test_words_that_training_changed_are_not_borrowed(tmp_path, quantised):
    changed = ROWS.copy()
    changed[3, 0] += 1
    with pytest.raises(ValueError, match="were they frozen"):
        export.borrow_words(quantised, base(tmp_path, changed))
