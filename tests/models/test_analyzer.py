"""A text in, every task's answer out: one pass, a cache, and nothing made up."""

import asyncio
import threading
from contextlib import closing
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from inference_configs import ANALYZER

from models import inference, opening
from models.analyzer import Analyzer
from models.language import LANGUAGE_MODEL, LanguageDetector
from models.manifest import Manifest, Route
from models.text import ArticleText
from schemas.enriched_article import Language
from schemas.errors import InferenceError, ModelFileError

WIDTH = 4


class FakeGraph:
    """Stands where an ONNX session stands; fails or waits when told to."""

    opened: ClassVar[list["FakeGraph"]] = []

    def __init__(self, _path, provider, **_):
        self.provider = provider
        self.batch_sizes = []
        self.failing = False
        self.free = threading.Event()
        self.free.set()
        FakeGraph.opened.append(self)

    def run(self, inputs):
        rows = len(inputs["input_ids"])
        self.batch_sizes.append(rows)
        assert self.free.wait(10)
        if self.failing:
            raise InferenceError("told to fail")
        lengths = inputs["attention_mask"].sum(axis=1)
        return {
            "sentence_embedding": np.repeat(lengths[:, None], WIDTH, 1).astype(np.float32),
            "other": np.zeros((rows, WIDTH), np.float32),
        }


class FakeDetector:
    """Takes the first word of a text for its language."""

    second_opinion = "fake-0"

    def __init__(self, *_, **__):
        pass

    def detect(self, text, told=None):  # noqa: ARG002
        return Language(code=text.split()[0], confidence=0.75)


@pytest.fixture
def opened(monkeypatch, small_manifest):
    """Opens an analyzer on a fake graph, with the small manifest or a changed one."""
    monkeypatch.setattr(opening, "OnnxSession", FakeGraph)
    monkeypatch.setattr(inference, "LanguageDetector", FakeDetector)
    FakeGraph.opened = []
    analyzers = []

    def open_analyzer(of=small_manifest, **changes):
        analyzers.append(Analyzer(of, replace(ANALYZER, **changes)))
        return analyzers[-1]

    yield open_analyzer
    for graph in FakeGraph.opened:
        graph.free.set()
    for open_one in analyzers:
        open_one.close()


@pytest.fixture
def graph(opened):
    """The fake graph of an analyzer that is opened later."""

    class Latest:
        def __getattr__(self, name):
            return getattr(FakeGraph.opened[-1], name)

        def __setattr__(self, name, value):
            setattr(FakeGraph.opened[-1], name, value)

    return Latest()


def rerouted(manifest: Manifest, **changes) -> Manifest:
    """The small manifest with its route changed."""
    return with_routes(manifest, manifest.routes[0].model_copy(update=changes))


def with_routes(manifest: Manifest, *routes: Route) -> Manifest:
    """The small manifest with these routes instead."""
    return Manifest(folder=manifest.folder, models=manifest.models, routes=routes)


def english(words):
    return ArticleText("en " + words, "")


async def test_covered_language_is_answered_with_the_version_of_each_model(opened):
    analysis = await opened().analyze(english("bridge reopens"))
    assert analysis.language.code == "en"
    assert analysis.answers.keys() == {"embedding", "tags"}
    assert len(analysis.answers["embedding"]) == 2 * WIDTH
    assert analysis.model_versions == {
        "language": f"{LANGUAGE_MODEL}-1.2+fake-0",
        "embedding": "small-1.2",
    }


async def test_uncovered_language_gets_no_answer_and_is_counted(opened, graph):
    opened_one = opened()
    analysis = await opened_one.analyze(ArticleText("tlh Qapla'", ""))
    assert analysis.language.code == "tlh"
    assert analysis.answers == {}
    assert analysis.model_versions.keys() == {"language"}
    assert opened_one.stats.uncovered_tasks == {"embedding": 1}
    assert graph.batch_sizes == []


async def test_tags_come_without_a_model_where_there_are_stop_words(opened):
    analysis = await opened().analyze(
        ArticleText("en Harbour bridge reopens", "The harbour bridge, the old harbour bridge.")
    )
    assert analysis.answers["tags"] == ["harbour bridge"]


async def test_several_heads_of_one_name_answer_each_with_its_output(opened, small_manifest):
    english_route = small_manifest.routes[0]
    other = english_route.model_copy(update={"output": "other", "languages": frozenset({"de"})})
    opened_one = opened(with_routes(small_manifest, english_route, other))
    english_text = await opened_one.analyze(english("bridge"))
    german_text = await opened_one.analyze(ArticleText("de Brücke", ""))
    assert np.frombuffer(english_text.answers["embedding"], "<f2")[0] > 0
    assert not np.frombuffer(german_text.answers["embedding"], "<f2").any()


async def test_equal_text_is_answered_from_the_cache(opened, graph):
    opened_one = opened()
    first = await opened_one.analyze(english("bridge reopens"))
    assert await opened_one.analyze(english("bridge reopens")) is first
    assert graph.batch_sizes == [1]
    assert (opened_one.stats.texts, opened_one.stats.cache_hits) == (2, 1)


async def test_concurrent_equal_texts_are_analysed_once(opened, graph):
    opened_one = opened()
    texts = [english("bridge reopens")] * 5 + [english("harbour closes")]
    await asyncio.gather(*map(opened_one.analyze, texts))
    assert sum(graph.batch_sizes) == 2
    assert opened_one.stats.cache_hits == 4


async def test_cached_answer_expires(opened, graph):
    opened_one = opened(cache_ttl_s=0.01)
    await opened_one.analyze(english("bridge reopens"))
    await asyncio.sleep(0.02)
    await opened_one.analyze(english("bridge reopens"))
    assert graph.batch_sizes == [1, 1]


async def test_cache_keeps_only_so_many_texts(opened, graph):
    opened_one = opened(cache_entries=2)
    for words in ("one", "two", "three", "one"):
        await opened_one.analyze(english(words))
    assert opened_one.stats.cache_hits == 0
    await opened_one.analyze(english("one"))
    assert opened_one.stats.cache_hits == 1


async def test_without_cache_every_text_is_analysed(opened, graph):
    opened_one = opened(cache_entries=0)
    await asyncio.gather(*map(opened_one.analyze, [english("bridge reopens")] * 3))
    assert sum(graph.batch_sizes) == 3
    assert opened_one.stats.cache_hits == 0


async def test_failure_is_told_and_not_kept(opened, graph):
    opened_one = opened()
    graph.failing = True
    with pytest.raises(InferenceError, match="told to fail"):
        await opened_one.analyze(english("bridge reopens"))
    graph.failing = False
    assert (await opened_one.analyze(english("bridge reopens"))).answers
    assert opened_one.stats.cache_hits == 0


async def test_failure_reaches_every_caller_of_an_equal_text(opened, graph):
    opened_one = opened()
    graph.failing = True
    failures = await asyncio.gather(
        *map(opened_one.analyze, [english("bridge reopens")] * 3), return_exceptions=True
    )
    assert [type(failure) for failure in failures] == [InferenceError] * 3


async def until(satisfied):
    async with asyncio.timeout(60):
        while not satisfied():
            await asyncio.sleep(0.001)


async def begun(graph):
    """Until the model reads its first batch."""
    await until(lambda: graph.batch_sizes)


async def test_cancelled_caller_does_not_take_the_answer_from_others(opened, graph):
    opened_one = opened()
    graph.free.clear()
    first = asyncio.create_task(opened_one.analyze(english("bridge reopens")))
    second = asyncio.create_task(opened_one.analyze(english("bridge reopens")))
    await begun(graph)
    first.cancel()
    graph.free.set()
    async with asyncio.timeout(5):
        assert (await second).answers


async def test_cancelled_first_caller_leaves_the_text_to_one_of_the_others(opened, graph):
    opened_one = opened()
    graph.free.clear()
    first, *others = (
        asyncio.create_task(opened_one.analyze(english("bridge reopens"))) for _ in range(4)
    )
    await begun(graph)
    first.cancel()
    await asyncio.wait([first])
    assert first.cancelled()
    graph.free.set()
    async with asyncio.timeout(5):
        one, *rest = await asyncio.gather(*others)
    assert one.answers
    assert all(analysis is one for analysis in rest)
    assert graph.batch_sizes == [1, 1]
    assert opened_one.stats.cache_hits == 2
    assert await opened_one.analyze(english("bridge reopens")) is one


async def test_cancelled_caller_that_waited_leaves_the_text_to_the_first(opened, graph):
    opened_one = opened()
    graph.free.clear()
    first, second = (
        asyncio.create_task(opened_one.analyze(english("bridge reopens"))) for _ in range(2)
    )
    await begun(graph)
    second.cancel()
    await asyncio.wait([second])
    assert second.cancelled()
    graph.free.set()
    async with asyncio.timeout(5):
        assert (await first).answers
    assert graph.batch_sizes == [1]


async def test_callers_of_an_equal_text_that_are_cancelled_together_all_end(opened, graph):
    opened_one = opened()
    graph.free.clear()
    callers = [asyncio.create_task(opened_one.analyze(english("bridge reopens"))) for _ in range(3)]
    await begun(graph)
    for caller in callers:
        caller.cancel()
    ended, _ = await asyncio.wait(callers, timeout=5)
    assert ended == set(callers)
    assert all(caller.cancelled() for caller in callers)
    assert graph.batch_sizes == [1]


async def test_texts_share_a_batch_while_the_model_is_busy(opened, graph):
    opened_one = opened()
    graph.free.clear()
    first = asyncio.create_task(opened_one.analyze(english("0")))
    await begun(graph)
    others = asyncio.gather(*(opened_one.analyze(english(f"{n}")) for n in range(1, 9)))
    await until(lambda: [batcher.depth for batcher in opened_one.batchers.values()] == [8])
    graph.free.set()
    async with asyncio.timeout(5):
        await asyncio.gather(first, others)
    assert graph.batch_sizes == [1, 8]


def test_task_without_a_head_is_refused(opened, small_manifest):
    with pytest.raises(ModelFileError, match=r"routes task horoscope.*only for .*embedding"):
        opened(rerouted(small_manifest, task="horoscope"))


def test_output_that_the_graph_lacks_is_refused_before_the_first_text(opened, small_manifest):
    broken = opened(rerouted(small_manifest, output="no_such_output"))
    with pytest.raises(ModelFileError, match="no_such_output"):
        broken.warm_up()


def test_labels_that_the_output_lacks_are_refused_before_the_first_text(opened, small_manifest):
    labels = ("negative", "neutral", "positive")
    broken = opened(rerouted(small_manifest, task="sentiment", labels=labels))
    with pytest.raises(ModelFileError, match=f"3 labels, but output .* has {WIDTH} columns"):
        broken.warm_up()


def test_model_that_fails_on_any_text_is_refused_before_the_first_text(opened, graph):
    """Otherwise a broken model would turn every article into a dead letter."""
    broken = opened()
    graph.failing = True
    with pytest.raises(ModelFileError, match="model small fails on a plain text: told to fail"):
        broken.warm_up()


def test_model_without_token_limit_is_refused(opened, small_manifest):
    unlimited = small_manifest.models["small"].model_copy(update={"max_tokens": None})
    models = small_manifest.models | {"small": unlimited}
    with pytest.raises(ModelFileError, match="small has no max_tokens"):
        opened(small_manifest.model_copy(update={"models": models}))


FIELDS = {
    "embedding": {"embedding"},
    "entities": {"entities"},
    "importance": {"importance"},
    "sentiment": {"sentiment", "tone_score"},
    "summary": {"summary", "summary_method"},
    "topics": {"topics"},
}
"""What each task tells of an ordinary article."""


async def test_shipped_models_answer(monkeypatch, manifest, detector):
    monkeypatch.setattr(inference, "LanguageDetector", lambda *_, **__: detector)
    assert isinstance(detector, LanguageDetector)
    with closing(Analyzer(manifest, replace(ANALYZER, provider="auto"))) as real:
        real.warm_up()
        text = ArticleText("Bridge reopens", "The bridge in Paris was closed for two whole years.")
        analysis = await real.analyze(text)
    routes = manifest.routes_for("en")
    assert analysis.language.code == "en"
    assert analysis.answers.keys() == set().union({"tags"}, *(FIELDS[r.task] for r in routes))
    assert analysis.model_versions.keys() == {"language", *(route.task for route in routes)}
    vector = np.frombuffer(analysis.answers["embedding"], "<f2").astype(np.float32)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-2)
