"""The network of a scorer of documents (models.document_scorer), and its graph."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.document_scorer import FEATURES, INPUTS, MOST_READ, MOST_TOLD, OUTPUTS
from models.session import OnnxSession, Provider
from training.configuration import ScorerConfig
from training.export import OPSET, TOLERANCE
from training.fit import console
from training.network import MASKED, WIDTH


class Block(nn.Module):
    """Attention among the sentences of a document, then a layer for each (Vaswani et al., 2017)."""

    def __init__(self, width: int, dropout: float, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.before = nn.LayerNorm(width)
        self.asked = nn.Linear(width, 3 * width)
        self.told = nn.Linear(width, width)
        self.between = nn.LayerNorm(width)
        self.layers = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * width, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor, bias: Tensor) -> Tensor:
        """hidden (documents, sentences, width); bias (documents, 1, 1, sentences)."""
        documents, sentences, width = hidden.shape
        asked = self.asked(self.before(hidden))
        asked = asked.reshape(documents, sentences, 3, self.heads, width // self.heads)
        query, key, value = (asked[:, :, i].transpose(1, 2) for i in range(3))
        scores = query @ key.transpose(-1, -2) / (width // self.heads) ** 0.5 + bias
        mixed = (scores.softmax(dim=-1) @ value).transpose(1, 2)
        hidden = hidden + self.dropout(self.told(mixed.reshape(documents, sentences, width)))
        return hidden + self.dropout(self.layers(self.between(hidden)))


class DocumentNetwork(nn.Module):
    """Sentence vectors and counts to the scores of models.document_scorer."""

    def __init__(self, width: int, layers: int, pair_width: int, dropout: float) -> None:
        super().__init__()
        self.vectors = nn.Linear(WIDTH, width)
        self.features = nn.Sequential(
            nn.Linear(FEATURES, width), nn.GELU(), nn.Linear(width, width)
        )
        self.places = nn.Parameter(torch.randn(MOST_READ, width) * 0.02)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(width, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.alone = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, 1))
        self.paired = nn.Linear(width, pair_width)
        self.signs = nn.Parameter(torch.randn(pair_width) * 0.02)
        self.likeness = nn.Parameter(torch.zeros(1))
        self.sizes = nn.Linear(width, MOST_TOLD)

    def forward(
        self, vectors: Tensor, features: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Scores, pairs and sizes of a batch of documents."""
        hidden = self.vectors(vectors * WIDTH**0.5 / 4) + self.features(features)
        hidden = self.dropout(hidden + self.places[: vectors.shape[1]])
        bias = ((1.0 - mask) * MASKED)[:, None, None, :]
        for block in self.blocks:
            hidden = block(hidden, bias)
        hidden = self.norm(hidden)
        scores = self.alone(hidden)[:, :, 0] + (1.0 - mask) * MASKED
        paired = self.paired(hidden)
        pairs = (paired * self.signs) @ paired.transpose(1, 2)
        pairs = pairs + self.likeness * (vectors @ vectors.transpose(1, 2))
        mean = (hidden * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True).clamp(min=1.0)
        return scores, pairs, self.sizes(mean)


def network(config: ScorerConfig) -> DocumentNetwork:
    """A fresh one."""
    return DocumentNetwork(config.width, config.layers, config.pair_width, config.dropout)


def export(trained: DocumentNetwork, target: Path, seed: int) -> None:
    """Write the graph, and raise ValueError where it does not answer as PyTorch does."""
    draw = torch.Generator().manual_seed(seed)

    def inputs(documents: int, sentences: int) -> tuple[Tensor, ...]:
        vectors = torch.randn(documents, sentences, WIDTH, generator=draw)
        features = torch.randn(documents, sentences, FEATURES, generator=draw)
        mask = torch.ones(documents, sentences)
        mask[-1, sentences // 2 + 1 :] = 0.0
        return functional.normalize(vectors, dim=-1), features, mask

    axes = {0: "documents", 1: "sentences"}
    torch.onnx.export(
        trained,
        inputs(2, 5),
        target,
        input_names=list(INPUTS),
        output_names=list(OUTPUTS),
        dynamic_axes=dict.fromkeys(INPUTS, axes)
        | {"scores": axes, "pairs": axes | {2: "others"}, "sizes": {0: "documents"}},
        opset_version=OPSET,
        do_constant_folding=True,
        dynamo=False,
    )
    session = OnnxSession(target, Provider.CPU, threads=0)
    worst = 0.0
    for shape in ((1, 1), (3, 7), (2, MOST_READ)):
        given = inputs(*shape)
        answers = session.run({n: t.numpy() for n, t in zip(INPUTS, given, strict=True)})
        with torch.no_grad():
            expected = trained(*given)
        for answer, tensor in zip(answers.values(), expected, strict=True):
            worst = max(worst, float(np.abs(answer - tensor.numpy()).max()))
    console.print(f"{target.name}: {target.stat().st_size / 1e6:.1f} MB, {worst:.1e} off")
    if worst > TOLERANCE:
        raise ValueError(f"the graph differs by {worst:.1e}, expected <= {TOLERANCE}")
