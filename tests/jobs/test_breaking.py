"""Settings reach the operators of `breaking`, in the operators' units."""

from pathlib import Path

import cloudpickle
import pytest

from jobs import breaking
from jobs.runtime.breaking_settings import BreakingSettings
from jobs.runtime.settings import load
from models.breaking import scorer
from models.stories.neighbourhood import Tidying

DAY_S = 24 * 3600
DESK = "[sport]\nsources = 5\nhours = 2\nalerts_per_day = 3\nleast_sources = 2\n"


def settings(*overrides):
    return load(BreakingSettings, environment={}, overrides=overrides)


OPERATORS = [
    breaking.read_articles,
    breaking.read_commands,
    breaking.read_demand,
    breaking.accept_commands,
    breaking.place_articles,
    breaking.watch_desks,
    breaking.tell_stories,
    breaking.write_alerts,
]


def test_tolerances_reach_the_reader():
    operator = breaking.read_articles(settings("ahead_tolerance_s=7", "future_tolerance_s=8"))
    assert (operator._ahead_ms, operator._future_ms) == (7_000, 8_000)


def test_window_reaches_the_placing_operator_and_its_memory_outlives_it():
    operator = breaking.place_articles(settings("story_window_s=3600", "tidy_every_s=60"))
    assert operator._clustering.window_ms == 3_600_000
    assert operator._tidying == Tidying(every_ms=60_000)
    assert operator._memory_s == 3600 + DAY_S


def test_desks_reach_every_operator_that_knows_them(tmp_path):
    path = tmp_path / "desks.toml"
    path.write_text(DESK)
    s = settings(f"desks_file={path}")
    assert [desk.name for desk in breaking.place_articles(s)._desks] == ["sport"]
    assert list(breaking.watch_desks(s)._desks) == ["sport"]
    assert breaking.accept_commands(s)._desks == ["sport"]
    assert breaking.address_windows(s)._desks == ["sport"]
    assert breaking.read_demand(s)._desks == ["sport"]


def test_terms_of_alerts_reach_the_desks():
    operator = breaking.watch_desks(
        settings("alert_lifetime_s=1", "default_mute_s=2", "stale_after_s=3")
    )
    terms = operator._terms
    assert (terms.alert_ms, terms.mute_ms, terms.stale_ms) == (1000, 2000, 3000)
    assert terms.model_versions["scorer"] == scorer.read().version


def test_scorer_of_ones_own_reaches_the_desks(tmp_path):
    path = tmp_path / "scorer.json"
    path.write_bytes(scorer.SHIPPED.read_bytes())
    assert breaking.watch_desks(settings(f"scorer_file={path}"))._scorer_file == path


def test_settings_of_redis_reach_the_writers():
    s = settings(
        "redis_url=redis://:word@r.example:1/2", "redis_ttl_s=3", "redis_retry_s=4", "top_stories=9"
    )
    alerts = breaking.write_alerts(s)
    assert alerts._url == "redis://:word@r.example:1/2"
    assert (alerts._ttl_s, alerts._retry_s) == (3, 4.0)
    assert breaking.tell_stories(s)._redis == {
        "redis_url": "redis://:word@r.example:1/2",
        "ttl_s": 3,
        "retry_s": 4.0,
        "top": 9,
    }


@pytest.mark.parametrize("operator_of", OPERATORS)
def test_registry_reaches_the_operator(operator_of):
    operator = operator_of(
        settings("schema_registry_url=mock://test", "schema_registry_auth=user:word")
    )
    assert operator._registry == ("mock://test", "user:word")


@pytest.mark.parametrize("operator_of", OPERATORS)
def test_operator_pickles(operator_of):
    operator = operator_of(settings())
    again = cloudpickle.loads(cloudpickle.dumps(operator))
    assert type(again) is type(operator)
    assert again._registry == operator._registry


def test_files_must_be_named_whole():
    with pytest.raises(Exception, match="absolute"):
        settings("desks_file=desks.toml")
    assert settings("desks_file=/desks.toml").desks_file == Path("/desks.toml")
