"""The demo's news: hand-written articles, generated serial news, and records that are broken.

`articles/*.toml` holds the texts, one file a desk and one a story; `mastheads.toml` the sources,
`serial.py` the generated reports. Nothing here reads a clock: times are milliseconds into a
timeline of thirty minutes, and the caller adds the moment at which it starts.

>>> news = articles()
>>> news == articles(), len(news) > 220
(True, True)
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import time
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from local.demo.serial import UNSPACED, Report, reports

HERE = Path(__file__).parent
SPAN_MS = 30 * 60_000
BREAKING = "marenholm"
YEAR_MS = 365 * 86_400_000


@dataclass(frozen=True, slots=True)
class DemoArticle:
    """One article as a feed delivers it, and three facts that no feed knows.

    language_hint   BCP 47 as the source states it; None where it says nothing, and now and then
                    wrong
    offset_ms       from the start of the timeline to the moment of publication
    language, story, copy_of   the truth, to check results against; not to be sent
    """

    article_id: str
    url: str
    source: str
    owner: str | None
    title: str
    body: str
    language_hint: str | None
    offset_ms: int
    authors: tuple[str, ...]
    metadata: Mapping[str, str]
    language: str
    story: str | None = None
    copy_of: str | None = None


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A Kafka value that cannot be decoded, and the reason its dead letter must give."""

    value: bytes
    offset_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class BadArticle:
    """An article that decodes and is still refused, and the reason its dead letter must give."""

    article: DemoArticle
    reason: str

    def published_ms(self, base_ms: int) -> int:
        """When it claims to have been published, for a timeline that starts at `base_ms`."""
        if self.reason == "published_too_old":
            return 0
        ahead = YEAR_MS if self.reason == "published_in_future" else 0
        return base_ms + self.article.offset_ms + ahead


@dataclass(frozen=True, slots=True)
class Counts:
    """What the demo is about to replay, for people; updates of an article are not counted again."""

    articles: int
    languages: int
    desks: int
    sources: int
    bad: int

    def __str__(self) -> str:
        return (
            f"{self.articles} articles, {self.languages} languages, {self.desks} desks, "
            f"1 breaking story from {self.sources} sources, {self.bad} bad records"
        )


# ── what the demo asks for ───────────────────────────────────────────────────────────────────────


def articles(seed: int = 7) -> list[DemoArticle]:
    """All articles, sorted by `offset_ms`; one id occurs twice, as a correction of itself."""
    rng = Random(f"{seed}:timeline")
    timed = [article for article in handwritten() if article.offset_ms >= 0]
    untimed = [article for article in handwritten() if article.offset_ms < 0]
    untimed += [from_report(report) for report in reports(seed)]
    rng.shuffle(untimed)
    step = SPAN_MS / len(untimed)
    steady = [
        replace(article, offset_ms=int((place + 0.9 * rng.random()) * step))
        for place, article in enumerate(untimed)
    ]
    return sorted(timed + steady, key=lambda article: (article.offset_ms, article.article_id))


def bad_records(seed: int = 7) -> list[BadRecord]:
    """Values no decoder can read, sorted by `offset_ms`."""
    rng = Random(f"{seed}:bad")
    values = [
        (b'{"title": "Sent as JSON by mistake", "source": "dailylantern.example"}', "not_avro"),
        (b"2031-02-30 25:61:00 WARN feed: retrying in 5 s\n", "not_avro"),
        (b"<html><head><title>502 Bad Gateway</title></head><body></body></html>", "not_avro"),
        (b"\x1f\x8b\x08" + rng.randbytes(61), "not_avro"),
        (b"\xc3\x01" + rng.randbytes(8) + rng.randbytes(40), "unknown_schema"),
        (b"\xc3\x01" + rng.randbytes(8), "unknown_schema"),
        (b"", "empty_value"),
        (b"", "empty_value"),
    ]
    offsets = sorted(rng.sample(range(20_000, SPAN_MS - 20_000), len(values)))
    rng.shuffle(values)
    return [
        BadRecord(value, offset_ms, reason)
        for (value, reason), offset_ms in zip(values, offsets, strict=True)
    ]


def bad_articles(seed: int = 7) -> list[BadArticle]:
    """Articles that encode and decode but must end as dead letters, sorted by `offset_ms`."""
    rng = Random(f"{seed}:bad-articles")
    whole = [article for article in handwritten() if not article.story and article.body]
    texts = [
        ("bad-empty", "", "", "no_text"),
        ("bad-markup", " \n\t ", "<p>&nbsp;</p>\n<div><br/></div><!-- advert -->  ", "no_text"),
        ("bad-future", None, None, "published_in_future"),
        ("bad-epoch", None, None, "published_too_old"),
    ]
    templates = rng.sample([article for article in whole if article.language == "en"], len(texts))
    offsets = sorted(rng.sample(range(20_000, SPAN_MS - 20_000), len(texts)))
    return [
        BadArticle(
            replace(
                like,
                article_id=name,
                url=f"https://{like.source}/{like.metadata['desk']}/{name}",
                title=like.title if title is None else title,
                body=like.body if body is None else body,
                offset_ms=offset_ms,
            ),
            reason,
        )
        for (name, title, body, reason), like, offset_ms in zip(
            texts, templates, offsets, strict=True
        )
    ]


def counts(seed: int = 7) -> Counts:
    """The demo's first line of output.

    >>> print(counts())  # doctest: +ELLIPSIS
    2... articles, 14 languages, 12 desks, 1 breaking story from ... sources, 12 bad records
    """
    news = articles(seed)
    return Counts(
        articles=len({article.article_id for article in news}),
        languages=len({article.language for article in news}),
        desks=len({article.metadata["desk"] for article in news}),
        sources=len(independent_sources(a for a in news if a.story == BREAKING)),
        bad=len(bad_records(seed)) + len(bad_articles(seed)),
    )


def independent_sources(news: Iterable[DemoArticle]) -> set[str]:
    """Who wrote a text of its own: reprints do not count, and an owner group counts once."""
    return {article.owner or article.source for article in news if not article.copy_of}


# ── from the files ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Masthead:
    """A newspaper, agency or station."""

    domain: str
    name: str
    language: str
    owner: str | None = None


@cache
def mastheads() -> Mapping[str, Masthead]:
    """Every source by domain."""
    entries = tomllib.loads((HERE / "mastheads.toml").read_text(encoding="utf-8"))["masthead"]
    return {entry["domain"]: Masthead(**entry) for entry in entries}


@cache
def handwritten() -> Sequence[DemoArticle]:
    """The articles of `articles/*.toml`, copies filled in; offset -1 where a file names no time."""
    read: list[DemoArticle] = []
    for path in sorted((HERE / "articles").glob("*.toml")):
        sheet = tomllib.loads(path.read_text(encoding="utf-8"))
        for entry in sheet["article"]:
            original = next((a for a in read if a.article_id == entry.get("copy_of")), None)
            read.append(from_entry(entry, path.stem, sheet.get("story"), original))
    return tuple(read)


def from_entry(
    entry: Mapping[str, Any], sheet: str, story: str | None, original: DemoArticle | None
) -> DemoArticle:
    """One `[[article]]` table; a copy takes from its original whatever it does not say itself."""
    masthead = mastheads()[entry["source"]]
    if original is None:
        title, authors = entry["title"], tuple(entry.get("by", ()))
        body = paragraphs(entry["body"], masthead.language)
        desk = entry.get("desk", sheet)
    else:
        title, authors = entry.get("title", original.title), original.authors
        body, desk = edited(original.body, entry), original.metadata["desk"]
    return DemoArticle(
        article_id=entry["id"],
        url=f"https://{masthead.domain}/{desk}/{entry['id']}",
        source=masthead.domain,
        owner=masthead.owner,
        title=title,
        body=body,
        language_hint=entry.get("language_hint", masthead.language) or None,
        offset_ms=offset_ms(entry["at"]) if "at" in entry else -1,
        authors=authors,
        metadata={"desk": desk, "masthead": masthead.name},
        language=masthead.language,
        story=story,
        copy_of=entry.get("copy_of"),
    )


def from_report(report: Report) -> DemoArticle:
    """A generated report under its masthead; the timeline gives it a time."""
    masthead = mastheads()[report.source]
    return DemoArticle(
        article_id=report.report_id,
        url=f"https://{masthead.domain}/{report.desk}/{report.report_id}",
        source=masthead.domain,
        owner=masthead.owner,
        title=report.title,
        body=report.body,
        language_hint=report.language,
        offset_ms=-1,
        authors=(),
        metadata={"desk": report.desk, "masthead": masthead.name},
        language=report.language,
    )


def paragraphs(written: str, language: str) -> str:
    """A text as published: the files hold one sentence a line, blank lines part paragraphs.

    >>> paragraphs("One.\\nTwo.\\n\\nThree.\\n", "en")
    'One. Two.\\n\\nThree.'
    """
    space = "" if language in UNSPACED else " "
    return "\n\n".join(
        space.join(line.strip() for line in paragraph.splitlines())
        for paragraph in re.split(r"\n\s*\n", written.strip())
    )


def edited(body: str, edits: Mapping[str, Any]) -> str:
    """A text after what another newsroom does to it.

    >>> edited("One.\\n\\nTwo.", {"drop_last_paragraph": True, "append": "— Wire"})
    'One.\\n\\n— Wire'
    """
    for old, new in edits.get("replace", {}).items():
        if old not in body:
            raise ValueError(f"{edits['id']}: its original does not contain {old!r}")
        body = body.replace(old, new)
    if edits.get("drop_last_paragraph"):
        body = body.rpartition("\n\n")[0]
    return f"{body}\n\n{edits['append']}" if "append" in edits else body


def offset_ms(at: time) -> int:
    """Milliseconds into the timeline of a TOML time.

    >>> offset_ms(time(0, 9, 12))
    552000
    """
    return ((at.hour * 60 + at.minute) * 60 + at.second) * 1000 + at.microsecond // 1000
