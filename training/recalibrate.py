"""The calibration of a released head, fitted anew on validation rows; its model stays as it is:
python -m training.recalibrate --help.
"""

from pathlib import Path
from typing import Annotated

import torch
import typer

from models.manifest import SHIPPED, Route, read
from models.opening import open_encoder
from training.calibrate import answers
from training.configuration import head_config
from training.manifest_edit import edit_routes
from training.release import calibration, calibration_task
from training.tasks import ClassTask, SpanTask, TargetTask

KINDS = ("classes", "target", "spans")
"""Of heads that have no thresholds, which are fitted with the calibration."""


def recalibrate(
    head: Annotated[str, typer.Argument(help="sentiment/target, entities/news.")],
    data_dir: Annotated[Path, typer.Option(envvar="WIREDESK_DATA_DIR")] = Path("../shared/data"),
    manifest_file: Annotated[Path, typer.Option("--manifest", help="Changed in place.")] = SHIPPED,
) -> None:
    """Fit a head's calibration to what its graph says, and write it into the manifest.

    For heads that tell one label of several, or mentions.
    """
    config = head_config(head)
    task = calibration_task(config, data_dir)
    if not isinstance(task, ClassTask | TargetTask | SpanTask) or config.kind not in KINDS:
        raise typer.BadParameter(f"{head} is of kind {config.kind}; expected {', '.join(KINDS)}")
    manifest = read(manifest_file)
    released = manifest.heads(head)[0]
    encoder = open_encoder(manifest, released.model, threads=torch.get_num_threads())
    fitted = calibration(config, task, answers(encoder, task.validation))
    said_by = (released.model, released.output, released.labels)

    def edited(route: Route) -> Route:
        same = (route.model, route.output, route.labels) == said_by
        return route.model_copy(update=fitted) if same else route

    edit_routes(manifest_file, edited)


if __name__ == "__main__":
    typer.run(recalibrate)
