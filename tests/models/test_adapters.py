"""Graphs that borrow the weights of a base: what they answer, and files that do not fit."""

import gc

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

from models.adapters import AdapterSession, word_embeddings
from models.session import OnnxSession, Provider, providers
from schemas.errors import InferenceError, ModelFileError

SCALES = np.array([[0.5], [0.25], [2.0], [1.0]], np.float32)
ROWS = np.arange(-6, 6, dtype=np.int8).reshape(4, 3)
CHANGE = np.full((4, 3), 0.125, np.float32)
IDS = np.array([[1, 2, 0]], np.int64)
BASE = {"words.int8": ROWS, "words.scales": SCALES, "norm": np.ones(3, np.float32)}


def graph():
    """Token vectors: the base's `words` plus CHANGE, times the base's `norm`."""
    weights = []
    for name, shape in (("words", (4, 3)), ("norm", (3,))):
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape)
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="base")
        weights.append(tensor)
    weights.append(numpy_helper.from_array(CHANGE, "change"))
    axes = ["batch", "tokens"]
    made = helper.make_graph(
        [
            helper.make_node("Add", ["words", "change"], ["changed"]),
            helper.make_node("Gather", ["changed", "input_ids"], ["gathered"]),
            helper.make_node("Mul", ["gathered", "norm"], ["vectors"]),
        ],
        "adapter",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, axes)],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, [*axes, 3])],
        weights,
    )
    return helper.make_model(made, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


@pytest.fixture
def adapter(tmp_path):
    onnx.save(graph(), tmp_path / "adapter.onnx")
    return tmp_path / "adapter.onnx"


@pytest.fixture
def base(tmp_path):
    """Writes a base's weights."""

    def write(weights=BASE, name="base.safetensors"):
        save_file(weights, tmp_path / name)
        return tmp_path / name

    return write


def vectors(session):
    return session.run({"input_ids": IDS})["vectors"]


def test_changes_are_added_to_the_weights_of_the_base(adapter, base):
    session = AdapterSession(adapter, base(), threads=1)
    assert vectors(session).tolist() == (ROWS * SCALES + CHANGE)[IDS].tolist()
    assert (session.provider, session.devices_lost) == (Provider.CPU, 0)


def test_adapter_keeps_its_base_when_another_is_opened(adapter, base):
    first = AdapterSession(adapter, base(), threads=1)
    expected = vectors(first).tolist()
    twice = {"words.int8": ROWS, "words.scales": 2 * SCALES, "norm": np.ones(3, np.float32)}
    second = AdapterSession(adapter, base(twice, "other.safetensors"), threads=1)
    gc.collect()
    noise = [np.full((4, 3), 7.0, np.float32) for _ in range(100)]
    assert vectors(first).tolist() == expected
    assert vectors(second).tolist() == (ROWS * 2 * SCALES + CHANGE)[IDS].tolist()
    assert noise


@pytest.mark.parametrize("content", [None, b"", b"no graph at all"])
def test_file_that_is_no_adapter_is_named(tmp_path, base, content):
    file = tmp_path / "broken.onnx"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"broken\.onnx does not open on .*base\.safetensors"):
        AdapterSession(file, base(), threads=1)


@pytest.mark.parametrize(
    "weights",
    [{"norm": BASE["norm"]}, BASE | {"pooler": np.ones(3, np.float32)}],
    ids=["a weight too few", "a weight too many"],
)
def test_base_of_another_network_is_named(adapter, base, weights):
    other = base(weights, "other.safetensors")
    with pytest.raises(ModelFileError, match=r"does not open on .*other\.safetensors"):
        AdapterSession(adapter, other, threads=1)


def test_base_whose_scales_are_missing_is_named(adapter, base):
    without = base({"words.int8": ROWS}, "unscaled.safetensors")
    with pytest.raises(ModelFileError, match=r"unscaled\.safetensors have words\.int8 without"):
        AdapterSession(adapter, without, threads=1)


@pytest.mark.parametrize("content", [None, b"", b"no weights at all"])
def test_base_that_cannot_be_read_is_named(tmp_path, adapter, content):
    file = tmp_path / "wrong.safetensors"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"weights .*wrong\.safetensors cannot be read"):
        AdapterSession(adapter, file, threads=1)


def test_input_that_the_graph_cannot_take_is_an_inference_error(adapter, base):
    session = AdapterSession(adapter, base(), threads=1)
    with pytest.raises(InferenceError):
        session.run({"input_ids": IDS + 100})
    assert vectors(session).shape == (1, 3, 3)


# An encoder that borrows the word embeddings alone.

WORDS = {"words.weight.int8": ROWS, "words.weight.scales": SCALES}


def lookup():
    """Token vectors: rows of the borrowed words times their scales."""
    weights = []
    for name, value in WORDS.items():
        kind = helper.np_dtype_to_tensor_dtype(value.dtype)
        tensor = TensorProto(name=name, data_type=kind, dims=value.shape)
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="base")
        weights.append(tensor)
    axes = ["batch", "tokens"]
    made = helper.make_graph(
        [
            helper.make_node("Gather", ["words.weight.int8", "input_ids"], ["rows"]),
            helper.make_node("Cast", ["rows"], ["floats"], to=TensorProto.FLOAT),
            helper.make_node("Gather", ["words.weight.scales", "input_ids"], ["scales"]),
            helper.make_node("Mul", ["floats", "scales"], ["vectors"]),
        ],
        "encoder",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, axes)],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, [*axes, 3])],
        weights,
    )
    return helper.make_model(made, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


@pytest.mark.parametrize("provider", [p for p in providers("auto") if p is not Provider.CUDA])
def test_encoder_reads_the_word_embeddings_of_the_base(tmp_path, base, provider):
    onnx.save(lookup(), tmp_path / "encoder.onnx")
    session = OnnxSession(
        tmp_path / "encoder.onnx", provider, threads=1, weights=word_embeddings(base(WORDS))
    )
    gc.collect()
    assert vectors(session).tolist() == (ROWS * SCALES)[IDS].tolist()


def test_encoder_without_the_words_it_lacks_is_refused(tmp_path):
    onnx.save(lookup(), tmp_path / "encoder.onnx")
    with pytest.raises(ModelFileError, match=r"encoder\.onnx does not open on cpu"):
        OnnxSession(tmp_path / "encoder.onnx", Provider.CPU, threads=1)


def test_base_without_word_embeddings_is_refused(base):
    with pytest.raises(ModelFileError, match=r"word embeddings of .*cannot be read"):
        word_embeddings(base({"norm": BASE["norm"]}))
