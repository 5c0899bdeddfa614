"""What every graft of the manifest must do: change what it answers, and nothing else."""

import numpy as np
import pytest
from hostile_texts import TEXTS

from models.manifest import SHIPPED, read
from models.opening import encoder_on
from models.session import OnnxSession, Provider, providers

MANIFEST = read(SHIPPED)
GRAFTED = [name for name, entry in MANIFEST.models.items() if entry.graft is not None]
NAMES = ("short", "sentence", "long")


@pytest.fixture(scope="module", params=GRAFTED)
def model(request):
    return request.param


def answers(model, provider, graft):
    file = MANIFEST.model_file(model)
    encoder = encoder_on(OnnxSession(file, provider, threads=1, graft=graft), MANIFEST, model)
    tokens = [encoder.tokenize(TEXTS[name]) for name in NAMES]
    return list(zip(tokens, encoder.run(tokens), strict=True))


@pytest.mark.parametrize("provider", [p for p in providers("auto") if p is not Provider.CUDA])
def test_only_heads_with_a_version_of_their_own_answer_otherwise(model, provider):
    plain = answers(model, provider, None)
    grown = answers(model, provider, MANIFEST.graft_file(model))
    own = {r.output for r in MANIFEST.routes if r.model == model and r.version}
    others = {r.output for r in MANIFEST.routes if r.model == model} - own
    for (_, one), (tokens, other) in zip(plain, grown, strict=True):
        assert one.keys() == other.keys()
        for name in others:
            assert np.abs(one[name] - other[name]).max() < 1e-2, name
        assert any(np.abs(one[n][: len(tokens)] - other[n][: len(tokens)]).max() > 0.1 for n in own)


def test_providers_label_words_alike(model):
    one, other = (
        answers(model, provider, MANIFEST.graft_file(model))
        for provider in (Provider.CPU, providers("auto")[0])
    )
    own = {r.output for r in MANIFEST.routes if r.model == model and r.version}
    for (tokens, first), (_, second) in zip(one, other, strict=True):
        words = np.flatnonzero((np.diff(tokens.words, prepend=-1) != 0) & (tokens.words >= 0))
        for name in own:
            told = first[name][words].argmax(1) == second[name][words].argmax(1)
            assert told.mean() > 0.97
