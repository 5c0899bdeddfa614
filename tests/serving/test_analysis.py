"""The models of the jobs behind the server: calls share batches, what is wrong is said."""

import asyncio

import pytest
from server_parts import NOW_MS

from models.ranking.article import from_enriched
from models.ranking.fresh import FreshArticles
from schemas.article import Article
from serving.analysis import Analysis, article_of
from serving.errors import NoText, Unavailable
from serving.search import WordIndex, search

TEXTS = {
    "flood": "The river burst its banks and hundreds of homes were under water.",
    "football": "The striker scored twice as the home side won the cup final.",
    "bank": "The central bank raised interest rates by half a point on Thursday.",
}


@pytest.fixture(scope="module")
def opened():
    async def made():
        analysis = Analysis(manifest=None, threads=1, non_commercial=False, waiting=8)
        await analysis.open()
        return analysis

    analysis = asyncio.run(made())
    assert analysis.problem is None
    yield analysis
    analysis.close()


def given(name):
    return article_of(
        title=name,
        body=TEXTS.get(name, ""),
        article_id=name,
        url="",
        source=None,
        published_ms=None,
        now_ms=NOW_MS,
    )


async def test_concurrent_calls_share_batches(opened):
    encoder = opened._opened[1].encoders["news"]
    before = encoder.stats.batches
    found = await asyncio.gather(*(opened.analyze(given(n), now_ms=NOW_MS) for n in TEXTS))
    assert encoder.stats.batches - before < len(TEXTS)
    assert all(article.embedding and article.sentiment for article in found)
    assert [article.article_id for article in found] == list(TEXTS)


async def test_search_finds_by_meaning_what_shares_no_word(opened):
    fresh, by_words = FreshArticles(), WordIndex()
    for name in TEXTS:
        article = from_enriched(await opened.analyze(given(name), now_ms=NOW_MS))
        fresh.add(article)
        by_words.put(article)
    query = "inundation damages houses"
    (best, *_) = search(
        fresh,
        by_words,
        query=query,
        vector=await opened.vector(query),
        wanted=lambda _: True,
        since_ms=0,
        limit=3,
    )
    assert best.article.article_id == "flood"
    assert best.words == 0
    assert best.semantic > 0.3


async def test_no_text_is_refused(opened):
    empty = Article(article_id="x", source="s", title="<p></p>", published_ms=0, fetched_ms=0)
    with pytest.raises(NoText):
        await opened.analyze(empty, now_ms=NOW_MS)


async def test_models_that_are_not_there_are_named(tmp_path):
    analysis = Analysis(
        manifest=tmp_path / "manifest.toml", threads=1, non_commercial=False, waiting=8
    )
    with pytest.raises(Unavailable, match="being loaded"):
        await analysis.vector("x")
    await analysis.open()
    with pytest.raises(Unavailable, match=r"manifest\.toml cannot be read"):
        await analysis.vector("x")


async def test_more_texts_than_are_taken_are_refused(opened, monkeypatch):
    monkeypatch.setattr(opened, "_in_work", 8)
    with pytest.raises(Unavailable, match="no more are taken"):
        await opened.analyze(given("flood"), now_ms=NOW_MS)
