"""A state of an alert, for people at a terminal."""

from collections.abc import Iterator
from datetime import UTC, datetime

from rich.markup import escape

from cli.terminal import printable
from schemas.alert import Alert, AlertReaders

SOURCES_SHOWN = 6
STYLES = {
    "opened": "bold red",
    "escalated": "bold red",
    "confirmed": "green",
    "dismissed": "dim",
    "corrected": "yellow",
    "closed": "dim",
}


def told(alert: Alert) -> Iterator[str]:
    """A state of an alert for people, lines of markup; texts from outside cannot steer it."""
    style = STYLES[alert.state]
    yield (
        f"[{style}]{alert.state.upper():<9}[/] {clock(alert.at_ms)} UTC  "
        f"[bold]{safe(alert.desk)}[/]  {safe(alert.title)}"
    )
    yield (
        f"          score {alert.score:.2f} ({alert.low:.2f} to {alert.high:.2f}), threshold "
        f"{alert.threshold:.2f}; {alert.independent_sources} independent sources, "
        f"{alert.copies_discounted} copies discounted; breaking is {safe(alert.outcome)}"
    )
    if alert.caution:
        yield f"          [yellow]caution: {safe(alert.caution)}[/]"
    if alert.windows:
        counted = (
            f"{w.observed} in {w.minutes} min (usual {w.expected:.1f})" for w in alert.windows
        )
        yield f"          {', '.join(counted)}"
    if alert.readers:
        yield f"          {readers(alert.readers)}"
    if alert.reasons:
        yield f"          because of: {safe('; '.join(alert.reasons))}"
    if alert.sources:
        names = [f"{s.source} {clock(s.first_seen_ms)[-8:]}" for s in alert.sources]
        more = len(names) - SOURCES_SHOWN
        rest = f" and {more} more" if more > 0 else ""
        yield f"          {safe(', '.join(names[:SOURCES_SHOWN]))}{rest}"
    if alert.entities:
        names = [f"{e.name} {e.observed} (usual {e.expected:.1f})" for e in alert.entities]
        yield f"          {safe(', '.join(names))}"
    for other in alert.in_other_languages:
        yield (
            f"          also in {safe(', '.join(other.languages))}: {safe(other.title)} "
            f"({other.independent_sources} sources)"
        )
    for article in alert.lead_articles:
        yield f"          {safe(article.source)}: {safe(article.title)}  {safe(article.url)}"
    if alert.by or alert.note:
        yield f"          {safe(': '.join(filter(None, (alert.by, alert.note))))}"
    yield f"          [dim]alert {safe(alert.alert_id)}  story {safe(alert.story_id)}[/]"


def readers(seen: AlertReaders) -> str:
    """
    >>> readers(AlertReaders(minutes=15, end_ms=0, observed=412, expected=60, tail_log10=-6,
    ...     total=500))
    '412 readers in 15 min, 60.0 expected; 500 so far'
    """
    many = f"{seen.observed} {'reader' if seen.observed == 1 else 'readers'}"
    told = f"{many} in {seen.minutes} min, {seen.expected:.1f} expected; {seen.total} so far"
    if seen.score is None:
        return told
    return f"{told}; score {seen.score:.2f} for {safe(str(seen.outcome))}"


def safe(text: str) -> str:
    """A text from outside that can steer neither the terminal nor its markup."""
    return escape(printable(text))


def clock(ms: int) -> str:
    """Day and time, UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%m-%d %H:%M:%S")
