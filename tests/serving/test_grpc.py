"""gRPC: the same services behind the same keys, and generated code that fits its protocol."""

import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from server_parts import alert, article, take

from serving.errors import Unavailable
from serving.grpc_server import grpc_beside
from serving.proto import wiredesk_pb2 as proto
from serving.proto import wiredesk_pb2_grpc as stubs
from serving.settings import Role

ROOT = Path(__file__).parents[2]


class Models:
    """Answers one text, and fails on another as the models do when they are not there."""

    async def analyze(self, given, *, now_ms):  # noqa: ARG002  as Analysis has it
        if given.title == "away":
            raise Unavailable("the models are being loaded")
        return article(given.article_id, title=given.title)


@pytest.fixture
async def stub(services):
    services.settings = services.settings.model_copy(update={"grpc_port": 0, "heartbeat_s": 0.05})
    services.analysis = Models()
    async with (
        grpc_beside(services) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        yield stubs.WiredeskStub(channel)


@pytest.fixture
async def key(services):
    return [("authorization", f"Bearer {await services.access.add_key('tool', Role.READER)}")]


async def test_analyze_gives_the_record(stub, key):
    request = proto.AnalyzeRequest(title="Rain", article_id="x")
    found = await stub.Analyze(request, metadata=key)
    said = MessageToDict(found, preserving_proto_field_name=True)
    assert (said["article_id"], said["title"]) == ("x", "Rain")
    assert said["topics"][0]["names"] == {"de": "Unglück"}
    assert found.embedding == article().embedding
    assert not found.HasField("owner")


@pytest.mark.parametrize(
    ("title", "known", "code"),
    [
        ("away", True, grpc.StatusCode.UNAVAILABLE),
        ("Rain", False, grpc.StatusCode.UNAUTHENTICATED),
    ],
)
async def test_refusals_have_codes(stub, key, title, known, code):
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.Analyze(proto.AnalyzeRequest(title=title), metadata=key if known else None)
    assert refusal.value.code() is code


async def test_alerts_stream_filtered_and_resumed(services, stub, key):
    call = stub.Alerts(proto.AlertsRequest(desks=["world"]), metadata=key)
    assert (await call.read()).kind == "ready"
    await take(services, alert("other", desk="sport"), alert("a1"))
    event = await call.read()
    assert (event.kind, event.alert.alert_id) == ("alert", "a1")
    assert event.alert.windows[0].observed == 8
    assert event.alert.readers.observed == 412
    call.cancel()
    await take(services, alert("a2"), offset=2)
    again = stub.Alerts(proto.AlertsRequest(last_id=event.id), metadata=key)
    assert (await again.read()).alert.alert_id == "a2"
    again.cancel()


def test_the_generated_code_is_that_of_the_protocol(tmp_path):
    source = "serving/proto/wiredesk.proto"
    outputs = [f"--{kind}_out={tmp_path}" for kind in ("python", "grpc_python", "pyi")]
    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", "-I.", *outputs, source], check=True, cwd=ROOT
    )
    made = sorted((tmp_path / "serving/proto").iterdir())
    assert len(made) == 3
    for file in made:
        assert file.read_text() == (ROOT / "serving/proto" / file.name).read_text()
