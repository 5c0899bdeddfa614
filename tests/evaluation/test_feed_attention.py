"""A ranking by attention, from graphs that were learned from the same impressions."""

import json

import numpy as np
import pytest
from made_impressions import made_up

from evaluation import feed, feed_attention
from evaluation.feed_attention import LEARNED, OF_ALL, without, write_learned
from models.ranking.attention import AFFINITY, ARTICLES, HISTORY
from schemas.errors import SetupError


@pytest.fixture(scope="module")
def rows():
    return made_up(personal=True)


@pytest.fixture(scope="module")
def folder(rows, tmp_path_factory):
    """Graphs that tell the mean product with what was read, learned from `rows` by their word."""
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
    path = tmp_path_factory.mktemp("graphs")
    for name in (OF_ALL, *map(without, range(feed.FOLDS))):
        onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), path / name)
    write_learned(path, feed.split(rows[0]).learned)
    return path


def test_attention_is_a_ranking_beside_the_others(rows, folder):
    report = feed.report(*rows, feed_attention.read(folder, feed.FOLDS))
    assert list(report.rankings) == ["crowd", "linear", "trees", "nrms"]
    best = report.baselines[report.best_baseline].values["auc"]
    assert report.rankings["nrms"].values["auc"] > best - 0.02
    assert (
        report.as_json()["metrics_of"]["nrms"]["auc"]
        > report.as_json()["metrics_of"]["crowd"]["auc"]
    )


def test_graphs_of_other_impressions_are_refused(rows, folder):
    others = rows[0]._replace(impressions=rows[0].impressions[:-40])
    with pytest.raises(SetupError, match="other impressions"):
        feed.report(others, rows[1], feed_attention.read(folder, feed.FOLDS))


def test_a_folder_without_a_graph_is_refused(folder, tmp_path):
    (tmp_path / LEARNED).write_text(json.dumps({"learned": ""}))
    with pytest.raises(SetupError, match=r"all\.onnx"):
        feed_attention.read(tmp_path, feed.FOLDS)


def test_attention_looks_at_what_was_read_last(rows):
    row = rows[0].impressions[0]
    newest = feed.read_of(row._replace(history=np.arange(60)))
    assert newest.tolist() == list(range(59, 9, -1))
