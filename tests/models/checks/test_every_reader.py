"""What every classifier over n-grams and every tagger of names must do, whatever it was made for."""

import pickle

import numpy as np
import pytest
from hostile_texts import TEXTS

from models.manifest import SHIPPED, read
from models.mentions import Scheme, mentions
from models.text_models import open_texts

MANIFEST = read(SHIPPED)
READERS = [name for name, entry in MANIFEST.models.items() if entry.kind in ("ngrams", "names")]
TAGGERS = [name for name in READERS if MANIFEST.entry(name).kind == "names"]
TAGGED = "Der Rat tagte in Amsterdam; Ana Ruiz, «El Gobierno» y \u202bعمّان\u202c 🔥 Den Haag."


@pytest.fixture(scope="module", params=READERS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def reader(name):
    return open_texts(MANIFEST, name)


@pytest.fixture(scope="module")
def alone(reader):
    return {odd: reader.read([text])[0] for odd, text in TEXTS.items()}


@pytest.mark.parametrize("odd", TEXTS)
def test_every_text_is_answered(alone, odd):
    _, outputs = alone[odd]
    assert outputs
    assert all(np.isfinite(array).all() for array in outputs.values())


@pytest.mark.parametrize("turn", [1, -1])
def test_batch_equals_its_texts_one_by_one_in_any_order(reader, alone, turn):
    given = list(TEXTS)[::turn]
    for odd, (_, answer) in zip(given, reader.read([TEXTS[o] for o in given]), strict=True):
        for output, array in alone[odd][1].items():
            assert answer[output].tobytes() == array.tobytes(), odd


def test_text_beyond_what_is_read_changes_nothing(reader, alone):
    longer = TEXTS["100,000 tokens"] + "A different ending."
    ((_, answer),) = reader.read([longer])
    for output, array in alone["100,000 tokens"][1].items():
        assert answer[output].tobytes() == array.tobytes()


def test_routes_fit_the_outputs(name, alone):
    _, outputs = alone["sentence"]
    routes = [route for route in MANIFEST.routes if route.model == name]
    parts = [blend for blend, entry in MANIFEST.models.items() if name in entry.parts]
    assert routes or parts
    for route in routes:
        assert outputs[route.output].shape[-1] == len(route.labels), route.output


@pytest.mark.parametrize("name", TAGGERS, indirect=True)
def test_offsets_cut_whole_words_out_of_the_text(name, reader):
    route = next(route for route in MANIFEST.routes if route.model == name)
    ((tokens, outputs),) = reader.read([TAGGED])
    found = mentions(
        outputs[route.output],
        tokens.offsets,
        tokens.words,
        Scheme(route.labels),
        transitions=outputs["entity_transitions"],
    )
    assert found
    for mention in found:
        assert TAGGED[mention.start : mention.end].strip() == TAGGED[mention.start : mention.end]
        assert 0 < mention.score <= 1


def test_wrapper_pickles_and_says_the_same(reader, alone):
    sent = pickle.loads(pickle.dumps(reader))
    ((_, answer),) = sent.read([TEXTS["mixed direction"]])
    for output, array in alone["mixed direction"][1].items():
        assert answer[output].tobytes() == array.tobytes()
