"""Alerts and why there are any."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from schemas.alert import Alert
from serving import explain
from serving.answers import Alerts, AlertState, Explanation
from serving.asking import Parts, reader
from serving.errors import NotFound
from serving.routes.editorial import told
from serving.routes.filters import Desks, Entities, Languages, MinScore
from serving.services import Services
from serving.streams import Wish, wish
from serving.views import ENDED

router = APIRouter(prefix="/v1/alerts", tags=["alerts"], dependencies=[Depends(reader)])

AlertId = Annotated[str, Path(max_length=200)]


@router.get("")
async def alerts(
    services: Parts,
    desk: Desks = (),
    language: Languages = (),
    entity: Entities = (),
    min_score: MinScore = 0,
    open_only: Annotated[bool, Query(alias="open")] = False,
    story: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> Alerts:
    """Alerts as they stand, the one that changed last first."""
    wanted = wish(["alert"], desk, language, entity, min_score)
    found = listed(services, wanted, open_only=open_only, story_id=story)
    return Alerts(alerts=list(islice(found, limit)))


@router.get("/{alert_id}")
async def alert(alert_id: AlertId, services: Parts) -> Alert:
    """An alert as it stands."""
    return (await states_of(services, alert_id))[-1]


@router.get("/{alert_id}/explanation")
async def explanation(alert_id: AlertId, services: Parts) -> Explanation:
    """Why there is this alert: in words, with the evidence, and what editors did."""
    return await explained(services, alert_id)


def listed(
    services: Services, wanted: Wish, *, open_only: bool = False, story_id: str | None = None
) -> Iterator[Alert]:
    """Alerts as they stand, the one that changed last first."""
    return (
        alert
        for alert in services.wall.newest_alerts()
        if wanted.takes("alert", alert)
        and not (open_only and alert.state in ENDED)
        and story_id in (None, alert.story_id)
    )


async def explained(services: Services, alert_id: str) -> Explanation:
    """Why there is an alert. Raises NotFound."""
    states = await states_of(services, alert_id)
    newest = states[-1]
    story = services.wall.story(newest.story_id) or await services.history.story(newest.story_id)
    decisions = [
        told(given)
        for given in services.wall.commands.values()
        if given.command is not None and given.command.alert_id == alert_id
    ]
    return Explanation(
        **newest.model_dump(include=_EVIDENCE),
        why=explain.why(newest),
        calibration=explain.CALIBRATION_NOTE,
        timeline=story.history if story else [],
        states=list(_course(states)),
        decisions=decisions,
    )


async def states_of(services: Services, alert_id: str) -> list[Alert]:
    """Every state of an alert that is at hand or in the history. Raises NotFound."""
    states = services.wall.alerts.get(alert_id) or await services.history.alert_states(alert_id)
    if not states:
        raise NotFound(f"there is no alert {alert_id}")
    return states


def _course(states: Iterable[Alert]) -> Iterable[AlertState]:
    return (AlertState(**s.model_dump(include=set(AlertState.model_fields))) for s in states)


_EVIDENCE = set(Explanation.model_fields) & set(Alert.model_fields)
