"""Outcomes of comments to where they belong."""

from collections.abc import Iterator

from pyflink.common import Row
from pyflink.datastream import OutputTag, ProcessFunction

from udfs.route_outcomes import dead_letters_tag


class RouteComments(ProcessFunction):
    """Comments and deletions go on as `comment_type`, dead letters leave by side output. No state,
    no timers. An operator of its own because an AsyncFunction has no side outputs (PyFlink 2.3).
    """

    def __init__(self) -> None:
        self._tag = dead_letters_tag()

    def process_element(
        self, value: Row, ctx: ProcessFunction.Context
    ) -> Iterator[Row | tuple[OutputTag, Row]]:
        dead, key, record, *found = value
        if dead:
            yield self._tag, Row(key, record)
        else:
            article_id, published_ms, ingested_ms, queue, voice = found
            comment_id = bytes(key).decode(errors="replace")
            yield Row(comment_id, Row(article_id, published_ms, ingested_ms, queue, record, voice))
