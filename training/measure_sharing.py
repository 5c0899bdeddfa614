"""What heads lose or gain by sharing an encoder, and what top layers of their own give back and
cost: python -m training.measure_sharing --help.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import torch
import typer
from rich.console import Console
from rich.table import Table
from torch import nn

from training import importance
from training.configuration import encoder_config, head_config
from training.examples import Reader
from training.fit import EMBEDDING, predict, saved
from training.network import WIDTH, Network, Unit, published_encoder, published_tokenizer
from training.release import JOB_TOKENS
from training.run import alone_directory, directory, encoder_network, encoder_tasks
from training.tasks import Predictions, Task

LAYERS = (1, 2, 3)
"""Top layers of its own that a head may have been given."""
RESAMPLES = 100
ROUNDS = 9
"""Of each measurement of processor time."""
TAIL = 2.5
"""Percent outside the interval at each end."""

console = Console()


class Compared(NamedTuple):
    """A head's validation metric, 0..1, and the interval of shared less alone."""

    shared: float
    alone: float
    low: float
    high: float


def measure(
    name: Annotated[str, typer.Argument(help="The shared encoder: news.")],
    data_dir: Annotated[Path, typer.Option(envvar="WIREDESK_DATA_DIR")] = Path("../shared/data"),
    runs: Annotated[Path, typer.Option(help="Holds the runs.")] = Path(".wiredesk/training"),
    limit: Annotated[int | None, typer.Option(min=1, help="Rows of each set, for a trial.")] = None,
) -> None:
    """The last epoch of each head beside the last epoch of its own encoder, on the same rows.

    Wants `wiredesk train NAME`, and `wiredesk train NAME --only HEAD` for each head, with the same
    epochs; where there is a run with `--own-layers`, it is told, too. The 95 % intervals are of the
    difference, over resampled validation texts. Importance is linear in the sentence embedding:
    alone, in the published one.
    """
    config = encoder_config(name)
    tasks = encoder_tasks(config, data_dir, limit=limit)
    shared = _last(encoder_network(config, tasks), directory(runs, config.name))
    table = Table(title=f"{name}: validation, 100ths", title_justify="left")
    for column in ("head", "metric", "texts", "shared", "alone", "shared - alone", "own layers"):
        table.add_column(column, justify="left" if column in ("head", "metric") else "right")
    given: set[int] = set()
    for task in tasks:
        alone = _last(encoder_network(config, [task]), alone_directory(runs, config, task.head))
        compared = _compared(task, *(predict(n, task, task.validation) for n in (shared, alone)))
        texts = len(task.validation)
        own = {
            layers: task.score(predict(_last(alone, run), task, task.validation))
            for layers in LAYERS
            if (run := alone_directory(runs, config, task.head, layers)).exists()
        }
        given |= own.keys()
        told = ", ".join(f"{layers}: {100 * score:.1f}" for layers, score in own.items())
        table.add_row(task.head, head_config(task.head).metric, str(texts), *_cells(compared), told)
    if config.importance:
        rows = len(importance.front_page(data_dir)[0])
        table.add_row("importance", "auroc", str(rows), *_importance(shared, data_dir))
    console.print(table)
    for layers in sorted(given):
        console.print(
            f"{layers} top layers of its own: {100 * _speed(shared, layers):.0f} % of the tokens/s"
        )


def _speed(network: Network, layers: int) -> float:
    """Tokens a second of an encoder in which one head has so many top layers of its own, as a share
    of those without: by the processor time of the layers alone and of all.
    """
    draw = np.random.default_rng(0)
    ids = torch.from_numpy(draw.integers(1000, 20_000, (8, 128)))
    mask = torch.ones_like(ids)
    hidden, bias = torch.randn(8, 128, WIDTH), torch.zeros(8, 1, 1, 128)
    top = network.encoder.layer[-layers:]

    def everything() -> None:
        network(ids, mask, torch.zeros_like(ids))

    def again() -> None:
        found = hidden
        for layer in top:
            found = layer(found, bias)

    with torch.inference_mode():
        whole, part = (_seconds(run) for run in (everything, again))
    return whole / (whole + part)


def _seconds(run: Callable[[], None]) -> float:
    """Processor time of a call, the median of some."""
    run()
    taken = []
    for _ in range(ROUNDS):
        started = time.process_time()
        run()
        taken.append(time.process_time() - started)
    return statistics.median(taken)


def _last(network: Network, run: Path) -> Network:
    """The network as its run left it."""
    state = saved(run / "last.pt")
    epochs = state["progress"][0]
    console.print(f"{run.name}: after {epochs} epochs")
    network.load_state_dict(state["network"])
    return network.eval()


def _compared(task: Task, shared: Predictions, alone: Predictions) -> Compared:
    """Both predictions of a task's validation examples, resampled together."""
    draw = np.random.default_rng(0)
    differences = []
    for _ in range(RESAMPLES):
        rows = draw.integers(len(task.validation), size=len(task.validation))
        part = replace(task, validation=[task.validation[i] for i in rows])
        of_part = [part.score([given[i] for i in rows]) for given in (shared, alone)]
        differences.append(of_part[0] - of_part[1])
    low, high = np.percentile(differences, [TAIL, 100 - TAIL])
    return Compared(task.score(shared), task.score(alone), float(low), float(high))


def _importance(shared: Network, data: Path) -> list[str]:
    """Shared, alone and difference of the AUROC that cross-validation finds."""
    reader = Reader(published_tokenizer(), JOB_TOKENS)
    heads: dict[str, nn.Module] = {EMBEDDING: Unit()}
    published = Network(published_encoder(), heads).eval()
    of_both = [importance.fit(n, reader, data)[1]["auroc"] for n in (shared, published)]
    return [*(f"{100 * v:.1f}" for v in of_both), f"{100 * (of_both[0] - of_both[1]):+.1f}"]


def _cells(compared: Compared) -> list[str]:
    shared, alone, low, high = (100 * value for value in compared)
    return [f"{shared:.1f}", f"{alone:.1f}", f"{shared - alone:+.1f} ({low:+.1f} to {high:+.1f})"]


if __name__ == "__main__":
    typer.run(measure)
