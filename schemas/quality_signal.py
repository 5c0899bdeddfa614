"""Something that a person should look at."""

from pydantic import Field

from schemas.record import Record


class QualitySignal(Record):
    """A source or a model is not as usual; `schemas/avro/quality_signal` documents the fields."""

    kind: str = Field(min_length=1)
    subject: str = Field(min_length=1)
    origin: str
    observed: float
    expected: float
    detail: str
    raised_ms: int

    @property
    def key(self) -> str:
        """Key of the record on quality.signals: `kind/subject`."""
        return f"{self.kind}/{self.subject}"
