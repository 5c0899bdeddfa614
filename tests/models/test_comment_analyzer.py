"""A comment in, every head's answer out; nothing made up where no model answers."""

import asyncio

import numpy as np
import pytest
from inference_configs import INFERENCE
from safetensors.numpy import save_file

from models import inference, opening
from models.audience.analysis import Toxicity
from models.comment_analyzer import CommentAnalyzer
from models.manifest import ModelEntry, Route
from schemas.enriched_article import UNDETERMINED, Language
from schemas.errors import InferenceError, ModelFileError


class FakeGraph:
    """Finds every comment toxic, an insult, and its first word to blame."""

    batches = 0
    failing = False

    def __init__(self, _path, provider, **_):
        self.provider = provider

    def run(self, inputs):
        if FakeGraph.failing:
            raise InferenceError("told to fail")
        FakeGraph.batches += 1
        rows, tokens = inputs["input_ids"].shape
        marks = np.full((rows, tokens, 1), -9.0, np.float32)
        marks[:, 1] = 9.0
        return {
            "toxic": np.tile(np.array([-9.0, 9.0], np.float32), (rows, 1)),
            "kinds": np.full((rows, 1), 9.0, np.float32),
            "marks": marks,
            "sentence_embedding": np.zeros((rows, 4), np.float32),
        }


class FakeDetector:
    """Takes the first word of a text for its language."""

    second_opinion = "fake-0"

    def __init__(self, *_, **__):
        pass

    def detect(self, text, told=None):  # noqa: ARG002
        first = text.split(" ")[0]
        return Language(code=first if len(first) == 2 else UNDETERMINED, confidence=0.5)


def route(task, output, labels, **fields):
    known = {"head": f"{task}/x", "model": "small", "languages": frozenset({"en"})}
    return Route(task=task, output=output, labels=labels, texts="comments", **known | fields)


ROUTES = (
    route("toxicity", "toxic", ("clean", "toxic")),
    route("toxicity_kinds", "kinds", ("insult",), multi_label=True),
    route("toxic_spans", "marks", ("toxic",), multi_label=True, thresholds=(0.5,)),
)


@pytest.fixture
def opened(monkeypatch, small_manifest):
    """Opens an analyzer on the fake graph, with some routes."""
    monkeypatch.setattr(opening, "OnnxSession", FakeGraph)
    monkeypatch.setattr(inference, "LanguageDetector", FakeDetector)
    FakeGraph.batches, FakeGraph.failing = 0, False
    analyzers = []

    def open_analyzer(routes=ROUTES, of=small_manifest):
        everything = (*of.routes, *routes)
        fields = {"folder": of.folder, "models": of.models, "routes": everything}
        analyzers.append(CommentAnalyzer(type(of)(**fields), INFERENCE))
        return analyzers[-1]

    yield open_analyzer
    for analyzer in analyzers:
        analyzer.close()


def analyze(analyzer, *asked):
    async def all_of_them():
        return await asyncio.gather(*(analyzer.analyze(*args) for args in asked))

    return asyncio.run(all_of_them())


def test_every_head_answers_from_one_pass(opened):
    (found,) = analyze(opened(), ("en you fool",))
    assert found.language.code == "en"
    assert found.toxicity == Toxicity(overall=1.0, insult=0.9999)
    assert found.toxic_spans == ((0, 2),)
    assert found.sentiment is found.emotions is found.basic_emotions is None
    assert found.model_versions == {
        "language": "lid176-1.2+fake-0",
        "toxicity": "small-1.2",
        "toxicity_kinds": "small-1.2",
        "toxic_spans": "small-1.2",
    }
    assert FakeGraph.batches == 1


def test_routes_of_articles_are_not_asked(opened):
    (found,) = analyze(opened(), ("en you fool",))
    assert "embedding" not in found.model_versions


def test_language_without_models_gives_nothing_and_is_counted(opened):
    analyzer = opened()
    (found,) = analyze(analyzer, ("de du Narr",))
    assert found.toxicity is found.toxic_spans is None
    assert analyzer.stats.uncovered_tasks == dict.fromkeys(
        ("toxicity", "toxicity_kinds", "toxic_spans"), 1
    )


def test_kinds_alone_are_no_toxicity(opened):
    (found,) = analyze(opened(ROUTES[1:]), ("en you fool",))
    assert found.toxicity is None
    assert found.toxic_spans == ((0, 2),)


def test_told_language_decides_only_where_detection_cannot(opened):
    found = analyze(opened(), ("fool!!", "en"), ("fool!!",), ("de fool", "en"))
    assert [analysis.language.code for analysis in found] == ["en", UNDETERMINED, "de"]


def test_equal_comments_are_read_once(opened):
    analyzer = opened()
    analyze(analyzer, *[("en you fool",)] * 5)
    assert FakeGraph.batches == 1
    assert (analyzer.stats.texts, analyzer.stats.cache_hits) == (5, 4)


def test_failure_is_raised_and_not_kept(opened):
    analyzer = opened()
    FakeGraph.failing = True
    with pytest.raises(InferenceError, match="told to fail"):
        analyze(analyzer, ("en you fool",))
    FakeGraph.failing = False
    assert analyze(analyzer, ("en you fool",))[0].toxicity


def test_classifiers_over_ngrams_answer_beside_graphs(opened, small_manifest, tmp_path, sha256):
    file = small_manifest.folder / "ngrams.safetensors"
    save_file(
        {
            "grams": np.array([5, 2, 0]),
            "de.hashes": np.arange(16, dtype=np.uint32),
            "de.rarity": np.ones(16, np.float16),
            "de.weights": np.zeros((16, 2), np.int8),
            "de.scales": np.ones(2, np.float32),
            "de.bias": np.array([0.0, 9.0], np.float32),
        },
        file,
    )
    entry = ModelEntry(
        version="3",
        kind="ngrams",
        file=file,
        sha256=sha256(file),
        licence="Apache-2.0",
        source="made by the tests",
        card="CARD.md",
    )
    manifest = small_manifest.model_copy(
        update={"models": small_manifest.models | {"linear": entry}}
    )
    german = route(
        "toxicity", "de", ("clean", "toxic"), model="linear", languages=frozenset({"de"})
    )
    analyzer = opened((*ROUTES, german), manifest)
    analyzer.warm_up()
    found = analyze(analyzer, ("de du Narr",), ("en you fool",))
    assert found[0].toxicity == Toxicity(overall=0.9999)
    assert found[0].model_versions["toxicity"] == "linear-3"
    assert found[1].toxic_spans == ((0, 2),)


def test_output_that_a_graph_lacks_is_told_at_the_start(opened):
    wrong = route("toxicity", "absent", ("clean", "toxic"))
    with pytest.raises(ModelFileError, match="names output absent of model small"):
        opened((wrong,)).warm_up()


def test_task_without_a_head_is_refused(opened):
    with pytest.raises(ModelFileError, match="task weather for comments"):
        opened((route("weather", "toxic", ()),))
