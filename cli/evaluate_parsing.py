"""`wiredesk evaluate parsing`: how many feeds are read without loss."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.files import JsonOption, write_json


def parsing(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            help="Feeds of feedparser's and gofeed's tests, with what they expect.",
        ),
    ],
    json_file: JsonOption = None,
    misses: Annotated[bool, typer.Option("--misses", help="List what was lost.")] = False,
) -> None:
    """Feeds that come through ingest without loss, served over HTTP on this machine."""
    from evaluation.parsing import measure

    out = Console()
    outcome = measure(folder)
    metrics = outcome.metrics
    out.print(
        f"{outcome.without_loss:,} of {outcome.files:,} feeds without loss "
        f"({metrics['without_loss']:.3f}), {outcome.values_kept:,} of {outcome.values:,} values",
        highlight=False,
    )
    for reason, number in outcome.refused.items():
        out.print(f"refused as {reason}: {number:,}", highlight=False)
    for line in outcome.lost if misses else ():
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    write_json(json_file, {"metrics": metrics})
