"""Which story each article belongs to, as the moods hear of it."""

from pyflink.common import Row
from pyflink.datastream import ProcessFunction

from schemas.story import StoryArticle
from schemas.topics import STORIES_ARTICLES
from udfs.comment_rows import JOB, PLACED
from udfs.read_topic import ReadTopic


class ReadPlacements(ReadTopic[StoryArticle]):
    """Each placement of stories.articles goes on as `mood_event_type`, kind placed."""

    topic = STORIES_ARTICLES
    job = JOB

    def read(self, record: StoryArticle, value: Row, ctx: ProcessFunction.Context) -> list[Row]:
        return [Row(record.article_id, PLACED, "", 0, b"", record.story_id)]
