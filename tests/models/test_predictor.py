"""Heads as they are evaluated: rows in, answers out, by the routes of the manifest."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from models import predictor, routed, text_models
from models.document_scorer import DocumentScores
from models.encoder import Encoder
from models.language import LANGUAGE_MODEL
from models.manifest import Manifest, ModelEntry, Route
from models.predictor import BEFORE_TARGET, open_predictor
from models.text_models import BATCH
from schemas.enriched_article import Language
from schemas.errors import InferenceError, ModelFileError

BIO = ("O", "B-person", "I-person", "B-place", "I-place")
SENTIMENTS = ("negative", "neutral", "positive")
PERSON, GOES_ON, PLACE = "x", "z", "y"
"""Letters that begin a word of a person, one that continues it, and one of a place."""


def route(task, **fields):
    known = {"head": task, "model": "m", "output": task, "languages": frozenset({"en"})}
    return Route(task=task, **known | fields)


class FakeGraph:
    """Answers by the letters of a text, like the tokenizer before it."""

    def __init__(self, letters):
        self.letters = letters
        self.texts = []
        self.failing = False

    def run(self, inputs):
        if self.failing:
            raise InferenceError("told to fail")
        ids, mask = inputs["input_ids"], inputs["attention_mask"]
        self.texts += mask.sum(axis=1).tolist()
        entities = np.zeros((*ids.shape, len(BIO)), np.float32)
        entities[..., 0] = 1.0
        for letter, label in ((PERSON, 1), (GOES_ON, 2), (PLACE, 3)):
            entities[ids == self.letters[letter], label] = 9.0
        entities[mask == 0] = 99.0
        per_token = np.stack([ids == self.letters[letter] for letter in "npg"], -1)
        length = mask.sum(axis=1)[:, None].astype(np.float32)
        return {
            "entities": entities,
            "entity_types": np.tile(np.float32([1.0, 3.0, 2.0]), (*ids.shape, 1)),
            "target": np.where(per_token, 9.0, 0.0).astype(np.float32),
            "summary": (ids == self.letters["x"]).astype(np.float32)[..., None],
            "sentiment": np.concatenate([length, 0 * length, -length], axis=1),
            "topics": np.concatenate([length - 5, 5 - length], axis=1),
            "importance": length / 100,
        }


@pytest.fixture
def graph(monkeypatch, letters_tokenizer):
    """The fake graph behind every model."""
    letters = Encoder(None, letters_tokenizer, max_tokens=512)._tokenizer.get_vocab()
    fake = FakeGraph(letters)

    def open_encoder(manifest, name, *, threads):
        return Encoder(fake, letters_tokenizer, max_tokens=256)

    monkeypatch.setattr(text_models, "open_encoder", open_encoder)
    return fake


def opened(*routes, head=None, **fields):
    entry = ModelEntry(
        version="1",
        file="m.onnx",
        sha256="",
        licence="Apache-2.0",
        source="made by the tests",
        card="CARD.md",
        **fields,
    )
    models = {of_route.model: entry for of_route in routes}
    manifest = Manifest(folder=Path("models"), models=models, routes=routes)
    return open_predictor(manifest, head or routes[0].head)


# Classes.


def test_answers_keep_the_order_of_the_rows(graph):
    texts = ["a" * (1 + 7 * i % 50) for i in range(3 * BATCH + 1)]
    found = opened(route("importance")).predict(texts, ["en"] * len(texts))
    expected = [1 / (1 + np.exp(-(len(text) + 2) / 100)) for text in texts]
    assert found.tolist() == pytest.approx(expected, abs=1e-6)
    assert len(graph.texts) == len(texts)


def test_language_that_no_route_covers_gives_nan(graph):
    classes = opened(route("sentiment", labels=SENTIMENTS))
    found = classes.predict(["ab", "abc", "abcd"], ["en", "tlh", None])
    assert found.shape == (3, 3)
    assert np.isnan(found[1]).all()
    assert found[[0, 2]].sum(axis=1).tolist() == pytest.approx([1, 1])
    scores = opened(route("importance")).predict(["ab", "abc"], ["tlh", "en"])
    assert np.isnan(scores).tolist() == [True, False]


def test_rows_without_a_covered_language_are_never_run(graph):
    opened(route("importance")).predict(["ab"], ["tlh"])
    assert graph.texts == []


def test_each_row_goes_to_the_first_route_that_covers_its_language(graph):
    german = route(
        "sentiment", model="g", labels=SENTIMENTS[::-1], languages=frozenset({"de", "en"})
    )
    classes = opened(route("sentiment", labels=SENTIMENTS), german)
    english_row, german_row, unknown_row = classes.predict(["ab"] * 3, ["en", "de", None])
    assert classes.labels == SENTIMENTS
    assert english_row.argmax() == 0
    assert german_row.argmax() == 2  # the last label of German is the first of English
    assert unknown_row.tolist() == english_row.tolist()


def test_labels_of_a_multi_label_head_are_decided_one_by_one(graph):
    fields = {"labels": ("a", "b"), "multi_label": True, "thresholds": (0.4, 0.6)}
    classes = opened(route("topics", head="topics/iptc", **fields))
    assert (classes.labels, classes.multi_label) == (("a", "b"), True)
    assert classes.thresholds.tolist() == pytest.approx([0.4, 0.6])
    assert classes.predict(["abc"], ["en"]).tolist() == [[0.5, 0.5]]


def test_temperature_calibrates(graph):
    plain = opened(route("sentiment", labels=SENTIMENTS)).predict(["ab"], ["en"])
    cooled = opened(route("sentiment", labels=SENTIMENTS, temperature=4.0)).predict(["ab"], ["en"])
    assert cooled[0, 0] < plain[0, 0]


def test_short_texts_have_a_temperature_of_their_own(graph):
    short = {"tokens": 3, "temperature": 4.0}
    plain, own = (
        opened(route("sentiment", labels=SENTIMENTS, **fields)).predict(["a", "abcd"], ["en"] * 2)
        for fields in ({}, {"short": short})
    )
    assert own[0, 0] < plain[0, 0]
    assert own[1].tolist() == plain[1].tolist()


def test_model_that_fails_is_told(graph):
    classes = opened(route("sentiment", labels=SENTIMENTS))
    graph.failing = True
    with pytest.raises(InferenceError, match="told to fail"):
        classes.predict(["ab"], ["en"])


# Tags.

SENTENCES = [["the", "xan", "zed"], ["in", "york"], ["zoe", "left"]]


def tags(sentences, documents=None, types=("person", "place"), languages=None, **fields):
    of_route = opened(route("entities", labels=BIO, **fields))
    return of_route.predict(sentences, documents, languages or ["en"] * len(sentences), types)


def test_each_token_has_an_iob2_tag(graph):
    assert tags(SENTENCES[:2]) == [["O", "B-person", "I-person"], ["O", "B-place"]]


def test_neighbours_of_a_name_begin_anew(graph):
    assert tags([["xan", "xin", "zed"]]) == [["B-person", "B-person", "I-person"]]


def test_sentences_of_a_document_are_read_together(graph):
    tags(SENTENCES, [0, 0, 1])
    assert sorted(graph.texts) == [9, 17]
    graph.texts.clear()
    tags(SENTENCES)
    assert sorted(graph.texts) == [8, 9, 11]


def test_sentences_of_a_document_that_do_not_fit_are_read_apart(graph):
    long = [["x" * 30] * 3] * 4
    found = tags(long, [0] * 4)
    assert max(graph.texts) <= 256
    assert len(graph.texts) == 2
    assert found == [["B-person"] * 3] * 4


def test_name_across_joined_sentences_begins_in_each(graph):
    found = tags([["said", "xan"], ["zed", "zoe", "left"]], [7, 7])
    assert found == [["O", "B-person"], ["B-person", "I-person", "O"]]


def test_only_the_types_asked_for_are_tagged(graph):
    assert tags(SENTENCES[:2], types={"place"}) == [["O", "O", "O"], ["O", "B-place"]]
    assert tags(SENTENCES[:2], types=()) == [["O"] * 3, ["O"] * 2]


def test_types_are_spelled_as_the_rows_spell_them(graph):
    assert tags(SENTENCES[:2], types={"PER", "LOC"}) == [["O", "B-PER", "I-PER"], ["O", "B-LOC"]]


@pytest.mark.parametrize(
    ("person", "place"), [("PERSON", "LOCATION"), ("per", "loc"), ("Person", "Gpe")]
)
def test_types_are_known_in_any_case(graph, person, place):
    found = tags(SENTENCES[:2], types={person, place})
    assert found == [["O", f"B-{person}", f"I-{person}"], ["O", f"B-{place}"]]


def test_types_are_spelled_as_the_coarse_ones_where_several_mean_the_same(graph):
    assert tags([["york"]], types={"GPE", "LOC"}) == [["B-LOC"]]
    assert tags([["york"]], types={"GPE", "LOC", "place"}) == [["B-place"]]


def test_fine_types_are_told_where_they_are_asked_for(graph):
    fine = {"writer": "person", "politician": "person", "river": "place"}
    asked = {"writer", "person", "place"}
    assert tags(SENTENCES[:2], fine_labels=fine, types=asked) == [
        ["O", "B-writer", "I-writer"],
        ["O", "B-place"],
    ]
    assert tags(SENTENCES[:1], fine_labels=fine, types={*asked, "politician"}) == [
        ["O", "B-politician", "I-politician"]
    ]
    assert tags(SENTENCES[:1], fine_labels=fine, types={"PER"}) == [["O", "B-PER", "I-PER"]]


def test_sentences_in_a_language_that_no_route_covers_have_no_tags(graph):
    assert tags([["xan"], ["xan"]], languages=["tlh", "en"]) == [[], ["B-person"]]


def test_tokens_behind_what_the_model_reads_have_no_tags(graph):
    (found,) = tags([["a"] * 300 + ["xan"]])
    assert found == ["O"] * 254  # with the special ones, the 256 that the model reads


def test_sentence_that_ends_in_what_has_no_token_is_read_whole(graph):
    assert tags([["xan", "\u200b", "\u0301"]]) == [["B-person", "O", "O"]]


def test_types_that_a_head_tells_apart_are_those_of_its_labels(graph):
    of_route = opened(route("entities", labels=BIO, fine_labels={"river": "place"}))
    assert of_route.types == {"person", "place", "river"}


def test_empty_sentences_and_tokens_keep_their_places(graph):
    assert tags([[], ["", "xan"], []]) == [[], ["O", "B-person"], []]


# Targets, summaries.


def test_sentiment_is_towards_the_words_of_the_target(graph):
    targets = opened(route("target", head="sentiment/target", labels=SENTIMENTS))
    text = "ggg ppp nnn"
    found = targets.predict([(text, 0, 3), (text, 4, 7), (text, 8, 11)])
    assert [targets.labels[i] for i in found.argmax(axis=1)] == ["positive", "neutral", "negative"]


def test_target_deep_in_a_text_is_read_in_its_surroundings(graph):
    targets = opened(route("target", head="sentiment/target", labels=SENTIMENTS))
    text = "a" * 50 + " b" * 300
    found = targets.predict([(text, 0, 3), (text, len(text) - 1, len(text))])
    alone = text[-1 - BEFORE_TARGET :]
    assert not np.isnan(found).any()
    assert found[1].tolist() == targets.predict([(alone, BEFORE_TARGET, len(alone))])[0].tolist()


def test_summary_chooses_sentences_by_their_own_tokens(graph):
    first = "Nothing much was said on Monday."
    best = "Max fixed six boxes for six taxis."
    document = [first, best, "Nobody else had anything to tell.", "It is what it was in March."]
    (chosen,) = opened(route("summary")).choose([document])
    assert 1 in chosen
    assert chosen == sorted(chosen)
    assert len(chosen) == 3


def test_documents_are_summed_up_each_on_its_own(graph):
    document = ["Nothing much was said on Monday.", "Max fixed six boxes for six taxis."]
    summaries = opened(route("summary"))
    assert summaries.choose([document, ["No."], document])[::2] == summaries.choose([document]) * 2


def test_scorer_of_documents_chooses_sentences_together(monkeypatch):
    class LastTwo:
        def score(self, sentences):
            count = len(sentences)
            ones = np.eye(count, dtype=np.float32)[max(0, count - 2) :].sum(axis=0)
            pairs, sizes = np.zeros((count, count)), np.float32([0, 1, 0, 0, 0])
            return DocumentScores(ones, pairs, sizes)

    asked = []

    def open_document_scorer(manifest, model, *, threads):
        asked.append(model)
        return LastTwo()

    monkeypatch.setattr(predictor, "open_document_scorer", open_document_scorer)
    summaries = opened(route("summary"), kind="documents", encoder="m")
    assert summaries.choose([["a", "b", "c"], ["a"]]) == [[1, 2], [0]]
    assert asked == ["m"]


# Languages.


class FakeDetector:
    codes = frozenset({"de", "en"})

    def __init__(self, *_, **__):
        pass

    def detect(self, text):
        if not text:
            return Language(code="und", confidence=0.0)
        return Language(code=text.split()[0], confidence=0.75)


def test_language_has_its_probability_and_no_other_has(monkeypatch, small_manifest):
    monkeypatch.setattr(predictor, "LanguageDetector", FakeDetector)
    languages = open_predictor(small_manifest, "language")
    assert languages.labels == ("und", "de", "en")
    found = languages.predict(["en bridge", "de Brücke", ""], [None, "en", None])
    assert found.tolist() == [[0, 0, 0.75], [0, 0.75, 0], [0, 0, 0]]


# Which head.


def test_head_that_no_model_answers_is_named_with_those_there_are(graph):
    with pytest.raises(ModelFileError, match=r"for head topics/none .*language, .*sentiment"):
        opened(route("sentiment", labels=SENTIMENTS), head="topics/none")


def test_head_that_cannot_be_measured_is_refused(graph):
    with pytest.raises(ModelFileError, match="no model answers for head embedding"):
        opened(route("embedding"))


def test_shipped_heads_have_predictors(graph, manifest):
    for head in {route.head for route in manifest.routes if route.task != "embedding"}:
        assert open_predictor(manifest, head)


@pytest.fixture
def two_languages(tmp_path, sha256, monkeypatch):
    """A head with a classifier over n-grams for German and one for French: each is always sure of
    the label of its language.
    """
    save_file(
        {"grams": np.array([1, 1, 0])}
        | {
            f"{language}.{part}": tensor
            for language, bias in (("de", [9.0, 0.0]), ("fr", [0.0, 9.0]))
            for part, tensor in (
                ("hashes", np.zeros(1, np.uint32)),
                ("rarity", np.ones(1, np.float16)),
                ("weights", np.zeros((1, 2), np.int8)),
                ("scales", np.ones(2, np.float32)),
                ("bias", np.array(bias, np.float32)),
            )
        },
        tmp_path / "m",
    )
    entry = ModelEntry(
        version="1",
        kind="ngrams",
        file="m",
        sha256=sha256(tmp_path / "m"),
        licence="Apache-2.0",
        source="made by the tests",
        card="CARD.md",
    )
    known = {"labels": ("german", "french"), "model": "m", "head": "topics/tongue"}
    routes = [
        route("topics", output=language, languages=frozenset({language}), **known)
        for language in ("de", "fr")
    ]

    class Detector:
        def __init__(self, model, *, min_confidence, high_accuracy):
            pass

        def detect(self, text):
            code = {"ja,": "de", "oui": "fr"}.get(text[:3], "sw")
            return Language(code=code, confidence=0.9)

    monkeypatch.setattr(routed, "LanguageDetector", Detector)
    manifest = Manifest(
        folder=tmp_path, models={"m": entry, LANGUAGE_MODEL: entry}, routes=tuple(routes)
    )
    return open_predictor(manifest, "topics/tongue")


def tongues(predictor, texts, languages):
    found = predictor.predict(texts, languages)
    return [None if np.isnan(row[0]) else predictor.labels[row.argmax()] for row in found]


def test_rows_that_do_not_say_their_language_are_detected(two_languages):
    found = tongues(two_languages, ["oui, bien", "ja, gut"], [None, None])
    assert found == ["french", "german"]


def test_language_that_a_row_says_is_believed(two_languages):
    found = tongues(two_languages, ["oui, bien", "oui, bien"], ["de", "sw"])
    assert found == ["german", None]


def test_text_in_no_language_of_the_head_has_no_answer_whatever_stands_beside_it(two_languages):
    texts = ["oui, un", "???", "oui, deux", "ja, drei"]
    together = tongues(two_languages, texts, [None] * 4)
    assert together == ["french", None, "french", "german"]
    assert together == [of for text in texts for of in tongues(two_languages, [text], [None])]
