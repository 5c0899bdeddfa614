"""Small graphs that are put onto a released one when it is opened: what a head has of its own.

A graft's nodes read tensors of the released graph by name. Both files are protocol buffers, and two
messages written one behind the other are read as one whose lists are joined, as the encoding has
it: the nodes of the graft come to stand behind all others, and no file has to be taken apart.
"""

from collections.abc import Iterable
from pathlib import Path

PREFIX = "grafted/"
"""Of an output of a graft; it answers in place of the output whose name follows."""


def joined(graph: Path, graft: Path) -> bytes:
    """A released graph with its graft, as one ONNX model."""
    return graph.read_bytes() + graft.read_bytes()


def answering(outputs: Iterable[str]) -> dict[str, str]:
    """What is asked for to the output of a graph that answers it.

    >>> answering(["entities", "importance", "grafted/entities"])
    {'entities': 'grafted/entities', 'importance': 'importance'}
    """
    return {name.removeprefix(PREFIX): name for name in outputs}
