"""A real stack for the tests that need one: its own folder, free ports, nothing left behind."""

import os
from collections.abc import Callable, Iterator

import pytest
from running_enrich import RunningEnrich

from cli import topics
from cli.connection import connect
from local import process, state
from local import stack as local_stack
from local.stack import Stack, StackConfig

JARS = state.PROJECT / ".wiredesk" / "jars"


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Kafka, Redis and Flink with two TaskManagers; commands find it by the environment."""
    folder = tmp_path_factory.mktemp("stack")
    before = os.environ.get("WIREDESK_STATE_DIR")
    os.environ["WIREDESK_STATE_DIR"] = str(folder)
    try:
        yield local_stack.up(StackConfig(folder, jars_dir=JARS))
    finally:
        local_stack.down(folder)
        if before is None:
            del os.environ["WIREDESK_STATE_DIR"]
        else:
            os.environ["WIREDESK_STATE_DIR"] = before
    assert process.marked(state.stack_id(folder)) == []
    assert list((folder / "logs").glob("*crash*")) == []


@pytest.fixture(scope="session")
def topics_created(stack: Stack) -> None:
    """Every topic of schemas/topics.py."""
    topics.apply(connect(stack.kafka))


@pytest.fixture(scope="session")
def heal(stack: Stack) -> Callable[[], Stack]:
    """Starts again what has died, as `wiredesk local up` does."""
    return lambda: local_stack.up(StackConfig(stack.state_dir, jars_dir=JARS))


@pytest.fixture
def enrich_job(stack: Stack, topics_created: None) -> Callable[..., RunningEnrich]:
    """Starts the job with the settings given, in the place of one that runs."""

    def start(**settings: object) -> RunningEnrich:
        return RunningEnrich.start(stack, JARS, **settings)

    return start


@pytest.fixture(scope="module")
def enrich(stack: Stack, topics_created: None) -> RunningEnrich:
    """The job with its default settings."""
    return RunningEnrich.start(stack, JARS)
