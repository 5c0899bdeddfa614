"""Rankings: fitted, kept, read again, explained."""

import json

import numpy as np
import pytest

from models.ranking import rankers
from models.ranking.attention import AFFINITY, ARTICLES, HISTORY, Attention
from models.ranking.features import NAMES
from models.ranking.fit import Growth, exported, fit_linear, fit_trees
from models.ranking.rankers import Linear, Neural, Slate, Trees
from schemas.errors import ModelFileError

SLATES, SHOWN = 300, 6


@pytest.fixture(scope="module")
def logged():
    """Slates in which the first feature, and a threshold of the second, draw clicks."""
    chance = np.random.default_rng(5)
    rows = chance.normal(size=(SLATES * SHOWN, len(NAMES)))
    appeal = 2 * rows[:, 0] + 3 * (rows[:, 1] > 0.5) + chance.gumbel(size=len(rows))
    best = appeal.reshape(SLATES, SHOWN).argmax(axis=1)
    clicked = (np.arange(SHOWN) == best[:, None]).ravel()
    return rows, clicked, np.full(SLATES, SHOWN)


def hits(scores: np.ndarray, clicked: np.ndarray) -> float:
    rows = scores.reshape(-1, SHOWN).argmax(axis=1)
    return float((rows == clicked.reshape(-1, SHOWN).argmax(axis=1)).mean())


def slate(rows: np.ndarray) -> Slate:
    return Slate(rows, np.zeros((len(rows), 2), np.float32), np.zeros((0, 2), np.float32))


@pytest.fixture(scope="module")
def trees(logged):
    return fit_trees(*logged, NAMES, Growth(trees=40, leaves=7, fewest_in_leaf=20))


@pytest.fixture
def neural(tmp_path):
    """Attention that is the mean cosine to what was read, beside the ranking set by hand."""
    onnx = pytest.importorskip("onnx")
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [
        helper.make_node("ReduceMean", [HISTORY], ["mean"], axes=[0], keepdims=0),
        helper.make_node("MatMul", [ARTICLES, "mean"], [AFFINITY]),
    ]
    given = [helper.make_tensor_value_info(name, number, [None, 2]) for name in (ARTICLES, HISTORY)]
    told = [helper.make_tensor_value_info(AFFINITY, number, [None])]
    graph = helper.make_graph(nodes, "made", given, told)
    opset = [helper.make_opsetid("", 17)]
    path = tmp_path / "made.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), path)
    return Neural("5", rankers.read().weights, Attention(path))


def read_before(rows: np.ndarray) -> Slate:
    """Articles that are alternately like what was read, and unlike it."""
    vectors = np.eye(2, dtype=np.float32)[np.arange(len(rows)) % 2]
    return Slate(rows, vectors, np.array([[1, 0], [1, 0]], np.float32))


def test_attention_adds_to_the_sum_what_the_history_says(logged, neural):
    rows = logged[0][:6]
    added = neural.scores(read_before(rows)) - rankers.read().scores(slate(rows))
    assert added == pytest.approx([1, 0, 1, 0, 1, 0])


def test_attention_says_nothing_of_a_reader_without_history(logged, neural):
    rows = logged[0][:6]
    assert neural.scores(slate(rows)).tolist() == rankers.read().scores(slate(rows)).tolist()


def test_attention_reads_as_it_was_written(logged, neural, tmp_path):
    rankers.write(neural, tmp_path / "ranking.json")
    found = rankers.read(tmp_path / "ranking.json")
    shown = read_before(logged[0][:6])
    assert found.version == "5"
    assert found.scores(shown).tolist() == neural.scores(shown).tolist()
    assert found.contributions(shown.rows[0]) == neural.contributions(shown.rows[0])


@pytest.mark.parametrize("happened", ["lost", "changed"])
def test_attention_without_its_graph_is_refused(neural, tmp_path, happened):
    path = tmp_path / "ranking.json"
    rankers.write(neural, path)
    graph = rankers.graph_beside(path)
    graph.unlink() if happened == "lost" else graph.write_bytes(b"another")
    with pytest.raises(ModelFileError, match=r"ranking\.(json|onnx)"):
        rankers.read(path)


def test_plain_arrays_score_as_lightgbm_does(logged):
    import lightgbm

    rows, clicked, sizes = logged
    booster = lightgbm.train(
        {"objective": "lambdarank", "verbose": -1, "num_threads": 1, "num_leaves": 15},
        lightgbm.Dataset(rows, clicked.astype(int), group=sizes.tolist()),
        num_boost_round=30,
    )
    ours = exported(booster.dump_model(), NAMES).margins(rows)
    assert ours == pytest.approx(booster.predict(rows), abs=1e-9)


def test_both_kinds_learn_what_draws_clicks(logged, trees):
    rows, clicked, sizes = logged
    linear = Linear("1", fit_linear(rows, clicked, sizes, NAMES))
    assert hits(linear.scores(slate(rows)), clicked) > 0.5
    assert hits(Trees("1", trees.forest).scores(slate(rows)), clicked) > 0.5
    assert set(list(trees.gains)[:2]) == set(NAMES[:2])


def test_fitting_twice_gives_the_same(logged, trees):
    again = fit_trees(*logged, NAMES, Growth(trees=40, leaves=7, fewest_in_leaf=20))
    assert again.forest == trees.forest


@pytest.mark.parametrize("kind", ["linear", "trees"])
def test_a_ranking_reads_as_it_was_written(kind, logged, trees, tmp_path):
    rows = logged[0][:20]
    given = rankers.read() if kind == "linear" else Trees("9", trees.forest)
    rankers.write(given, tmp_path / "ranking.json")
    found = rankers.read(tmp_path / "ranking.json")
    assert found.version == given.version
    assert found.scores(slate(rows)).tolist() == given.scores(slate(rows)).tolist()


def test_contributions_of_a_linear_ranking_add_up():
    row = np.arange(len(NAMES), dtype=float)
    prior = rankers.read()
    assert sum(prior.contributions(row).values()) == pytest.approx(
        prior.scores(slate(row[None]))[0]
    )


def test_an_article_scores_the_same_alone_and_among_others(logged, trees):
    rows = logged[0][:50]
    ranking = Trees("1", trees.forest)
    alone = [ranking.scores(slate(row[None]))[0] for row in rows]
    assert ranking.scores(slate(rows)).tolist() == alone


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"kind": "linear"}',
        '{"kind": "oracle", "version": "1"}',
        json.dumps({"kind": "linear", "version": "1", "weights": {"long": 1}}),
        '{"kind": "trees", "version": "1", "forest": {}}',
    ],
)
def test_what_is_no_ranking_is_refused(content, tmp_path):
    path = tmp_path / "ranking.json"
    path.write_text(content)
    with pytest.raises(ModelFileError):
        rankers.read(path)
