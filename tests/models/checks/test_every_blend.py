"""What every blend of the manifest must do, whatever it was made for."""

import pickle

import numpy as np
import pytest
from hostile_texts import TEXTS

from models.manifest import SHIPPED, read
from models.text_models import open_texts

MANIFEST = read(SHIPPED)
BLENDS = [name for name, entry in MANIFEST.models.items() if entry.kind == "blend"]


@pytest.fixture(scope="module", params=BLENDS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def blend(name):
    return open_texts(MANIFEST, name)


@pytest.fixture(scope="module")
def alone(blend):
    return {odd: blend.read([text])[0][1] for odd, text in TEXTS.items()}


def test_every_text_is_answered(name, alone):
    (route,) = (route for route in MANIFEST.routes if route.model == name)
    for answer in alone.values():
        assert answer[route.output].shape == (len(route.labels),)
        assert np.isfinite(answer[route.output]).all()


@pytest.mark.parametrize("turn", [1, -1])
def test_batch_equals_its_texts_one_by_one_in_any_order(blend, alone, turn):
    given = list(TEXTS)[::turn]
    for odd, (_, answer) in zip(given, blend.read([TEXTS[o] for o in given]), strict=True):
        for output, logits in alone[odd].items():
            assert answer[output] == pytest.approx(logits, abs=1e-3), odd


def test_two_runs_give_the_same_bytes(blend):
    few = list(TEXTS.values())[:5]
    one, other = ([o for _, said in blend.read(few) for o in said.values()] for _ in "12")
    assert [array.tobytes() for array in one] == [array.tobytes() for array in other]


def test_blend_answers_before_its_parts(name):
    head = next(route.head for route in MANIFEST.routes if route.model == name)
    assert MANIFEST.heads(head)[0].model == name
    assert pickle.loads(pickle.dumps(MANIFEST)).parts(name) == MANIFEST.parts(name)
