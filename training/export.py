"""From a training run to files that the jobs run: int8 graphs, and adapters of a few megabytes."""

import random
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from models.adapters import (
    BASE_GRAPH_INPUTS,
    ROWS,
    SCALES,
    WORDS,
    AdapterSession,
    word_embeddings,
)
from models.encoder import Encoder
from models.session import Arrays, OnnxSession, Provider
from training.entries import write_tensors
from training.fit import console
from training.half import to_half
from training.network import Network, int8_rows, published_encoder
from training.quantise import quantise

OPSET = 17
TOLERANCE = 1e-4  # largest difference allowed between the float32 graph and PyTorch, in logits
SMALL = 4096  # bytes; a tensor of an adapter that is larger is stored in float16
LOOKUP = "/words/Gather"  # node of a traced network that looks word embeddings up
ROUNDED = 1e-2  # largest difference allowed between an adapter and PyTorch, in logits
HALVED = 5e-2  # the same of a float16 graph


def export_float(network: Network, path: Path, *, fold: bool) -> None:
    """Trace a network into a float32 ONNX file with dynamic batch and token axes.

    fold  whether constants are computed now: weights are then stored as the products want them
    """
    ids = torch.tensor([[101, 7592, 102], [101, 102, 0]])
    mask = torch.tensor([[1, 1, 1], [1, 1, 0]])
    shapes = torch.tensor([[0, 1, 0], [0, 0, 0]])
    axes = {0: "batch", 1: "tokens"}
    torch.onnx.export(
        network,
        (ids, mask, shapes),
        path,
        input_names=list(BASE_GRAPH_INPUTS),
        output_names=list(network.heads),
        dynamic_axes=dict.fromkeys(BASE_GRAPH_INPUTS, axes)
        | {name: _axes(output) for name, output in _outputs(network, ids, mask, shapes).items()},
        opset_version=OPSET,
        do_constant_folding=fold,
        dynamo=False,
    )


def largest_difference(network: Network, run: Callable[[Arrays], Arrays], seed: int) -> float:
    """Largest absolute difference of any output between PyTorch and a graph, on padded batches."""
    draw = np.random.default_rng(seed)
    worst = 0.0
    for batch, tokens in ((1, 2), (1, 512), (3, 17), (8, 64), (5, 129), (4, 256)):
        ids = draw.integers(1000, 30522, (batch, tokens))
        shapes = draw.integers(0, network.shapes.num_embeddings, (batch, tokens))
        lengths = draw.integers(2, tokens + 1, batch)
        lengths[0] = tokens
        mask = (np.arange(tokens) < lengths[:, None]).astype(np.int64)
        inputs = dict(zip(BASE_GRAPH_INPUTS, (ids * mask, mask, shapes * mask), strict=True))
        expected = _outputs(network, *map(torch.from_numpy, inputs.values()))
        for name, got in run(inputs).items():
            difference = np.abs(expected[name].numpy() - got)
            if difference.ndim == 3 and difference.shape[1] == tokens:  # of real tokens only
                difference = difference[mask.astype(bool)]
            worst = max(worst, float(difference.max()))
    return worst


def check(network: Network, graph: Path, seed: int) -> None:
    """Raise ValueError where a float graph does not answer as PyTorch does."""
    session = OnnxSession(graph, Provider.CPU, threads=0)
    difference = largest_difference(network, session.run, seed)
    console.print(f"float32 graph against PyTorch: largest difference {difference:.1e}")
    if difference > TOLERANCE:
        raise ValueError(f"the graph differs by {difference:.1e}, expected <= {TOLERANCE}")


def calibration_inputs(texts: Sequence[str], encoder: Encoder, seed: int) -> list[Arrays]:
    """One text per batch, cut at a length drawn between 16 tokens and all of it."""
    draw = random.Random(seed)
    inputs = []
    for text in texts:
        tokens = encoder.tokenize(text)
        size = draw.randint(min(16, len(tokens)), len(tokens))
        shapes = tokens.shapes
        assert shapes is not None
        row = (np.array(tokens.ids[:size]), np.ones(size, np.int64), shapes[:size])
        inputs.append(
            {n: r[None].astype(np.int64) for n, r in zip(BASE_GRAPH_INPUTS, row, strict=True)}
        )
    return inputs


def export_encoder(
    network: Network,
    inputs: Sequence[Arrays],
    base: Path,
    target: Path,
    seed: int,
    *,
    half: Path | None = None,
) -> None:
    """Trace a network, check it against PyTorch and write it as int8, without the base's words.

    half  where it is written in float16, too, with its own words: for GPUs
    """
    with tempfile.TemporaryDirectory() as scratch:
        exact, whole = Path(scratch) / "encoder.onnx", Path(scratch) / "encoder.int8.onnx"
        export_float(network, exact, fold=True)
        check(network, exact, seed)
        if half is not None:
            export_half(network, exact, half, seed)
        quantise(exact, inputs, whole, leave="/heads.*")  # the heads stay float32
        graph = onnx.load(whole)
    borrow_words(graph, base)
    onnx.save(graph, target)


def export_half(network: Network, exact: Path, target: Path, seed: int) -> None:
    """Write a float32 graph of a network in float16, and check that it answers alike."""
    to_half(exact, target)
    session = OnnxSession(target, Provider.CPU, threads=0)
    difference = largest_difference(network, session.run, seed)
    console.print(f"{target.name}: {target.stat().st_size / 1e6:.1f} MB, {difference:.1e} off")
    if not difference <= HALVED:  # also when it is not a number
        raise ValueError(f"{target.name} is {difference:.1e} off, expected <= {HALVED}")


def borrow_words(model: onnx.ModelProto, base: Path) -> None:
    """Let a quantised graph look its word embeddings up in those of `base`, row by row.

    Raises ValueError where its own differ from them in any number.
    """
    graph = model.graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    lookup = next(node for node in graph.node if node.name == LOOKUP)
    table = next(node for node in graph.node if lookup.input[0] in node.output)
    own = [numpy_helper.to_array(tensors[name]) for name in table.input]
    stored = {name: value.numpy() for name, value in word_embeddings(base).items()}
    rows, scales = stored[WORDS + ROWS], stored[WORDS + SCALES]
    if not (
        np.array_equal(own[0], rows)
        and np.array_equal(own[1].reshape(-1), scales.reshape(-1))
        and not own[2].any()
    ):
        raise ValueError(f"the graph's word embeddings are not those of {base}: were they frozen?")
    for name in table.input:
        graph.initializer.remove(tensors[name])
    for name, value in stored.items():
        graph.initializer.append(_external(name, value))
    ids, vectors = lookup.input[1], lookup.output[0]
    read = [f"{LOOKUP}/{part}" for part in ("rows", "floats", "scales")]
    place = list(graph.node).index(lookup)
    graph.node.remove(lookup)
    graph.node.remove(table)
    for node in (
        helper.make_node("Mul", [read[1], read[2]], [vectors]),
        helper.make_node("Gather", [WORDS + SCALES, ids], [read[2]]),
        helper.make_node("Cast", [read[0]], [read[1]], to=TensorProto.FLOAT),
        helper.make_node("Gather", [WORDS + ROWS, ids], [read[0]]),
    ):
        graph.node.insert(place - 1, node)


def _external(name: str, value: np.ndarray) -> TensorProto:
    """A weight that is given when the graph is opened."""
    kind = helper.np_dtype_to_tensor_dtype(value.dtype)
    tensor = TensorProto(name=name, data_type=kind, dims=value.shape)
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="base")
    return tensor


def export_base(target: Path) -> None:
    """The published encoder's weights, int8 by row, that adapters change."""
    tensors: dict[str, np.ndarray] = {}
    for name, weight in _base_weights(Network(published_encoder(), {})).items():
        if weight.ndim < 2:
            tensors[name] = weight
            continue
        rows, scales = int8_rows(torch.from_numpy(weight))
        tensors[name + ROWS] = rows.numpy().astype(np.int8)
        tensors[name + SCALES] = scales.numpy()
    write_tensors(tensors, target)


def export_adapter(network: Network, base: Path, target: Path, seed: int) -> None:
    """What training changed, as a graph whose other weights are those of `base`."""
    with tempfile.TemporaryDirectory() as scratch:
        exact = Path(scratch) / "adapter.onnx"
        export_float(network, exact, fold=False)
        graph = onnx.load(exact)
    _leave_out(graph, set(_base_weights(network)))
    onnx.save(graph, target)
    session = AdapterSession(target, base, threads=0)
    difference = largest_difference(network, session.run, seed)
    console.print(f"{target.name}: {target.stat().st_size / 1e6:.1f} MB, {difference:.1e} off")
    if difference > ROUNDED:
        raise ValueError(
            f"{target.name} differs from its network by {difference:.1e}, expected <= {ROUNDED}: "
            "was it trained on weights other than those of the base?"
        )


def _base_weights(network: Network) -> dict[str, np.ndarray]:
    """The weights that low-rank training leaves alone, by their names in the published network."""
    kept = {}
    for name, value in network.state_dict().items():
        plain = name.replace(".parametrizations.weight.original", ".weight")
        is_norm = "LayerNorm" in name or name.startswith("norm.")
        is_change = ".parametrizations.weight.0." in name
        if name.startswith(("words.", "positions", "encoder.")) and not (is_norm or is_change):
            kept[plain] = value.numpy()
    return kept


def _leave_out(model: onnx.ModelProto, names: set[str]) -> None:
    """Take the named weights out of a graph, to be given when it is opened; store large ones of
    the others in float16.
    """
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        plain = tensor.name.replace(".parametrizations.weight.original", ".weight")
        if plain in names:
            _rename(graph, tensor.name, plain)
            tensor.ClearField("raw_data")
            tensor.name = plain
            tensor.data_location = TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value="base")
        elif tensor.data_type == TensorProto.FLOAT and len(tensor.raw_data) > SMALL:
            half = numpy_helper.to_array(tensor).astype(np.float16)
            stored = f"{tensor.name}.half"
            casts.append(helper.make_node("Cast", [stored], [tensor.name], to=TensorProto.FLOAT))
            tensor.CopyFrom(numpy_helper.from_array(half, stored))
    for cast in casts:
        graph.node.insert(0, cast)


def _rename(graph: onnx.GraphProto, old: str, new: str) -> None:
    for node in graph.node:
        for i, name in enumerate(node.input):
            if name == old:
                node.input[i] = new


def _outputs(network: Network, *inputs: Tensor) -> dict[str, Tensor]:
    with torch.no_grad():
        return dict(zip(network.heads, network(*inputs), strict=True))


def _axes(output: Tensor) -> dict[int, str]:
    is_of_tokens = output.ndim == 3 and output.shape[1] == 3
    return {0: "batch", 1: "tokens"} if is_of_tokens else {0: "batch"}


def frozen(network: Network) -> nn.Module:
    """Ready to trace."""
    return network.eval().requires_grad_(False)
