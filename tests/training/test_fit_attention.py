"""Graphs for `wiredesk evaluate feed --nrms`."""

import pytest
from made_impressions import made_up

pytest.importorskip("torch", reason="PyTorch is in the extra training")

from evaluation import feed, feed_attention
from training import fit_attention, nrms


def test_graphs_are_those_that_the_evaluation_reads(tmp_path):
    rows, vectors = made_up(personal=True)
    fit_attention.fit(rows, vectors, tmp_path, nrms.Learning(size=8, heads=2, rounds=2))
    report = feed.report(rows, vectors, feed_attention.read(tmp_path, feed.FOLDS))
    assert report.rankings["nrms"].values["auc"] > report.baselines["random"].values["auc"] + 0.05
