"""A layer of its own for the entities of a released encoder."""

from itertools import product

import numpy as np
import pytest

MISSING = "needs the extra `training`"
torch = pytest.importorskip("torch", reason=MISSING)
fitting = pytest.importorskip("training.fit_graft", reason=MISSING)
graft = pytest.importorskip("training.graft", reason=MISSING)
crf = pytest.importorskip("training.crf", reason=MISSING)

LABELS = 3


@pytest.fixture
def scores():
    """Emissions of two texts of three and two words, their mask, and transitions of each."""
    torch.manual_seed(1)
    emissions = torch.randn(2, 3, LABELS)
    mask = torch.tensor([[True, True, True], [True, True, False]])
    return emissions, mask, torch.randn(1, LABELS + 2, LABELS + 2).expand(2, -1, -1)


def test_expected_labels_are_those_of_all_paths_by_their_probability(scores):
    emissions, mask, transitions = scores
    counts, pairs = fitting.expected(*scores)
    for row, size in enumerate((3, 2)):
        wanted, wanted_pairs = torch.zeros(3, LABELS), torch.zeros(LABELS + 2, LABELS + 2)
        for path in product(range(LABELS), repeat=size):
            labels = torch.tensor([[*path, *[0] * (3 - size)]])
            of_row = slice(row, row + 1)
            share = crf.log_likelihood(
                emissions[of_row], labels, mask[of_row], transitions[row]
            ).exp()
            seen, seen_pairs = fitting.observed(np.array(path), LABELS)
            wanted[:size] += share * seen
            wanted_pairs += share * seen_pairs
        assert torch.allclose(counts[row], wanted, atol=1e-5)
        assert torch.allclose(pairs[row], wanted_pairs, atol=1e-5)


def test_graft_begins_as_the_released_head():
    transitions, hidden = torch.randn(11, 11), torch.randn(2, 16, graft.WIDTH)
    made = graft.Graft(transitions, 4).eval()
    mask, released = torch.ones(2, 5, dtype=torch.int64), torch.randn(2, 5, 9)
    entities, steps, types = made(mask, mask, released, *[hidden] * len(graft.HIDDEN))
    assert torch.equal(entities, released)
    assert all(torch.equal(step, transitions) for step in steps)
    assert types.shape == (2, 5, 4)


def test_padding_changes_nothing():
    made = graft.Graft(torch.zeros(11, 11), 4).eval()
    torch.nn.init.normal_(made.labels.weight)
    mask = torch.tensor([[1, 1, 1, 0]])
    hidden, other = torch.randn(1, 16, graft.WIDTH), torch.randn(1, 16, graft.WIDTH)
    other[:, :3] = hidden[:, :3]
    answers = [
        made(mask, mask, torch.zeros(1, 4, 9), *[given] * len(graft.HIDDEN))[0][:, :3]
        for given in (hidden, other)
    ]
    assert torch.allclose(*answers, atol=1e-5)
