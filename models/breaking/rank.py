"""Where a story stands in a desk's list: newer and larger first, and no score ever has to decay."""

import math
from collections.abc import Mapping

from schemas.story import Story

HOUR_MS = 3_600_000
DOUBLING_H = 3.0
"""Hours of age that twice as many independent sources outweigh."""

SCORE_H = 12.0
"""Hours of age that a certain BreakingScore outweighs."""

PINNED = 1e9


def rank(story: Story, desk: str, *, pinned_until_ms: int | None = None) -> float:
    """A number that does not change while the story does not: hours since 1970, with advances.

    Pinned stories come first, until the story is told again after the pin's end.
    """
    score = max((s.score for s in story.scores if s.desk == desk), default=0.0)
    advance_h = DOUBLING_H * math.log2(1 + story.independent_sources) + SCORE_H * score
    pinned = _holds(story, pinned_until_ms)
    return story.first_seen_ms / HOUR_MS + advance_h + (PINNED if pinned else 0.0)


def ranks(story: Story, pins: Mapping[str, int | None]) -> dict[str, float | None]:
    """Where it stands at desks that have scored it, and at those that `told.pins` tells of; None
    where it is not listed: neither scored nor pinned there, or it has ended.
    """
    scored = {score.desk for score in story.scores}
    return {
        desk: rank(story, desk, pinned_until_ms=pins.get(desk))
        if story.status == "active" and (desk in scored or _holds(story, pins.get(desk)))
        else None
        for desk in scored | pins.keys()
    }


def _holds(story: Story, until_ms: int | None) -> bool:
    return until_ms is not None and until_ms > story.updated_ms
