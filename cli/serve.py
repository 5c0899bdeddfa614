"""`wiredesk serve`: the server, its keys, its login links, its webhooks."""

import os
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli import serve_webhooks
from cli.connection import BootstrapOption, SettingsOption
from cli.serve_database import load, with_access
from schemas.errors import SetupError

if TYPE_CHECKING:
    from serving.settings import Role, ServeSettings

out = Console()
err = Console(stderr=True)

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Read by numpy and FAISS when they are loaded: for products as small as a feed's, threads wait for
each other longer than they compute. The models have threads of their own."""

RoleOption = Annotated[str, typer.Option("--role", help="reader, editor or admin.")]

app = typer.Typer(
    invoke_without_command=True,
    no_args_is_help=False,
    help="REST, streams, webhooks and the editors' console: wiredesk serve",
)
keys_app = typer.Typer(no_args_is_help=True, help="API keys.")
app.add_typer(keys_app, name="keys")
app.add_typer(serve_webhooks.app, name="webhooks")


@app.callback()
def serve(
    ctx: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 chooses a free one.")] = None,
    log_json: Annotated[
        bool | None, typer.Option("--log-json/--log-plain", help="Form of the log lines.")
    ] = None,
    analyze: Annotated[
        bool | None,
        typer.Option("--analyze/--no-analyze", help="Load the models, or do without them."),
    ] = None,
    bootstrap: BootstrapOption = None,
    settings: SettingsOption = None,
) -> None:
    """Serve until Ctrl-C.

    Settings come from WIREDESK_SERVE_* and from the table [serve] of --settings; Kafka and Redis
    are those of the running local stack unless they are set. docs/SERVING.md lists everything.
    """
    given = {
        "host": host,
        "port": port,
        "log_json": log_json,
        "analyze": analyze,
        "kafka_bootstrap": bootstrap,
    }
    for library in _THREADS:
        os.environ.setdefault(library, "1")
    ctx.obj = load(settings, {name: v for name, v in given.items() if v is not None})
    if ctx.invoked_subcommand is None:
        _serve(ctx.obj)


@app.command("login-link")
def login_link(
    ctx: typer.Context,
    name: Annotated[str, typer.Option(help="Who logs in, as the audit names them.")] = "editor",
    role: RoleOption = "editor",
) -> None:
    """Print a link that logs someone into the console, once, for a quarter of an hour."""
    from serving.settings import address

    path = with_access(ctx.obj, lambda access: access.add_login_link(name, _role(role)))
    typer.echo(address(ctx.obj) + path)


@keys_app.command("add")
def add_key(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Whose it is, as the audit names them.")],
    role: RoleOption = "reader",
    days: Annotated[int | None, typer.Option(min=1, help="It ends after so many days.")] = None,
    rate: Annotated[
        int | None, typer.Option(min=1, help="Requests a minute; default: the server's setting.")
    ] = None,
) -> None:
    """Make a key and print it: it is shown only now, the database keeps its digest."""
    key = with_access(
        ctx.obj,
        lambda access: access.add_key(name, _role(role), days=days, rate_per_minute=rate),
    )
    typer.echo(key)


@keys_app.command("list")
def list_keys(ctx: typer.Context) -> None:
    """Show every key: id, name, role, when it was made, ends or was revoked."""
    from ingest.moments import iso

    table = Table("id", "name", "role", "made", "ends", "revoked")
    for key in with_access(ctx.obj, lambda access: access.keys()):
        moments = (key["created_ms"], key["expires_ms"], key["revoked_ms"])
        table.add_row(
            key["id"], key["name"], key["role"], *("" if m is None else iso(m) for m in moments)
        )
    out.print(table)


@keys_app.command("revoke")
def revoke_key(
    ctx: typer.Context, identity: Annotated[str, typer.Argument(help="As `list` shows it.")]
) -> None:
    """End a key; a running server knows within a quarter of a minute."""
    if not with_access(ctx.obj, lambda access: access.revoke_key(identity)):
        raise SetupError(f"there is no key {identity} to revoke")
    err.print(f"{identity} is revoked")


def _serve(settings: "ServeSettings") -> None:
    from serving import logs, server
    from serving.settings import address

    listening = server.listen(settings)
    logs.configure(as_json=settings.log_json)
    where = address(settings, listening.getsockname()[1])
    told = f"Wiredesk serves {where}; `wiredesk serve login-link` lets an editor in"
    server.run(settings, listening, ready=lambda: err.print(told))


def _role(name: str) -> "Role":
    from serving.settings import Role

    try:
        return Role(name)
    except ValueError:
        raise SetupError(f"there is no role {name!r}; known: {', '.join(Role)}") from None
