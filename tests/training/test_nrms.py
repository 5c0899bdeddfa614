"""Attention over what readers read: it learns who likes what, and is exported as it is."""

import numpy as np
import pytest

MISSING = "PyTorch is in the extra training"
pytest.importorskip("torch", reason=MISSING)
nrms = pytest.importorskip("training.nrms", reason=MISSING)

from models.ranking.rankers import Slate  # noqa: E402

WIDTH, SHOWN = 16, 5
NAMES = ("appeal", "noise")
QUICK = nrms.Learning(size=16, heads=2, rounds=12, rate=5e-3)


def choices(count: int, seed: int) -> list:
    """Readers of three tastes: they click what is like what they read."""
    chance = np.random.default_rng(seed)
    tastes = np.eye(3, WIDTH)
    found = []
    for number in range(count):
        taste = number % 3
        kinds = chance.permutation([taste, *chance.integers(0, 3, SHOWN - 1)])
        history = tastes[[taste] * (number % 4)] + 0.1 * chance.normal(size=(number % 4, WIDTH))
        rows = chance.normal(size=(SHOWN, len(NAMES)))
        wish = rows[:, 0] + 3 * (kinds == taste) * bool(number % 4) + chance.gumbel(size=SHOWN)
        vectors = tastes[kinds] + 0.1 * chance.normal(size=(SHOWN, WIDTH))
        slate = Slate(rows, vectors.astype(np.float32), history.astype(np.float32))
        found.append(nrms.Choice(slate, np.arange(SHOWN) == wish.argmax()))
    return found


@pytest.fixture(scope="module")
def fitted():
    return nrms.fit(choices(600, 1), choices(150, 2), NAMES, QUICK)


def test_what_readers_like_and_what_all_like_is_learned(fitted):
    assert min(fitted.losses) < 0.85 * fitted.losses[0]
    assert fitted.weights["appeal"] > 5 * abs(fitted.weights["noise"])


def test_exported_graph_prefers_what_is_like_the_history(fitted, tmp_path):
    attention = nrms.export(fitted.network, WIDTH, tmp_path / "nrms.onnx")
    tastes = np.eye(3, WIDTH, dtype=np.float32)
    for taste in range(3):
        assert attention.affinities(tastes, tastes[[taste, taste]]).argmax() == taste


def test_fitting_twice_gives_the_same(fitted):
    again = nrms.fit(choices(600, 1), choices(150, 2), NAMES, QUICK)
    assert again.losses == pytest.approx(fitted.losses)
