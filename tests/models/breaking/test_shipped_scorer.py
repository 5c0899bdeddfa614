"""The scorer that a job begins with, on the demo's news: one story breaks, the rest is silent."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from local.demo import corpus
from models.breaking import budget, pickups, rhythm, scorer, traffic
from models.breaking.alerting import Policy
from models.breaking.budget import Peaks
from models.breaking.evidence import gather
from models.breaking.outcome import Outcome
from models.breaking.pickups import Pickup, Pickups

START_MS = 1_767_607_200_000
MINUTE_MS = 60_000


class Moment(NamedTuple):
    story: str
    minute: float
    sources: int
    score: float


@pytest.fixture(scope="module")
def shipped() -> scorer.Scorer:
    return scorer.read()


def moments(shipped: scorer.Scorer, outcome: Outcome) -> Iterator[Moment]:
    """English demo news as a desk that has just begun sees it: owners count once, copies never."""
    week, stream = rhythm.profile(rhythm.Rhythm()), traffic.Traffic()
    states: dict[str, Pickups] = {}
    seen: dict[str, int] = {}
    for article in corpus.articles():
        if article.language != "en" or article.copy_of:
            continue
        source, at_ms = article.owner or article.source, START_MS + article.offset_ms
        story = article.story or article.article_id
        stream = traffic.count(stream, at_ms)
        idle = pickups.idleness(seen.get(source), at_ms)
        seen[source] = at_ms
        past = states.get(story, Pickups())
        state = pickups.add(past, Pickup(source, at_ms, idle), capacity=1000)
        if state is past:
            continue
        states[story] = state
        evidence = gather(state, stream, week, outcome, at_ms)
        score = shipped.probability(evidence, outcome).value
        minute = article.offset_ms / MINUTE_MS
        yield Moment(story, minute, len(state.times_ms), score)


def test_says_that_it_is_simulated(shipped):
    assert shipped.version.startswith("simulated")
    assert "simulated" in shipped.metadata["fitted_on"]
    assert {"date", "seed", "assumptions", "outcomes"} <= set(shipped.metadata)


def test_first_threshold_of_a_new_desk_is_sane(shipped):
    levels = [budget.threshold(Peaks(), alerts, prior=shipped.prior) for alerts in (25, 12, 5)]
    assert 0.2 < levels[0] < levels[1] < levels[2] < 0.99


@pytest.mark.parametrize("outcome", [Outcome(10, 2.0), Outcome(8, 2.0)])
def test_breaking_story_passes_the_threshold_before_it_has_broken(shipped, outcome):
    level = budget.threshold(Peaks(), 12, prior=shipped.prior)
    found = [m for m in moments(shipped, outcome) if m.story == corpus.BREAKING]
    first = next(m for m in found if m.score >= level)
    assert first.sources < Policy.latest_reach * outcome.sources
    assert first.minute - found[0].minute < 5


def test_nothing_else_comes_near(shipped):
    level = budget.threshold(Peaks(), 12, prior=shipped.prior)
    peaks: dict[str, float] = {}
    for moment in moments(shipped, Outcome(10, 2.0)):
        peaks[moment.story] = max(peaks.get(moment.story, 0.0), moment.score)
    breaking = peaks.pop(corpus.BREAKING)
    assert max(peaks.values()) < level
    assert breaking - max(peaks.values()) > 0.2


def test_story_of_one_source_scores_next_to_nothing(shipped):
    for outcome in (Outcome(5, 1.0), Outcome(10, 2.0), Outcome(40, 6.0)):
        assert all(m.score < 0.1 for m in moments(shipped, outcome) if m.sources == 1)
