"""Classifiers over hashed n-grams: what they read, and what they make of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from models.ngrams import MAX_CHARACTERS, NgramModel, features, weighted
from schemas.errors import ModelFileError

BITS = 16


@pytest.fixture
def file(tmp_path):
    """Writes a file of one output `en` that likes the buckets of "good"."""

    def write(**changes):
        weights = np.zeros((1 << BITS, 2), np.int8)
        weights[features("good", BITS).buckets, 1] = 127
        tensors = {
            "rarity": np.ones(1 << BITS, np.float16),
            "en.weights": weights,
            "en.scales": np.array([0.01, 0.01], np.float32),
            "en.bias": np.array([0.5, 0.0], np.float32),
        } | changes
        save_file({k: v for k, v in tensors.items() if v is not None}, tmp_path / "m.safetensors")
        return tmp_path / "m.safetensors"

    return write


def buckets(text):
    return set(features(text, 20).buckets.tolist())


def test_same_words_elsewhere_have_the_same_ngrams():
    assert buckets("cat") < buckets("the cat sat")
    assert buckets("cat sat") < buckets("now the cat sat down")


def test_ngrams_stay_within_words_but_for_pairs_of_words():
    apart = buckets("abcd") | buckets("efgh")
    assert len(buckets("abcd efgh") - apart) == 1


def test_case_width_and_blanks_do_not_matter():
    assert buckets("Ｇｏｏｄ  Day\n") == buckets("good day")


def test_logits_are_linear_in_the_values(file):
    model = NgramModel(file())
    (logits,) = model.run("good").values()
    values = weighted(features("good", BITS), np.ones(1 << BITS))
    assert logits == pytest.approx([0.5, values.sum() * 1.27], rel=1e-5)


def test_text_without_ngrams_gets_the_bias(file):
    assert NgramModel(file()).run("")["en"].tolist() == [0.5, 0.0]


def test_end_of_a_long_text_is_not_read(file):
    model = NgramModel(file())
    long = "bad " * MAX_CHARACTERS
    assert model.run(long + "good")["en"].tolist() == model.run(long)["en"].tolist()


@settings(deadline=None, max_examples=50)
@given(st.text())
def test_every_text_has_finite_values_of_length_one(text):
    found = features(text, BITS)
    values = weighted(found, np.ones(1 << BITS))
    assert (found.counts > 0).all()
    assert not len(values) or (values**2).sum() == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize("missing", ["rarity", "en.weights", "en.scales"])
def test_file_without_a_tensor_is_named(file, missing):
    with pytest.raises(ModelFileError, match=f"no tensor '{missing}'"):
        NgramModel(file(**{missing: None}))


def test_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "broken").write_bytes(b"x")
    for name in ("absent", "broken"):
        with pytest.raises(ModelFileError, match=f"{name} cannot be read"):
            NgramModel(tmp_path / name)
