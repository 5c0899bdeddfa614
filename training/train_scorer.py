"""Scorers of documents (models.document_scorer) from their configuration: what `wiredesk train`
runs.

The sentences' vectors are made once and kept in the run's folder. What is learned is the reward of
whole summaries, the mean of ROUGE-1 and ROUGE-2: every choice among some of a document's sentences
gets a probability by its score, and the reward that is expected shall be high. That is what policy
gradients learn from samples (Dong et al., 2018), here without sampling.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.document_scorer import (
    MOST_READ,
    MOST_TOLD,
    OUTPUTS,
    DocumentScores,
    best_together,
    subsets,
)
from models.manifest import Route, read
from models.opening import open_encoder
from training.configuration import ScorerConfig
from training.document_network import DocumentNetwork, export, network
from training.documents import Batch, Documents, picked, prepared, reward
from training.entries import entry
from training.fit import console
from training.manifest_edit import register
from training.network import MASKED
from training.run import directory

FOLDER = "documents"
LIKELY, OTHERS = 6, 2
"""Sentences of a document that are learned from: those that score highest, and any. Which ones must
not depend on the reference: a sentence that is seen only where it is good seems good."""
EXPECTED, LISTED, SINGLE = 30.0, 0.2, 0.3
"""Weights of what is learned: the expected reward; beside it, so that no choice is out of reach too
early, the likeness of the choices' probabilities to a softmax of their rewards (ListNet; Cao et
al., 2007), and of the sentences' alone."""
LEAD = 3


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


def summed(scores: Tensor, pairs: Tensor, sizes: Tensor, chosen: Tensor, places: Tensor) -> Tensor:
    """The score of each choice, (documents, choices)."""
    among = picked(pairs, places).gather(2, places[:, None, :].expand(-1, places.shape[1], -1))
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
    name = config.model
    state = torch.load(directory(runs, config.head) / "best.pt", weights_only=True)
    trained = network(config)
    trained.load_state_dict(state["network"])
    file = Path(FOLDER, f"{name}.onnx")
    (manifest.parent / FOLDER).mkdir(exist_ok=True)
    export(trained.eval(), manifest.parent / file, config.seed)
    made = entry(
        manifest,
        file,
        version=version,
        kind="documents",
        source=f"sentences of a document by their vectors, `wiredesk train {config.name}`",
        encoder=config.encoder,
        commercial=config.commercial,
        data=tuple(source.told for source in config.train),
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
    register(manifest, name, made, [route])


def _of_choice(batch: Batch, chosen: Tensor) -> Tensor:
    """Reward of one choice a document, (documents,)."""
    everywhere = torch.arange(MOST_READ).expand_as(batch.mask)
    return reward(batch, chosen[:, None, :], everywhere)[:, 0]
