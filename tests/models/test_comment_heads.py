"""From logits to what is told of a comment."""

import numpy as np
import pytest

from models.comment_heads import BASIC_EMOTIONS, HEADS, TOXIC_LABELS, marked_spans
from models.encoder import Tokens
from models.manifest import Route
from models.ngrams import NO_TOKENS
from models.passes import Pass
from schemas.errors import ModelFileError

TEXT = "You utter idiot, go home"
WORDS = ["You", "utter", "idiot", ",", "go", "home"]
STARTS = [TEXT.index(word) for word in WORDS]
OFFSETS = np.array([(0, 0), *((s, s + len(w)) for s, w in zip(STARTS, WORDS, strict=True)), (0, 0)])
TOKENS = Tokens([0] * 8, OFFSETS, np.array([-1, 0, 1, 2, 3, 4, 5, -1]))


def route(task, labels, **fields):
    known = {"head": f"{task}/x", "model": "m", "output": "out", "languages": frozenset({"en"})}
    return Route(task=task, labels=labels, **known | fields)


def told(of_route, logits, tokens=NO_TOKENS):
    answer = {"out": np.array(logits, np.float32)}
    return HEADS[of_route.task](of_route)(Pass(TEXT, tokens, answer))


def cut(scores, threshold=0.5, odds_share=0.0):
    spans = marked_spans(TEXT, TOKENS, np.array(scores), threshold, odds_share)
    return [TEXT[a:b] for a, b in spans]


def test_neighbouring_words_are_one_span():
    assert cut([0.9, 0, 0.6, 0.7, 0, 0, 0, 0.9]) == ["utter idiot"]
    assert cut([0, 0, 0, 0.7, 0, 0.7, 0, 0]) == ["idiot", "go"]
    assert cut([0] * 8) == []


def test_word_is_marked_whole_when_one_of_its_pieces_is():
    text = "idiots"
    tokens = Tokens([0, 0], np.array([(0, 4), (4, 6)]), np.array([0, 0]))
    assert marked_spans(text, tokens, np.array([0.1, 0.9]), 0.5, 0.0) == [(0, 6)]


def test_word_beside_a_far_likelier_one_is_not_marked():
    assert cut([1.0, 0, 0.6, 0.9, 0, 0.8, 0, 0], 0.5, 0.4) == ["idiot", "go"]
    assert cut([0, 0, 0.6, 1.0, 0, 1.0, 0, 0], 0.5, 1.0) == ["idiot", "go"]
    assert cut([1.0, 0, 0, 0, 0, 0, 0, 1.0], 0.5, 1.0) == []


def test_spans_are_those_of_tokens_above_the_threshold():
    logits = [[9.0], [-9.0], [0.5], [9.0], [-9.0], [-9.0], [-9.0], [9.0], [9.0], [9.0]]  # padded
    found = told(
        route("toxic_spans", ("toxic",), multi_label=True, thresholds=(0.6,)), logits, TOKENS
    )
    assert [TEXT[a:b] for a, b in found["toxic_spans"]] == ["utter idiot"]


def test_emotions_above_their_thresholds_are_told_the_likeliest_first():
    of_route = route(
        "emotion", ("joy", "anger", "love"), multi_label=True, thresholds=(0.4, 0.99, 0.4)
    )
    found = told(of_route, [0.0, 2.0, 1.0])
    assert [emotion.label for emotion in found["emotions"]] == ["love", "joy"]
    assert found["basic_emotions"]["joy"] == pytest.approx(1 - 0.5 * (1 - 0.7311), abs=1e-3)
    assert found["basic_emotions"]["anger"] == pytest.approx(0.8808, abs=1e-3)
    assert found["basic_emotions"]["fear"] == 0.0


def test_every_label_of_goemotions_but_neutral_is_of_one_basic_emotion():
    members = [label for group in BASIC_EMOTIONS.values() for label in group]
    assert len(members) == len(set(members)) == 27
    assert "neutral" not in members


def test_toxicity_is_the_calibrated_probability_of_toxic_in_any_order():
    for labels, logits in ((TOXIC_LABELS, [0.0, 2.0]), (TOXIC_LABELS[::-1], [2.0, 0.0])):
        found = told(route("toxicity", labels, temperature=2.0), logits)
        assert found["toxicity"] == {"overall": pytest.approx(0.7311, abs=1e-4)}


def test_kinds_are_told_by_name():
    of_route = route("toxicity_kinds", ("threat", "insult"), multi_label=True)
    assert told(of_route, [0.0, 50.0])["toxicity"] == {"threat": 0.5, "insult": 1.0}


@pytest.mark.parametrize(
    ("task", "labels", "complaint"),
    [
        ("toxicity", ("no", "yes"), "expected clean, toxic"),
        ("toxicity_kinds", ("rude",), "labels rude; expected some of severe"),
        ("emotion", ("hunger",), "no emotions of GoEmotions: hunger"),
        ("sentiment", ("bad", "good"), "expected negative, neutral, positive"),
        ("toxic_spans", ("toxic",), "needs one threshold"),
    ],
)
def test_route_with_other_labels_is_refused_by_name(task, labels, complaint):
    with pytest.raises(ModelFileError, match=complaint):
        HEADS[task](route(task, labels))
