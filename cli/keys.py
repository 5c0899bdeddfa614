"""`wiredesk keys`: the rings of secrets that readers are hidden with."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from models.keyring import new_keyring, read_keyring, write_keyring

app = typer.Typer(
    no_args_is_help=True,
    help="Key rings: one for readers' pseudonyms and one for comments' authors (for senders and "
    "for who erases), one for profiles (job, server).",
)
out = Console()

RingArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The key ring's file.")]


@app.command()
def create(file: RingArgument) -> None:
    """Make a key ring of one fresh secret; an existing file is left alone."""
    ring = new_keyring(datetime.now(UTC))
    write_keyring(ring, file, replace=False)
    out.print(f"{file} holds key {ring.newest.version}. Keep it secret, and keep a copy.")


@app.command("list")
def list_keys(file: RingArgument) -> None:
    """Show versions and ages, never a secret."""
    ring = read_keyring(file)
    table = Table(box=None, pad_edge=False)
    for heading in ("key", "made", "use"):
        table.add_column(heading)
    for secret in ring.secrets.values():
        use = "closes and opens" if secret == ring.newest else "opens"
        table.add_row(str(secret.version), f"{secret.created:%Y-%m-%d %H:%M} UTC", use)
    out.print(table)


@app.command()
def rotate(file: RingArgument) -> None:
    """Add a fresh secret, which is used from now on; the older ones still open what they closed.

    Profiles: the job and the server see it within ten seconds; each profile is sealed anew with
    its reader's next event. Pseudonyms: readers start anew under another user key, and nobody
    can tell that it is they; `wiredesk erase --user` finds them under every key of the ring.
    Where the file is copied to several machines, copy it to those that open first.
    """
    ring = read_keyring(file).rotated(datetime.now(UTC))
    write_keyring(ring, file, replace=True)
    out.print(f"{file}: key {ring.newest.version} is used from now on.")


@app.command()
def retire(
    file: RingArgument,
    version: Annotated[int, typer.Argument(help="The key to remove.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove an older secret for ever.

    Profiles: what is still sealed with it can never be opened again, by nobody; those readers
    start anew. Older than `profile_retention_s`, nothing is. Pseudonyms: `wiredesk erase --user`
    no longer finds what readers did under it.
    """
    ring = read_keyring(file).without(version)
    if not yes:
        typer.confirm(f"Remove key {version} from {file} for ever?", abort=True, err=True)
    write_keyring(ring, file, replace=True)
    out.print(f"{file}: key {version} is gone; {ring.newest.version} is used.")
