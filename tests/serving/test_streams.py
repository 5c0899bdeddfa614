"""Events: filtered, resumed where a subscriber left off, and never held up by a slow one."""

import asyncio
import json

import pytest
from server_parts import alert, command, story

from serving.errors import BadCursor
from serving.streams import Hub, json_of, wish


@pytest.fixture
def hub():
    return Hub(replay=4, queue=3)


def publish(hub, record, offset, *, kind="alert", partition=0):
    hub.publish(kind, partition, offset, record, json_of(record))


async def heard(subscriber):
    return [event.offset for event in await subscriber.take(0.01)]


async def test_a_subscriber_hears_what_it_asked_for(hub):
    subscriber, _ = hub.subscribe(wish(["alert"], ["world"], [], ["marenholm"], 0.5), None)
    publish(hub, alert(), 0)
    publish(hub, alert(desk="sport"), 1)
    publish(hub, alert(score=0.4, low=0.3), 2)
    publish(hub, alert(entities=[]), 3)
    publish(hub, story(), 0, kind="story")
    assert await heard(subscriber) == [0]


async def test_who_comes_back_hears_what_it_asked_for(hub):
    filters = wish(["alert"], ["world"], [], ["marenholm"], 0.5)
    publish(hub, alert(), 0)
    publish(hub, alert(desk="sport"), 1)
    publish(hub, alert(entities=[]), 2)
    subscriber, lost = hub.subscribe(filters, "alert=0")
    assert await heard(subscriber) == [0]
    assert not lost


@pytest.mark.parametrize(
    ("asked", "is_heard"),
    [
        ({"desks": ["world"], "min_score": 0.5}, True),
        ({"desks": ["sport"], "min_score": 0.5}, False),
        ({"languages": ["de"]}, False),
        ({"entities": ["Q1"]}, True),
        ({"entities": ["MARENHOLM"]}, True),
        ({}, True),
    ],
)
async def test_filters_of_stories(hub, asked, is_heard):
    filters = {"desks": [], "languages": [], "entities": [], "min_score": 0.0} | asked
    subscriber, _ = hub.subscribe(wish(["story"], **filters), None)
    publish(hub, story(), 0, kind="story")
    assert bool(await heard(subscriber)) is is_heard


async def test_who_comes_back_hears_what_it_missed_and_nothing_twice(hub):
    first, _ = hub.subscribe(wish(["alert"], [], [], [], 0), None)
    publish(hub, alert(), 0)
    publish(hub, alert("b"), 0, partition=1)
    events = await first.take(0.01)
    hub.unsubscribe(first)
    publish(hub, alert("c"), 1)
    again, lost = hub.subscribe(wish(["alert"], [], [], [], 0), events[0].cursor)
    publish(hub, alert("d"), 2)
    assert not lost
    told = [json.loads(event.body)["alert_id"] for event in await again.take(0.01)]
    assert told == ["b", "c", "d"]


async def test_the_last_id_means_the_same_to_a_server_that_started_again(hub):
    for offset in range(3):
        publish(hub, alert(f"a{offset}"), offset)
    subscriber, _ = hub.subscribe(wish(["alert"], [], [], [], 0), "alert=1")
    known = (await subscriber.take(0.01))[0].cursor
    restarted = Hub(replay=4, queue=3)
    for offset in range(3):
        publish(restarted, alert(f"a{offset}"), offset)
    again, lost = restarted.subscribe(wish(["alert"], [], [], [], 0), known)
    assert not lost
    assert await heard(again) == [2]


async def test_who_comes_too_late_is_told(hub):
    for offset in range(6):
        publish(hub, alert(f"a{offset}"), offset)
    _, lost = hub.subscribe(wish(["alert"], [], [], [], 0), "alert=1")
    assert lost
    _, lost = hub.subscribe(wish(["alert"], [], [], [], 0), "alert=2")
    assert not lost


async def test_an_id_of_a_topic_that_was_made_anew_is_told(hub):
    publish(hub, alert(), 0)
    _, lost = hub.subscribe(wish(["alert"], [], [], [], 0), "alert=900")
    assert lost


async def test_a_slow_subscriber_is_let_go_and_others_hear_everything(hub):
    slow, _ = hub.subscribe(wish(["alert"], [], [], [], 0), None)
    quick, _ = hub.subscribe(wish(["alert"], [], [], [], 0), None)
    got = []
    for offset in range(5):
        publish(hub, alert(f"a{offset}"), offset)
        got += await heard(quick)
    assert got == [0, 1, 2, 3, 4]
    assert slow.dropped
    assert len(hub) == 1
    assert hub.dropped == 1
    assert await heard(slow) == [0, 1, 2]


async def test_closing_wakes_who_waits(hub):
    subscriber, _ = hub.subscribe(wish(["alert"], [], [], [], 0), None)
    waiting = asyncio.create_task(subscriber.take(60))
    await asyncio.sleep(0)
    hub.close("going down")
    assert await waiting == []
    assert subscriber.dropped == "going down"


@pytest.mark.parametrize("text", ["x", "alert=", "alert=1;story=2", "alert=-1", "a=1\nb=2"])
async def test_what_is_no_id_is_refused(hub, text):
    with pytest.raises(BadCursor):
        hub.subscribe(wish(["alert"], [], [], [], 0), text)


def test_json_holds_no_vector():
    assert b"embedding" not in json_of(story())
    assert b'"undoes":null' in json_of(command())
