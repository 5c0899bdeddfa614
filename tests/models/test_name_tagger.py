"""Names by what words look like: the words of a text, what tells for a label, the file."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from models.heads import TRANSITIONS_OUTPUT
from models.mentions import Scheme, mentions
from models.name_tagger import ENTITIES_OUTPUT, Lexicon, NameTagger, features, word_key
from schemas.errors import ModelFileError

LABELS = ("O", "B-PER", "I-PER")
NOBODY = Lexicon(np.zeros(0, np.uint32), np.zeros(0, np.uint8))


@pytest.fixture
def file(tmp_path):
    """Writes a file that knows "Marta" by her letters, and takes all else for no name."""

    def write(**changes):
        hashes = np.sort(features(["Marta"], NOBODY)[0, :1])
        tensors = {
            "hashes": hashes,
            "weights": np.array([[-100, 100, 0]], np.int8),
            "scales": np.full(3, 0.1, np.float32),
            "transitions": np.zeros((5, 5), np.float32),
            "words": np.zeros(0, np.uint32),
            "classes": np.zeros(0, np.uint8),
        } | changes
        save_file({k: v for k, v in tensors.items() if v is not None}, tmp_path / "m.safetensors")
        return tmp_path / "m.safetensors"

    return write


def told(tagger, text):
    tokens, outputs = tagger.read(text)
    found = mentions(
        outputs[ENTITIES_OUTPUT],
        tokens.offsets,
        tokens.words,
        Scheme(LABELS),
        transitions=outputs[TRANSITIONS_OUTPUT],
    )
    return [(text[m.start : m.end], m.type) for m in found]


def test_offsets_cut_names_out_of_the_text_as_given(file):
    text = "  La «Marta» canta.\n\nY Marta, otra vez."
    assert told(NameTagger(file()), text) == [("Marta", "PER"), ("Marta", "PER")]


def test_text_without_words_has_no_names(file):
    assert told(NameTagger(file()), " \n ") == []
    assert NameTagger(file()).scores([]).shape == (0, 3)


def test_end_of_a_long_text_is_not_read(file):
    tagger = NameTagger(file())
    assert told(tagger, "no " * tagger.max_characters + "Marta") == []


def test_neighbours_and_the_lexicon_tell_something():
    lone, beside = features(["Marta"], NOBODY)[0], features(["dice", "Marta"], NOBODY)[1]
    assert lone[0] == beside[0]
    assert set(lone.tolist()) != set(beside.tolist())
    known = Lexicon(np.array([word_key("Marta")], np.uint32), np.array([3], np.uint8))
    assert set(features(["Marta"], known)[0].tolist()) != set(lone.tolist())


def test_words_of_a_name_share_what_stands_before_and_behind_it():
    one = features(["dijo", "Juan", "de", "la", "Cruz", "ayer"], NOBODY)
    other = features(["dijo", "Ana", "de", "la", "Vega", "ayer"], NOBODY)
    same = (one[1:5] == other[1:5]).all(axis=0)
    assert same.sum() > features(["Juan"], NOBODY).shape[1] // 4


@settings(deadline=None, max_examples=50)
@given(st.text())
def test_every_text_has_finite_scores_of_spans_that_stand_in_it(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("any") / "m.safetensors"
    tensors = {
        "hashes": np.arange(4, dtype=np.uint32),
        "weights": np.ones((4, 3), np.int8),
        "scales": np.ones(3, np.float32),
        "transitions": np.zeros((5, 5), np.float32),
        "words": np.zeros(0, np.uint32),
        "classes": np.zeros(0, np.uint8),
    }
    save_file(tensors, path)
    tokens, outputs = NameTagger(path).read(text)
    assert np.isfinite(outputs[ENTITIES_OUTPUT]).all()
    assert len(outputs[ENTITIES_OUTPUT]) == len(tokens)
    assert all(text[a:b].strip() for a, b in tokens.offsets.tolist())


@pytest.mark.parametrize("missing", ["hashes", "weights", "scales", "transitions", "words"])
def test_file_without_a_tensor_is_named(file, missing):
    with pytest.raises(ModelFileError, match=f"no tensor '{missing}'"):
        NameTagger(file(**{missing: None}))
