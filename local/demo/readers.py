"""The demo's readers: made-up people and what they do in its half hour.

Each reads what their desks publish in their language, a moment after it came out. Passers-by come
for the story that breaks and for nothing else, so that its alert shows readers. Raw ids here
become pseudonyms when they are sent. Nothing reads a clock: times are milliseconds into the
demo's timeline.

>>> done = actions()
>>> known = {action.user for action in done if not action.user.startswith(PASSER_BY)}
>>> done == actions(), sorted(known)
(True, ['demo-cora', 'demo-dieter', 'demo-nour', 'demo-pavel', 'demo-sam'])
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from local.demo.corpus import BREAKING, SPAN_MS, DemoArticle, articles

SEED = 20261121
ARRIVES_MS = 20_000
"""No reader clicks sooner after publication: an article must get through the jobs first."""


PASSER_BY = "demo-passer-by-"
PASSERS_BY = 40
COME_AFTER_MS = 4 * 60_000
"""The first passer-by comes so long after the story's first article."""

COME_WITHIN_MS = 6 * 60_000
PLACED_MS = 3 * 60_000
"""Passers-by click on what is so old: by then it has its story, and they are counted for it."""


@dataclass(frozen=True, slots=True)
class DemoReader:
    """Who reads what.

    user      raw id
    about     who it is, for people who watch the demo
    desks     desks that are read
    hides     desks whose articles are hidden when they come
    eagerness share of what comes that is clicked
    clicks    no more clicks than this
    follows   targets that are subscribed to at the start
    """

    user: str
    about: str
    language: str
    desks: frozenset[str]
    hides: frozenset[str] = frozenset()
    eagerness: float = 0.6
    clicks: int = 40
    follows: tuple[str, ...] = ()


READERS = (
    DemoReader("demo-pavel", "politics", "en", frozenset({"politics", "local"})),
    DemoReader(
        "demo-sam",
        "sport, and no business please",
        "en",
        frozenset({"sport"}),
        hides=frozenset({"business"}),
    ),
    DemoReader(
        "demo-cora",
        "science and health",
        "en",
        frozenset({"science", "health", "technology"}),
        follows=("source:petrireview.example",),
    ),
    DemoReader(
        "demo-dieter",
        "reads German, whatever it is",
        "de",
        frozenset({"politics", "local", "sport", "business", "culture", "weather", "science"}),
    ),
    DemoReader("demo-nour", "new here: one click", "en", frozenset({"culture"}), clicks=1),
)


@dataclass(frozen=True, slots=True)
class Action:
    """What a reader does; `columns` are those of `wiredesk readers send`.

    offset_ms  from the start of the timeline
    """

    user: str
    offset_ms: int
    columns: Mapping[str, Any]


def actions() -> list[Action]:
    """Everything all readers do, in order of time."""
    news = articles()
    found = [action for reader in READERS for action in _of(reader, news)]
    found += _passers_by(news)
    return sorted(found, key=lambda action: (action.offset_ms, action.user))


def rows(base_ms: int) -> list[dict[str, Any]]:
    """The same as rows of `wiredesk readers send`, for a timeline that starts at `base_ms`.

    >>> first = rows(1_000_000)[0]
    >>> first["user"], first["kind"], first["consent"]
    ('demo-cora', 'subscribe', True)
    """
    return [
        {
            "event_id": f"{action.user}-{base_ms}-{number}",
            "user": action.user,
            "ts_ms": base_ms + action.offset_ms,
            "consent": True,
            "session": f"{action.user}-{base_ms}",
            **action.columns,
        }
        for number, action in enumerate(actions())
    ]


def _of(reader: DemoReader, news: Sequence[DemoArticle]) -> Iterator[Action]:
    random = Random(f"{SEED} {reader.user}")
    for target in reader.follows:
        yield Action(reader.user, 0, {"kind": "subscribe", "target": target})
    left = reader.clicks
    for article in news:
        desk = article.metadata.get("desk", "")
        seen_ms = article.offset_ms + ARRIVES_MS + random.randrange(60_000)
        wants = random.random() < reader.eagerness
        if article.language != reader.language or seen_ms > SPAN_MS:
            continue
        if desk in reader.hides:
            yield _action(reader.user, seen_ms, article, "hide")
        elif desk in reader.desks and wants and left:
            left -= 1
            yield _action(reader.user, seen_ms, article, "click")
            read_ms = random.randrange(5_000, 75_000)
            if seen_ms + read_ms <= SPAN_MS:
                yield _action(reader.user, seen_ms + read_ms, article, "dwell", dwell_ms=read_ms)


def _passers_by(news: Sequence[DemoArticle]) -> Iterator[Action]:
    """People who click on the newest English original about the story that breaks."""
    random = Random(f"{SEED} {PASSER_BY}")
    told = [a for a in news if a.story == BREAKING and a.language == "en" and not a.copy_of]
    come_ms = told[0].offset_ms + COME_AFTER_MS
    for number in range(PASSERS_BY):
        at_ms = come_ms + random.randrange(COME_WITHIN_MS)
        newest = max(
            (a for a in told if a.offset_ms + PLACED_MS <= at_ms), key=lambda a: a.offset_ms
        )
        yield _action(f"{PASSER_BY}{number + 1}", at_ms, newest, "click")


def _action(user: str, offset_ms: int, article: DemoArticle, kind: str, **columns: Any) -> Action:
    said = {"kind": kind, "article_id": article.article_id, **columns}
    return Action(user, offset_ms, said)
