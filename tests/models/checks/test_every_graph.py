"""What every model of the manifest that reads tokens must do, whatever it was made for."""

import pickle
import time

import numpy as np
import pytest
from hostile_texts import TEXTS

from models.encoder import Tokens
from models.manifest import SHIPPED, read
from models.opening import open_encoder
from schemas.errors import InferenceError

MANIFEST = read(SHIPPED)
GRAPHS = [name for name, entry in MANIFEST.models.items() if entry.max_tokens is not None]


@pytest.fixture(scope="module", params=GRAPHS)
def model(request):
    return request.param


@pytest.fixture(scope="module")
def encoder(model):
    return open_encoder(MANIFEST, model, threads=2)


@pytest.fixture(scope="module")
def tokens(encoder):
    return {name: encoder.tokenize(text) for name, text in TEXTS.items()}


@pytest.fixture(scope="module")
def alone(encoder, tokens):
    return {name: encoder.run([read])[0] for name, read in tokens.items()}


def same(one, other, tokens: Tokens, tolerance: float) -> bool:
    """Whether two answers say the same; rows of padding tokens say nothing."""
    if isinstance(one, InferenceError) or isinstance(other, InferenceError):
        return type(one) is type(other)
    if one.keys() != other.keys():
        return False
    for name, array in one.items():
        size = min(len(array), len(other[name])) if array.ndim else None
        if array.ndim and size not in (len(array), len(tokens)):
            return False
        first, second = (array[:size], other[name][:size]) if array.ndim else (array, other[name])
        if np.abs(first - second).max(initial=0) > tolerance * max(1, np.abs(first).max(initial=0)):
            return False
    return True


@pytest.mark.parametrize("name", TEXTS)
def test_every_text_is_answered_or_refused_with_a_reason(alone, name):
    answer = alone[name]
    if isinstance(answer, InferenceError):
        assert answer.detail
    else:
        assert answer
        assert all(np.isfinite(array).all() for array in answer.values())


def test_ordinary_texts_are_answered(alone):
    for name in ("short", "sentence", "long"):
        assert not isinstance(alone[name], InferenceError)


@pytest.mark.parametrize("turn", [1, -1])
def test_batch_equals_its_texts_one_by_one_in_any_order(encoder, tokens, alone, turn):
    names = list(TEXTS)[::turn]
    for name, answer in zip(names, encoder.run([tokens[n] for n in names]), strict=True):
        assert same(alone[name], answer, tokens[name], 1e-3), name


def test_two_runs_give_the_same_bytes(encoder, tokens):
    batch = [tokens[name] for name in ("sentence", "short", "emoji")]
    for one, other in zip(encoder.run(batch), encoder.run(batch), strict=True):
        assert {n: a.tobytes() for n, a in one.items()} == {
            n: a.tobytes() for n, a in other.items()
        }


def test_text_beyond_the_limit_changes_nothing(model, encoder, tokens):
    limit = MANIFEST.entry(model).max_tokens
    long = TEXTS["long"] * (1 + limit // 256)
    read = encoder.tokenize(long)
    assert len(read) == limit
    assert encoder.tokenize(long + "A different ending. " * 100).ids == read.ids


def test_long_text_is_answered_quickly(encoder):
    started = time.perf_counter()
    encoder.run([encoder.tokenize("word " * 1_000_000)])
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize("name", TEXTS)
def test_offsets_lie_in_the_text_in_its_order(tokens, name):
    spans = tokens[name].offsets
    real = spans[spans[:, 1] > spans[:, 0]]
    assert (real >= 0).all()
    assert (real <= len(TEXTS[name])).all()
    assert (np.diff(real[:, 0]) >= 0).all()


def test_routes_fit_the_outputs(model, tokens, alone):
    for route in (route for route in MANIFEST.routes if route.model == model):
        output = alone["sentence"][route.output]
        if route.labels:
            assert output.shape[-1] == len(route.labels), route.head
        if route.thresholds:
            assert len(route.thresholds) == len(route.labels), route.head
        assert 0 < route.temperature < 100, route.head


def test_what_workers_are_sent_pickles(model):
    sent = pickle.loads(pickle.dumps(MANIFEST))
    assert sent.entry(model) == MANIFEST.entry(model)
    assert sent.routes == MANIFEST.routes


def test_every_text_gets_a_unit_vector(model, alone):
    route = MANIFEST.find("embedding", model)
    if route is None:
        pytest.skip("no encoder of sentences")
    for name, answer in alone.items():
        if not isinstance(answer, InferenceError):
            assert np.linalg.norm(answer[route.output]) == pytest.approx(1, abs=1e-3), name


def test_tokens_survive_pickling(tokens):
    read = tokens["mixed direction"]
    sent = pickle.loads(pickle.dumps(read))
    assert sent.ids == read.ids
    assert (sent.offsets == read.offsets).all()
