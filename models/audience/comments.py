"""A comment's text, and the record of what the models said of it."""

import hashlib
import re
from collections.abc import Sequence

from models.audience.analysis import CommentAnalysis
from models.audience.versions import Known
from models.personal_data import without_joins
from models.text import clean
from schemas.comment import (
    Comment,
    EmotionScore,
    EnrichedComment,
    PersonalData,
    TextSpan,
    Toxicity,
)
from schemas.enriched_article import UNDETERMINED, Language
from schemas.errors import Reason, RejectedComment

HIDDEN_FROM = 0.5
"""Probability of being toxic from which on a text without spans is hidden as a whole."""

HIDDEN = "•"

_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|(?<!\w)@\w+", re.IGNORECASE)
_LETTER = re.compile(r"[^\W\d_]")


def comment_text(comment: Comment, *, most_raw: int) -> str:
    """What is read of a comment: cleaned, without characters that only hide something.

    Of a text longer than `most_raw` characters the rest is not looked at.
    """
    return without_joins(clean(comment.text[:most_raw])).strip()


def admit(comment: Comment, text: str, *, arrived_ms: int, future_tolerance_s: int) -> None:
    """Raise RejectedComment for one without text, or published after it arrived."""
    if not text:
        raise RejectedComment(Reason.NO_TEXT, "the comment holds no text")
    if comment.published_ms > arrived_ms + future_tolerance_s * 1000:
        raise RejectedComment(
            Reason.PUBLISHED_IN_FUTURE,
            f"published_ms {comment.published_ms} is "
            f"{(comment.published_ms - arrived_ms) // 1000} s after its arrival; "
            f"expected at most {future_tolerance_s} s (future_tolerance_s)",
        )


def says_something(text: str) -> bool:
    """Whether there is a letter outside of addresses and mentions; models are asked only then.

    >>> says_something("👍👍 https://a.example/b @anna"), says_something("ja 👍")
    (False, True)
    """
    return _LETTER.search(_ADDRESS.sub(" ", text)) is not None


def cut(text: str, masks: Sequence[PersonalData], most: int) -> tuple[str, list[PersonalData]]:
    """The first characters of a masked text; a mask is whole or not there.

    >>> cut("Ask [email]!", [PersonalData(kind="email", start=4, end=11)], 8)
    ('Ask ', [])
    """
    whole = [each for each in masks if each.end <= most]
    end = min([most, *(each.start for each in masks if each.start < most < each.end)])
    return text[:end], whole


def unsaid() -> CommentAnalysis:
    """The analysis of a comment that says nothing in words."""
    return CommentAnalysis(language=Language(code=UNDETERMINED, confidence=0.0))


def enriched(
    comment: Comment,
    text: str,
    masks: Sequence[PersonalData],
    analysis: CommentAnalysis,
    *,
    truncated: bool,
    desk: str,
    ingested_ms: int,
    enriched_ms: int,
) -> EnrichedComment:
    """The record of comments.enriched; `text` has its personal data masked."""
    toxicity, said = analysis.toxicity, analysis.sentiment
    spans = analysis.toxic_spans
    return EnrichedComment(
        comment_id=comment.comment_id,
        article_id=comment.article_id,
        parent_id=comment.parent_id,
        author_key=comment.author_key,
        desk=comment.desk or desk,
        published_ms=comment.published_ms,
        ingested_ms=ingested_ms,
        enriched_ms=enriched_ms,
        content_hash=hashlib.sha256(text.encode()).hexdigest(),
        text=text,
        masked_text=hidden(text, spans, toxicity.overall if toxicity else 0.0),
        truncated=truncated,
        personal_data=list(masks),
        language=analysis.language,
        sentiment=said,
        tone_score=None if said is None else round(said.positive + said.neutral / 2, 4),
        emotions=None
        if analysis.emotions is None
        else [EmotionScore(label=e.label, score=e.score) for e in analysis.emotions],
        basic_emotions=None if analysis.basic_emotions is None else dict(analysis.basic_emotions),
        toxicity=None
        if toxicity is None
        else Toxicity(
            overall=toxicity.overall,
            severe=toxicity.severe,
            insult=toxicity.insult,
            identity_attack=toxicity.identity_attack,
            threat=toxicity.threat,
            obscene=toxicity.obscene,
        ),
        toxic_spans=None if spans is None else [TextSpan(start=a, end=b) for a, b in spans],
        model_versions=dict(analysis.model_versions),
    )


def deletion(comment_id: str, known: Known, *, at_ms: int) -> EnrichedComment:
    """The record that takes a comment back."""
    return EnrichedComment(
        comment_id=comment_id,
        article_id=known.article_id,
        author_key="",
        desk="",
        published_ms=known.published_ms,
        ingested_ms=at_ms,
        enriched_ms=at_ms,
        deleted=True,
        content_hash="",
        text="",
        masked_text="",
        language=Language(code=UNDETERMINED, confidence=0.0),
        model_versions={},
    )


def hidden(text: str, spans: Sequence[tuple[int, int]] | None, toxic: float) -> str:
    """The text with its toxic words hidden, letter by letter; all of a toxic text without spans.

    >>> hidden("You utter fool", [(10, 14)], 0.9), hidden("Du Depp", None, 0.9)
    ('You utter ••••', '•• ••••')
    """
    if not spans:
        spans = [(0, len(text))] if toxic >= HIDDEN_FROM else []
    letters = list(text)
    for start, end in spans:
        for i in range(start, min(end, len(letters))):
            if not letters[i].isspace():
                letters[i] = HIDDEN
    return "".join(letters)
