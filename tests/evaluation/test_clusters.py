import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.clusters import agreement, bcubed

quick = settings(max_examples=25, deadline=None)
"""A busy machine is no failure."""

labels = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from("wxyz")), min_size=2, max_size=40
)


@quick
@given(labels)
def test_figures_are_those_of_the_definitions(pairs):
    from sklearn.metrics import adjusted_mutual_info_score

    gold, found = zip(*pairs, strict=True)
    told = agreement(gold, found)
    same_gold = np.array([[a == b for b in gold] for a in gold])
    same_found = np.array([[a == b for b in found] for a in found])
    both = (same_gold & same_found).sum(axis=1)
    assert told.bcubed.precision == pytest.approx((both / same_found.sum(axis=1)).mean())
    assert told.bcubed.recall == pytest.approx((both / same_gold.sum(axis=1)).mean())
    upper = np.triu_indices(len(gold), 1)
    hits, pairs_found, pairs_gold = (
        m[upper].sum() for m in (same_gold & same_found, same_found, same_gold)
    )
    assert told.pairwise.precision == pytest.approx(hits / pairs_found if pairs_found else 1.0)
    assert told.pairwise.recall == pytest.approx(hits / pairs_gold if pairs_gold else 1.0)
    assert told.ami == pytest.approx(adjusted_mutual_info_score(gold, found), abs=1e-6)


@quick
@given(labels)
def test_parts_that_are_scored_alone_make_up_the_whole(pairs):
    gold, found = zip(*pairs, strict=True)
    whole = bcubed(gold, found)
    parts = [(np.array(gold) == name) for name in sorted(set(gold))]
    scored = [bcubed(gold, found, asked) for asked in parts]
    sizes = [asked.sum() for asked in parts]
    assert np.average([p.precision for p in scored], weights=sizes) == pytest.approx(
        whole.precision
    )
    assert np.average([p.recall for p in scored], weights=sizes) == pytest.approx(whole.recall)


def test_everything_in_one_cluster_has_full_recall():
    told = agreement(["a", "a", "b", "b"], ["x"] * 4)
    assert (told.bcubed.precision, told.bcubed.recall, told.clusters) == (0.5, 1.0, 1)
