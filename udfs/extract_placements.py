"""Records of stories.articles to what profiles need of them."""

from pyflink.common import Row
from pyflink.datastream import ProcessFunction

from models.profiles import facts
from models.profiles.facts import Placement
from schemas.story import StoryArticle
from schemas.topics import STORIES_ARTICLES
from udfs.decode_events import JOB
from udfs.read_topic import ReadTopic


class ExtractPlacements(ReadTopic[StoryArticle]):
    """Decodes stories.articles. Out: `facts_type`, packed Placements."""

    topic = STORIES_ARTICLES
    job = JOB

    def read(self, record: StoryArticle, value: Row, ctx: ProcessFunction.Context) -> list[Row]:
        return [Row(record.article_id, facts.pack(Placement(record.story_id)))]
