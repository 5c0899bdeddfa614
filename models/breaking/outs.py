"""What a desk is told besides news, and what it says."""

from typing import NamedTuple

from schemas.alert import Alert
from schemas.editorial import AuditEntry
from schemas.quality_signal import QualitySignal
from schemas.story import StoryBurst, StoryScore


class Window(NamedTuple):
    """Independent sources of a story (or naming an entity) in a window that has ended."""

    kind: str
    name: str
    minutes: int
    end_ms: int
    observed: int


class Burst(NamedTuple):
    """A window of a story, judged."""

    story_id: str
    burst: StoryBurst


class Scored(NamedTuple):
    """BreakingScore of a story."""

    story_id: str
    score: StoryScore


Out = Alert | Scored | Burst | AuditEntry | QualitySignal
