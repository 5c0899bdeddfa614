"""What a desk is told besides news, and what it says."""

from collections.abc import Sequence
from typing import NamedTuple

from schemas.alert import Alert
from schemas.editorial import AuditEntry
from schemas.quality_signal import QualitySignal
from schemas.story import StoryBurst, StoryScore


class Windows(NamedTuple):
    """Independent sources of each of several stories (or naming entities) in a window of time that
    has ended.
    """

    kind: str
    minutes: int
    end_ms: int
    names: Sequence[str]
    observed: Sequence[int]


class Burst(NamedTuple):
    """A window of a story, judged."""

    story_id: str
    burst: StoryBurst


class Scored(NamedTuple):
    """BreakingScore of a story."""

    story_id: str
    score: StoryScore


Out = Alert | Scored | Burst | AuditEntry | QualitySignal
