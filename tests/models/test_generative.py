"""Generated summaries: asked for over real HTTP, checked, and left alone when the endpoint fails."""

import asyncio
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.generative import Circuit, Endpoint, Summarizer, Written, messages

TITLE, BODY = (
    "Ferry sinks off Harbourville",
    "A ferry sank on Monday, Mayor Ann Roe said. 12 people swam.",
)
GOOD = "A ferry sank off Harbourville. Twelve people swam."


def completion(text: str) -> bytes:
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]}).encode()


class Server(ThreadingHTTPServer):
    """Answers every request with what it is told to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer, self.status, self.delay_s = completion(GOOD), 200, 0.0
        self.requests: list[dict] = []
        self.headers: list[str | None] = []
        self.at_once = self.most_at_once = 0
        self.counting = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        server = self.server
        with server.counting:
            server.at_once += 1
            server.most_at_once = max(server.most_at_once, server.at_once)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server.requests.append({"path": self.path, **json.loads(body)})
        server.headers.append(self.headers.get("Authorization"))
        time.sleep(server.delay_s)
        with server.counting:
            server.at_once -= 1
        try:
            self.send_response(server.status)
            self.send_header("Content-Length", str(len(server.answer)))
            self.end_headers()
            self.wfile.write(server.answer)
        except OSError:
            pass

    def log_message(self, *args) -> None:
        pass


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def summarizer(server, clock=None, **settings) -> Summarizer:
    values = {"timeout_s": 5.0, "max_failures": 2, "rest_s": 30.0} | settings
    return Summarizer(Endpoint(server.url, "tiny", **values), clock=clock or Clock())


async def test_a_summary_is_written(server):
    async with summarizer(server, api_key="secret") as s:
        assert await s.summarize(TITLE, BODY) == Written(GOOD)
        assert s.reasons == {"written": 1}
    (request,) = server.requests
    assert request["path"] == "/v1/chat/completions"
    assert request["model"] == "tiny"
    assert BODY in request["messages"][1]["content"]
    assert server.headers == ["Bearer secret"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (completion("Two ferries sank off Oldport."), "invented: Two, Oldport"),
        (completion("It sank. " * 4), "too long: 4 sentences, 35 characters"),
        (completion("a" * 601), "too long: 1 sentences, 601 characters"),
        (completion(" \n"), "empty"),
    ],
)
async def test_a_bad_summary_is_refused_and_the_endpoint_stays(server, answer, reason):
    server.answer = answer
    async with summarizer(server) as s:
        assert await s.summarize(TITLE, BODY) == Written(None, reason)
        assert s.circuit == Circuit()


@pytest.mark.parametrize(
    ("status", "answer", "reason"),
    [
        (500, b"", "status: 500"),
        (429, b"", "status: 429"),
        (302, b"", "status: 302"),
        (200, b"{not json", "malformed: JSONDecodeError"),
        (200, b"[]", "malformed: TypeError"),
        (200, b'{"choices": []}', "malformed: IndexError"),
        (200, b"\xff\xfe", "malformed: "),
        (200, b"[" * 100_000, "malformed: RecursionError"),
        (200, b'{"choices": [{"message": {"content": null}}]}', "malformed: content is NoneType"),
        (200, b" " * 300_000, "malformed: more than 262144 bytes"),
    ],
)
async def test_a_failing_endpoint_is_reported(server, status, answer, reason):
    server.status, server.answer = status, answer
    async with summarizer(server) as s:
        written = await s.summarize(TITLE, BODY)
        assert written.summary is None
        assert written.reason.startswith(reason)
        assert s.circuit.failures == 1


async def test_an_endpoint_that_is_not_there_is_reported():
    async with Summarizer(Endpoint("http://127.0.0.1:9", "tiny")) as s:
        assert (await s.summarize(TITLE, BODY)).reason == "unreachable: ConnectError"
    async with Summarizer(Endpoint("nonsense", "tiny")) as s:
        assert (await s.summarize(TITLE, BODY)).reason.startswith("unreachable: ")


async def test_a_slow_endpoint_is_given_up(server):
    server.delay_s = 20.0
    async with summarizer(server, timeout_s=0.2) as s:
        started = time.monotonic()
        written = await s.summarize(TITLE, BODY)
        assert time.monotonic() - started < 15
        assert written.summary is None
        assert written.reason in ("timeout", "unreachable: ReadTimeout")
        assert s.circuit.failures == 1


async def test_the_circuit_opens_is_tried_and_closes(server):
    clock = Clock()
    async with summarizer(server, clock) as s:
        server.status = 500
        for _ in range(2):
            await s.summarize(TITLE, BODY)
        assert (await s.summarize(TITLE, BODY)).reason == "circuit open"
        assert len(server.requests) == 2
        clock.now_s = 31  # tried once, and fails
        assert (await s.summarize(TITLE, BODY)).reason == "status: 500"
        assert (await s.summarize(TITLE, BODY)).reason == "circuit open"
        clock.now_s = 62  # recovered
        server.status, server.delay_s = 200, 0.1
        answers = await asyncio.gather(*(s.summarize(TITLE, BODY) for _ in range(3)))
        assert sorted(a.reason or "written" for a in answers) == ["circuit open"] * 2 + ["written"]
        assert (await s.summarize(TITLE, BODY)).summary == GOOD
        assert s.reasons == {"status": 3, "circuit open": 4, "written": 2}


async def test_a_cancelled_trial_does_not_keep_the_circuit_waiting(server):
    clock = Clock()
    server.delay_s = 0.3
    async with summarizer(server, clock) as s:
        s.circuit = Circuit(failures=2, opened_s=-100.0)
        call = asyncio.create_task(s.summarize(TITLE, BODY))
        await asyncio.sleep(0.1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert not s.circuit.trying
        clock.now_s = 31
        assert (await s.summarize(TITLE, BODY)).summary == GOOD


async def test_calls_at_a_time_are_bounded(server):
    server.delay_s = 0.05
    async with summarizer(server, concurrency=2) as s:
        answers = await asyncio.gather(*(s.summarize(TITLE, BODY) for _ in range(6)))
    assert [a.summary for a in answers] == [GOOD] * 6
    assert server.most_at_once == 2


def test_an_article_cannot_leave_its_place_in_the_prompt():
    chat = messages("a</article>", "<article>b", sentences=1, characters=9)
    assert chat[1]["content"].count("article>") == 2
    assert "at most 1 sentences and 9 characters" in chat[0]["content"]


@settings(deadline=None)
@given(st.lists(st.sampled_from(["ok", "fail", "wait"]), max_size=30))
def test_the_circuit_opens_only_after_failures_and_always_tries_again(events):
    circuit, now_s, row = Circuit(), 0.0, 0
    for event in events:
        if event == "wait":
            now_s += 30.0
            assert circuit.may_call(now_s, 30.0)
        elif circuit.may_call(now_s, 30.0):
            circuit = circuit.called()
            row = 0 if event == "ok" else row + 1
            circuit = circuit.succeeded() if event == "ok" else circuit.failed(now_s, 3)
        assert (circuit.opened_s is not None) == (row >= 3)


def test_the_key_is_not_shown():
    assert "secret" not in repr(Endpoint("http://x", "tiny", api_key="secret"))
