"""What the demo shows while news goes through the jobs."""

import time
from collections import deque
from datetime import datetime
from typing import Self

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cli.demo_account import Account
from cli.demo_outcome import Outcome
from cli.terminal import printable
from schemas.enriched_article import EnrichedArticle

_ROWS_SHOWN = 12
_REFRESHES_PER_S = 5


class Screen:
    """The latest enriched articles and the counts; plain lines where there is no terminal."""

    def __init__(self, out: Console, account: Account, outcome: Outcome) -> None:
        self._out = out
        self._account = account
        self._outcome = outcome
        self._latest: deque[tuple[str, ...]] = deque(maxlen=_ROWS_SHOWN)
        self._began = time.monotonic()
        # The whole screen: terminals disagree with us on how wide some scripts are.
        live = Live(console=out, refresh_per_second=_REFRESHES_PER_S, screen=True)
        self._live = live if out.is_terminal else None

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        if self._live:
            self._live.stop()
            if failed is None:
                self._out.print(self._table())

    def add(self, article: EnrichedArticle) -> None:
        """Show one more article."""
        row = _cells(article)
        self._latest.append(row)
        if not self._live:
            typer.echo("  ".join(row))

    def refresh(self) -> None:
        """Show what is true now."""
        if self._live:
            self._live.update(self._now())

    def _now(self) -> Group:
        counts = counts_line(self._account, time.monotonic() - self._began)
        return Group(self._table(), Text(counts), Text(outcome_line(self._outcome)))

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False, expand=True)
        table.add_column("published", no_wrap=True)
        table.add_column("source", no_wrap=True, max_width=26)
        table.add_column("language", no_wrap=True)
        table.add_column("title", no_wrap=True, overflow="ellipsis", ratio=1)
        table.add_column("ms", no_wrap=True, justify="right")
        for row in self._latest:
            table.add_row(*(Text(cell) for cell in row))
        return table


def counts_line(account: Account, seconds: float) -> str:
    """Sent, enriched, rate, and dead letters by reason."""
    enriched = len(account.enriched)
    line = (
        f"sent {account.sent} of {len(account.planned)} · enriched {enriched} "
        f"({enriched / max(seconds, 1e-9):.1f} a second) · dead letters {len(account.letters)}"
    )
    reasons = ", ".join(f"{r} {n}" for r, n in sorted(account.letters_by_reason.items()))
    return f"{line} ({reasons})" if reasons else line


def outcome_line(outcome: Outcome) -> str:
    """Comments, queue, readers, who of them came to the story, and the alert once there is one."""
    line = (
        f"comments {outcome.comments} · for moderators {len(outcome.queued)} · "
        f"readers {outcome.readers}, {outcome.came} of them new to the story"
    )
    alert = outcome.alert
    return line if alert is None else f"{line} · ALERT {alert.score:.2f} {printable(alert.title)}"


def _cells(article: EnrichedArticle) -> tuple[str, ...]:
    """Published, source, language, title, milliseconds from Kafka to enriched."""
    published = datetime.fromtimestamp(article.published_ms / 1000).strftime("%H:%M:%S")
    language = f"{article.language.code} {article.language.confidence:.2f}"
    latency = str(article.enriched_ms - article.ingested_ms)
    return published, printable(article.source), language, printable(article.title), latency
