"""How readers feel about a story, in a word and an arrow."""

from typing import Literal, NamedTuple

from schemas.audience import AudienceMood

TURN_SHOWN_MS = 60 * 60_000
"""How long a change point is worth an arrow."""


class Mood(NamedTuple):
    """Readers' sentiment towards a story.

    sentiment  -1..1, decayed mean over comments
    low, high  its 95 % interval
    turned     where it turned to within the last hour
    """

    sentiment: float
    low: float
    high: float
    comments: int
    turned: Literal["better", "worse"] | None
    toxicity: float | None

    @property
    def word(self) -> str:
        """One word; `mixed` where the interval holds both sides of zero.

        >>> Mood(-0.5, -0.6, -0.4, 40, None, None).word
        'negative'
        """
        if self.low <= 0 <= self.high:
            return "mixed"
        return "negative" if self.sentiment < 0 else "positive"


def read(record: AudienceMood | None) -> Mood | None:
    """The mood in a record; None while no comment has an answer."""
    if record is None or record.sentiment is None:
        return None
    turned_lately = record.turned_ms is not None and record.at_ms - record.turned_ms < TURN_SHOWN_MS
    return Mood(
        record.sentiment.mean,
        record.sentiment.low,
        record.sentiment.high,
        record.comments,
        record.turned if turned_lately else None,
        record.toxicity.mean if record.toxicity else None,
    )
