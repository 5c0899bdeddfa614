"""Everything that the demo sends beside its articles: comments, and what readers do."""

from typing import NamedTuple

from ingest.comments import comment
from ingest.user_events import user_event
from local.demo import comments, readers
from models.keyring import Secret
from schemas.record import Record
from schemas.topics import COMMENTS_RAW, USER_EVENTS


class Sent(NamedTuple):
    """A record of a topic; None deletes what the key names.

    offset_ms  when it is due, on the demo's own time
    """

    offset_ms: int
    topic: str
    key: str
    record: Record | None


def planned(base_ms: int, secret: Secret) -> list[Sent]:
    """All of it, in order of time; the demo's first minute is at `base_ms`.

    secret  of the key ring that makes pseudonyms of readers and authors
    """
    return sorted(
        [*_comments(base_ms, secret), *_events(base_ms, secret)], key=lambda sent: sent.offset_ms
    )


def _comments(base_ms: int, secret: Secret) -> list[Sent]:
    return [
        Sent(
            made.published_ms - base_ms,
            COMMENTS_RAW.name,
            made.comment_id,
            None
            if made.text is None
            else comment(
                {
                    "comment_id": made.comment_id,
                    "article_id": made.article_id,
                    "author": made.author,
                    "text": made.text,
                    "published_ms": made.published_ms,
                    "parent_id": made.parent_id,
                },
                secret=secret,
                now_ms=made.published_ms,
            ),
        )
        for made in comments.planned(base_ms)
    ]


def _events(base_ms: int, secret: Secret) -> list[Sent]:
    events = [
        user_event(row, secret=secret, now_ms=base_ms, consent=None)
        for row in readers.rows(base_ms)
    ]
    return [Sent(e.ts_ms - base_ms, USER_EVENTS.name, e.user_key, e) for e in events]
