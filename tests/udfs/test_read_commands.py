"""The gate of commands asks nothing of a JVM: in thread mode there is none to ask."""

from types import SimpleNamespace

import pytest
from pyflink.common import time

from schemas.codec import RecordCodec
from schemas.editorial import EditorialCommand
from schemas.topics import EDITORIAL_AUDIT
from udfs.read_commands import AcceptCommands


@pytest.fixture
def gate(runtime_context, monkeypatch):
    def no_gateway():
        raise RuntimeError("no gateway")

    described = []

    def get_state(descriptor):
        described.append(descriptor)
        held = {}
        return SimpleNamespace(value=lambda: held.get(""), update=lambda v: held.update({"": v}))

    monkeypatch.setattr(time, "get_gateway", no_gateway)
    monkeypatch.setattr(runtime_context, "get_state", get_state, raising=False)
    operator = AcceptCommands(desks=["world"], memory_s=60, registry_url=None, registry_auth=None)
    operator.open(runtime_context)
    for descriptor in described:  # as Flink does when it makes the state
        strategies = descriptor._ttl_config.get_cleanup_strategies()
        assert strategies.get_rocksdb_compact_filter_cleanup_strategy() is not None
    return operator


def test_gate_opens_without_a_gateway_and_knows_what_was_given(gate):
    order = EditorialCommand(
        command_id="c1", kind="pin", story_id="a", author="ada", issued_ms=1
    ).model_dump_json()
    ((tag, _),) = gate.process_element(order.encode(), None)
    assert tag.tag_id == "commands-telling"
    ((_, answer),) = gate.process_element(order.encode(), None)
    assert RecordCodec(EDITORIAL_AUDIT).decode(answer[1]).outcome == "repeated"
