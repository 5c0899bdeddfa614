"""`wiredesk alerts`: read alerts, and tell the job what to make of them."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli.alert_lines import STYLES, clock, safe, told
from cli.connection import BootstrapOption, Connection, SettingsOption, connect
from cli.editorial import Draft, draft, sent_to
from cli.files import writable
from cli.lasting import ForOption, UntilOption, end_ms
from cli.reading import Beginning, End, moment_ms, read_on, read_to_end, seek
from cli.tail import json_line
from schemas.alert import Alert
from schemas.errors import RecordError, SetupError
from schemas.topics import ALERTS_BREAKING

app = typer.Typer(no_args_is_help=True, help="Breaking-news alerts: read them, act on them.")
out = Console()
err = Console(stderr=True)

LIVE = ("opened", "escalated", "confirmed")

AlertArgument = Annotated[str, typer.Argument(metavar="ALERT", help="As `alerts list` shows it.")]
StoryArgument = Annotated[str, typer.Argument(metavar="STORY", help="A story_id.")]
DeskOption = Annotated[str | None, typer.Option(help="Only this desk. Default: every desk.")]
ReasonOption = Annotated[str | None, typer.Option("--reason", help="In your own words.")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON lines.")]


@app.command()
def tail(
    desk: DeskOption = None,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="WHEN", help="beginning, or a time. Default: from now on."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after so many.")] = None,
    follow: Annotated[bool, typer.Option(help="Wait for more at the end.")] = True,
    as_json: JsonOption = False,
    bootstrap: BootstrapOption = None,
    settings: SettingsOption = None,
) -> None:
    """Print each state of each alert, with its evidence, as it comes."""
    shown = 0
    with suppress(KeyboardInterrupt):
        for alert in _alerts(connect(bootstrap, settings), start, follow=follow):
            if desk not in (None, alert.desk):
                continue
            if as_json:
                typer.echo(json_line(alert.model_dump()))
            else:
                for line in told(alert):
                    out.print(line, highlight=False, soft_wrap=True)
            shown += 1
            if shown == limit:
                return


@app.command("list")
def list_alerts(
    desk: DeskOption = None,
    every: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    as_json: JsonOption = False,
    bootstrap: BootstrapOption = None,
    settings: SettingsOption = None,
) -> None:
    """Where alerts stand, the newest last."""
    found = _alerts(connect(bootstrap, settings), "beginning", follow=False)
    standing = [
        alert
        for alert in latest(found)
        if desk in (None, alert.desk) and (every or alert.state in LIVE)
    ]
    if as_json:
        for alert in standing:
            typer.echo(json_line(alert.model_dump()))
        return
    if not standing:
        out.print("No alerts." if every else "No open alerts; --all shows those that are over.")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("at (UTC)", "desk", "state", "score", "sources", "alert", "title"):
        table.add_column(heading, justify="right" if heading in ("score", "sources") else "left")
    for alert in standing:
        style = STYLES[alert.state]
        table.add_row(
            clock(alert.at_ms),
            safe(alert.desk),
            f"[{style}]{alert.state}[/]",
            f"{alert.score:.2f}",
            str(alert.independent_sources),
            safe(alert.alert_id),
            safe(alert.title),
        )
    out.print(table)


@app.command()
@sent_to("breaking")
def confirm(
    alert: AlertArgument,
    reason: ReasonOption = None,
) -> Draft:
    """It is breaking news: the alert stays until its time is over, and the score learns."""
    return draft("confirm", alert_id=alert, reason=reason)


@app.command()
@sent_to("breaking")
def dismiss(
    alert: AlertArgument,
    reason: ReasonOption = None,
) -> Draft:
    """It is none: the alert closes, the story raises no other, and the score learns."""
    return draft("dismiss", alert_id=alert, reason=reason)


StoryOption = Annotated[str | None, typer.Option("--story", help="A story_id.")]
EntityOption = Annotated[
    str | None, typer.Option("--entity", help="An entity: Wikidata id, or its name.")
]
SourceOption = Annotated[str | None, typer.Option("--source", help="A source.")]


@app.command()
@sent_to("breaking")
def mute(
    story: StoryOption = None,
    entity: EntityOption = None,
    source: SourceOption = None,
    desk: DeskOption = None,
    lasting: ForOption = None,
    until: UntilOption = None,
    reason: ReasonOption = None,
) -> Draft:
    """No alerts of a story, entity, source or whole desk, for a while."""
    ends_ms = end_ms(lasting, until)
    return draft("mute", **muted(story, entity, source, desk), until_ms=ends_ms, reason=reason)


@app.command()
@sent_to("breaking")
def unmute(
    story: StoryOption = None,
    entity: EntityOption = None,
    source: SourceOption = None,
    desk: DeskOption = None,
) -> Draft:
    """Let what was muted be heard again."""
    return draft("unmute", **muted(story, entity, source, desk))


@app.command()
@sent_to("breaking")
def pin(
    story: StoryArgument,
    lasting: ForOption = None,
    until: UntilOption = None,
    desk: DeskOption = None,
) -> Draft:
    """Keep a story on top for a while."""
    ends_ms = end_ms(lasting, until)
    return draft("pin", story_id=story, desk=desk, until_ms=ends_ms)


@app.command()
@sent_to("breaking")
def unpin(
    story: StoryArgument,
    desk: DeskOption = None,
) -> Draft:
    """Let a story stand where it belongs again."""
    return draft("unpin", story_id=story, desk=desk)


@app.command()
@sent_to("breaking")
def budget(
    desk: Annotated[str, typer.Argument(help="A desk.")],
    alerts_per_day: Annotated[float, typer.Argument(min=0, help="Alerts a day; 0 for none.")],
) -> Draft:
    """Choose how many alerts a day a desk wants; the threshold follows."""
    return draft("set_budget", desk=desk, value=alerts_per_day)


@app.command()
@sent_to("breaking")
def override(
    story: StoryArgument,
    score: Annotated[
        str, typer.Argument(metavar="SCORE|model", help="0 to 1; `model` lets the model score it.")
    ],
    lasting: ForOption = None,
    until: UntilOption = None,
    desk: DeskOption = None,
    reason: ReasonOption = None,
) -> Draft:
    """Set a story's score by hand; it beats the model until it expires."""
    if score == "model":
        return draft("clear_override", story_id=story, desk=desk, reason=reason)
    return draft(
        "override_score",
        story_id=story,
        desk=desk,
        value=_score(score),
        until_ms=end_ms(lasting, until),
        reason=reason,
    )


@app.command()
@sent_to("breaking")
def merge(
    story: StoryArgument,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="Becomes part of STORY.")],
) -> Draft:
    """Make two stories one; the other's id stays as an alias."""
    return draft("merge", story_id=story, other_story_id=other)


@app.command()
@sent_to("breaking")
def split(
    story: StoryArgument,
    articles: Annotated[list[str], typer.Argument(metavar="ARTICLE...", help="Those that leave.")],
) -> Draft:
    """Let articles leave a story for one of their own."""
    return draft("split", story_id=story, article_ids=articles)


@app.command()
@sent_to("breaking")
def retract(
    story: StoryArgument,
    reason: ReasonOption = None,
) -> Draft:
    """The story is wrong: its alerts are corrected, and it raises no other."""
    return draft("retract", story_id=story, reason=reason)


@app.command()
@sent_to("breaking")
def undo(
    command_id: Annotated[str, typer.Argument(metavar="COMMAND", help="Its command_id.")],
    reason: ReasonOption = None,
) -> Draft:
    """Take back a command."""
    return draft("undo", undoes=command_id, reason=reason)


@app.command()
def recalibrate(
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="[FILE]",
            help='JSONL verdicts {"at_ms", "score", "came_true"}; - for standard input. '
            "Default: what editors confirmed and dismissed, from Kafka.",
        ),
    ] = None,
    desk: DeskOption = None,
    scorer_file: Annotated[
        Path | None, typer.Option("--scorer", metavar="FILE", help="Default: the shipped one.")
    ] = None,
    write: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT", callback=writable, help="Write the scorer here if the challenger wins."
        ),
    ] = None,
    bootstrap: BootstrapOption = None,
    settings: SettingsOption = None,
) -> None:
    """Fit the score to editors' verdicts; it changes only if that wins on later verdicts.

    The first two thirds of the verdicts fit a challenger, the last third decides between it and the
    score as it is. A job reads the written file by its setting `scorer_file`.
    """
    from models.breaking import scorer, verdicts

    current = scorer.read(scorer_file or scorer.SHIPPED)
    if file is not None:
        found = list(verdicts.read(file))
    else:
        alerts = _alerts(connect(bootstrap, settings), "beginning", follow=False)
        found = verdicts.of_alerts((a for a in alerts if desk in (None, a.desk)), current)
    outcome = verdicts.recalibrated(current, found)
    out.print(outcome.told, highlight=False, markup=False)
    if outcome.scorer is not None and write is not None:
        scorer.write(outcome.scorer, write)
        out.print(f"written to {write}; `scorer_file` of the job names it", highlight=False)


def latest(states: Iterable[Alert]) -> list[Alert]:
    """The last state of each alert, in order of time."""
    found: dict[str, Alert] = {}
    for alert in states:
        known = found.get(alert.alert_id)
        if known is None or alert.sequence >= known.sequence:
            found[alert.alert_id] = alert
    return sorted(found.values(), key=lambda alert: (alert.at_ms, alert.alert_id))


def muted(
    story: str | None, entity: str | None, source: str | None, desk: str | None
) -> dict[str, str | None]:
    """What a mute is about. Raises SetupError unless it is one thing, or a desk alone."""
    named = [value for value in (story, entity, source) if value]
    if len(named) > 1 or not (named or desk):
        raise SetupError("say what: one of --story, --entity and --source, or a --desk alone")
    return {"story_id": story, "entity": entity, "source": source, "desk": desk}


def _alerts(connection: Connection, start: str | None, *, follow: bool) -> Iterator[Alert]:
    """States of alerts as they come; what is no alert is told on stderr."""
    codec = connection.codec(ALERTS_BREAKING)
    with connection.consumer() as consumer:
        ends = seek(consumer, (ALERTS_BREAKING.name,), _start(start))
        records = read_on(consumer) if follow else read_to_end(consumer, ends)
        for record in records:
            try:
                yield codec.decode(record.value)
            except RecordError as error:
                err.print(f"{record.topic}/{record.partition}/{record.offset}: {error}")


def _start(text: str | None) -> Any:
    from cli.reading import Since

    if text is None:
        return End()
    return Beginning() if text == "beginning" else Since(moment_ms(text))


def _score(text: str) -> float:
    with suppress(ValueError):
        if 0 <= (score := float(text)) <= 1:
            return score
    raise SetupError(f"score {text!r}; expected a number from 0 to 1, or `model`")
