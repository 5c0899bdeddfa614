"""Decisions about stories from labelled streams."""

import numpy as np
import pytest

from models.stories import fit
from models.stories.cluster import StoryArticle
from models.stories.clustering import Clustering
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


def test_large_stories_count_as_much_as_they_would_cost():
    alike = np.zeros((3, len(fit.Likeness._fields)))
    sizes = np.log([[1, 1], [1, 300], [100, 300]])
    alike[:, [fit.Likeness._fields.index(name) for name in ("smaller", "larger")]] = sizes
    assert fit.stakes(alike) == pytest.approx([1, 600 / 301, 150])


def test_large_stories_are_believed_by_stakes():
    alike = np.zeros((110, len(fit.Likeness._fields)))
    large = np.arange(110) >= 100
    alike[large, fit.Likeness._fields.index("smaller")] = np.log(100)
    alike[large, fit.Likeness._fields.index("larger")] = np.log(100)
    known = fit.Examples(alike, ~large)
    without_sizes = {"ignored": ("smaller", "larger")}
    alone = fit.Likeness(*np.zeros(len(fit.Likeness._fields)))
    assert probability(fit.learn(known, **without_sizes), alone) > 0.9
    assert probability(fit.learn(known, by_stakes=True, **without_sizes), alone) < 0.1


def test_what_is_ignored_gets_no_weight():
    chance = np.random.default_rng(0)
    alike = chance.normal(size=(200, len(fit.Likeness._fields)))
    known = fit.Examples(alike, alike[:, 0] + alike[:, 2] > 0)
    ignored = ("mean_vector", "apart")
    weights = fit.learn(known, ignored=ignored)
    assert [getattr(weights, name) for name in ignored] == [0.0, 0.0]
    assert weights.centre_vector > 1
    assert fit.learn(known).mean_vector > 1


def test_rare_examples_are_rarely_believed():
    alike = np.zeros((100, len(fit.Likeness._fields)))
    weights = fit.learn(fit.Examples(alike, np.arange(100) < 5))
    assert isinstance(weights, Weights)
    assert probability(weights, fit.Likeness(*alike[0])) < 0.1
    assert Clustering(weights, weights).join is weights
