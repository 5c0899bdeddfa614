"""A head's own narrow layer on what a released graph knows of its tokens (models.grafts)."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.grafts import PREFIX
from models.session import Arrays
from models.word_shapes import SHAPES
from training.export import OPSET
from training.network import BLOCK, MASKED, WIDTH
from training.quantise import quantise

HIDDEN = tuple(
    f"/encoder/layer.{layer}/output/LayerNorm/LayerNormalization_output_0" for layer in range(1, 6)
)
"""Tensors of the released graph that a graft reads: what its layers but the first give out, float32
(batch, tokens in whole blocks, width)."""
ENTITIES = "entities"
INPUTS = ("attention_mask", "word_shapes", ENTITIES, *HIDDEN)
OUTPUTS = (ENTITIES, "entity_transitions", "entity_types")
NARROW, HEADS, INNER = 192, 6, 3
"""Width of the layer, its attention heads, and how many times as wide it is inside."""
FLOAT = "/(labels|types)/.*"
"""Nodes that stay float32."""


class NarrowLayer(nn.Module):
    """A transformer layer as the encoder's, of another width."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.keys = nn.Linear(NARROW, 3 * NARROW)
        self.attended = nn.Linear(NARROW, NARROW)
        self.norm = nn.LayerNorm(NARROW)
        self.inner = nn.Linear(NARROW, INNER * NARROW)
        self.outer = nn.Linear(INNER * NARROW, NARROW)
        self.last_norm = nn.LayerNorm(NARROW)
        self.dropout = nn.Dropout(dropout)

    def forward(self, given: Tensor, bias: Tensor) -> Tensor:
        """given float32 (batch, tokens, NARROW); bias (batch, 1, 1, tokens)."""
        batch, tokens, _ = given.shape
        query, key, value = (
            part.view(batch, tokens, HEADS, NARROW // HEADS).transpose(1, 2)
            for part in self.keys(given).chunk(3, 2)
        )
        scores = query @ key.transpose(2, 3) * (NARROW // HEADS) ** -0.5
        seen = (torch.softmax(scores + bias, -1) @ value).transpose(1, 2)
        hidden = self.norm(given + self.dropout(self.attended(seen.reshape(batch, tokens, NARROW))))
        wide = functional.gelu(self.inner(hidden))
        return self.last_norm(hidden + self.dropout(self.outer(wide)))


class Graft(nn.Module):
    """What is added to the released labels of entities, with transitions and fine types of its own.

    It begins as the released head: nothing is added, the transitions are its own.
    """

    def __init__(self, transitions: Tensor, fine_types: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.project = nn.Linear(len(HIDDEN) * WIDTH, NARROW)
        self.shapes = nn.Embedding(SHAPES, NARROW)
        self.norm = nn.LayerNorm(NARROW)
        self.layer = NarrowLayer(dropout)
        self.labels = nn.Linear(NARROW, len(transitions) - 2)
        self.types = nn.Linear(NARROW, fine_types)
        self.transitions = nn.Parameter(transitions.clone())
        self.dropout = nn.Dropout(2 * dropout)
        nn.init.zeros_(self.labels.weight)
        nn.init.zeros_(self.labels.bias)

    def forward(
        self, attention_mask: Tensor, word_shapes: Tensor, entities: Tensor, *hidden: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """INPUTS to OUTPUTS, of the tokens as they are given."""
        given, padded = attention_mask.shape[1], hidden[0].shape[1]
        rest = attention_mask.new_zeros((attention_mask.shape[0], BLOCK - 1))
        mask = torch.cat((attention_mask, rest), 1)[:, :padded].to(torch.float32)
        shapes = torch.cat((word_shapes, rest), 1)[:, :padded]
        read = self.project(self.dropout(torch.cat(hidden, 2))) + self.shapes(shapes)
        bias = ((1.0 - mask) * MASKED)[:, None, None, :]
        top = self.dropout(self.layer(self.norm(read), bias))[:, :given]
        transitions = self.transitions.expand(entities.shape[0], -1, -1)
        return entities + self.labels(top), transitions, self.types(top)


def export_graft(graft: Graft, inputs: Sequence[Arrays], target: Path) -> None:
    """Write a graft in int8; `inputs` set the scales."""
    graft.eval().requires_grad_(False)
    with tempfile.TemporaryDirectory() as scratch:
        exact, whole = Path(scratch) / "graft.onnx", Path(scratch) / "graft.int8.onnx"
        _trace(graft, exact)
        quantise(exact, inputs, whole, leave=FLOAT)
        traced = onnx.load(whole).graph
    _set_apart(traced)
    bare = onnx.ModelProto()
    bare.graph.node.extend(traced.node)
    bare.graph.initializer.extend(traced.initializer)
    bare.graph.output.extend(traced.output)
    target.write_bytes(bare.SerializeToString(deterministic=True))


def tap(target: Path) -> None:
    """Write a graft of no nodes, by which a released graph gives out what grafts read of it."""
    bare = onnx.ModelProto()
    for name in HIDDEN:
        bare.graph.output.append(
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
        )
    target.write_bytes(bare.SerializeToString(deterministic=True))


def _trace(graft: Graft, path: Path) -> None:
    mask = torch.tensor([[1, 1, 1], [1, 1, 0]])
    labels = torch.zeros(2, 3, graft.labels.out_features)
    answers = [PREFIX + name for name in OUTPUTS]
    of_tokens = ("attention_mask", "word_shapes", ENTITIES, answers[0], answers[2])
    axes = {key: {0: "batch", 1: "tokens"} for key in of_tokens}
    axes |= {key: {0: "batch", 1: "padded"} for key in HIDDEN}
    torch.onnx.export(
        graft,
        (mask, torch.zeros_like(mask), labels, *(torch.randn(2, BLOCK, WIDTH) for _ in HIDDEN)),
        path,
        input_names=list(INPUTS),
        output_names=answers,
        dynamic_axes=axes | {answers[1]: {0: "batch"}},
        opset_version=OPSET,
        do_constant_folding=True,
        dynamo=False,
    )


def _set_apart(graph: onnx.GraphProto) -> None:
    """Give everything in a graph but its inputs and outputs names that no other graph has."""
    shared = {value.name for value in (*graph.input, *graph.output)} | {""}
    for node in graph.node:
        node.name = PREFIX + node.name
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                if name not in shared:
                    names[place] = PREFIX + name
    for tensor in graph.initializer:
        tensor.name = PREFIX + tensor.name
