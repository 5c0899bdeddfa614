"""Rows become articles as the job `enrich` would hand them on."""

import pytest

from evaluation.enriching import enriched
from evaluation.story_rows import Row
from schemas.errors import SetupError

ROW = Row(
    id="a",
    title="Ferry runs aground off Norway",
    body="The ferry Harmony ran aground off the coast of Norway on Sunday, police in Oslo said.",
    source="courier.example",
    published_ms=1_790_000_000_000,
    story="ferry",
)


def test_articles_have_what_the_models_say_of_them():
    told = []
    found = enriched([ROW.article, ROW._replace(id="b", body="").article], "en", told.append)
    whole, headline = found
    assert {entity.text for entity in whole.entities} >= {"Norway", "Oslo"}
    assert whole.summary
    assert len(whole.embedding) == len(headline.embedding)
    assert (whole.published_ms, whole.ingested_ms) == (ROW.published_ms, ROW.published_ms)
    assert told[-1] == "enriching: 2 of 2 articles"


def test_headline_that_looks_foreign_is_read_in_the_language_of_the_file():
    (found,) = enriched(
        [ROW._replace(title="Mt. Gox Files For US Chapter 15", body="").article], "en", list
    )
    assert found.language.code == "en"
    assert found.embedding


def test_language_without_vectors_is_named():
    with pytest.raises(SetupError, match="'tlh'"):
        enriched([ROW.article], "tlh", list)
