"""Names that live for ever."""

from typing import TypeVar

from pyflink.datastream import DataStream, DataStreamSink

Step = TypeVar("Step", DataStream, DataStreamSink)


def step(stream: Step, identity: str) -> Step:
    """Set name and uid of the last operator; renaming one drops its state."""
    return stream.name(identity).uid(identity)
