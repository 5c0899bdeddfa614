"""What readers came to read, by story."""

from pydantic import Field

from schemas.record import Record


class StoryReaders(Record):
    """Readers who came to a story."""

    story_id: str = Field(min_length=1)
    readers: int = Field(ge=1)


class ReaderDemand(Record):
    """A window of demand; `schemas/avro/reader_demand` documents the fields."""

    begin_ms: int
    end_ms: int
    told_ms: int
    readers: int = Field(ge=0)
    stories: int = Field(ge=0)
    most_read: list[StoryReaders]

    @property
    def key(self) -> str:
        """Key of the record on stories.demand: the window's end."""
        return str(self.end_ms)
