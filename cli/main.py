"""The `wiredesk` command: one module a group."""

from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from cli import (
    alerts,
    bench,
    comments,
    dead_letters,
    demo,
    erase,
    evaluate,
    ingest,
    jobs,
    keys,
    local,
    models,
    moderation,
    readers,
    replay,
    serve,
    settings,
    tail,
    topics,
    train,
)
from local.errors import StackError
from schemas import __version__
from schemas.errors import WiredeskError


class OneLineErrors(TyperGroup):
    """Ends an expected failure of any command as a line on stderr and exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (WiredeskError, StackError) as error:
            Console(stderr=True).print(
                f"wiredesk: {error}", style="red", markup=False, highlight=False, soft_wrap=True
            )
            raise typer.Exit(1) from None


def tell_version(asked: bool) -> None:
    """The callback of `--version`: prints it and ends."""
    if asked:
        typer.echo(f"wiredesk {__version__}")
        raise typer.Exit


app = typer.Typer(
    cls=OneLineErrors,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="News through Flink: bring a stack up, run the jobs, send articles, read what comes out.",
)


@app.callback()
def wiredesk(
    told: Annotated[
        bool,
        typer.Option(
            "--version", callback=tell_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """What is true for every command."""


app.command("demo")(demo.demo)
app.add_typer(local.app, name="local")
app.command("submit")(jobs.submit)
app.command("cancel")(jobs.cancel)
app.add_typer(topics.app, name="topics")
app.command("replay")(replay.replay)
app.add_typer(ingest.app, name="ingest")
app.add_typer(comments.app, name="comments")
app.add_typer(moderation.app, name="moderation")
app.add_typer(readers.app, name="readers")
app.command("erase")(erase.erase)
app.add_typer(keys.app, name="keys")
app.command("tail")(tail.tail)
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(alerts.app, name="alerts")
app.add_typer(models.app, name="models")
app.add_typer(bench.app, name="bench")
app.add_typer(evaluate.app, name="evaluate")
app.command("train")(train.train)
app.add_typer(serve.app, name="serve")
app.command("settings")(settings.settings)
