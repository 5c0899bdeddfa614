"""`wiredesk serve webhooks`: who is told of alerts, at the web, in Slack, in Teams, by mail."""

import getpass
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli.serve_database import with_history
from schemas.errors import SetupError

if TYPE_CHECKING:
    from serving.deliveries import Deliveries
    from serving.history import History
    from serving.settings import ServeSettings
    from serving.streams import Wish

out = Console()
err = Console(stderr=True)

app = typer.Typer(
    no_args_is_help=True,
    help="Who is told of alerts: webhooks, Slack, Teams, mail.",
)


class Form(StrEnum):
    """What is sent."""

    WEBHOOK = "webhook"
    SLACK = "slack"
    TEAMS = "teams"
    MAIL = "mail"


IdArgument = Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")]


@app.command("add")
def add(
    ctx: typer.Context,
    target: Annotated[str, typer.Argument(help="Address of the web, or of mail.")],
    form: Annotated[
        Form, typer.Option("--as", help="The whole alert signed, or a message for people.")
    ] = Form.WEBHOOK,
    desk: Annotated[list[str] | None, typer.Option(help="Of this desk; repeatable.")] = None,
    language: Annotated[
        list[str] | None, typer.Option(help="In this language (ISO 639-1); repeatable.")
    ] = None,
    entity: Annotated[
        list[str] | None, typer.Option(help="About this name or Wikidata id; repeatable.")
    ] = None,
    min_score: Annotated[float, typer.Option(min=0, max=1, help="From this score on.")] = 0.0,
) -> None:
    """Tell someone of alerts from now on; a running server knows within seconds.

    Prints the id, and for a webhook the secret that its messages are signed with: only now.
    """
    from serving.streams import wish

    wanted = wish(["alert"], desk or [], language or [], entity or [], min_score)

    async def made(history: "History") -> tuple[str, str | None]:
        async with _deliveries(ctx.obj, history) as deliveries:
            found = await deliveries.subscribe(form.value, target, wanted, by=_who())
        await _audit(history, "subscribe", found.id, "done", form.value)
        return found.id, found.secret

    identity, secret = with_history(ctx.obj, made)
    typer.echo(identity)
    if secret:
        typer.echo(secret)
        err.print("the second line is the secret that each message is signed with (webhook-…)")
    err.print(f"try it: wiredesk serve webhooks test {identity}", highlight=False)


@app.command("list")
def show(ctx: typer.Context) -> None:
    """Show who is told of what, and what became of it."""
    from sqlalchemy import func, select

    from ingest.moments import iso
    from serving import tables

    sent = tables.deliveries

    async def found(history: "History") -> tuple[list[tuple[str, ...]], dict[tuple[str, str], int]]:
        async with _deliveries(ctx.obj, history) as deliveries:
            rows = [
                (s.id, s.kind, s.target, _wanted(s.wish), iso(s.created_ms))
                for s in deliveries.all()
            ]
        counts = await history.rows(
            select(sent.c.subscription_id, sent.c.state, func.count().label("many")).group_by(
                sent.c.subscription_id, sent.c.state
            )
        )
        return rows, {(row["subscription_id"], row["state"]): row["many"] for row in counts}

    rows, counts = with_history(ctx.obj, found)
    table = Table("id", "as", "to", "of", "since", "delivered", "waiting", "dead")
    for row in rows:
        outcomes = (counts.get((row[0], state), 0) for state in ("delivered", "waiting", "dead"))
        table.add_row(*row, *map(str, outcomes))
    out.print(table)


@app.command("remove")
def remove(ctx: typer.Context, identity: IdArgument) -> None:
    """Tell someone no more; a running server knows within seconds."""

    async def removed(history: "History") -> bool:
        async with _deliveries(ctx.obj, history) as deliveries:
            done = await deliveries.unsubscribe(identity)
        if done:
            await _audit(history, "unsubscribe", identity, "done", "")
        return done

    if not with_history(ctx.obj, removed):
        raise SetupError(f"there is no subscription {identity}")
    err.print(f"{identity} is told of nothing more")


@app.command("test")
def test(ctx: typer.Context, identity: IdArgument) -> None:
    """Send an alert that says that it is a test, from here, once."""
    from serving.channels import NotDelivered

    async def tested(history: "History") -> None:
        async with _deliveries(ctx.obj, history) as deliveries:
            try:
                await deliveries.test(identity)
            except NotDelivered as error:
                await _audit(history, "test", identity, "failed", str(error))
                raise SetupError(f"it was not delivered: {error}") from error
        await _audit(history, "test", identity, "done", "")

    with_history(ctx.obj, tested)
    err.print("delivered")


@app.command("deliveries")
def deliveries(
    ctx: typer.Context,
    identity: IdArgument,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 20,
) -> None:
    """Show what was sent and what waits, the newest first; `dead` was tried too often."""
    from ingest.moments import iso

    async def found(history: "History") -> list[dict[str, Any]]:
        async with _deliveries(ctx.obj, history) as known:
            rows = await known.shown(identity, limit)
            if not rows and identity not in {subscription.id for subscription in known.all()}:
                raise SetupError(f"there is no subscription {identity}")
            return rows

    table = Table("number", "alert", "state", "tries", "since", "why not")
    for row in with_history(ctx.obj, found):
        alert = f"{row['alert_id']}/{row['sequence']}"
        since = iso(row["ended_ms"] or row["created_ms"])
        table.add_row(
            str(row["id"]), alert, row["state"], str(row["attempts"]), since, row["error"] or ""
        )
    out.print(table)


@app.command("retry")
def retry(
    ctx: typer.Context,
    number: Annotated[int, typer.Argument(help="Of a dead delivery, as `deliveries` shows it.")],
) -> None:
    """Let the running server try a dead delivery again."""

    async def revived(history: "History") -> bool:
        async with _deliveries(ctx.obj, history) as known:
            done = await known.revive(number)
        if done:
            await _audit(history, "retry", str(number), "done", "")
        return done

    if not with_history(ctx.obj, revived):
        raise SetupError(f"there is no dead delivery {number}")
    err.print(f"{number} is tried again")


@asynccontextmanager
async def _deliveries(settings: "ServeSettings", history: "History") -> AsyncIterator["Deliveries"]:
    """The subscriptions in the database, and the ways to tell that the settings allow."""
    from serving.channels import channels
    from serving.deliveries import Deliveries
    from serving.metrics import Metrics
    from serving.settings import address

    async with channels(settings, address(settings)) as ways:
        found = Deliveries(history, ways, settings, Metrics(), _now_ms)
        await found.open()
        yield found


async def _audit(history: "History", action: str, subject: str, outcome: str, detail: str) -> None:
    """Write down who asked for what, as the server does for requests."""
    await history.act(
        at_ms=_now_ms(),
        who=_who(),
        role="admin",
        via="command line",
        action=action,
        subject=f"{'delivery' if action == 'retry' else 'subscription'}/{subject}",
        outcome=outcome,
        detail=detail,
        request_id="",
        address="",
    )


def _who() -> str:
    """Whoever runs the command, as the machine knows them."""
    return getpass.getuser()[:200]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _wanted(wish: "Wish") -> str:
    """What a subscription is about, in a few words."""
    parts = [
        *sorted(wish.desks),
        *sorted(wish.languages),
        *sorted(wish.entities),
        *([f"from {wish.min_score:g}"] if wish.min_score else []),
    ]
    return ", ".join(parts) or "everything"
