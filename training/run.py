"""Train a head or a shared encoder from its configuration; what `wiredesk train` runs."""

import json
from pathlib import Path

import numpy as np
import torch

from training.assemble import assemble
from training.configuration import EncoderConfig, HeadConfig, head_config
from training.fit import EMBEDDING, Fit, console
from training.network import Network, Unit, published_encoder, published_tokenizer
from training.tasks import Reader, Task


def train_head(
    config: HeadConfig, data: Path, runs: Path, *, resume: bool = False, limit: int | None = None
) -> dict[str, float]:
    """Train a head with an encoder of its own; the best weights are in `runs`/HEAD/best.pt."""
    torch.manual_seed(config.seed)
    task = assemble(config, Reader(published_tokenizer(), config.max_tokens), data, limit=limit)
    _tell(task)
    network = Network(published_encoder(), dict(task.modules()))
    network.words.requires_grad_(False)
    if config.rank is not None:
        network.add_low_rank(config.rank)
    fit = Fit(network, [task], config.schedule(), directory(runs, config.head))
    scores = fit.run(resume=resume)
    _write(directory(runs, config.head), config, scores)
    return scores


def train_encoder(
    config: EncoderConfig, data: Path, runs: Path, *, resume: bool = False, limit: int | None = None
) -> dict[str, float]:
    """Train several heads on one encoder that keeps its sentence embedding."""
    torch.manual_seed(config.seed)
    tasks = encoder_tasks(config, data, limit=limit)
    for task in tasks:
        _tell(task)
    network = encoder_network(tasks)
    network.words.requires_grad_(False)
    teacher = Network(published_encoder(), {EMBEDDING: Unit()}).eval()
    fit = Fit(
        network,
        tasks,
        config.schedule(),
        directory(runs, config.name),
        teacher if config.keep_embedding else None,
    )
    scores = fit.run(resume=resume)
    _write(directory(runs, config.name), config, scores)
    return scores


def encoder_tasks(config: EncoderConfig, data: Path, *, limit: int | None = None) -> list[Task]:
    """The tasks of a shared encoder."""
    heads = [head_config(head) for head in config.heads]
    tokenizer = published_tokenizer()
    return [assemble(head, Reader(tokenizer, head.max_tokens), data, limit=limit) for head in heads]


def encoder_network(tasks: list[Task]) -> Network:
    """A fresh network with the embedding and the outputs of all tasks."""
    heads = {EMBEDDING: Unit()}
    for task in tasks:
        heads |= task.modules()
    return Network(published_encoder(), heads)


def directory(runs: Path, name: str) -> Path:
    """Where a run keeps its files."""
    return runs / name.replace("/", "-")


def _tell(task: Task) -> None:
    tokens = np.mean([len(example) for example in task.train])
    console.print(
        f"{task.head}: {len(task.train)} texts to learn from ({tokens:.0f} tokens on average), "
        f"{len(task.validation)} to validate"
    )


def _write(run: Path, config: HeadConfig | EncoderConfig, scores: dict[str, float]) -> None:
    content = {"config": config.model_dump(mode="json"), "validation": scores}
    (run / "run.json").write_text(json.dumps(content, indent=2) + "\n", "utf-8")
