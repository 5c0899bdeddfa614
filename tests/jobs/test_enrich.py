"""Settings reach the operators of `enrich`, in the operators' units."""

import cloudpickle
import pytest

from jobs.enrich import enrich_articles, write_articles
from jobs.runtime.enrich_settings import EnrichSettings
from jobs.runtime.settings import load
from models.analyzer import AnalyzerConfig
from models.batching import BatchPolicy
from models.generative import Endpoint
from models.heads import HeadOptions
from models.manifest import SHIPPED


def settings(*overrides):
    return load(EnrichSettings, environment={}, overrides=overrides)


def test_settings_of_the_models_reach_the_operator():
    operator = enrich_articles(
        settings(
            "inference_provider=cpu",
            "inference_threads=3",
            "inference_streams=4",
            "batch_max_tokens=100",
            "batch_max_count=5",
            "batch_deadline_ms=4",
            "cache_entries=6",
            "cache_ttl_s=7",
            "language_min_confidence=0.8",
            "language_accuracy=high",
            "topics_precision=0.7",
            "entities_min_score=0.4",
            "summary_max_sentences=2",
            "summary_max_characters=300",
            "summary_url=http://127.0.0.1:1/v1",
            "summary_model=writer",
            "summary_api_key=word",
            "summary_timeout_s=3",
            "tags_max=5",
        )
    )
    assert operator._config == AnalyzerConfig(
        provider="cpu",
        threads=3,
        streams=4,
        batch=BatchPolicy(max_tokens=100, max_count=5, deadline_s=0.004),
        cache_entries=6,
        cache_ttl_s=7,
        language_min_confidence=0.8,
        language_high_accuracy=True,
        heads=HeadOptions(
            topics_precision=0.7,
            entities_score=0.4,
            summary_sentences=2,
            summary_characters=300,
            tags=5,
        ),
        summarizer=Endpoint(
            url="http://127.0.0.1:1/v1",
            model="writer",
            api_key="word",
            timeout_s=3,
            max_sentences=2,
            max_characters=300,
        ),
    )


def test_models_of_ones_own_reach_the_operator(tmp_path):
    for file in SHIPPED.parent.iterdir():
        (tmp_path / file.name).symlink_to(file)
    own = tmp_path / SHIPPED.name
    operator = enrich_articles(settings(f"models_manifest={own}", "non_commercial_models=true"))
    assert operator._manifest == own
    assert operator._non_commercial is True
    assert enrich_articles(settings())._manifest == SHIPPED


def test_settings_of_redis_reach_the_operator():
    operator = write_articles(
        settings("redis_url=redis://:word@r.example:1/2", "redis_ttl_s=3", "redis_retry_s=4")
    )
    assert (operator._url, operator._ttl_s) == ("redis://:word@r.example:1/2", 3)
    assert operator._retry_s == 4.0


@pytest.mark.parametrize("operator_of", [enrich_articles, write_articles])
def test_registry_reaches_the_operator(operator_of):
    operator = operator_of(
        settings("schema_registry_url=mock://test", "schema_registry_auth=user:word")
    )
    assert operator._registry == ("mock://test", "user:word")
    assert operator_of(settings())._registry == (None, None)


@pytest.mark.parametrize("operator_of", [enrich_articles, write_articles])
def test_operator_pickles(operator_of):
    operator = operator_of(settings())
    assert vars(cloudpickle.loads(cloudpickle.dumps(operator))) == vars(operator)
