"""Attention over what a reader read, learned from slates beside a weighted sum of features."""

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from models.ranking.attention import AFFINITY, ARTICLES, HISTORY, READ_MOST, Attention
from models.ranking.rankers import Slate

OPSET = 17
TOLERANCE = 1e-4  # largest difference allowed between the graph and PyTorch
SEED = 7
BATCH = 32


class Choice(NamedTuple):
    """What a reader was shown, and what of it was clicked: bool (shown,), some but not all."""

    slate: Slate
    clicked: np.ndarray


class Learning(NamedTuple):
    """How a network learns. `patience` is in rounds without a better loss on what is held out.

    `sum_rate` is the learning rate of the weighted sum, `rate` that of everything else: a few
    hundred slates are enough for the sum, and have to be.
    """

    size: int = 64
    heads: int = 4
    dropout: float = 0.2
    rate: float = 1e-3
    sum_rate: float = 1e-2
    decay: float = 0.05
    rounds: int = 20
    patience: int = 3


class Fitted(NamedTuple):
    """Weights by feature, the network, and its loss on what was held out, by round."""

    weights: dict[str, float]
    network: "Nrms"
    losses: list[float]


class Nrms(nn.Module):
    """Affinities of articles to what was read."""

    def __init__(self, width: int, learning: Learning) -> None:
        super().__init__()
        size = learning.size
        self._heads = learning.heads
        self._article = nn.Linear(width, size)
        self._ask, self._offer, self._say = (nn.Linear(size, size) for _ in range(3))
        self._tell = nn.Linear(size, size)
        self._importance = nn.Linear(size, 1, bias=False)
        self._dropout = nn.Dropout(learning.dropout)

    def forward(self, articles: Tensor, history: Tensor, is_read: Tensor) -> Tensor:
        """(slates, shown, width), (slates, read, width), bool (slates, read) to (slates, shown).

        A slate without anything read has affinities of 0.
        """
        shown = self._article(self._dropout(articles))
        read = self._article(self._dropout(history))
        pooled = self._pooled(self._attended(read, is_read), is_read)
        some = is_read.any(dim=1, keepdim=True)
        return (shown @ pooled.unsqueeze(2)).squeeze(2) / shown.shape[2] ** 0.5 * some

    def _attended(self, read: Tensor, is_read: Tensor) -> Tensor:
        slates, length, size = read.shape
        asked, offered, said = (
            layer(read).reshape(slates, length, self._heads, -1).transpose(1, 2)
            for layer in (self._ask, self._offer, self._say)
        )
        fit = asked @ offered.transpose(2, 3) / (size / self._heads) ** 0.5
        share = _shares(fit, is_read[:, None, None, :], 3)
        return self._dropout((share @ said).transpose(1, 2).reshape(slates, length, size))

    def _pooled(self, read: Tensor, is_read: Tensor) -> Tensor:
        importance = self._importance(torch.tanh(self._tell(read))).squeeze(2)
        return (_shares(importance, is_read, 1).unsqueeze(1) @ read).squeeze(1)


class _Beside(nn.Module):
    """The network and a weighted sum of features, which start from nothing known of readers."""

    def __init__(self, network: Nrms, names: int) -> None:
        super().__init__()
        self.network = network
        self.weights = nn.Linear(names, 1, bias=False)
        nn.init.zeros_(self.weights.weight)

    def forward(self, rows: Tensor, articles: Tensor, history: Tensor, is_read: Tensor) -> Tensor:
        return self.weights(rows).squeeze(2) + self.network(articles, history, is_read)


def fit(
    learned: Sequence[Choice],
    held: Sequence[Choice],
    names: Sequence[str],
    learning: Learning | None = None,
) -> Fitted:
    """The network as it was when what is held out, of other readers, surprised it least."""
    learning = learning or Learning()
    torch.manual_seed(SEED)
    draw = np.random.default_rng(SEED)
    spread = np.maximum(np.concatenate([one.slate.rows for one in learned]).std(axis=0), 1e-9)
    model = _Beside(Nrms(learned[0].slate.vectors.shape[1], learning), len(names))
    optimizer = torch.optim.AdamW(
        [
            {"params": model.network.parameters()},
            {"params": model.weights.parameters(), "lr": learning.sum_rate},
        ],
        lr=learning.rate,
        weight_decay=learning.decay,
    )
    best, losses = copy.deepcopy(model.state_dict()), [_loss_of(model, held, spread)]
    for _ in range(learning.rounds):
        model.train()
        for batch in _batches(learned, spread, draw.permutation(len(learned))):
            optimizer.zero_grad()
            _surprise(model, batch).backward()
            optimizer.step()
        losses.append(_loss_of(model, held, spread))
        if losses[-1] == min(losses):
            best = copy.deepcopy(model.state_dict())
        elif len(losses) - 1 - int(np.argmin(losses)) >= learning.patience:
            break
    model.load_state_dict(best)
    weights = model.weights.weight.detach().numpy().ravel() / spread
    return Fitted(dict(zip(names, weights.tolist(), strict=True)), model.network.eval(), losses)


def export(network: Nrms, width: int, path: Path) -> Attention:
    """The network as an ONNX file, checked against PyTorch. Raises ValueError where they differ."""
    torch.onnx.export(
        _OneReader(network).eval(),
        (torch.zeros(2, width), torch.zeros(3, width)),
        path,
        input_names=[ARTICLES, HISTORY],
        output_names=[AFFINITY],
        dynamic_axes={ARTICLES: {0: "articles"}, HISTORY: {0: "read"}, AFFINITY: {0: "articles"}},
        opset_version=OPSET,
        dynamo=False,
    )
    found, draw = Attention(path), np.random.default_rng(SEED)
    for shown, read in ((1, 1), (7, 3), (50, READ_MOST)):
        articles, history = (
            draw.normal(size=(count, width)).astype(np.float32) for count in (shown, read)
        )
        with torch.no_grad():
            expected = _OneReader(network)(*map(torch.from_numpy, (articles, history))).numpy()
        difference = float(np.abs(found.affinities(articles, history) - expected).max())
        if difference > TOLERANCE:
            raise ValueError(f"the graph differs by {difference:.1e}, expected <= {TOLERANCE}")
    return found


class _OneReader(nn.Module):
    """One slate of a reader who has read something, as the graph takes it."""

    def __init__(self, network: Nrms) -> None:
        super().__init__()
        self._network = network

    def forward(self, articles: Tensor, history: Tensor) -> Tensor:
        is_read = torch.ones_like(history[:, 0], dtype=torch.bool)
        return self._network(articles[None], history[None], is_read[None])[0]


class _Batch(NamedTuple):
    rows: Tensor
    articles: Tensor
    history: Tensor
    is_read: Tensor
    is_shown: Tensor
    clicked: Tensor


def _shares(fit: Tensor, there: Tensor, axis: int) -> Tensor:
    """Softmax over what is there; where nothing is, shares of no meaning, but numbers."""
    return torch.softmax(fit.masked_fill(~there, -1e4), axis)


def _surprise(model: _Beside, batch: _Batch) -> Tensor:
    """Mean -log of the share that the clicked articles had of their slate."""
    scores = model(batch.rows, batch.articles, batch.history, batch.is_read)
    logs = torch.log_softmax(scores.masked_fill(~batch.is_shown, -1e4), dim=1)
    return -((logs * batch.clicked).sum(dim=1) / batch.clicked.sum(dim=1)).mean()


def _loss_of(model: _Beside, held: Sequence[Choice], spread: np.ndarray) -> float:
    model.eval()
    with torch.no_grad():
        losses = [
            float(_surprise(model, batch)) * len(batch.rows)
            for batch in _batches(held, spread, np.arange(len(held)))
        ]
    return sum(losses) / len(held)


def _batches(choices: Sequence[Choice], spread: np.ndarray, order: np.ndarray) -> Iterator[_Batch]:
    for start in range(0, len(order), BATCH):
        part = [choices[place] for place in order[start : start + BATCH]]
        histories = [one.slate.history[:READ_MOST] for one in part]
        sizes, lengths = [len(one.clicked) for one in part], [len(read) for read in histories]
        yield _Batch(
            rows=_stacked(
                [(one.slate.rows / spread).astype(np.float32) for one in part], max(sizes)
            ),
            articles=_stacked([one.slate.vectors for one in part], max(sizes)),
            history=_stacked(histories, max(1, *lengths)),
            is_read=_filled(lengths, max(1, *lengths)),
            is_shown=_filled(sizes, max(sizes)),
            clicked=_stacked([one.clicked.astype(np.float32)[:, None] for one in part], max(sizes))[
                :, :, 0
            ],
        )


def _stacked(parts: Sequence[np.ndarray], length: int) -> Tensor:
    """Arrays of up to `length` rows as one, with zeros behind the shorter ones."""
    found = np.zeros((len(parts), length, parts[0].shape[1]), np.float32)
    for place, part in enumerate(parts):
        found[place, : len(part)] = part
    return torch.from_numpy(found)


def _filled(lengths: Sequence[int], length: int) -> Tensor:
    return torch.arange(length)[None] < torch.tensor(lengths)[:, None]
