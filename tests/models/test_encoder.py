"""Batches through a graph: culprits stand alone, memory is respected, batching changes nothing."""

import time

import numpy as np
import pytest

from models.encoder import Encoder, pad
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
def encoder_on(manifest):
    def make(session):
        return Encoder(session, manifest.tokenizer_file("minilm"), max_tokens=256)

    return make


def totals(answers):
    return [a if isinstance(a, InferenceError) else float(a["total"][0]) for a in answers]


def batch_of(*texts, length=4):
    """Texts of equal length that sum to the given numbers, or hold the given special token."""
    return [[text] + [0] * (length - 1) for text in texts]


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
    answers = totals(encoder_on(FakeSession(memory=12)).run([[1] * 4, [1] * 50, [1] * 4]))
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
    encoder.run([[1, 2], [1, 2, 3]])
    encoder.run([[1]])
    assert encoder.stats.batches == 2
    assert encoder.stats.batched_texts == 3
    assert encoder.stats.batched_tokens == 7


def test_padding_fills_the_right_with_zeros():
    ids, mask = pad([[5], [6, 7, 8]])
    assert ids.tolist() == [[5, 0, 0], [6, 7, 8]]
    assert mask.tolist() == [[1, 0, 0], [1, 1, 1]]
    assert (ids.dtype, mask.dtype) == (np.int64, np.int64)


# The shipped model.

TEXTS = {
    "empty": "",
    "one character": "x",
    "emoji": "🔥🌊🚒",
    "mixed direction": "The minister said \u202bقرر المجلس\u202c on Tuesday, \u200fשלום.",
    "short": "Bridge reopens",
    "sentence": "The council voted late on Tuesday to reopen the bridge after two years of repairs.",
    "long": "Engineers had found cracks in all four piers of the old harbour bridge. " * 40,
    "other script": "市议会周二晚间决定重新开放这座大桥。",
    "control characters": "flood\x00 warning\x07 issued",
}


def vector(encoder, text):
    (answer,) = encoder.run([encoder.tokenize(text)])
    return answer["sentence_embedding"]


@pytest.fixture(scope="module")
def alone(minilm):
    return {name: vector(minilm, text) for name, text in TEXTS.items()}


@pytest.mark.parametrize("name", TEXTS)
def test_every_text_gets_a_unit_vector(alone, name):
    assert alone[name].shape == (384,)
    assert np.linalg.norm(alone[name]) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("turn", [1, -1])
def test_batch_equals_its_texts_one_by_one_in_any_order(minilm, alone, turn):
    answers = minilm.run([minilm.tokenize(text) for text in list(TEXTS.values())[::turn]])
    for expected, answer in zip(list(alone.values())[::turn], answers, strict=True):
        assert np.abs(answer["sentence_embedding"] - expected).max() < 1e-3


def test_two_runs_give_the_same_bytes(minilm):
    batch = [minilm.tokenize(TEXTS[name]) for name in ("sentence", "short", "emoji")]
    first, second = minilm.run(batch), minilm.run(batch)
    for one, other in zip(first, second, strict=True):
        assert one["sentence_embedding"].tobytes() == other["sentence_embedding"].tobytes()


def test_related_texts_are_nearer_than_unrelated_ones(minilm, alone):
    related = vector(minilm, "City votes to open bridge again")
    unrelated = vector(minilm, "Striker signs three-year contract")
    assert related @ alone["sentence"] > unrelated @ alone["sentence"] + 0.2


def test_text_beyond_the_limit_changes_nothing(minilm, alone):
    ids = minilm.tokenize(TEXTS["long"])
    assert len(ids) == 256
    assert minilm.tokenize(TEXTS["long"] + "A different ending. " * 100) == ids


def test_million_tokens_are_answered_quickly(minilm, alone):
    text = "word " * 1_000_000
    started = time.perf_counter()
    assert vector(minilm, text).shape == (384,)
    assert time.perf_counter() - started < 1
