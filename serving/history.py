"""What happened, in SQL: alerts, stories, decisions and their answers, labels, the server's audit.

Writes may safely repeat: topics are read again after a restart.
"""

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select, Table, delete, event, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from schemas.alert import Alert
from schemas.editorial import AuditEntry, EditorialCommand
from schemas.enriched_article import EnrichedArticle
from schemas.errors import ServiceError
from schemas.record import Record
from schemas.story import Story
from serving import tables

MIGRATIONS = Path(__file__).with_name("migrations")
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
_DAY_MS = 24 * 3600 * 1000

Row = Mapping[str, Any]


class History:
    """The database of the server.

    url  sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME
    """

    def __init__(self, url: str) -> None:
        try:
            given = make_url(url)
        except ArgumentError as error:  # its text shows the password
            raise ServiceError(
                "database_url is none; expected sqlite:///FILE or "
                "postgresql://USER:PASSWORD@HOST/NAME"
            ) from error
        driver = _DRIVERS.get(given.get_backend_name())
        if driver is None:
            raise ServiceError(
                f"database_url names {given.get_backend_name()}; expected sqlite or postgresql"
            )
        self.name = driver.partition("+")[0]
        if given.database and self.name == "sqlite":
            self.name += f", {given.database}"
            if not (folder := Path(given.database).parent).is_dir():
                raise ServiceError(f"database_url: {folder} is no folder that {url} can lie in")
        self._engine: AsyncEngine = create_async_engine(
            given.set(drivername=driver), pool_pre_ping=True
        )
        if driver.startswith("sqlite"):
            event.listen(self._engine.sync_engine, "connect", _prepare_sqlite)
        self._insert: Any = sqlite.insert if driver.startswith("sqlite") else postgresql.insert

    async def open(self) -> None:
        """Bring the tables to this version. Raises ServiceError."""
        async with self.transaction() as connection:
            await connection.run_sync(_migrate)

    async def close(self) -> None:
        """Let go of the database."""
        await self._engine.dispose()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A connection whose writes count together. Raises ServiceError."""
        try:
            async with self._engine.begin() as connection:
                yield connection
        except (DBAPIError, OSError) as error:
            why = str(error.orig) if isinstance(error, DBAPIError) else str(error)
            raise ServiceError(f"the database ({self.name}) is away: {why}") from error
        except SQLAlchemyError as error:
            raise ServiceError(f"the database ({self.name}) refused: {error}") from error

    async def problem(self) -> str | None:
        """Why the database cannot be used, None when it can."""
        try:
            await self.rows(select(tables.subscriptions.c.id).limit(1))
        except ServiceError as error:
            return str(error)
        return None

    async def rows(self, query: Select[Any]) -> list[dict[str, Any]]:
        """The rows of a query."""
        async with self.transaction() as connection:
            return [dict(row) for row in (await connection.execute(query)).mappings()]

    async def add(self, table: Table, rows: Sequence[Row]) -> None:
        """Write rows; those that are there stay as they are."""
        await self.put(table, rows, over=())

    async def put(self, table: Table, rows: Sequence[Row], *, over: Sequence[str]) -> None:
        """Write rows; of those that are there, the columns `over` change."""
        if not rows:
            return
        insert = self._insert(table)
        key = [column.name for column in table.primary_key]
        statement = (
            insert.on_conflict_do_update(
                index_elements=key, set_={name: insert.excluded[name] for name in over}
            )
            if over
            else insert.on_conflict_do_nothing()
        )
        async with self.transaction() as connection:
            await connection.execute(statement, list(rows))

    async def record(self, records: Sequence[Record]) -> None:
        """Keep what came by the topics."""
        alerts = [r for r in records if isinstance(r, Alert)]
        stories = {r.story_id: r for r in records if isinstance(r, Story)}
        commands = [r for r in records if isinstance(r, EditorialCommand)]
        answers = [r for r in records if isinstance(r, AuditEntry)]
        await self.add(tables.alerts, _rows(tables.alerts, alerts))
        over = [c.name for c in tables.stories.c if not c.primary_key]
        await self.put(tables.stories, _rows(tables.stories, stories.values()), over=over)
        await self.add(tables.decisions, _rows(tables.decisions, commands))
        await self.add(tables.answers, _rows(tables.answers, answers))
        for command in commands:
            if command.kind == "undo" and command.undoes:
                await self._undo(command.undoes, command.command_id)

    async def label(self, command: EditorialCommand, article: EnrichedArticle | None) -> None:
        """Keep a correction as a label, with what the model had said of the text."""
        said = article.model_dump(mode="json", exclude={"embedding"}) if article else {}
        text = f"{article.title}\n{article.summary or ''}".strip() if article else None
        await self.add(
            tables.labels,
            [
                {
                    "command_id": command.command_id,
                    "field": name,
                    "article_id": command.article_id,
                    "value": json.loads(value),
                    "before": said.get(name),
                    "text": text,
                    "language": article.language.code if article else None,
                    "author": command.author,
                    "at_ms": command.issued_ms,
                    "undone": False,
                }
                for name, value in command.corrections.items()
            ],
        )

    async def act(self, **action: Any) -> None:
        """Write a line of the server's own audit."""
        async with self.transaction() as connection:
            await connection.execute(tables.actions.insert().values(**action))

    async def prune(self, *, now_ms: int, days: int) -> None:
        """Forget what is older than `days`."""
        before_ms = now_ms - days * _DAY_MS
        async with self.transaction() as connection:
            for column in (
                tables.alerts.c.raised_ms,
                tables.stories.c.last_seen_ms,
                tables.actions.c.at_ms,
                tables.deliveries.c.created_ms,
            ):
                await connection.execute(delete(column.table).where(column < before_ms))
            for column in (tables.sessions.c.expires_ms, tables.login_links.c.expires_ms):
                await connection.execute(delete(column.table).where(column < now_ms))

    async def alert_states(self, alert_id: str) -> list[Alert]:
        """Every state of an alert, in sequence."""
        query = (
            select(tables.alerts.c.record)
            .where(tables.alerts.c.alert_id == alert_id)
            .order_by(tables.alerts.c.sequence)
        )
        return [Alert.model_validate(row["record"]) for row in await self.rows(query)]

    async def story(self, story_id: str) -> Story | None:
        """A story as it stood last."""
        query = select(tables.stories.c.record).where(tables.stories.c.story_id == story_id)
        found = await self.rows(query)
        return Story.model_validate(found[0]["record"]) if found else None

    async def _undo(self, command_id: str, by: str) -> None:
        async with self.transaction() as connection:
            await connection.execute(
                update(tables.decisions)
                .where(tables.decisions.c.command_id == command_id)
                .values(undone_by=by)
            )
            await connection.execute(
                update(tables.labels)
                .where(tables.labels.c.command_id == command_id)
                .values(undone=True)
            )


def _rows(table: Table, records: Iterable[Record]) -> list[Row]:
    """What a table keeps of records: its columns, and the record itself where it has a place."""
    rows: list[Row] = []
    for record in records:
        fields = record.model_dump(mode="json", exclude={"embedding"})
        kept = fields | {"record": fields}
        rows.append({column.name: kept.get(column.name) for column in table.columns})
    return rows


def _prepare_sqlite(connection: Any, _: Any) -> None:
    """Readers and one writer side by side, and a writer waits for another (sqlite.org/wal.html)."""
    cursor = connection.cursor()
    for pragma in (
        "busy_timeout = 10000",
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "foreign_keys = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _migrate(connection: Connection) -> None:
    if _version(connection) == newest_version():
        return
    from alembic import command as alembic
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    alembic.upgrade(config, "head")


def newest_version() -> str:
    """Of the tables, as this program wants them: migrations are numbered."""
    return max(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def _version(connection: Connection) -> str | None:
    """Of the tables that are there; None in an empty database."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
