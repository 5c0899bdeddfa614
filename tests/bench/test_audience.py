"""Comments of a benchmark are known again in what the job makes of them."""

from types import SimpleNamespace

from bench.audience import comments, through_job
from schemas.codec import RecordCodec
from schemas.comment import EnrichedComment
from schemas.enriched_article import Language
from schemas.topics import COMMENTS_ENRICHED


def analysed(comment):
    return EnrichedComment(
        comment_id=comment.comment_id,
        article_id=comment.article_id,
        author_key=comment.author_key,
        desk="",
        published_ms=comment.published_ms,
        ingested_ms=comment.published_ms,
        enriched_ms=comment.published_ms,
        content_hash="",
        text=comment.text,
        masked_text=comment.text,
        language=Language(code="en", confidence=1.0),
        model_versions={},
    )


def test_analysed_comment_is_known_by_its_id_though_its_key_is_its_article():
    (comment,) = comments(1, "run")
    told = analysed(comment)
    read = SimpleNamespace(
        key=told.article_id.encode(), value=RecordCodec(COMMENTS_ENRICHED).encode(told)
    )
    came = {}
    assert through_job({}, came).identify(read) == comment.comment_id
    assert came == {comment.comment_id: told}
