"""The job and the replay give the same figures, to the last article and the last score."""

import random

import numpy as np
import pytest
from made_stories import articles_of

from cli import through_flink
from evaluation import breaking, known_stories, pickup_replay, stories
from evaluation.pickup_replay import Row
from evaluation.story_rows import Row as StoryRow
from models.breaking import scorer
from models.breaking.outcome import HOUR_MS, Outcome
from models.stories import clustering
from models.stories.cluster import WIDTH

DAY_MS = 24 * HOUR_MS
START_MS = 1_790_035_200_000
"""A midnight, UTC."""

OUTCOME = Outcome(12, 3.0)


def pickups(seed: int = 1) -> list[Row]:
    """Six stories a day for two days, two of them break; sources repeat themselves, two at once."""
    chance = random.Random(seed)
    rows = []
    for number in range(12):
        born_ms = START_MS + number * 4 * HOUR_MS
        breaks = number % 3 == 0
        for source in range(15 if breaks else 6):
            gap_min = (3 if breaks else 20) * chance.uniform(0.8, 1.2)
            at_ms = born_ms + round(source * gap_min * 60_000)
            rows.append(Row(f"story {number}", f"s{chance.randrange(60)}", at_ms))
        rows.append(rows[-1]._replace(source="another"))
    return sorted(rows, key=lambda row: row.published_ms)


def articles(events: int = 6, each: int = 12) -> tuple[list[StoryRow], np.ndarray]:
    """Events four hours apart, every other one told in two ways, apart from each other at first."""
    chance = np.random.default_rng(3)
    rows, vectors = [], []
    for event in range(events):
        centre = chance.normal(size=WIDTH)
        sides = [centre + 1.0 * chance.normal(size=WIDTH) for _ in range(2)]
        for number in range(each):
            early = event % 2 and number < each // 2
            vector = (sides[number % 2] if early else centre) + 0.5 * chance.normal(size=WIDTH)
            vectors.append(vector / np.linalg.norm(vector))
            way = ("alpha", "beta")[number % 2] if early else "alpha beta"
            title = f"event{event} {way} word{chance.integers(9)} more{chance.integers(9)}"
            at_ms = START_MS + event * 4 * HOUR_MS + number * 4 * 60_000
            rows.append(StoryRow(f"{event}-{number}", title, "", f"s{number}", at_ms, str(event)))
    return rows, np.stack(vectors).astype(np.float32)


def test_rows_of_known_stories_find_them_again():
    rows = pickups()
    made = known_stories.articles_of(rows)
    found = stories.place_all(made, clustering.read())
    story_of = {article.article_id: story for article, story in zip(made, found, strict=True)}
    assert known_stories.judged(rows, story_of, []).astray == 0


def test_rows_that_went_astray_are_counted():
    rows = pickups()
    assert known_stories.judged(rows, {}, []).astray == len(rows)


@pytest.mark.flink
def test_job_scores_each_moment_as_the_replay_does():
    rows, until_ms = pickups(), START_MS + DAY_MS
    replayed = pickup_replay.replay(rows, OUTCOME, until_ms)
    shipped, levels = breaking.scorer_of(replayed, until_ms, scorer.read())
    judged = through_flink.judge(rows, OUTCOME, pickup_replay.first_look(OUTCOME), shipped)
    plain = breaking.reported(replayed, until_ms, shipped, levels).to_json()
    report = breaking.reported(replayed, until_ms, shipped, levels, judged)
    by_job = report.to_json()
    assert by_job.pop("through_flink")["differ"] == 0
    assert report.job.astray == 0
    assert report.job.moments > 20
    assert by_job == plain
    assert report.brier > 0


@pytest.mark.flink
def test_job_puts_each_article_where_the_replay_does():
    rows, vectors = articles()
    made = articles_of(rows, vectors)
    placements = through_flink.place(made, clustering.SHIPPED)
    replayed = stories.place_all(made, clustering.read())
    assert stories.stories_of(made, placements) == replayed
    assert any(news.kind == "merged" for news in placements.news)
    assert 1 < len(set(replayed)) < len(made)
