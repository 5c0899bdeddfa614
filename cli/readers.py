"""`wiredesk readers`: what readers do, to Kafka; what is known of one, to the screen."""

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.connection import BootstrapOption, SettingsOption, connect
from cli.redis_client import RedisOption, redis_client
from cli.rows import BadRows, RowFormatOption, StrictOption
from ingest.pace import Pace, at_rate, at_speed, flat_out
from ingest.rows import BadRow, RowFile
from ingest.user_events import user_event
from local import reader_keys, state
from models.keyring import Keyring, KeyringFile, pseudonyms, read_keyring
from schemas.errors import SetupError
from schemas.reader_profile import ReaderProfile, moments, weights
from schemas.redis_keys import profile_key
from schemas.topics import USER_EVENTS, USERS_EMBEDDINGS

app = typer.Typer(no_args_is_help=True, help="Readers: what they do, and what is known of them.")

PseudonymsOption = Annotated[
    Path | None,
    typer.Option(
        "--keyring",
        metavar="FILE",
        help="Key ring of pseudonyms (`wiredesk keys create`). Default: the local stack's.",
    ),
]


def pseudonym_ring(file: Path | None) -> Keyring:
    """The ring of `--keyring`, else the local stack's. Raises SetupError where there is none: by a
    fresh one nobody would be found.
    """
    return read_keyring(
        file or _local_ring(reader_keys.pseudonyms_file(state.default_dir()), "--keyring")
    )


@app.command()
def send(
    file: Annotated[
        str, typer.Argument(help="JSONL, CSV or TSV, also .gz, .xz or .bz2; - is standard input.")
    ],
    keyring: PseudonymsOption = None,
    consent: Annotated[
        bool | None,
        typer.Option(
            "--consent/--no-consent",
            help="For rows without the column consent. Default: they are bad rows.",
        ),
    ] = None,
    rate: Annotated[float | None, typer.Option(min=0.001, help="Events a second.")] = None,
    speed: Annotated[
        float | None,
        typer.Option(min=0.001, help="On the events' own times, so many times as fast."),
    ] = None,
    rebase: Annotated[
        bool,
        typer.Option("--rebase-now", help="Each event happens when it is sent."),
    ] = False,
    strict: StrictOption = False,
    row_format: RowFormatOption = None,
    bootstrap: BootstrapOption = None,
    settings: SettingsOption = None,
) -> None:
    """Send what readers do to Kafka. Raw reader ids become pseudonyms before anything leaves.

    Columns: user (or user_key), kind (impression, click, dwell, share, hide, subscribe),
    article_id; also ts_ms (default: now), consent, target, dwell_ms, position, session, event_id,
    request_id, strategy, propensity.
    """
    from ingest.send import ArticleSender

    if rate and speed:
        raise SetupError("--rate and --speed exclude each other")
    connection = connect(bootstrap, settings)
    connection.require_topic(USER_EVENTS.name)
    ring = keyring or reader_keys.ensure(reader_keys.pseudonyms_file(state.default_dir()))
    secret = read_keyring(ring).newest
    codec = connection.codec(USER_EVENTS)
    pace: Pace | None = at_rate(rate) if rate else None if speed else flat_out()
    bad_rows = BadRows(file, strict)
    sent, began = 0, time.monotonic()
    with ArticleSender(connection.client(), registry=connection.registry()) as sender:
        for row in RowFile(file, row_format):
            try:
                event = user_event(row.read(), secret=secret, now_ms=_now_ms(), consent=consent)
            except BadRow as bad:
                bad_rows.refuse(row.line, bad)
                continue
            pace = pace or at_speed(speed or 1.0, event.ts_ms)
            time.sleep(max(0.0, began + pace(sent, event.ts_ms) - time.monotonic()))
            if rebase:
                event = event.model_copy(update={"ts_ms": _now_ms()})
            value = codec.encode(event)
            sender.send_raw(event.user_key.encode(), value, topic=USER_EVENTS.name)
            sent += 1
    typer.echo(f"sent {sent:,} events to {USER_EVENTS.name}, skipped {bad_rows.count:,} rows")
    if not sent:
        raise SetupError(f"{file} holds no event that could be sent")


@app.command()
def show(
    user: Annotated[str | None, typer.Option(help="Raw id of the reader.")] = None,
    user_key: Annotated[str | None, typer.Option(help="Pseudonym of the reader.")] = None,
    keyring: PseudonymsOption = None,
    profile_keys: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Key ring of profiles. Default: the local stack's."),
    ] = None,
    redis: RedisOption = None,
    settings: SettingsOption = None,
) -> None:
    """Show all that is known of a reader, as JSON: the answer to somebody who asks for it."""
    from models.sealing import opened_profile

    file = profile_keys or _local_ring(
        reader_keys.profiles_file(state.default_dir()), "--profile-keys"
    )
    codec = connect(None, settings).codec(USERS_EMBEDDINGS)
    with redis_client(redis, settings) as client:
        for key in user_keys(user, user_key, keyring):
            value = client.get(profile_key(key))
            if isinstance(value, bytes):
                profile = opened_profile(codec.decode(value), KeyringFile(file))
                typer.echo(json.dumps({"user_key": key} | readable(profile), ensure_ascii=False))
                return
    raise SetupError("nothing is known of this reader")


def user_keys(user: str | None, user_key: str | None, keyring: Path | None) -> list[str]:
    """The pseudonyms that a command is about, the newest first. Raises SetupError."""
    if (user is None) == (user_key is None):
        raise SetupError("name the reader by --user or by --user-key")
    return [user_key] if user_key else pseudonyms(user or "", pseudonym_ring(keyring))


def readable(profile: ReaderProfile) -> dict[str, Any]:
    """A profile as JSON can hold it; vectors as their number of dimensions."""
    fields = profile.model_dump(exclude={"marks", "stories", "reads", "reads_ms"})
    for name in ("long_vector", "session_vector", "hidden_vector"):
        fields[name] = f"{len(fields[name]) // 2} dimensions" if fields[name] else None
    for name in ("topics", "sources", "entities", "languages", "shown"):
        fields[name] = weights(**fields[name])
    read_ms = moments(profile.reads_ms)
    fields["reads"] = [
        {"article_id": article_id, "at_ms": at_ms, "strength": strength}
        for (article_id, strength), at_ms in zip(
            weights(profile.reads.keys, profile.reads.values).items(), read_ms, strict=True
        )
    ]
    return fields


def _local_ring(file: Path, option: str) -> Path:
    if not file.exists():
        raise SetupError(f"there is no key ring {file}: name yours with {option}")
    return file


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
