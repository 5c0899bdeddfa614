"""Stories."""

from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query

from schemas.story import Story
from serving.answers import Stories, StoryAnswer, StoryDetail
from serving.asking import Parts, reader
from serving.errors import NotFound
from serving.routes.filters import Desks, Entities, Languages, MinScore
from serving.services import Services
from serving.streams import Wish, wish

router = APIRouter(prefix="/v1/stories", tags=["stories"], dependencies=[Depends(reader)])


@router.get("")
async def stories(
    services: Parts,
    desk: Desks = (),
    language: Languages = (),
    entity: Entities = (),
    min_score: MinScore = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> Stories:
    """Active stories, the one that changed last first."""
    wanted = wish(["story"], desk, language, entity, min_score)
    return Stories(stories=list(islice(listed(services, wanted), limit)))


@router.get("/{story_id}")
async def story(story_id: Annotated[str, Path(max_length=200)], services: Parts) -> StoryDetail:
    """A story with its timeline, bursts and articles; of a merged one, the story it is part of."""
    return await detailed(services, story_id)


def listed(services: Services, wanted: Wish) -> Iterator[StoryAnswer]:
    """Active stories, the one that changed last first."""
    return (
        StoryAnswer.model_construct(**_parts(services, story))
        for story in services.wall.newest_stories()
        if wanted.takes("story", story)
    )


async def detailed(services: Services, story_id: str) -> StoryDetail:
    """A story with its articles. Raises NotFound."""
    found = services.wall.story(story_id) or await services.history.story(story_id)
    if found is None:
        raise NotFound(f"there is no story {story_id}")
    return StoryDetail(**_parts(services, found), members=services.wall.members_of(found.story_id))


def _parts(services: Services, story: Story) -> dict[str, Any]:
    wall = services.wall
    return {name: getattr(story, name) for name in Story.model_fields} | {
        "mood": wall.moods.get(f"story/{story.story_id}"),
        "alerts": [alert.alert_id for alert in wall.alerts_of(story.story_id)],
    }
