"""`wiredesk evaluate feed`: rows, metrics, and what is learned from whom."""

import json

import numpy as np
import pytest
from made_impressions import made_up

from evaluation import feed
from evaluation.feed import fold_of, part_of, shuffled
from evaluation.feed_corpus import Corpus
from evaluation.feed_report import auc, measures
from evaluation.feed_rows import Impression, read
from evaluation.rows import WrongRowError
from schemas.errors import SetupError


@pytest.fixture(scope="module")
def personal():
    return feed.report(*made_up(personal=True))


@pytest.fixture(scope="module")
def common():
    return feed.report(*made_up(personal=False))


def test_what_readers_like_is_found_and_said(personal):
    assert personal.ours.values["auc"] > personal.baselines["popularity"].values["auc"] + 0.1
    assert personal.personal[1] > 0
    assert any("personal features help here" in line for line in personal.statements())


def test_it_is_said_where_personal_features_do_not_help(common):
    assert any("personal features do not help here" in line for line in common.statements())
    assert common.ours.values["auc"] > 0.6


def test_random_ranking_is_random(common):
    assert common.baselines["random"].values["auc"] == pytest.approx(0.5, abs=0.06)


def test_the_json_has_the_promised_figures(common):
    told = json.loads(json.dumps(common.as_json()))
    for figures in (told["metrics"], *told["baselines"].values()):
        assert set(figures) == {"auc", "mrr", "ndcg5", "ndcg10"}
    assert set(told["baselines"]) == {"random", "popularity", "recency", "vector average"}


def test_no_reader_is_both_learned_from_and_reported():
    parts = [part_of(f"u{n}") for n in range(2000)]
    assert parts.count(0) == pytest.approx(400, abs=60)
    folds = {fold_of(f"u{n}") for n in range(2000) if part_of(f"u{n}")}
    assert folds == {0, 1, 2, 3}


def test_what_a_reader_clicks_does_not_reach_the_readers_own_features():
    rows, vectors = made_up(personal=False)
    learned = [row for row in rows.impressions if part_of(row.user)]
    mine = learned[0]
    flipped = [
        row._replace(clicked=~row.clicked) if row.user == mine.user else row for row in learned
    ]
    corpus = Corpus(rows, vectors)
    before = corpus.slate(mine, feed.out_of_fold(corpus, learned)[0])
    after = corpus.slate(mine, feed.out_of_fold(corpus, flipped)[0])
    assert before == pytest.approx(after)


def test_candidates_are_shuffled_alike_each_time():
    row = Impression("u", np.array([], int), np.arange(6), np.arange(6) == 0)
    firsts = [shuffled(row, number).clicked[0] for number in range(600)]
    assert np.mean(firsts) == pytest.approx(1 / 6, abs=0.05)
    assert shuffled(row, 3).shown.tolist() == shuffled(row, 3).shown.tolist()


def test_metrics_are_those_of_the_literature():
    from sklearn.metrics import ndcg_score, roc_auc_score

    chance = np.random.default_rng(2)
    for _ in range(20):
        scores, clicked = chance.random(8), chance.random(8) < 0.4
        clicked[:2] = True, False
        found = measures(scores, clicked)
        assert found["auc"] == pytest.approx(roc_auc_score(clicked, scores))
        assert found["ndcg5"] == pytest.approx(ndcg_score([clicked], [scores], k=5))
        assert found["ndcg10"] == pytest.approx(ndcg_score([clicked], [scores], k=10))


def test_ties_are_worth_half():
    assert auc(np.zeros(4), np.array([True, False, False, False])) == 0.5


def files(tmp_path, articles, impressions):
    paths = tmp_path / "a.jsonl", tmp_path / "i.jsonl"
    for path, rows in zip(paths, (articles, impressions), strict=True):
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tuple(map(str, paths))


GOOD_ARTICLE = {"id": "a", "title": "t", "entities": ["Q1", {"name": "Berlin"}]}
GOOD_ROW = {"user": "u", "history": ["a"], "candidates": [{"id": "a", "clicked": 1}]}


def test_rows_are_read_as_they_are_written(tmp_path):
    rows = read(*files(tmp_path, [GOOD_ARTICLE], [GOOD_ROW]))
    assert dict(rows.articles[0].entities) == {"Q1": "Q1", "Berlin": "Berlin"}
    assert rows.impressions[0].clicked.tolist() == [True]


@pytest.mark.parametrize(
    ("article", "row"),
    [
        (GOOD_ARTICLE | {"title": ""}, GOOD_ROW),
        (GOOD_ARTICLE | {"published_ms": "today"}, GOOD_ROW),
        (GOOD_ARTICLE | {"entities": [7]}, GOOD_ROW),
        (GOOD_ARTICLE, GOOD_ROW | {"history": ["b"]}),
        (GOOD_ARTICLE, GOOD_ROW | {"candidates": []}),
        (GOOD_ARTICLE, GOOD_ROW | {"candidates": [{"id": "a"}]}),
        (GOOD_ARTICLE, GOOD_ROW | {"user": None}),
        (GOOD_ARTICLE, []),
    ],
)
def test_a_row_that_cannot_be_used_is_named(article, row, tmp_path):
    with pytest.raises(WrongRowError, match=r"line 1: "):
        read(*files(tmp_path, [article], [row]))


def test_one_reader_is_too_few(tmp_path):
    rows = read(*files(tmp_path, [GOOD_ARTICLE], [GOOD_ROW]))
    with pytest.raises(SetupError, match="expected both"):
        feed.report(rows, np.ones((1, 2), np.float32))
