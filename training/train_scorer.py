"""Scorers of documents (models.document_scorer) from their configuration: what `wiredesk train`
runs.

The sentences' vectors are made once and kept in the run's folder. What is learned is the reward of
whole summaries, the mean of ROUGE-1 and ROUGE-2: every choice among some of a document's sentences
gets a probability by its score, and the reward that is expected shall be high. That is what policy
gradients learn from samples (Dong et al., 2018), here without sampling.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import islice, pairwise
from pathlib import Path
from typing import Self

import numpy as np
import torch
from nltk.stem.porter import PorterStemmer
from rich.progress import track
from rouge_score import tokenize
from torch import Tensor, nn
from torch.nn import functional

from evaluation.rows import SummaryRow
from evaluation.sets import load
from models import document_scorer
from models.document_scorer import (
    FEATURES,
    INPUTS,
    MOST_READ,
    MOST_TOLD,
    OUTPUTS,
    DocumentScores,
    best_together,
    subsets,
)
from models.encoder import Encoder
from models.manifest import ModelEntry, Route, read
from models.opening import open_encoder
from models.session import OnnxSession, Provider
from training.configuration import ScorerConfig
from training.export import OPSET, TOLERANCE, digest
from training.fit import console
from training.manifest_edit import register
from training.network import MASKED, WIDTH
from training.run import directory

FOLDER = "documents"
KEPT = 1000
"""Documents in a file of the run's folder."""
GRAMS = 96
"""Words, and word pairs, of a reference that are counted; one in seventy has more."""
LIKELY, OTHERS = 6, 2
"""Sentences of a document that are learned from: those that score highest, and any. Which ones must
not depend on the reference: a sentence that is seen only where it is good seems good."""
EXPECTED, LISTED, SINGLE = 30.0, 0.2, 0.3
"""Weights of what is learned: the expected reward; beside it, so that no choice is out of reach too
early, the likeness of the choices' probabilities to a softmax of their rewards (ListNet; Cao et
al., 2007), and of the sentences' alone."""
LEAD = 3


@dataclass(frozen=True)
class Documents:
    """Documents as they are learned from; 0 where a document has fewer sentences.

    vectors   float16 (documents, MOST_READ, WIDTH)
    features  float32 (documents, MOST_READ, FEATURES)
    lengths   int64 (documents,) sentences that were read
    shared    uint8 (documents, MOST_READ, 2 * GRAMS): how often a sentence has each word and each
              word pair of the reference
    wanted    uint8 (documents, 2 * GRAMS): how often the reference has them
    sizes     int64 (documents, MOST_READ, 2): words and word pairs of each sentence
    goals     int64 (documents, 2): of the reference
    """

    vectors: np.ndarray
    features: np.ndarray
    lengths: np.ndarray
    shared: np.ndarray
    wanted: np.ndarray
    sizes: np.ndarray
    goals: np.ndarray

    def __len__(self) -> int:
        return len(self.lengths)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Several as one."""
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def of(self, rows: np.ndarray) -> "Batch":
        """Some of them, for the network."""
        lengths = self.lengths[rows]
        mask = (np.arange(MOST_READ) < lengths[:, None]).astype(np.float32)
        arrays = (self.shared, self.wanted, self.sizes, self.goals)
        return Batch(
            torch.from_numpy(self.vectors[rows].astype(np.float32)),
            torch.from_numpy(self.features[rows]),
            torch.from_numpy(mask),
            *(torch.from_numpy(array[rows].astype(np.float32)) for array in arrays),
        )


@dataclass(frozen=True)
class Batch:
    """As Documents, float32 tensors."""

    vectors: Tensor
    features: Tensor
    mask: Tensor
    shared: Tensor
    wanted: Tensor
    sizes: Tensor
    goals: Tensor


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


def train(
    config: ScorerConfig,
    data: Path,
    runs: Path,
    manifest: Path,
    *,
    resume: bool = False,
    limit: int | None = None,
) -> dict[str, float]:
    """Train a scorer; the best weights are in `runs`/HEAD/best.pt. Returns validation figures."""
    run = directory(runs, config.head)
    encoder = open_encoder(read(manifest), config.encoder, threads=torch.get_num_threads())
    documents = prepared(config, encoder, data, run, "train", limit)
    held_out = prepared(config, encoder, data, run, "validation", limit)
    console.print(f"{config.head}: {len(documents)} documents to learn from, {len(held_out)} not")
    return Fit(config, run).run(documents, held_out, resume=resume)


def prepared(
    config: ScorerConfig, encoder: Encoder, data: Path, run: Path, split: str, limit: int | None
) -> Documents:
    """The documents of a split; what a run has made of them before is read."""
    (run / split).mkdir(parents=True, exist_ok=True)
    parts = []
    for source in config.train:
        rows = load(source.name, split, data)[:limit]
        for start in track(range(0, len(rows), KEPT), f"{source.name} {split}", console=console):
            some = rows[start : start + KEPT]
            file = run / split / f"{source.name}-{start}-{len(some)}.npz"
            if not file.exists():
                made = made_of(some, encoder)
                with file.with_suffix(".part").open("wb") as content:
                    np.savez(content, **vars(made))
                file.with_suffix(".part").rename(file)
                if not console.is_terminal:
                    console.print(f"{split}: {start + len(some)} of {len(rows)}")
            with np.load(file) as stored:
                parts.append(Documents(**stored))
    return Documents.joined(parts)


def made_of(rows: Sequence[SummaryRow], encoder: Encoder) -> Documents:
    """Rows as they are learned from. Raises InferenceError."""
    shape = (len(rows), MOST_READ)
    vectors = np.zeros((*shape, WIDTH), np.float16)
    features = np.zeros((*shape, FEATURES), np.float32)
    lengths = np.zeros(len(rows), np.int64)
    shared = np.zeros((*shape, 2 * GRAMS), np.uint8)
    wanted = np.zeros((len(rows), 2 * GRAMS), np.uint8)
    sizes = np.zeros((*shape, 2), np.int64)
    goals = np.zeros((len(rows), 2), np.int64)
    every = [sentence for row in rows for sentence in row.sentences[:MOST_READ]]
    of_sentences = iter(document_scorer.sentence_vectors(encoder, every))
    for i, row in enumerate(rows):
        read = row.sentences[:MOST_READ]
        lengths[i] = len(read)
        vectors[i, : len(read)] = list(islice(of_sentences, len(read)))
        features[i, : len(read)] = document_scorer.features(row.sentences)
        for kind, reference in enumerate(_grams(row.reference)):
            known = dict(zip(list(reference)[:GRAMS], range(kind * GRAMS, 2 * GRAMS), strict=False))
            goals[i, kind] = reference.total()
            for gram, column in known.items():
                wanted[i, column] = min(255, reference[gram])
            for j, sentence in enumerate(read):
                found = _grams(sentence)[kind]
                sizes[i, j, kind] = found.total()
                for gram in found.keys() & known.keys():
                    shared[i, j, known[gram]] = min(255, found[gram])
    return Documents(vectors, features, lengths, shared, wanted, sizes, goals)


def reward(batch: Batch, chosen: Tensor, places: Tensor) -> Tensor:
    """Mean of ROUGE-1 and ROUGE-2 (F) of each choice, (documents, choices).

    chosen  (choices, pool) of 0 and 1, or (documents, choices, pool)
    places  int64 (documents, pool): sentences of the pool
    """
    shared = chosen @ _picked(batch.shared, places)
    sizes = chosen @ _picked(batch.sizes, places)
    met = torch.minimum(shared, batch.wanted[:, None, :])
    met = torch.stack([met[..., :GRAMS].sum(-1), met[..., GRAMS:].sum(-1)], dim=-1)
    return (2 * met / (sizes + batch.goals[:, None, :]).clamp(min=1.0)).mean(-1)


class Fit:
    """A training run in a directory: `last.pt` to go on from, `best.pt`, `log.jsonl`."""

    def __init__(self, config: ScorerConfig, run: Path) -> None:
        torch.manual_seed(config.seed)
        self._config = config
        self._run = run
        self._draw = np.random.default_rng(config.seed)
        self._network = network(config)
        self._average = network(config)
        self._average.load_state_dict(self._network.state_dict())
        self._choices = torch.from_numpy(subsets(LIKELY + OTHERS, MOST_TOLD))
        self._optimizer = torch.optim.AdamW(
            self._network.parameters(),
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            fused=True,
        )
        self._epoch, self._best = 0, -1.0

    def run(
        self, documents: Documents, held_out: Documents, *, resume: bool = False
    ) -> dict[str, float]:
        """Train; returns the validation figures of the best epoch."""
        if resume and (self._run / "last.pt").exists():
            self._load()
        steps = -(-len(documents) // self._config.batch_documents)
        while self._epoch < self._config.epochs:
            self._network.train()
            loss = 0.0
            for step, rows in enumerate(self._batches(len(documents))):
                self._warm(self._epoch + step / steps)
                loss += self._step(documents.of(rows))
            self._epoch += 1
            self._keep(loss / steps, validated(self._average, held_out))
        best = torch.load(self._run / "best.pt", weights_only=True)
        return best["scores"]

    def _batches(self, count: int) -> Iterator[np.ndarray]:
        order = self._draw.permutation(count)
        for start in range(0, count, self._config.batch_documents):
            yield order[start : start + self._config.batch_documents]

    def _warm(self, epoch: float) -> None:
        """The rate rises through half an epoch and falls to zero as a cosine."""
        falling = 0.5 + 0.5 * np.cos(np.pi * epoch / self._config.epochs)
        for group in self._optimizer.param_groups:
            group["lr"] = self._config.learning_rate * min(2 * epoch + 0.02, 1.0) * float(falling)

    def _step(self, batch: Batch) -> float:
        """One batch; returns its loss."""
        with torch.autocast("cpu", dtype=torch.bfloat16):
            outputs = self._network(batch.vectors, batch.features, batch.mask)
        scores, pairs, sizes = (output.float() for output in outputs)
        own = reward(batch, torch.eye(MOST_READ), torch.arange(MOST_READ).expand_as(batch.mask))
        likely = scores.detach().topk(LIKELY).indices
        others = torch.rand(batch.mask.shape) * batch.mask
        places = torch.cat([likely, others.scatter(1, likely, -1.0).topk(OTHERS).indices], dim=1)
        chosen = self._choices
        nowhere = (1.0 - batch.mask) * MASKED
        impossible = nowhere.gather(1, places) @ chosen.T
        rewards = reward(batch, chosen, places)
        energy = summed(scores, pairs, sizes, chosen, places)
        expected = (energy.softmax(dim=-1) * rewards).sum(dim=-1).mean()
        likeable = (rewards / self._config.sharpness + impossible).softmax(dim=-1)
        alone = (own / (2 * self._config.sharpness) + nowhere).softmax(dim=-1)
        listed = functional.cross_entropy(energy, likeable)
        single = functional.cross_entropy(scores, alone)
        loss = LISTED * listed + SINGLE * single - EXPECTED * expected
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)
        self._optimizer.step()
        self._optimizer.zero_grad()
        with torch.no_grad():
            for mean, new in zip(
                self._average.parameters(), self._network.parameters(), strict=True
            ):
                mean.lerp_(new, 1 - self._config.averaged)
        return float(loss.detach())

    def _keep(self, loss: float, scores: dict[str, float]) -> None:
        line = {"epoch": self._epoch, "loss": round(loss, 4), "validation": scores}
        console.print(json.dumps(line))
        with (self._run / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        if scores["over_lead3"] > self._best:
            self._best = scores["over_lead3"]
            state = {"network": self._average.state_dict(), "scores": scores}
            torch.save(state, self._run / "best.pt")
        torch.save(
            {
                "network": self._network.state_dict(),
                "average": self._average.state_dict(),
                "optimizer": self._optimizer.state_dict(),
                "draw": self._draw.bit_generator.state,
                "torch": torch.get_rng_state(),
                "progress": (self._epoch, self._best),
            },
            self._run / "last.pt",
        )

    def _load(self) -> None:
        state = torch.load(self._run / "last.pt", weights_only=True)
        self._network.load_state_dict(state["network"])
        self._average.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._draw.bit_generator.state = state["draw"]
        torch.set_rng_state(state["torch"])
        self._epoch, self._best = state["progress"]
        console.print(f"resumed after epoch {self._epoch}")


def network(config: ScorerConfig) -> DocumentNetwork:
    """A fresh one."""
    return DocumentNetwork(config.width, config.layers, config.pair_width, config.dropout)


def summed(scores: Tensor, pairs: Tensor, sizes: Tensor, chosen: Tensor, places: Tensor) -> Tensor:
    """The score of each choice, (documents, choices)."""
    among = _picked(pairs, places).gather(2, places[:, None, :].expand(-1, places.shape[1], -1))
    both = (torch.einsum("cp,dpq,cq->dc", chosen, among, chosen)) - among.diagonal(
        dim1=1, dim2=2
    ) @ chosen.T
    counts = chosen.sum(1).long() - 1
    return scores.gather(1, places) @ chosen.T + both / 2 + sizes[:, counts]


@torch.no_grad()
def validated(network: DocumentNetwork, held_out: Documents) -> dict[str, float]:
    """Reward of the summaries chosen, how far above LEAD-3, and their sentences."""
    network.eval()
    told, leads, lengths = [], [], []
    for start in range(0, len(held_out), 256):
        batch = held_out.of(np.arange(start, min(len(held_out), start + 256)))
        outputs = [o.numpy() for o in network(batch.vectors, batch.features, batch.mask)]
        chosen = torch.zeros_like(batch.mask)
        for i, length in enumerate(batch.mask.sum(1).int().tolist()):
            scores, pairs, sizes = (output[i] for output in outputs)
            found = DocumentScores(scores[:length], pairs[:length, :length], sizes)
            chosen[i, best_together(found)] = 1.0
        lead = torch.zeros_like(batch.mask)
        lead[:, :LEAD] = 1.0
        told.append(_of_choice(batch, chosen))
        leads.append(_of_choice(batch, lead * batch.mask))
        lengths.append(chosen.sum(1))
    mean = float(torch.cat(told).mean())
    return {
        "reward": round(mean, 4),
        "over_lead3": round(mean - float(torch.cat(leads).mean()), 4),
        "sentences": round(float(torch.cat(lengths).mean()), 2),
    }


def release(config: ScorerConfig, version: str, runs: Path, manifest: Path) -> None:
    """The graph of a trained scorer with its route."""
    name = config.head.replace("/", "-")
    state = torch.load(directory(runs, config.head) / "best.pt", weights_only=True)
    trained = network(config)
    trained.load_state_dict(state["network"])
    file = Path(FOLDER, f"{name}.onnx")
    (manifest.parent / FOLDER).mkdir(exist_ok=True)
    export(trained.eval(), manifest.parent / file, config.seed)
    entry = ModelEntry(
        version=version,
        kind="documents",
        file=file,
        sha256=digest(manifest.parent / file),
        licence="Apache-2.0" if config.commercial else "non-commercial",
        source=f"sentences of a document by their vectors, `wiredesk train {config.head}`",
        card=Path(FOLDER, "MODEL_CARD.md"),
        encoder=config.encoder,
        commercial=config.commercial,
        data=tuple(f"{source.name} ({source.licence})" for source in config.train),
    )
    route = Route(
        task="summary",
        head=config.head,
        model=name,
        output=OUTPUTS[0],
        languages=frozenset({"en"}),
        jobs=False,
        metrics={f"validation: {name}": state["scores"][name] for name in ("reward", "over_lead3")},
    )
    register(manifest, name, entry, [route])


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


def _of_choice(batch: Batch, chosen: Tensor) -> Tensor:
    """Reward of one choice a document, (documents,)."""
    everywhere = torch.arange(MOST_READ).expand_as(batch.mask)
    return reward(batch, chosen[:, None, :], everywhere)[:, 0]


def _picked(rows: Tensor, places: Tensor) -> Tensor:
    """Rows (documents, pool, columns) of (documents, sentences, columns)."""
    return rows.gather(1, places[:, :, None].expand(-1, -1, rows.shape[2]))


def _grams(text: str) -> tuple[Counter[str], Counter[tuple[str, str]]]:
    """Words and word pairs as ROUGE counts them."""
    words = tokenize.tokenize(text, _STEMMER)
    return Counter(words), Counter(pairwise(words))


class _Stemmer:
    """Porter's, remembering what it has stemmed."""

    def __init__(self) -> None:
        self.stem = lru_cache(maxsize=500_000)(PorterStemmer().stem)


_STEMMER = _Stemmer()
