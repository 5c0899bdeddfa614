"""`wiredesk bench feed`: what ranking costs as fresh articles grow."""

from dataclasses import asdict
from typing import Annotated

import typer

from cli.bench_stack import out
from cli.files import JsonOption, write_json
from cli.progress import phase


def feed(
    most: Annotated[int, typer.Option(min=5000, help="Fresh articles at the end.")] = 100_000,
    json_file: JsonOption = None,
) -> None:
    """Nearest articles and whole feeds as fresh articles grow: milliseconds, recall@100.

    Simulated articles; needs neither Kafka nor Flink. Wants a machine that does nothing else.
    """
    from bench import feed as measure

    with phase("ranking"):
        found = measure.costs(most)
    measure.show(out, found)
    write_json(json_file, [asdict(cost) for cost in found])
