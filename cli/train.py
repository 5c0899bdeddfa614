"""`wiredesk train`: teach a head, or an encoder that several heads share, and release it."""

from pathlib import Path
from typing import Annotated

import typer

from local.demo.corpus import articles
from models.manifest import SHIPPED
from schemas.errors import missing_extra

RUNS = Path(".wiredesk/training")


def train(
    name: Annotated[str, typer.Argument(help="A head (topics/agnews), an encoder (news) or list.")],
    data_dir: Annotated[
        Path, typer.Option(envvar="WIREDESK_DATA_DIR", help="Where the data sets lie.")
    ] = Path("../shared/data"),
    runs: Annotated[Path, typer.Option(help="Where runs keep their weights.")] = RUNS,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after the last epoch.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Rows of each set, for a trial.")] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Of a head or an encoder, for a trial.")
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(metavar="HEAD", help="One head of an encoder alone: what does sharing cost?"),
    ] = None,
    own_layers: Annotated[
        int | None,
        typer.Option(min=1, max=6, help="With --only: so many top layers on the shared run."),
    ] = None,
    release: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Export the best weights when done.")
    ] = None,
    release_only: Annotated[
        bool, typer.Option("--release-only", help="Export without training again.")
    ] = False,
    fp16: Annotated[
        bool, typer.Option("--fp16", help="Of an encoder a float16 graph for GPUs, too.")
    ] = False,
    manifest: Annotated[Path, typer.Option(help="Manifest that takes the release.")] = SHIPPED,
) -> None:
    """Train from a configuration in training/heads, encoders, ngrams, blends, taggers or scorers.

    A run writes best.pt, last.pt and log.jsonl; --release exports, calibrates on validation rows
    and registers the model. Needs the extra `training`; two cores take minutes to an hour.
    """
    from training import configuration
    from training.order import Order

    if name == "list":
        typer.echo("\n".join(configuration.known()))
        return
    config = configuration.find(name)
    if epochs is not None:
        config = configuration.for_epochs(config, epochs)
    order = Order(
        data_dir, runs, manifest, release, release_only, resume, limit, only, fp16, own_layers
    )
    order.require_possible(config)
    try:
        from training.command import carry_out
    except ImportError as error:
        raise missing_extra(error, "training") from error
    carry_out(config, order, _texts)


def _texts() -> list[str]:
    """Of the demo, which set the scales of an encoder in int8."""
    return [f"{article.title}\n{article.body}" for article in articles()]
