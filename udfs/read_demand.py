"""Which stories readers come to, to every desk."""

from pyflink.common import Row
from pyflink.datastream import ProcessFunction

from models.breaking.commands import JOB
from models.breaking.readership import Demand
from models.packing import pack
from schemas.reader_demand import ReaderDemand
from schemas.topics import STORIES_DEMAND
from udfs.addressing import Post
from udfs.read_topic import ReadTopic


class ReadDemand(ReadTopic[ReaderDemand]):
    """Each window of stories.demand goes on as `addressed_type`, kind demand, a desk each."""

    topic = STORIES_DEMAND
    job = JOB

    def __init__(
        self, *, desks: list[str], registry_url: str | None, registry_auth: str | None
    ) -> None:
        super().__init__(registry_url=registry_url, registry_auth=registry_auth)
        self._desks = desks

    def read(self, record: ReaderDemand, value: Row, ctx: ProcessFunction.Context) -> list[Row]:
        by_story = {one.story_id: one.readers for one in record.most_read}
        packed = pack(
            list(Demand(record.begin_ms, record.end_ms, record.told_ms, record.readers, by_story))
        )
        told = Post()
        for desk in self._desks:
            told.add(desk, "demand", packed)
        return [*told.records()]
