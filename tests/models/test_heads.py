"""From a row of the graph to the value of a field."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.heads import embedding


def unit_vector(seed):
    vector = np.random.default_rng(seed).normal(size=384).astype(np.float32)
    return vector / np.linalg.norm(vector)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32))
def test_embedding_survives_its_wire_format(seed):
    vector = unit_vector(seed)
    read = np.frombuffer(embedding(vector), "<f2").astype(np.float32)
    assert np.abs(read - vector).max() < 2**-11
    assert read @ vector / np.linalg.norm(read) == pytest.approx(1, abs=1e-6)


def test_embedding_takes_two_bytes_a_dimension():
    assert len(embedding(unit_vector(1))) == 768


def test_embedding_is_little_endian():
    assert embedding(np.array([1.0], np.float32)) == b"\x00\x3c"
