"""One pass of a replay through its file: read, move in time, wait until due, send."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING

from cli.progress import bar
from cli.rows import BadRows
from ingest.pace import Pace, at_rate, at_speed, flat_out
from ingest.rows import BadRow, Row, RowFile, RowFormat, article
from schemas.article import Article
from schemas.errors import SetupError

if TYPE_CHECKING:
    from ingest.send import ArticleSender


class Rebase(StrEnum):
    """Where the publishing times of a replay are moved to."""

    NOW = "now"


@dataclass(frozen=True)
class Span:
    """The articles of a file in time."""

    count: int
    first_ms: int
    newest_ms: int


@dataclass(frozen=True)
class Source:
    """A file of articles, and how its rows are read."""

    path: str
    row_format: RowFormat | None
    renamed: dict[str, str]
    limit: int | None

    def rows(self) -> tuple[RowFile, Iterator[tuple[Row, Article | BadRow]]]:
        """The file, and its rows as articles or as what is wrong with them."""
        file = RowFile(self.path, self.row_format)
        return file, ((row, self._article(row)) for row in file)

    def span(self) -> Span:
        """First look at the whole file: how many articles, and when they were published."""
        found = (a.published_ms for _, a in self.rows()[1] if isinstance(a, Article))
        times = list(islice(found, self.limit))
        if not times:
            raise SetupError(f"{self.path} holds no article; without --rebase each row says why")
        return Span(len(times), first_ms=times[0], newest_ms=max(times))

    def _article(self, row: Row) -> Article | BadRow:
        try:
            return article(row.read(), now_ms=_now_ms(), renamed=self.renamed)
        except BadRow as bad:
            return bad


@dataclass(frozen=True)
class Timing:
    """When articles are sent, and how their publishing times are moved.

    rate   articles a second; without rate and speed, everything at once
    speed  on the articles' own publishing times, so many times as fast
    """

    rate: float | None
    speed: float | None
    rebase: Rebase | None

    def pace(self, first_ms: int) -> Pace:
        """When each article is due; the first was published at `first_ms`."""
        if self.speed:
            return at_speed(self.speed, first_ms)
        return at_rate(self.rate) if self.rate else flat_out()

    def shift_ms(self, source: Source) -> int:
        """What is added to publishing times, so that the newest article is published when sent."""
        if self.rebase is None:
            return 0
        span = source.span()
        return _now_ms() + self._lasts_ms(span) - span.newest_ms

    def _lasts_ms(self, span: Span) -> int:
        """How long after the start the newest article will be sent."""
        if self.speed:
            return round((span.newest_ms - span.first_ms) / self.speed)
        return round(span.count * 1000 / self.rate) if self.rate else 0


@dataclass
class Counts:
    """What was sent so far, since when."""

    sent: int = 0
    began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began


def send(
    source: Source, timing: Timing, sender: "ArticleSender", counts: Counts, bad_rows: BadRows
) -> None:
    """Send what the file holds, each article when it is due."""
    from ingest.send import TooLarge

    shift_ms, pace = timing.shift_ms(source), None
    file, rows = source.rows()
    sent, began = 0, time.monotonic()
    with bar(f"sending {source.path}", 1.0) as tell:
        for row, found in rows:
            if sent == source.limit:
                break
            if isinstance(found, BadRow):
                bad_rows.refuse(row.line, found)
                continue
            pace = pace or timing.pace(found.published_ms)
            _wait(began + pace(sent, found.published_ms))
            try:
                sender.send(_moved(found, shift_ms))
            except TooLarge as error:
                bad_rows.refuse(row.line, BadRow(str(error)))
                continue
            sent += 1
            counts.sent += 1
            done = sent / source.limit if source.limit else file.share_read
            tell(done, words=f"{counts.sent:,} sent")


def _moved(found: Article, shift_ms: int) -> Article:
    return found.model_copy(update={"published_ms": found.published_ms + shift_ms})


def _wait(until: float) -> None:
    if (ahead := until - time.monotonic()) > 0:
        time.sleep(ahead)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
