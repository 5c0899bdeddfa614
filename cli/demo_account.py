"""What the demo sends, what must come of it, and what has come."""

from collections import Counter
from dataclasses import dataclass, field
from statistics import median

from local.demo import corpus
from local.demo.corpus import DemoArticle
from schemas.article import Article
from schemas.dead_letter import DeadLetter
from schemas.enriched_article import EnrichedArticle

_NAMED = 3
"""Missing or surprising records that a message names."""


@dataclass(frozen=True)
class Planned:
    """One record of the demo.

    offset_ms  when it is due, on the demo's own time
    article    the article in it; None where `value` is to be sent as it is
    reason     of the dead letter that it must become; None when it must be enriched
    """

    offset_ms: int
    key: str
    article: Article | None
    value: bytes
    reason: str | None


def plan(base_ms: int, seed: int = 7) -> list[Planned]:
    """All records of the demo, in order of time; its first minute is at `base_ms`."""
    good = [
        Planned(a.offset_ms, a.article_id, _article(a, base_ms + a.offset_ms, base_ms), b"", None)
        for a in corpus.articles(seed)
    ]
    refused = [
        Planned(
            bad.article.offset_ms,
            bad.article.article_id,
            _article(bad.article, bad.published_ms(base_ms), base_ms),
            b"",
            bad.reason,
        )
        for bad in corpus.bad_articles(seed)
    ]
    unreadable = [
        Planned(bad.offset_ms, f"bad-record-{number}", None, bad.value, bad.reason)
        for number, bad in enumerate(corpus.bad_records(seed), start=1)
    ]
    return sorted([*good, *refused, *unreadable], key=lambda record: record.offset_ms)


@dataclass
class Account:
    """What was planned against what came out; other traffic on the topics does not count.

    began_ms  dead letters of records that are older belong to an earlier run
    """

    planned: list[Planned]
    began_ms: int
    sent: int = 0
    enriched: dict[tuple[str, int], int] = field(default_factory=dict)
    """Milliseconds from Kafka to enriched, by article and version."""
    letters: dict[str, str] = field(default_factory=dict)
    """Reason by key."""

    def __post_init__(self) -> None:
        self._articles = {
            (record.key, record.article.published_ms)
            for record in self.planned
            if record.article and record.reason is None
        }
        self._reasons = {record.key: record.reason for record in self.planned if record.reason}

    def take_article(self, article: EnrichedArticle) -> bool:
        """Count an enriched article; False when it is not of this demo, or was counted."""
        version = (article.article_id, article.published_ms)
        if version not in self._articles or version in self.enriched:
            return False
        self.enriched[version] = article.enriched_ms - article.ingested_ms
        return True

    def take_letter(self, letter: DeadLetter) -> bool:
        """Count a dead letter; False when it is not of this demo, or was counted."""
        key = (letter.key or b"").decode(errors="replace")
        ours = key in self._reasons or any(key == name for name, _ in self._articles)
        if not ours or letter.timestamp_ms < self.began_ms or key in self.letters:
            return False
        self.letters[key] = letter.reason
        return True

    @property
    def complete(self) -> bool:
        """Every record of the plan has come out at one side."""
        return not self.missing and self.sent == len(self.planned)

    @property
    def missing(self) -> list[str]:
        """Keys of which nothing has come."""
        articles = [key for key, ms in self._articles if (key, ms) not in self.enriched]
        return sorted(key for key in [*articles, *self._reasons] if key not in self.letters)

    @property
    def surprises(self) -> list[str]:
        """Dead letters that should not be, or give another reason than they must."""
        return [
            f"{key}: {reason}, expected {self._reasons.get(key, 'an enriched article')}"
            for key, reason in self.letters.items()
            if reason != self._reasons.get(key)
        ]

    @property
    def letters_by_reason(self) -> Counter[str]:
        """How many dead letters of each reason."""
        return Counter(self.letters.values())

    @property
    def median_ms(self) -> int | None:
        """Half of the articles took no longer from Kafka to enriched."""
        return round(median(self.enriched.values())) if self.enriched else None


def some(names: list[str]) -> str:
    """The first few of many names.

    >>> some(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _article(article: DemoArticle, published_ms: int, fetched_ms: int) -> Article:
    """As a feed delivers it: without the truths that only the demo knows."""
    return Article(
        article_id=article.article_id,
        url=article.url,
        source=article.source,
        owner=article.owner,
        title=article.title,
        body=article.body,
        authors=list(article.authors) or None,
        language_hint=article.language_hint,
        published_ms=published_ms,
        fetched_ms=fetched_ms,
        metadata=dict(article.metadata),
    )
