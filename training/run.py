"""Train a head or a shared encoder from its configuration; what `wiredesk train` runs."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from training.assemble import assemble
from training.configuration import EncoderConfig, HeadConfig, head_config
from training.examples import Reader
from training.fit import EMBEDDING, Fit, console, saved
from training.network import Network, Unit, published_encoder, published_tokenizer
from training.tasks import Task


def train_head(
    config: HeadConfig, data: Path, runs: Path, *, resume: bool = False, limit: int | None = None
) -> dict[str, float]:
    """Train a head with an encoder of its own; the best weights are in `runs`/HEAD/best.pt."""
    torch.manual_seed(config.seed)
    reader = Reader(published_tokenizer(), config.max_tokens, respelled=config.respelled)
    task = assemble(config, reader, data, limit=limit)
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
    """Train several heads on one encoder."""
    torch.manual_seed(config.seed)
    tasks = encoder_tasks(config, data, limit=limit)
    for task in tasks:
        _tell(task)
    network = encoder_network(config, tasks)
    network.freeze_words()
    teacher = None
    if config.keep_embedding:
        teacher = Network(published_encoder(), {EMBEDDING: Unit()}).eval()
    fit = Fit(
        network,
        tasks,
        config.schedule(),
        directory(runs, config.name),
        teacher,
        together=config.together,
        weights=config.weights,
    )
    scores = fit.run(resume=resume)
    _write(directory(runs, config.name), config, scores)
    return scores


def train_alone(
    config: EncoderConfig,
    head: str,
    data: Path,
    runs: Path,
    *,
    layers: int | None = None,
    resume: bool = False,
    limit: int | None = None,
) -> dict[str, float]:
    """Train the encoder for one of its heads, with as many rows and steps as beside the others:
    what the head loses or gains by sharing (training.measure_sharing).

    layers  of the top that go on from the shared run and become the head's own, the others stay as
            they are; None: the head has a whole encoder of its own, from the published one
    """
    torch.manual_seed(config.seed)
    tasks = {task.head: task for task in encoder_tasks(config, data, limit=limit)}
    task = tasks.pop(head)
    _tell(task)
    network = encoder_network(config, [task])
    if layers is None:
        network.freeze_words()
    else:
        _share_below(network, directory(runs, config.name), layers)
    schedule = replace(config.schedule(), keep_embedding=0.0, patience=config.epochs)
    beside = () if config.together else (*tasks.values(),)
    run = alone_directory(runs, config, head, layers)
    scores = Fit(network, [task], schedule, run, beside=beside).run(resume=resume)
    _write(run, config, scores)
    return scores


def encoder_tasks(config: EncoderConfig, data: Path, *, limit: int | None = None) -> list[Task]:
    """The tasks of a shared encoder."""
    heads = [head_config(head) for head in config.heads]
    tokenizer = published_tokenizer()
    readers = [Reader(tokenizer, head.max_tokens, respelled=head.respelled) for head in heads]
    return [assemble(h, r, data, limit=limit) for h, r in zip(heads, readers, strict=True)]


def encoder_network(config: EncoderConfig, tasks: list[Task]) -> Network:
    """A fresh network with the outputs of all tasks, and the embedding if that is kept."""
    heads: dict[str, nn.Module] = {EMBEDDING: Unit()} if config.keep_embedding else {}
    for task in tasks:
        heads |= task.modules()
    return Network(published_encoder(), heads)


def directory(runs: Path, name: str) -> Path:
    """Where a run keeps its files."""
    return runs / name.replace("/", "-")


def alone_directory(
    runs: Path, config: EncoderConfig, head: str, layers: int | None = None
) -> Path:
    """Where the run of one head of a shared encoder keeps its files that was trained alone, or with
    so many top layers of its own.
    """
    own = "" if layers is None else f"/top{layers}"
    return directory(runs, f"{config.name}/{head}{own}")


def _share_below(network: Network, shared: Path, layers: int) -> None:
    """Give a network the weights of the shared run, of which only the top layers learn on."""
    learned = saved(shared / "last.pt")["network"]
    network.load_state_dict({name: learned[name] for name in network.state_dict()})
    network.requires_grad_(False)
    network.encoder.layer[-layers:].requires_grad_(True)
    network.heads.requires_grad_(True)


def _tell(task: Task) -> None:
    tokens = np.mean([len(example) for example in task.train])
    console.print(
        f"{task.head}: {len(task.train)} texts to learn from ({tokens:.0f} tokens on average), "
        f"{len(task.validation)} to validate"
    )


def _write(run: Path, config: HeadConfig | EncoderConfig, scores: dict[str, float]) -> None:
    content = {"config": config.model_dump(mode="json"), "validation": scores}
    (run / "run.json").write_text(json.dumps(content, indent=2) + "\n", "utf-8")
