"""Which articles are let in: those with text, published at a possible time."""

from datetime import date

import pytest

from models.admission import PublicationWindow, admit
from models.text import ArticleText
from schemas.article import Article
from schemas.errors import Reason, RejectedArticle

ARRIVED_MS = 1_790_000_000_000
EARLIEST_MS = 31_536_000_000  # 1971-01-01T00:00Z
WINDOW = PublicationWindow(earliest=date(1971, 1, 1), future_tolerance_s=3600)


def judge(published_ms=ARRIVED_MS, text=ArticleText("Bridge reopens", "")):  # noqa: B008
    article = Article(article_id="a", source="s", published_ms=published_ms, fetched_ms=0)
    return admit(article, text, arrived_ms=ARRIVED_MS, window=WINDOW)


@pytest.mark.parametrize(
    "published_ms", [ARRIVED_MS, ARRIVED_MS + 3_600_000, EARLIEST_MS, 536_457_600_000]
)
def test_possible_publication_time_is_admitted(published_ms):
    assert judge(published_ms) is None


@pytest.mark.parametrize(
    ("published_ms", "reason"),
    [
        (ARRIVED_MS + 3_600_001, Reason.PUBLISHED_IN_FUTURE),
        (2**63 - 1, Reason.PUBLISHED_IN_FUTURE),
        (EARLIEST_MS - 1, Reason.PUBLISHED_TOO_OLD),
        (0, Reason.PUBLISHED_TOO_OLD),
        (-(2**63), Reason.PUBLISHED_TOO_OLD),
    ],
)
def test_impossible_publication_time_is_rejected(published_ms, reason):
    with pytest.raises(RejectedArticle) as rejected:
        judge(published_ms)
    assert rejected.value.reason is reason
    assert rejected.value.stage == "admit"
    assert str(published_ms) in rejected.value.detail


@pytest.mark.parametrize("text", [ArticleText("", "body"), ArticleText("title", "")])
def test_headline_or_body_is_enough(text):
    assert judge(text=text) is None


def test_article_without_text_is_rejected():
    with pytest.raises(RejectedArticle) as rejected:
        judge(text=ArticleText("", ""))
    assert rejected.value.reason is Reason.NO_TEXT
