"""`wiredesk erase`: forget a reader or an author, and show that nothing is left."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.connection import BootstrapOption, SettingsOption, connect
from cli.erase_author import author_keys, erase_author
from cli.erase_reader import erase_reader
from cli.readers import PseudonymsOption, user_keys
from cli.redis_client import RedisOption, redis_client
from schemas.errors import SetupError

ANSWER_S = 60.0

out = Console()


def erase(
    user: Annotated[str | None, typer.Option(help="Raw id of a reader.")] = None,
    user_key: Annotated[str | None, typer.Option(help="Pseudonym of a reader.")] = None,
    author: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="Author of comments: author_key, or the raw id with --author-keyring.",
        ),
    ] = None,
    keyring: PseudonymsOption = None,
    author_keyring: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Key ring of comments' authors.")
    ] = None,
    redis: RedisOption = None,
    wait_s: Annotated[
        float, typer.Option("--wait", metavar="S", min=0, help="Seconds to wait for the job.")
    ] = ANSWER_S,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    bootstrap: BootstrapOption = None,
    settings: SettingsOption = None,
) -> None:
    """Forget a reader, or the author of comments.

    A reader's profile is ended by the running job `profiles`, under every pseudonym of the key
    ring; then state, Redis and topics are searched, and what was found is told. An
    author's comments are deleted as if the site had done so: the job `audience` takes them out of
    moods, queue and Redis, compaction out of comments.raw and moderation.queue within a day;
    comments.enriched keeps the masked texts, under a pseudonym, until its retention.
    """
    if (author is None) == (user is None and user_key is None):
        raise SetupError("say whom: a reader by --user or --user-key, or an author by --author")
    connection = connect(bootstrap, settings)
    if author is not None:
        written_by = author_keys(author, author_keyring)
        with redis_client(redis, settings) as client:
            deleted = erase_author(connection, client, written_by, yes=yes)
        out.print(f"deleted {deleted:,} comments", highlight=False)
        return
    keys = user_keys(user, user_key, keyring)
    if not yes:
        typer.confirm(f"Erase the reader of {', '.join(keys)}?", abort=True, err=True)
    with redis_client(redis, settings) as client:
        erase_reader(connection, client, keys, wait_s=wait_s)
