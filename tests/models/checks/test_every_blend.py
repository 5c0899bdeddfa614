"""What every blend of the manifest must do, whatever it was made for."""

import pickle

import numpy as np
import pytest

from models.manifest import SHIPPED, read
from models.text_models import open_texts

MANIFEST = read(SHIPPED)
BLENDS = [name for name, entry in MANIFEST.models.items() if entry.kind == "blend"]
TEXTS = (
    "",
    "x",
    "🔥🌊🚒",
    "The minister said \u202bقرر المجلس\u202c on Tuesday, \u200fשלום.",
    "The council voted late on Tuesday to reopen the bridge after two years of repairs.",
    "市议会周二晚间决定重新开放这座大桥。",
    "flood\x00 warning\x07 issued",
    "word " * 20_000,
)


@pytest.fixture(scope="module", params=BLENDS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def blend(name):
    return open_texts(MANIFEST, name)


@pytest.fixture(scope="module")
def alone(blend):
    return [blend.read([text])[0][1] for text in TEXTS]


def test_every_text_is_answered(name, alone):
    (route,) = (route for route in MANIFEST.routes if route.model == name)
    for answer in alone:
        assert answer[route.output].shape == (len(route.labels),)
        assert np.isfinite(answer[route.output]).all()


@pytest.mark.parametrize("turn", [1, -1])
def test_batch_equals_its_texts_one_by_one_in_any_order(blend, alone, turn):
    for (_, answer), expected in zip(blend.read(TEXTS[::turn]), alone[::turn], strict=True):
        for output, logits in expected.items():
            assert answer[output] == pytest.approx(logits, abs=1e-3)


def test_two_runs_give_the_same_bytes(blend):
    one, other = ([o for _, said in blend.read(TEXTS[:5]) for o in said.values()] for _ in "12")
    assert [array.tobytes() for array in one] == [array.tobytes() for array in other]


def test_blend_answers_before_its_parts(name):
    head = next(route.head for route in MANIFEST.routes if route.model == name)
    assert MANIFEST.heads(head)[0].model == name
    assert pickle.loads(pickle.dumps(MANIFEST)).parts(name) == MANIFEST.parts(name)
