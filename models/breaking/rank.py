"""Where a story stands in a desk's list: newer and larger first, and no score ever has to decay."""

import math

from schemas.story import Story

HOUR_MS = 3_600_000
DOUBLING_H = 3.0
"""Hours of age that twice as many independent sources outweigh."""

SCORE_H = 12.0
"""Hours of age that a certain BreakingScore outweighs."""

PINNED = 1e9


def rank(story: Story, desk: str) -> float:
    """A number that does not change while the story does not: hours since 1970, with advances.

    Pinned stories come first, until the story is told again after the pin's end.
    """
    score = max((s.score for s in story.scores if s.desk == desk), default=0.0)
    advance_h = DOUBLING_H * math.log2(1 + story.independent_sources) + SCORE_H * score
    pinned = story.pinned_until_ms is not None and story.pinned_until_ms > story.updated_ms
    return story.first_seen_ms / HOUR_MS + advance_h + (PINNED if pinned else 0.0)
