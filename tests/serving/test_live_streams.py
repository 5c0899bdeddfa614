"""Event streams and WebSocket on a real socket."""

import asyncio
import json

import httpx
import pytest
import websockets
from server_parts import alert, command, events, story, take

from serving import access
from serving.settings import Role

PATIENCE_S = 120


@pytest.fixture
async def key(services):
    return await services.access.add_key("listener", Role.READER)


async def heard(address, key, count, *, query="", headers=None, into=None):
    """The first events of a stream, by http; `into` gets them as they come."""
    found, text = [] if into is None else into, ""
    url = f"http://{address}/v1/streams?{query}"
    sent = {"authorization": f"Bearer {key}"} | (headers or {})
    async with (
        asyncio.timeout(PATIENCE_S),
        httpx.AsyncClient(timeout=PATIENCE_S) as http,
        http.stream("GET", url, headers=sent) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        async for piece in answer.aiter_text():
            *whole, text = (text + piece).split("\n\n")
            found += events("\n\n".join(whole))
            if len(found) >= count:
                break
    return found


async def subscribed(services, count=1):
    async with asyncio.timeout(PATIENCE_S):
        while len(services.hub) < count:
            await asyncio.sleep(0.01)


async def test_alerts_come_as_they_happen_and_a_stream_goes_on_where_it_broke_off(
    services, live, key
):
    listening = asyncio.create_task(heard(live, key, 2, query="kind=alert"))
    await subscribed(services)
    await take(services, story(), alert())
    ready, event = await listening
    assert ready["event"] == "ready"
    assert event["event"] == "alert"
    assert json.loads(event["data"])["alert_id"] == "a1"

    await take(services, alert("a2"), alert("a3", desk="sport"), offset=2)
    missed = await heard(
        live, key, 1, query="kind=alert&desk=sport", headers={"last-event-id": event["id"]}
    )
    assert [json.loads(e["data"])["alert_id"] for e in missed] == ["a3"]


async def test_a_stream_needs_a_key_and_a_sound_id(live, key):
    async with httpx.AsyncClient() as http:
        assert (await http.get(f"http://{live}/v1/streams")).status_code == 401
        refused = await http.get(
            f"http://{live}/v1/streams",
            headers={"authorization": f"Bearer {key}", "last-event-id": "x y"},
        )
    assert refused.status_code == 422


async def test_a_subscriber_that_reads_nothing_delays_nobody(services, live, key):
    services.hub._queue = 4
    host, port = live.split(":")
    _, stuck = await asyncio.open_connection(host, int(port), limit=1)
    request = (
        f"GET /v1/streams?kind=alert HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\r\n"
    )
    stuck.write(request.encode())
    await subscribed(services)
    got: list[dict[str, str]] = []
    quick = asyncio.create_task(heard(live, key, 81, query="kind=alert", into=got))
    await subscribed(services, 2)
    large = {"summary": "x" * 200_000}  # more than all buffers between the two hold
    for n in range(80):
        await take(services, alert(f"a{n}", **large), offset=n)
        async with asyncio.timeout(PATIENCE_S):
            while len(got) < n + 2:
                await asyncio.sleep(0.001)
    await quick
    assert services.hub.dropped == 1
    stuck.close()


async def test_websocket_gives_the_same_events(services, live, key):
    url = f"ws://{live}/v1/streams/ws?kind=command"
    headers = {"authorization": f"Bearer {key}"}
    async with (
        asyncio.timeout(PATIENCE_S),
        websockets.connect(url, additional_headers=headers) as socket,
    ):
        assert json.loads(await socket.recv())["event"] == "ready"
        await take(services, command(story_id="s1"))
        message = json.loads(await socket.recv())
    assert (message["event"], message["id"]) == ("command", "command=1")
    assert message["data"]["story_id"] == "s1"


async def test_websocket_refuses_strangers_and_pages_of_other_sites(services, live):
    session, _ = await services.access.open_session("ada", Role.EDITOR)
    cookie = {"cookie": f"{access.COOKIE}={session.token}"}
    url = f"ws://{live}/v1/streams/ws"
    for headers in ({}, cookie | {"origin": "https://evil.example"}):
        with pytest.raises(websockets.InvalidStatus):
            await websockets.connect(url, additional_headers=headers)
    async with websockets.connect(url, additional_headers=cookie) as socket:
        assert json.loads(await socket.recv())["event"] == "ready"


async def test_streams_end_with_a_reason_when_the_server_goes_down(services, live, key):
    listening = asyncio.create_task(heard(live, key, 2))
    await subscribed(services)
    services.hub.close("going down")
    *_, last = await listening
    assert last["event"] == "dropped"
    assert json.loads(last["data"]) == {"reason": "going down"}
