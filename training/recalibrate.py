"""The temperature of a released head, fitted anew on validation rows; its model stays as it is:
python -m training.recalibrate --help.
"""

from pathlib import Path
from typing import Annotated

import torch
import typer

from models.manifest import SHIPPED, read
from models.opening import open_encoder
from training.configuration import head_config
from training.manifest_edit import register
from training.release import calibration_task, fit_temperature
from training.tasks import ClassTask, TargetTask


def recalibrate(
    head: Annotated[str, typer.Argument(help="One label of several: sentiment/target.")],
    data_dir: Annotated[Path, typer.Option(envvar="WIREDESK_DATA_DIR")] = Path("../shared/data"),
    manifest_file: Annotated[Path, typer.Option("--manifest", help="Changed in place.")] = SHIPPED,
) -> None:
    """Fit a head's temperature with the graph as shipped, and write it into the manifest."""
    config = head_config(head)
    task = calibration_task(config, data_dir)
    if not isinstance(task, ClassTask | TargetTask) or config.kind not in ("classes", "target"):
        raise typer.BadParameter(f"{head} is of kind {config.kind}; expected classes or target")
    manifest = read(manifest_file)
    released = manifest.heads(head)[0]
    encoder = open_encoder(manifest, released.model, threads=torch.get_num_threads())
    scale = fit_temperature(config, task, encoder)
    routes = [
        route.model_copy(update={"temperature": scale})
        if (route.output, route.labels) == (released.output, released.labels)
        else route
        for route in manifest.routes
        if route.model == released.model
    ]
    register(manifest_file, released.model, manifest.entry(released.model), routes)


if __name__ == "__main__":
    typer.run(recalibrate)
