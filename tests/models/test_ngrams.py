"""Classifiers over hashed n-grams: what they read, and what they make of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from models.ngrams import MAX_CHARACTERS, Grams, NgramModel, Vocabulary, features
from schemas.errors import ModelFileError

ALL = Grams(characters=5, words=2, titles=0)


@pytest.fixture
def file(tmp_path):
    """Writes a file of one output `en` that likes the n-grams of "good"."""

    def write(**changes):
        known = features("good", ALL).hashes
        weights = np.zeros((len(known), 2), np.int8)
        weights[:, 1] = 127
        tensors = {
            "grams": np.array([5, 2, 0]),
            "en.hashes": known,
            "en.rarity": np.ones(len(known), np.float16),
            "en.weights": weights,
            "en.scales": np.array([0.01, 0.01], np.float32),
            "en.bias": np.array([0.5, 0.0], np.float32),
        } | changes
        save_file({k: v for k, v in tensors.items() if v is not None}, tmp_path / "m.safetensors")
        return tmp_path / "m.safetensors"

    return write


def hashes(text, grams=ALL):
    return set(features(text, grams).hashes.tolist())


def values(text):
    """Of a vocabulary that has every n-gram of the text."""
    found = features(text, ALL)
    return Vocabulary(found.hashes, np.ones(len(found.hashes))).values(found)[1]


def test_same_words_elsewhere_have_the_same_ngrams():
    assert hashes("cat") < hashes("the cat sat")
    assert hashes("cat sat") < hashes("now the cat sat down")


def test_ngrams_stay_within_words_but_for_pairs_of_words():
    apart = hashes("abcd") | hashes("efgh")
    assert len(hashes("abcd efgh") - apart) == 1


def test_case_width_and_blanks_do_not_matter():
    assert hashes("Ｇｏｏｄ  Day\n") == hashes("good day")


def test_logits_are_linear_in_the_values(file):
    model = NgramModel(file())
    (logits,) = model.run("good").values()
    assert logits == pytest.approx([0.5, values("good").sum() * 1.27], rel=1e-5)


def test_words_of_a_title_count_as_others_than_those_below():
    titled = Grams(characters=0, words=1, titles=1)
    assert len(hashes("oil\noil", titled)) == 2
    assert hashes("oil\nprices", titled) != hashes("prices\noil", titled)


def test_without_characters_only_words_are_read():
    assert len(hashes("good day", Grams(characters=0, words=1, titles=0))) == 2
    assert len(hashes("good day", Grams(characters=0, words=2, titles=0))) == 3


def test_text_without_ngrams_gets_the_bias(file):
    assert NgramModel(file()).run("")["en"].tolist() == [0.5, 0.0]


def test_end_of_a_long_text_is_not_read(file):
    model = NgramModel(file())
    long = "bad " * MAX_CHARACTERS
    assert model.run(long + "good")["en"].tolist() == model.run(long)["en"].tolist()


@settings(deadline=None, max_examples=50)
@given(st.text())
def test_every_text_has_finite_values_of_length_one(text):
    assert (features(text, ALL).counts > 0).all()
    assert not len(values(text)) or (values(text) ** 2).sum() == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize("missing", ["grams", "en.hashes", "en.rarity", "en.weights"])
def test_file_without_a_tensor_is_named(file, missing):
    with pytest.raises(ModelFileError, match=f"no tensor '{missing}'"):
        NgramModel(file(**{missing: None}))


def test_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "broken").write_bytes(b"x")
    for name in ("absent", "broken"):
        with pytest.raises(ModelFileError, match=f"{name} cannot be read"):
            NgramModel(tmp_path / name)
