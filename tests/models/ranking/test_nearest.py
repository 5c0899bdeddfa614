"""Neighbours among fresh vectors: recall, freshness, swaps."""

import threading

import numpy as np
import pytest

from models.ranking import nearest
from models.ranking.nearest import Kind, Nearest

WIDTH = 32


def unit(count: int, seed: int = 1) -> np.ndarray:
    chance = np.random.default_rng(seed)
    centres = chance.normal(size=(50, WIDTH))
    vectors = centres[chance.integers(50, size=count)] + 0.5 * chance.normal(size=(count, WIDTH))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def filled(vectors: np.ndarray) -> Nearest:
    index = Nearest(WIDTH)
    index.rebuild(range(len(vectors)), vectors, range(len(vectors)))
    return index


@pytest.mark.parametrize("kind", [Kind.FLAT, Kind.IVF, Kind.HNSW])
def test_each_kind_finds_what_exact_search_finds(kind, monkeypatch):
    monkeypatch.setattr(nearest, "kind_for", lambda _: kind)
    vectors = unit(5000)
    index = filled(vectors)
    assert index.kind is kind
    hits = 0
    for query in unit(20, seed=2):
        exact = set(np.argsort(-(vectors @ query))[:100].tolist())
        hits += len(exact & set(index.search(query, 100, since_ms=0).keys.tolist()))
    assert hits / 2000 >= 0.95


@pytest.mark.parametrize("kind", [Kind.FLAT, Kind.IVF, Kind.HNSW])
def test_nothing_older_than_asked_is_found(kind, monkeypatch):
    monkeypatch.setattr(nearest, "kind_for", lambda _: kind)
    index = filled(unit(2000))
    found = index.search(unit(1, seed=3)[0], 50, since_ms=1900)
    assert len(found.keys) > 0
    assert found.keys.min() >= 1900


def test_added_vectors_are_found_before_any_rebuild():
    index = filled(unit(500))
    new = unit(1, seed=9)
    index.add([9000], new, [600])
    found = index.search(new[0], 1, since_ms=0)
    assert found.keys.tolist() == [9000]
    assert found.cosines[0] == pytest.approx(1, abs=1e-3)


def test_added_vectors_stay_when_the_base_is_rebuilt_without_them():
    index = Nearest(WIDTH)
    vectors = unit(400)
    index.add(range(200), vectors[:200], range(200))
    real = nearest._built

    def late(given):
        index.add(range(200, 400), vectors[200:], range(200, 400))
        return real(given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearest, "_built", late)
        index.rebuild(range(200), vectors[:200], range(200))
    assert len(index) == 400
    assert sorted(index.search(vectors[0], 400, since_ms=0).keys.tolist()) == list(range(400))


def test_rebuild_is_due_when_the_tail_has_grown():
    index = filled(unit(100))
    assert not index.rebuild_due
    more = nearest.LEAST_TAIL + 1
    index.add(range(100, 100 + more), unit(more), [0] * more)
    assert index.rebuild_due


def test_searches_go_on_while_the_index_is_swapped():
    index = filled(unit(3000))
    query, wrong = unit(1, seed=5)[0], []

    def search() -> None:
        for _ in range(200):
            if len(index.search(query, 10, since_ms=0).keys) != 10:
                wrong.append(1)

    threads = [threading.Thread(target=search) for _ in range(2)]
    for thread in threads:
        thread.start()
    for seed in range(3):
        index.rebuild(range(3000), unit(3000, seed), range(3000))
    for thread in threads:
        thread.join()
    assert wrong == []


def test_vectors_of_another_width_are_refused():
    with pytest.raises(ValueError, match="expected"):
        Nearest(WIDTH).add([1], np.zeros((1, 3), np.float32), [0])


def test_a_vector_of_zeros_has_no_neighbours():
    assert len(filled(unit(10)).search(np.zeros(WIDTH, np.float32), 5, since_ms=0).keys) == 0
