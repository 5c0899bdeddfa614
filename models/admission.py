"""Which articles are let in."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from models.text import ArticleText
from schemas.article import Article
from schemas.errors import Reason, RejectedArticle


@dataclass(frozen=True)
class PublicationWindow:
    """When an article may claim to have been published.

    earliest            first day, UTC
    future_tolerance_s  seconds after its arrival in Kafka
    """

    earliest: date
    future_tolerance_s: int


def admit(
    article: Article, text: ArticleText, *, arrived_ms: int, window: PublicationWindow
) -> None:
    """Raise RejectedArticle for an article without text or with an impossible publication time."""
    if not text:
        raise RejectedArticle(Reason.NO_TEXT, "title, body and html hold no text")
    if article.published_ms > arrived_ms + window.future_tolerance_s * 1000:
        raise RejectedArticle(
            Reason.PUBLISHED_IN_FUTURE,
            f"published_ms {article.published_ms} is "
            f"{(article.published_ms - arrived_ms) // 1000} s after its arrival; "
            f"expected at most {window.future_tolerance_s} s (future_tolerance_s)",
        )
    earliest_ms = int(datetime.combine(window.earliest, time(), UTC).timestamp() * 1000)
    if article.published_ms < earliest_ms:
        raise RejectedArticle(
            Reason.PUBLISHED_TOO_OLD,
            f"published_ms {article.published_ms} is before {window.earliest}T00:00Z "
            "(earliest_published)",
        )
