"""The history, on SQLite and on a real PostgreSQL: tables by migrations, writes that may repeat."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from server_parts import NOW_MS, alert, answer, article, command, story
from sqlalchemy import select

from local.ports import any_free
from schemas.errors import ServiceError
from serving import tables
from serving.access import Access
from serving.history import History
from serving.settings import Role, ServeSettings


def programs():
    """Where PostgreSQL's programs are; Debian keeps them off the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = shutil.which("initdb") or (str(found[-1]) if found else None)
    assert initdb, "PostgreSQL is missing: `make setup` installs it (Debian: postgresql)"
    return Path(initdb).resolve().parent


@pytest.fixture(scope="session")
def postgresql():
    """The URL of a private cluster on loopback; it runs as nobody where we are root.

    Not below pytest's folder: that is closed to nobody.
    """
    folder = Path(tempfile.mkdtemp(prefix="wiredesk-postgresql-"))
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    data, port = folder / "data", any_free(avoid=set())
    if os.geteuid() == 0:
        os.chown(folder, user.pw_uid, user.pw_gid)

    def run(program, *arguments):
        subprocess.run(
            [programs() / program, "-D", data, *arguments],
            user=user.pw_uid if os.geteuid() == 0 else None,
            check=True,
            capture_output=True,
            cwd="/",
        )

    run("initdb", "--auth=trust", "--username=wiredesk", "--no-sync")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    run("pg_ctl", "start", "-w", "-t", "120", "-l", str(data / "log"), "-o", options)
    try:
        yield f"postgresql://wiredesk@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "stop", "-w", "-m", "immediate")
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
async def history(request, tmp_path):
    url = (
        request.getfixturevalue("postgresql")
        if request.param == "postgresql"
        else f"sqlite:///{tmp_path}/history.sqlite"
    )
    made = History(url)
    await made.open()
    yield made
    async with made.transaction() as connection:
        for table in reversed(tables.metadata.sorted_tables):
            await connection.execute(table.delete())
    await made.close()


async def test_migrations_make_the_tables_that_the_code_knows(history):
    def differences(connection):
        return compare_metadata(MigrationContext.configure(connection), tables.metadata)

    async with history.transaction() as connection:
        assert await connection.run_sync(differences) == []


async def test_opening_again_changes_nothing(history):
    await history.record([alert()])
    await history.open()
    assert len(await history.alert_states("a1")) == 1


async def test_records_come_back_whole_and_may_come_twice(history):
    records = [alert(), alert(sequence=2, state="confirmed", by="ada"), story(), answer()]
    for _ in range(2):
        await history.record(records)
    assert await history.alert_states("a1") == records[:2]
    assert await history.story("s1") == story(embedding=None)
    assert await history.story("none") is None
    assert len(await history.rows(select(tables.answers))) == 1


async def test_a_story_is_kept_as_it_stood_last(history):
    await history.record([story(articles=3), story(articles=4)])
    await history.record([story(articles=5, status="expired")])
    kept = await history.story("s1")
    assert (kept.articles, kept.status) == (5, "expired")


async def test_corrections_are_labels_until_they_are_undone(history):
    said = command("correct_article", article_id="art1", corrections={"importance": "0.1"})
    await history.record([said])
    for _ in range(2):
        await history.label(said, article())
    (label,) = await history.rows(select(tables.labels))
    assert (label["value"], label["before"], label["language"]) == (0.1, 0.7, "en")
    await history.record([command("undo", "u1", undoes="c1")])
    (label,) = await history.rows(select(tables.labels))
    assert label["undone"]
    (decision, _) = await history.rows(select(tables.decisions).order_by("command_id"))
    assert decision["undone_by"] == "u1"


async def test_what_is_old_is_forgotten(history):
    day_ms = 24 * 3_600_000
    await history.record([alert(), alert("a2", raised_ms=NOW_MS + 2 * day_ms)])
    await history.prune(now_ms=NOW_MS + 2 * day_ms, days=1)
    assert await history.alert_states("a1") == []
    assert len(await history.alert_states("a2")) == 1


async def test_keys_work_on_every_database(history):
    access = Access(ServeSettings(), history)
    key = await access.add_key("tool", Role.ADMIN, days=3, rate_per_minute=5)
    assert (await access.bearer(key)).rate_per_minute == 5
    assert await access.revoke_key(key.split("_")[1])
    assert not await access.revoke_key(key.split("_")[1])


@pytest.mark.parametrize("url", ["mysql://x/y", "oracle://x"])
def test_another_database_is_refused(url):
    with pytest.raises(ServiceError, match="expected sqlite or postgresql"):
        History(url)


async def test_a_database_that_is_away_says_so_without_its_password():
    history = History(f"postgresql://u:secret@127.0.0.1:{any_free(avoid=set())}/x")
    with pytest.raises(ServiceError) as refusal:
        await history.open()
    assert "postgresql" in str(refusal.value)
    assert "secret" not in str(refusal.value)
    await history.close()
