"""Articles from a real Redis, and what is answered when it goes away."""

import subprocess

import pytest
import redis
from server_parts import NOW_MS, article

from local import process, redis_server
from local.ports import any_free
from schemas.redis_keys import article_key, article_of, record_fields
from serving.articles import Articles, RedisGate
from serving.errors import NotFound, Unavailable
from serving.metrics import Metrics
from serving.views import Limits, Wall


@pytest.fixture
def server(tmp_path):
    port = any_free(avoid=set())
    running = subprocess.Popen(
        redis_server.command(tmp_path, port), stdout=subprocess.DEVNULL, cwd=tmp_path
    )
    try:
        assert process.wait_until(lambda: redis_server.answers(port), timeout_s=120)
        yield port, running
    finally:
        running.kill()
        running.wait()


@pytest.fixture
async def articles(server):
    gate = RedisGate(f"redis://127.0.0.1:{server[0]}/0", timeout_s=5)
    yield Articles(gate, Wall(Limits(1, 1, 10)), Metrics(), stale_s=60)
    await gate.close()


def test_an_article_comes_back_from_its_hash_as_it_was_written():
    fields = {
        name.encode(): value if isinstance(value, bytes) else value.encode()
        for name, value in record_fields(article()).items()
    }
    assert article_of(fields) == article()


async def test_what_was_read_is_stale_without_redis_and_the_rest_is_unavailable(server, articles):
    port, running = server
    with redis.Redis("127.0.0.1", port) as client:
        for name in ("art1", "art2"):
            client.hset(article_key(name), mapping=record_fields(article(name)))
    found = await articles.get("art1")
    assert (found.article, found.stale) == (article("art1"), False)
    with pytest.raises(NotFound):
        await articles.get("none")
    running.kill()
    running.wait()
    assert (await articles.get("art1")).stale
    with pytest.raises(Unavailable, match="Redis is away"):
        await articles.get("art2")


async def test_an_article_that_redis_does_not_have_yet_comes_from_its_topic(articles):
    articles._wall.apply(article("fresh", published_ms=NOW_MS))
    found = await articles.get("fresh")
    assert (found.article.article_id, found.stale) == ("fresh", False)
