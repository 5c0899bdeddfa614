"""`wiredesk bench ingest`: what polling thousands of feeds costs."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from cli.files import JsonOption, write_json
from cli.progress import phase

out = Console()


def ingest(
    feeds: Annotated[int, typer.Option(min=1, help="Feeds, each a host of its own.")] = 2_000,
    interval: Annotated[float, typer.Option(min=1, help="Seconds between two polls.")] = 300,
    seconds: Annotated[
        float, typer.Option(min=1, help="Measured, after one interval in which all is new.")
    ] = 300,
    news: Annotated[float, typer.Option(min=0, max=1, help="Share of polls with news.")] = 0.2,
    json_file: JsonOption = None,
) -> None:
    """Processor time of one process that polls feeds, some of them slow, broken or silent, and
    how late it asks each kind.

    The servers are another process on loopback; nothing is sent to Kafka. The default takes ten
    minutes; `--interval 120 --seconds 120` takes four: `at_5_min` is what its processor time comes
    to at five minutes. Lateness wants a machine that does nothing else.
    """
    from bench import ingest as measure

    with phase(f"{feeds:,} feeds, {interval + seconds:g} s"):
        found = asdict(measure.measure(feeds, interval, seconds, measure.Mix(news=news)))
    for name, value in found.items():
        parts = value if isinstance(value, dict) else {"": value}
        for part, each in parts.items():
            out.print(f"{f'{name} {part}':<28}{each!s:>14}", highlight=False)
    write_json(json_file, found)
