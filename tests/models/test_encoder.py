"""Batches through a graph: culprits stand alone, memory is respected, batching changes nothing."""

import numpy as np
import pytest

from models.encoder import Encoder, Tokens, pad
from schemas.errors import InferenceError, OutOfMemory

POISON, NOT_A_NUMBER = 666, 777
"""Token ids on which the fake graph fails, and for which it answers NaN."""


class FakeSession:
    """A graph that answers each text with the sum of its tokens.

    memory  most tokens, padding included, of a batch that fits
    """

    def __init__(self, memory=10**9):
        self.memory = memory
        self.shapes = []

    def run(self, inputs):
        ids = inputs["input_ids"]
        self.shapes.append(ids.shape)
        if ids.size > self.memory:
            raise OutOfMemory(f"{ids.size} tokens")
        if (ids == POISON).any():
            raise InferenceError("poison")
        total = (ids * inputs["attention_mask"]).sum(axis=1, dtype=np.float32)
        total[(ids == NOT_A_NUMBER).any(axis=1)] = np.nan
        return {"total": total[:, None], "twice": 2 * total[:, None]}


@pytest.fixture
def encoder_on(letters_tokenizer):
    def make(session, **changes):
        return Encoder(session, letters_tokenizer, **{"max_tokens": 256} | changes)

    return make


def tokens(*ids, shapes=None):
    size = len(ids)
    spans = np.array([[place, place + 1] for place in range(size)])
    return Tokens(list(ids), spans, np.arange(size), None if shapes is None else np.array(shapes))


def totals(answers):
    return [a if isinstance(a, InferenceError) else float(a["total"][0]) for a in answers]


def batch_of(*texts, length=4):
    """Texts of equal length that sum to the given numbers, or hold the given special token."""
    return [tokens(text, *[0] * (length - 1)) for text in texts]


@pytest.mark.parametrize("place", range(7))
def test_culprit_fails_alone(encoder_on, place):
    numbers = [1, 2, 3, 4, 5, 6, 7]
    numbers[place] = POISON
    answers = totals(encoder_on(FakeSession()).run(batch_of(*numbers)))
    assert isinstance(answers.pop(place), InferenceError)
    assert answers == [n for n in numbers if n != POISON]


def test_several_culprits_are_all_found(encoder_on):
    answers = totals(encoder_on(FakeSession()).run(batch_of(POISON, 1, POISON, POISON, 2)))
    assert [type(a) for a in answers] == [
        InferenceError,
        float,
        InferenceError,
        InferenceError,
        float,
    ]


def test_batch_without_culprit_is_run_once(encoder_on):
    session = FakeSession()
    encoder_on(session).run(batch_of(1, 2, 3))
    assert session.shapes == [(3, 4)]


def test_out_of_memory_halves_the_batch_and_loses_no_answer(encoder_on):
    session = FakeSession(memory=12)
    encoder = encoder_on(session)
    assert totals(encoder.run(batch_of(*range(8)))) == list(range(8))
    assert session.shapes == [(8, 4), (4, 4), (2, 4), (2, 4), (4, 4), (2, 4), (2, 4)]
    assert encoder.stats.out_of_memory == 3


def test_batches_after_out_of_memory_stay_small(encoder_on):
    session = FakeSession(memory=12)
    encoder = encoder_on(session)
    encoder.run(batch_of(*range(8)))
    session.shapes.clear()
    assert totals(encoder.run(batch_of(*range(9)))) == list(range(9))
    assert max(rows * columns for rows, columns in session.shapes) <= 12
    assert encoder.stats.out_of_memory == 3


def test_text_that_does_not_fit_alone_fails_alone(encoder_on):
    answers = totals(
        encoder_on(FakeSession(memory=12)).run([tokens(*[1] * size) for size in (4, 50, 4)])
    )
    assert [type(a) for a in answers] == [float, OutOfMemory, float]
    assert (answers[0], answers[2]) == (4.0, 4.0)


def test_short_texts_still_share_batches_after_out_of_memory(encoder_on):
    session = FakeSession(memory=40)
    encoder = encoder_on(session)
    encoder.run(batch_of(1, 2, length=32))
    session.shapes.clear()
    assert totals(encoder.run(batch_of(*range(8)))) == list(range(8))
    assert session.shapes == [(8, 4)]


def test_output_that_is_no_number_fails_only_its_text(encoder_on):
    one, two, three = totals(encoder_on(FakeSession()).run(batch_of(1, NOT_A_NUMBER, 3)))
    assert (one, three) == (1.0, 3.0)
    assert isinstance(two, InferenceError)
    assert "total" in two.detail


def test_stats_count_what_the_graph_was_given(encoder_on):
    encoder = encoder_on(FakeSession())
    encoder.run([tokens(1, 2), tokens(1, 2, 3)])
    encoder.run([tokens(1)])
    assert encoder.stats.batches == 2
    assert encoder.stats.batched_texts == 3
    assert encoder.stats.batched_tokens == 7


def test_padding_fills_the_right_with_zeros():
    inputs = pad([tokens(5), tokens(6, 7, 8)])
    assert {name: array.tolist() for name, array in inputs.items()} == {
        "input_ids": [[5, 0, 0], [6, 7, 8]],
        "attention_mask": [[1, 0, 0], [1, 1, 1]],
    }
    assert {array.dtype for array in inputs.values()} == {np.dtype(np.int64)}


def test_word_shapes_are_padded_where_the_graph_takes_them():
    inputs = pad([tokens(5, shapes=[9]), tokens(6, 7, 8, shapes=[1, 2, 3])])
    assert inputs["word_shapes"].tolist() == [[9, 0, 0], [1, 2, 3]]
    assert inputs["word_shapes"].dtype == np.int64


def cut(text, read):
    return [text[start:end] for start, end in read.offsets.tolist()]


def test_offsets_cut_the_tokens_out_of_the_text(encoder_on):
    text = "Éa, 🔥b"
    read = encoder_on(FakeSession()).tokenize(text)
    assert len(read) == len(read.ids) == len(read.offsets) == len(read.words)
    assert cut(text, read) == ["", "É", "a", ",", "🔥b", ""]
    assert read.words.tolist() == [-1, 0, 0, 1, 2, -1]
    assert read.shapes is None


def test_words_have_shapes_for_a_graph_that_takes_them(encoder_on):
    read = encoder_on(FakeSession(), with_shapes=True).tokenize("Ab CD")
    assert len(read.shapes) == len(read)
    assert len(set(read.shapes[1:5].tolist())) == 4


def test_offsets_of_a_romanised_text_cut_the_text_before(encoder_on):
    text = "東 Łódź"
    read = encoder_on(FakeSession(), romanised=True).tokenize(text)
    assert cut(text, read) == ["", "東", "東", "東", "東", "Ł", "ó", "d", "ź", ""]
    assert read.words.tolist() == [-1, 0, 0, 0, 0, 1, 1, 1, 1, -1]


@pytest.mark.parametrize("text", ["", " ", "\u0301", "\u200b"])
def test_text_without_letters_has_only_special_tokens_when_romanised(encoder_on, text):
    read = encoder_on(FakeSession(), romanised=True).tokenize(text)
    assert read.offsets.tolist() == [[0, 0]] * len(read)


def test_text_is_cut_at_the_limit_of_the_model(encoder_on):
    encoder = encoder_on(FakeSession(), max_tokens=8)
    assert encoder.max_characters == 48
    assert len(encoder.tokenize("word " * 100)) == 8
    assert encoder.tokenize("a" * 48 + "b").ids == encoder.tokenize("a" * 48).ids


# The shipped encoder; what every model must do is in tests/models/checks.


def test_related_texts_are_nearer_than_unrelated_ones(sentence_encoder, embedding_route):
    texts = [
        "The council voted late on Tuesday to reopen the bridge.",
        "City votes to open bridge again",
        "Striker signs three-year contract",
    ]
    answers = sentence_encoder.run([sentence_encoder.tokenize(text) for text in texts])
    voted, related, unrelated = (answer[embedding_route.output] for answer in answers)
    assert related @ voted > unrelated @ voted + 0.2
