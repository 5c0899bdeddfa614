"""What `wiredesk erase --author` does: every comment of an author deleted."""

import re
from collections.abc import Collection
from pathlib import Path

import typer
from redis import Redis
from rich.console import Console

from cli.connection import Connection
from cli.reading import Beginning, read_to_end, seek
from schemas.comment import AUTHOR_KEY
from schemas.errors import SetupError, UndecodableRecord
from schemas.redis_keys import (
    author_key,
    comment_key,
    moderation_key,
    moderation_queue_key,
    thread_key,
)
from schemas.topics import COMMENTS_RAW, MODERATION_QUEUE

err = Console(stderr=True)


def erase_author(connection: Connection, client: Redis, keys: Collection[str], *, yes: bool) -> int:
    """Delete the comments of an author, by the keys they may have; returns how many there were."""
    comments = commented(connection, keys) | indexed(client, keys)
    if comments and not yes:
        typer.confirm(f"Delete {len(comments):,} comments?", abort=True, err=True)
    delete_from_kafka(connection, comments)
    delete_from_redis(client, keys, comments)
    return len(comments)


def author_keys(author: str, keyring: Path | None) -> list[str]:
    """Every key that an author may have had. Raises SetupError."""
    from models.keyring import pseudonyms, read_keyring

    if keyring is not None:
        return pseudonyms(author, read_keyring(keyring))
    if re.fullmatch(AUTHOR_KEY, author) is None:
        raise SetupError("this is no author_key; a raw id needs --author-keyring")
    return [author]


def commented(connection: Connection, keys: Collection[str]) -> set[str]:
    """Ids of the comments on comments.raw that bear one of the keys."""
    codec = connection.codec(COMMENTS_RAW)
    found = set()
    with connection.consumer() as consumer, err.status("reading comments"):
        for record in read_to_end(consumer, seek(consumer, (COMMENTS_RAW.name,), Beginning())):
            try:
                comment = codec.decode(record.value) if record.value else None
            except UndecodableRecord:
                continue  # it names no author; dead-letters has its place
            if comment is not None and comment.author_key in keys:
                found.add(comment.comment_id)
    return found


def indexed(client: Redis, keys: Collection[str]) -> set[str]:
    """Ids of the comments that Redis knows by one of the keys."""
    members = [client.smembers(author_key(key)) for key in keys]
    return {comment_id.decode() for each in members for comment_id in each}


def delete_from_kafka(connection: Connection, comments: Collection[str]) -> None:
    """Send the deletion of comments, and of what moderators were shown of them."""
    from ingest.send import ArticleSender

    with ArticleSender(connection.client(), registry=connection.registry()) as sender:
        for comment_id in sorted(comments):
            for topic in (COMMENTS_RAW, MODERATION_QUEUE):
                sender.send_raw(comment_id.encode(), None, topic=topic.name)


def delete_from_redis(client: Redis, keys: Collection[str], comments: Collection[str]) -> None:
    """Delete what Redis holds, also of comments that the job no longer remembers."""
    for comment_id in comments:
        article, desk = (
            client.hget(comment_key(comment_id), "article_id"),
            client.hget(moderation_key(comment_id), "desk"),
        )
        if article is not None:
            client.zrem(thread_key(article.decode()), comment_id)
        if desk is not None:
            client.zrem(moderation_queue_key(desk.decode()), comment_id)
        client.delete(comment_key(comment_id), moderation_key(comment_id))
    client.delete(*(author_key(key) for key in keys))
