"""Decisions about stories from labelled streams."""

import numpy as np

from models.stories import fit
from models.stories.cluster import Clustering, StoryArticle
from models.stories.decide import Weights, probability
from training.fit_stories import GAP_MS, Labelled, mixed

WIDTH = 384


def labelled(stories: int, articles: int, seed: int) -> list[Labelled]:
    """Stories of articles that lie close together, told one after the other in turn."""
    chance = np.random.default_rng(seed)
    centres = chance.normal(size=(stories, WIDTH))
    found = []
    for number in range(stories * articles):
        story = number % stories
        vector = centres[story] + 0.6 * chance.normal(size=WIDTH)
        unit = (vector / np.linalg.norm(vector)).astype(np.float32)
        title = f"event{seed}x{story} word{number}"
        found.append(Labelled(StoryArticle(str(number), title, "s", number, unit), str(story)))
    return found


def test_sets_are_spread_evenly_over_one_stream_and_kept_apart():
    stream = mixed({"a": labelled(2, 4, 1), "b": labelled(2, 2, 2)})
    names = [article.article_id.partition("/")[0] for article, _ in stream]
    assert names.count("a") == 8
    assert names[:6].count("b") == 2
    assert [article.published_ms for article, _ in stream] == [n * GAP_MS for n in range(12)]
    assert {story for _, story in stream} == {"a/0", "a/1", "b/0", "b/1"}


def test_what_is_learned_tells_stories_apart():
    stream = mixed({"a": labelled(6, 12, 1), "b": labelled(60, 1, 2)})
    articles, gold = [a for a, _ in stream], [story for _, story in stream]
    learned = fit.learned(articles, gold, join_at=0.5, merge_at=0.5)
    joins, _ = fit.examples(articles, gold, learned)
    assert joins.same.any()
    said = [probability(learned.join, fit.Likeness(*row)) for row in joins.alike]
    right = np.mean((np.array(said) >= 0.5) == joins.same)
    assert right > 0.95


def test_rare_examples_are_rarely_believed():
    alike = np.zeros((100, len(fit.Likeness._fields)))
    weights = fit.learn(fit.Examples(alike, np.arange(100) < 5))
    assert isinstance(weights, Weights)
    assert probability(weights, fit.Likeness(*alike[0])) < 0.1
    assert Clustering(weights, weights).join is weights
