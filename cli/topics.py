"""`wiredesk topics`: the topics of `schemas/topics.py` on a live Kafka."""

import difflib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from cli.connection import BootstrapOption, Connection, SettingsOption, connect
from schemas.errors import ServiceError, SetupError
from schemas.topics import TOPICS, Topic

if TYPE_CHECKING:
    from kafka import KafkaAdminClient

app = typer.Typer(
    no_args_is_help=True, help="Create the Kafka topics, and compare them with what is specified."
)
out = Console()

_MAX_REPLICATION = 3
_DAY_MS = 24 * 60 * 60 * 1000
_HOUR_MS = 60 * 60 * 1000
_READY_MS = 60_000
"""A broker that starts on a busy machine takes its time to elect leaders."""


@dataclass(frozen=True)
class LiveTopic:
    """A topic as Kafka has it; `config` holds what is set on this topic."""

    partitions: int
    replication: int
    config: dict[str, str]


@dataclass(frozen=True)
class Change:
    """What brings one topic to its specification; nothing in it when it is there already.

    partitions  to grow to, None when there are enough
    config      to set
    """

    partitions: int | None
    config: dict[str, str]


def change(topic: Topic[Any], live: LiveTopic) -> Change:
    """What an existing topic lacks; partitions are never taken away.

    >>> topic = TOPICS["articles.raw"]
    >>> change(topic, LiveTopic(2, 1, dict(topic.config)))
    Change(partitions=4, config={})
    """
    return Change(
        partitions=topic.partitions if live.partitions < topic.partitions else None,
        config={k: v for k, v in topic.config.items() if live.config.get(k) != v},
    )


@app.command()
def create(
    replication: Annotated[
        int | None,
        typer.Option(min=1, help="Copies of each partition. Default: up to 3, as brokers allow."),
    ] = None,
    bootstrap: BootstrapOption = None,
    settings: SettingsOption = None,
) -> None:
    """Create what is missing and bring the rest to its specification.

    Partitions grow, never shrink. Running it twice changes nothing.
    """
    connection = connect(bootstrap, settings)
    done = apply(connection, replication)
    table = Table("topic", "done", title=f"Topics on {connection.bootstrap}", title_justify="left")
    for name, what in done.items():
        table.add_row(name, what)
    out.print(table)


@app.command()
def describe(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
    bootstrap: BootstrapOption = None,
    settings: SettingsOption = None,
) -> None:
    """Show what is specified beside what Kafka has; differences are marked."""
    connection = connect(bootstrap, settings)
    with connection.admin() as admin:
        live = live_topics(admin)
    records = record_counts(connection, live)
    if as_json:
        typer.echo(json.dumps(_as_json(live, records), indent=2))
        return
    title = f"Topics on {connection.bootstrap}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column("topic", no_wrap=True)
    for column in ("partitions", "copies", "retention", "cleanup", "largest", "records"):
        table.add_column(column, justify="right")
    for name, topic in TOPICS.items():
        table.add_row(name, *_cells(topic, live.get(name), records.get(name)))
    out.print(table)
    if any(_differs(topic, live.get(name)) for name, topic in TOPICS.items()):
        out.print("[yellow]Differences are yellow; `wiredesk topics create` settles them.[/]")


def known_topic(name: str) -> Topic[Any]:
    """The topic of that name. Raises SetupError with a hint.

    >>> known_topic("articles.enrich")
    Traceback (most recent call last):
    schemas.errors.SetupError: there is no topic 'articles.enrich'; did you mean articles.enriched?
    """
    if name in TOPICS:
        return TOPICS[name]
    close = difflib.get_close_matches(name, TOPICS, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(TOPICS)}"
    raise SetupError(f"there is no topic {name!r}; {hint}")


def complete_topic(incomplete: str) -> list[tuple[str, str]]:
    """Topic names for the shell's completion."""
    return [(t.name, t.doc) for t in TOPICS.values() if t.name.startswith(incomplete)]


def apply(connection: Connection, replication: int | None = None) -> dict[str, str]:
    """Bring every topic to its specification; what was done, by topic."""
    with connection.admin() as admin:
        live = live_topics(admin)
        copies = replication or min(_MAX_REPLICATION, len(admin.describe_cluster()["brokers"]))
        return {
            name: _alter(admin, topic, live[name])
            if name in live
            else _create(admin, topic, copies)
            for name, topic in TOPICS.items()
        }


def live_topics(admin: "KafkaAdminClient") -> dict[str, LiveTopic]:
    """Those of our topics that Kafka has."""
    from kafka.admin import ConfigResource

    there = sorted(set(admin.list_topics()) & set(TOPICS))
    if not there:
        return {}
    resources = [ConfigResource("TOPIC", name) for name in there]
    configs = admin.describe_configs(resources)["topic"]
    return {
        topic["name"]: LiveTopic(
            partitions=len(topic["partitions"]),
            replication=len(topic["partitions"][0]["replica_nodes"]),
            config={key: entry["value"] for key, entry in configs[topic["name"]].items()},
        )
        for topic in admin.describe_topics(there)
    }


def record_counts(connection: Connection, live: Mapping[str, LiveTopic]) -> dict[str, int]:
    """Records in each topic, by its offsets: transaction markers count, too."""
    from kafka import TopicPartition

    with connection.consumer() as consumer:
        partitions = [
            TopicPartition(name, partition)
            for name, topic in live.items()
            for partition in range(topic.partitions)
        ]
        first, end = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
    counts = dict.fromkeys(live, 0)
    for partition in partitions:
        counts[partition.topic] += end[partition] - first[partition]
    return counts


def _create(admin: "KafkaAdminClient", topic: Topic[Any], copies: int) -> str:
    from kafka.errors import TopicAlreadyExistsError

    new = {
        "num_partitions": topic.partitions,
        "replication_factor": copies,
        "configs": topic.config,
    }
    try:
        admin.create_topics({topic.name: new})
    except TopicAlreadyExistsError:
        return "created by someone else just now"
    admin.wait_for_topics([topic.name], timeout_ms=_READY_MS)
    return f"created: {topic.partitions} partitions, {copies} copies"


def _alter(admin: "KafkaAdminClient", topic: Topic[Any], live: LiveTopic) -> str:
    from kafka.admin import ConfigResource

    needed = change(topic, live)
    done = []
    if needed.partitions:
        admin.create_partitions({topic.name: needed.partitions})
        done.append(f"partitions {live.partitions} → {needed.partitions}")
    if needed.config:
        answer = admin.alter_configs([ConfigResource("TOPIC", topic.name, dict(needed.config))])
        if (refusal := answer["topic"][topic.name]) != "OK":
            raise ServiceError(f"Kafka did not take the configuration of {topic.name}: {refusal}")
        done += [f"{k} {live.config.get(k, 'unset')} → {v}" for k, v in needed.config.items()]
    return ", ".join(done) or "as specified"


def _differs(topic: Topic[Any], live: LiveTopic | None) -> bool:
    return live is None or change(topic, live) != Change(None, {})


def _cells(topic: Topic[Any], live: LiveTopic | None, records: int | None) -> list[str]:
    """Partitions, copies, retention, cleanup, largest record, records."""
    if live is None:
        return ["[yellow]missing[/]", *[""] * 5]
    have = {key: live.config.get(key, "unset") for key in topic.config}
    return [
        _beside(str(live.partitions), str(topic.partitions)),
        str(live.replication),
        _beside(_duration(have["retention.ms"]), _duration(str(topic.retention_ms))),
        _beside(have["cleanup.policy"], topic.cleanup),
        _beside(_size(have["max.message.bytes"]), _size(str(topic.max_message_bytes))),
        f"{records:,}",
    ]


def _beside(actual: str, specified: str) -> str:
    return actual if actual == specified else f"[yellow]{actual} (specified: {specified})[/]"


def _duration(milliseconds: str) -> str:
    """
    >>> _duration("604800000"), _duration("5400000"), _duration("unset")
    ('7 d', '1.5 h', 'unset')
    """
    if not milliseconds.lstrip("-").isdigit():
        return milliseconds
    ms = int(milliseconds)
    if ms < 0:
        return "for ever"
    return f"{ms / _DAY_MS:g} d" if ms >= _DAY_MS else f"{ms / _HOUR_MS:g} h"


def _size(count: str) -> str:
    return f"{int(count) / 1024**2:g} MiB" if count.isdigit() else count


def _as_json(live: Mapping[str, LiveTopic], records: Mapping[str, int]) -> dict[str, Any]:
    return {
        name: {
            "specified": {
                "key": topic.key,
                "record": topic.record,
                "partitions": topic.partitions,
                "config": topic.config,
            },
            "actual": asdict(live[name]) | {"records": records[name]} if name in live else None,
            "differs": _differs(topic, live.get(name)),
        }
        for name, topic in TOPICS.items()
    }
