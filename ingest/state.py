"""What ingest remembers, in SQLite: sources, items that were seen, articles, and what is to send.

A poll and everything that follows from it is one transaction: when a source's new ETag is kept,
so are its items. Articles leave through an outbox: they are numbered, sent in order, and taken out
when Kafka has them. So killing the process at any moment loses nothing.
"""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ingest.entry import Entry
from ingest.normalise import as_version, entry_fingerprint, fingerprint
from ingest.robots import Rules
from ingest.schedule import Rhythm
from ingest.sources.source import Memory
from schemas.article import Article
from schemas.errors import SetupError

VERSION = 2
_LOCKED_S = 0.5
_DAY_MS = 24 * 3600 * 1000
_SUBSCRIPTION = "websub/"
_TABLES = """
CREATE TABLE source (
  name TEXT PRIMARY KEY, memory TEXT NOT NULL DEFAULT '{}', rhythm TEXT NOT NULL DEFAULT '{}',
  due_ms INTEGER NOT NULL DEFAULT 0, watch TEXT NOT NULL DEFAULT '{}'
) WITHOUT ROWID;
CREATE TABLE seen (
  source TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL,
  article_id TEXT NOT NULL DEFAULT '', seen_ms INTEGER NOT NULL, PRIMARY KEY (source, key)
) WITHOUT ROWID;
CREATE INDEX seen_by_time ON seen (seen_ms);
CREATE TABLE article (
  article_id TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, source TEXT NOT NULL,
  versions INTEGER NOT NULL, sent_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX article_by_time ON article (sent_ms);
CREATE TABLE waiting (
  source TEXT NOT NULL, key TEXT NOT NULL, entry TEXT NOT NULL, attempts INTEGER NOT NULL,
  due_ms INTEGER NOT NULL, PRIMARY KEY (source, key)
) WITHOUT ROWID;
CREATE INDEX waiting_by_time ON waiting (due_ms);
CREATE TABLE outbox (
  number INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, key BLOB NOT NULL,
  value BLOB NOT NULL
);
CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO fact VALUES ('id', lower(hex(randomblob(8))));
"""

_CHANGES = {
    1: _TABLES,
    2: """
CREATE TABLE robots (
  site TEXT PRIMARY KEY, rules TEXT NOT NULL, until_ms INTEGER NOT NULL
) WITHOUT ROWID;
""",
}
"""What each version adds to the one before."""


@dataclass(frozen=True)
class Waiting:
    """An item that waits for its page."""

    source: str
    key: str
    entry: Entry
    attempts: int = 0
    due_ms: int = 0


@dataclass(frozen=True)
class Outgoing:
    """A record in the outbox; `number` grows for ever."""

    number: int
    topic: str
    key: bytes
    value: bytes


class State:
    """The database; one process at a time. A context manager.

    path  the file; `:memory:` for none
    """

    def __init__(self, path: Path | str) -> None:
        self._path = str(path)
        try:
            if self._path != ":memory:":
                Path(self._path).parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(
                self._path, timeout=_LOCKED_S, isolation_level=None, check_same_thread=False
            )
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._prepare()
        except (OSError, sqlite3.Error) as error:
            raise SetupError(
                f"the state in {self._path} cannot be used: {error}; does another ingest run with "
                "it? --state names another file"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._db.close()

    @property
    def id(self) -> str:
        """The name of this state for ever: Kafka fences and counts by it."""
        return self._fact("id")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing of what happens inside; may be nested."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def sync(self) -> None:
        """Everything committed so far is on the disk; safe in a thread beside the others. Raises
        SetupError.

        A commit alone survives the death of the process (SQLite's log is written), not that of the
        machine. Waiting for the disk at each commit held up every source: on a busy disk a
        commit took a second. So only what leaves waits for it: whatever Kafka has was here before.
        """
        if self._path == ":memory:":
            return
        log = Path(f"{self._path}-wal")
        try:
            for path in (log, log.parent):  # the folder, so that the log can be found in it
                descriptor = os.open(path, os.O_RDONLY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
        except OSError as error:
            raise SetupError(f"{log} cannot be written to the disk: {error.strerror}") from error

    # sources

    def source(self, name: str) -> tuple[Memory, Rhythm, int, dict[str, Any]]:
        """Memory, rhythm, when it is due, and what is watched; of an unknown source nothing."""
        row = self._db.execute(
            "SELECT memory, rhythm, due_ms, watch FROM source WHERE name = ?", (name,)
        ).fetchone()
        if row is None:
            return {}, Rhythm(), 0, {}
        return json.loads(row[0]), Rhythm(**json.loads(row[1])), row[2], json.loads(row[3])

    def keep_source(
        self, name: str, memory: Memory, rhythm: Rhythm, due_ms: int, watch: Memory
    ) -> None:
        """What is known of a source from now on."""
        self._db.execute(
            "INSERT INTO source VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
            "memory = excluded.memory, rhythm = excluded.rhythm, due_ms = excluded.due_ms, "
            "watch = excluded.watch",
            (name, json.dumps(memory), json.dumps(asdict(rhythm)), due_ms, json.dumps(watch)),
        )

    def robots_of(self, site: str) -> tuple[Rules, int] | None:
        """What a site's robots.txt said, and until when (ms) that holds."""
        row = self._db.execute(
            "SELECT rules, until_ms FROM robots WHERE site = ?", (site,)
        ).fetchone()
        return None if row is None else (Rules(**json.loads(row[0])), row[1])

    def keep_robots(self, site: str, rules: Rules, until_ms: int) -> None:
        """What a site's robots.txt says from now on."""
        self._db.execute(
            "INSERT OR REPLACE INTO robots VALUES (?, ?, ?)",
            (site, json.dumps(asdict(rules)), until_ms),
        )

    def subscriptions(self) -> dict[str, dict[str, Any]]:
        """WebSub subscriptions by source."""
        rows = self._db.execute(
            "SELECT substr(name, ?), value FROM fact WHERE name GLOB ?",
            (len(_SUBSCRIPTION) + 1, f"{_SUBSCRIPTION}*"),
        )
        return {source: json.loads(value) for source, value in rows}

    def keep_subscription(self, source: str, subscription: Mapping[str, Any]) -> None:
        """A source's subscription from now on."""
        self._db.execute(
            "INSERT OR REPLACE INTO fact VALUES (?, ?)",
            (_SUBSCRIPTION + source, json.dumps(subscription)),
        )

    def fresh(self, source: str, entries: Iterable[Entry]) -> list[Entry]:
        """The items of a source that are new or have changed since they were seen."""
        found = []
        for entry in entries:
            row = self._db.execute(
                "SELECT fingerprint FROM seen WHERE source = ? AND key = ?", (source, key_of(entry))
            ).fetchone()
            if row is None or row[0] != entry_fingerprint(entry):
                found.append(entry)
        return found

    # articles

    def take(
        self, source: str, entry: Entry, article: Article | None, *, now_ms: int
    ) -> Article | None:
        """Remember that an item was handled; the article to send, None when there is none.

        Not sent is what was sent before, word for word; and a known article that another source
        brings: its own words for it would come and go with each poll.
        """
        self._db.execute(
            "INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?, ?)",
            (
                source,
                key_of(entry),
                entry_fingerprint(entry),
                article.article_id if article else "",
                now_ms,
            ),
        )
        if article is None:
            return None
        words = fingerprint(article)
        row = self._db.execute(
            "SELECT fingerprint, source, versions FROM article WHERE article_id = ?",
            (article.article_id,),
        ).fetchone()
        if row is None:
            self._db.execute(
                "INSERT INTO article VALUES (?, ?, ?, 1, ?)",
                (article.article_id, words, source, now_ms),
            )
            return article
        if row[0] == words or row[1] != source:
            return None
        self._db.execute(
            "UPDATE article SET fingerprint = ?, versions = versions + 1, sent_ms = ? "
            "WHERE article_id = ?",
            (words, now_ms, article.article_id),
        )
        version = as_version(article, fetched_ms=now_ms)
        return version.model_copy(
            update={"metadata": {**version.metadata, "version": str(row[2] + 1)}}
        )

    # pages that are to be fetched

    def wait(self, waiting: Waiting) -> bool:
        """Put an item in the line for pages; False if just this version of it is there already."""
        cursor = self._db.execute(
            "INSERT INTO waiting VALUES (?, ?, ?, ?, ?) ON CONFLICT (source, key) DO UPDATE SET "
            "entry = excluded.entry, attempts = excluded.attempts, due_ms = excluded.due_ms "
            "WHERE entry != excluded.entry",
            (
                waiting.source,
                waiting.key,
                _entry_json(waiting.entry),
                waiting.attempts,
                waiting.due_ms,
            ),
        )
        return cursor.rowcount > 0

    def wait_longer(self, source: str, key: str, due_ms: int) -> None:
        """The page could not be fetched: once more at a later time."""
        self._db.execute(
            "UPDATE waiting SET attempts = attempts + 1, due_ms = ? WHERE source = ? AND key = ?",
            (due_ms, source, key),
        )

    def waiting(self) -> Iterator[tuple[str, str, str, int]]:
        """(source, key, url, due_ms) of every item in the line, the longest waiting first."""
        rows = self._db.execute(
            "SELECT source, key, json_extract(entry, '$.url'), due_ms FROM waiting ORDER BY due_ms"
        )
        yield from rows.fetchall()

    def waiting_item(self, source: str, key: str) -> Waiting | None:
        """An item in the line; None when it has left."""
        row = self._db.execute(
            "SELECT entry, attempts, due_ms FROM waiting WHERE source = ? AND key = ?",
            (source, key),
        ).fetchone()
        return Waiting(source, key, _entry_from(row[0]), row[1], row[2]) if row else None

    def done_waiting(self, waiting: Waiting) -> None:
        """Take an item out of the line, unless a newer version of it has taken its place."""
        self._db.execute(
            "DELETE FROM waiting WHERE source = ? AND key = ? AND entry = ?",
            (waiting.source, waiting.key, _entry_json(waiting.entry)),
        )

    def waiting_count(self) -> int:
        """How many items wait for their page."""
        return int(self._db.execute("SELECT count(*) FROM waiting").fetchone()[0])

    # the outbox

    def put(self, topic: str, key: bytes, value: bytes) -> None:
        """One more record to send."""
        self._db.execute(
            "INSERT INTO outbox (topic, key, value) VALUES (?, ?, ?)", (topic, key, value)
        )

    def outgoing(self, most: int) -> list[Outgoing]:
        """The oldest records that are not known to have arrived."""
        rows = self._db.execute(
            "SELECT number, topic, key, value FROM outbox ORDER BY number LIMIT ?", (most,)
        ).fetchall()
        return [Outgoing(*row) for row in rows]

    def arrived(self, number: int) -> None:
        """Everything up to this number is in Kafka; numbers go on from there."""
        with self.transaction():
            self._db.execute("DELETE FROM outbox WHERE number <= ?", (number,))
            self._db.execute(
                "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'outbox'", (number,)
            )
            self._db.execute(
                "INSERT INTO sqlite_sequence (name, seq) SELECT 'outbox', ? WHERE NOT EXISTS "
                "(SELECT 1 FROM sqlite_sequence WHERE name = 'outbox')",
                (number,),
            )

    def outbox_count(self) -> int:
        """How many records are to be sent."""
        return int(self._db.execute("SELECT count(*) FROM outbox").fetchone()[0])

    def forget(self, now_ms: int, days: int = 90) -> None:
        """Drop items and articles that no source has shown for so long."""
        oldest_ms = now_ms - days * _DAY_MS
        with self.transaction():
            self._db.execute("DELETE FROM seen WHERE seen_ms < ?", (oldest_ms,))
            self._db.execute("DELETE FROM article WHERE sent_ms < ?", (oldest_ms,))
            self._db.execute("DELETE FROM robots WHERE until_ms < ?", (now_ms,))

    def touch(self, source: str, keys: Sequence[str], now_ms: int) -> None:
        """These items are still shown: they are not forgotten."""
        self._db.executemany(
            "UPDATE seen SET seen_ms = ? WHERE source = ? AND key = ? AND seen_ms < ?",
            ((now_ms, source, key, now_ms - _DAY_MS) for key in keys),
        )

    def _prepare(self) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise SetupError(
                f"the state in {self._path} is of version {version}; this program knows {VERSION}"
            )
        if version < VERSION:
            changes = "".join(_CHANGES[number] for number in range(version + 1, VERSION + 1))
            self._db.executescript(f"BEGIN;{changes}PRAGMA user_version = {VERSION};COMMIT;")

    def _fact(self, name: str) -> str:
        row = self._db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else ""


def key_of(entry: Entry) -> str:
    """How an item is told from others of its source: guid and address, else its words.

    >>> key_of(Entry(key="7")), key_of(Entry(title="Rain")) == key_of(Entry(title="Rain"))
    ('7', True)
    """
    return entry.key or entry_fingerprint(entry)


def _entry_json(entry: Entry) -> str:
    given = asdict(entry)
    for name in ("published", "updated"):
        moment = given[name]
        given[name] = moment.isoformat() if moment else None
    return json.dumps(given, ensure_ascii=False, sort_keys=True)


def _entry_from(text: str) -> Entry:
    given = json.loads(text)
    for name in ("published", "updated"):
        given[name] = datetime.fromisoformat(given[name]) if given[name] else None
    return replace(Entry(**given), authors=tuple(given["authors"]))
