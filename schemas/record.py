"""The base of every typed record."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A record that flows through a topic; immutable, its fields are those of its Avro schema."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")
