import json
import random
from collections.abc import Iterator

import numpy as np
import pytest

from evaluation import alert_figures, breaking, pickup_replay
from evaluation.alert_figures import Ending
from evaluation.pickup_replay import Row
from evaluation.rows import WrongRowError
from models.breaking import budget, fit, scorer
from models.breaking.budget import Peaks
from models.breaking.outcome import HOUR_MS, Outcome
from schemas.errors import SetupError

DAY_MS = 24 * HOUR_MS
OUTCOME = Outcome(20, 3.0)


def stream(days: int = 4, seed: int = 1) -> list[Row]:
    """Ten stories a day; every fifth breaks within an hour, the others reach eight sources."""
    chance = random.Random(seed)
    rows = []
    for day in range(days):
        for number in range(10):
            born = day * DAY_MS + number * 2 * HOUR_MS
            breaks = number % 5 == 0
            for source in range(25 if breaks else 8):
                pace = 2 if breaks else 15
                at = born + round(source * pace * 60_000 * chance.uniform(0.8, 1.2))
                rows.append(Row(f"{day}.{number}", f"s{chance.randrange(500)}", at))
    return sorted(rows, key=lambda row: row.published_ms)


@pytest.fixture(scope="module")
def report() -> Iterator[breaking.Report]:
    with pytest.MonkeyPatch.context() as small:
        small.setattr(fit, "TREES", 20)
        small.setattr(fit, "FEWEST_IN_LEAF", 10)
        yield breaking.report(pickup_replay.replay(stream(), OUTCOME, 2 * DAY_MS), 2 * DAY_MS)


def test_stories_born_later_are_reported(report):
    assert (report.stories, report.broke) == (20, 4)


def test_json_has_what_the_contract_names(report):
    told = json.loads(json.dumps(report.to_json()))
    assert set(told["by_budget"]) == {"5", "12", "25"}
    assert {"alerts_per_day", "precision", "recall", "lead_min"} <= set(told["by_budget"]["12"])
    assert {"brier", "ece", "baselines"} <= set(told)
    assert all("by_budget" in rule for rule in told["baselines"].values())


def test_no_budget_is_overdrawn(report):
    for points in (report.by_budget, *report.baselines.values()):
        for alerts, point in points.items():
            assert point.alerts_per_day <= alerts
            assert 0 <= point.precision <= 1
            assert 0 <= point.recall <= 1


def test_rule_of_sources_in_a_quarter_of_an_hour_finds_the_stories_that_break(report):
    point = report.baselines["n sources in 15 min"][5]
    assert point.recall == 1.0
    assert point.precision >= 4 / 9  # the lowest threshold that keeps the budget
    assert point.lead_min is not None
    assert point.lead_min > 0


def test_moments_stop_where_the_story_has_broken():
    replayed = pickup_replay.replay(stream(), OUTCOME, 2 * DAY_MS)
    sources = replayed.evidence[:, 2]
    assert sources.max() == OUTCOME.sources - 1
    assert sum(story.broke_ms is not None for story in replayed.stories) == 8


def test_scorer_learns_from_smaller_and_larger_outcomes_too():
    others = pickup_replay.wider(OUTCOME)
    assert {other.hours for other in others} == {OUTCOME.hours}
    assert min(others, key=lambda o: o.sources).sources < OUTCOME.sources
    replayed = pickup_replay.replay(stream(), OUTCOME, 2 * DAY_MS, others)
    plain = pickup_replay.replay(stream(), OUTCOME, 2 * DAY_MS)
    assert (replayed.evidence == plain.evidence).all()
    assert replayed.stories == plain.stories
    for other in replayed.wider:
        sources = other.evidence[:, 2]
        assert sources.max() < other.outcome.sources
    broke = [sum(s.broke_ms is not None for s in other.stories) for other in replayed.wider]
    assert broke == sorted(broke, reverse=True)


def test_source_counts_once_as_in_the_job():
    rows = stream()
    again = sorted(
        [*rows, *(row._replace(published_ms=row.published_ms + 1) for row in rows)],
        key=lambda row: row.published_ms,
    )
    one, both = (pickup_replay.replay(each, OUTCOME, 2 * DAY_MS) for each in (rows, again))
    assert (one.evidence == both.evidence).all()


def test_scores_of_the_job_hold_until_it_tells_another():
    replayed = pickup_replay.replay(stream(), OUTCOME, 2 * DAY_MS)
    place = replayed.story[0]
    name = replayed.stories[place].name
    times = replayed.evidence[replayed.story == place, 0]
    said = [breaking.Said(name, int(times[1]), 0.4), breaking.Said(name, int(times[3]), 0.7)]
    found = breaking.scores_of(replayed, said)[replayed.story == place]
    assert found[:5].tolist() == [0.0, 0.4, 0.4, 0.7, 0.7]


def test_scores_that_are_not_the_replays_are_counted():
    replayed = pickup_replay.replay(stream(), OUTCOME, 2 * DAY_MS)
    shipped, levels = breaking.scorer_of(replayed, 2 * DAY_MS, scorer.read())
    told = breaking.reported(replayed, 2 * DAY_MS, shipped, levels, breaking.Judged([], 3))
    assert told.job.astray == 3
    assert 0 < told.job.differ <= told.job.moments
    assert told.brier == 0.0


def test_stream_in_which_nothing_breaks_cannot_be_reported():
    replayed = pickup_replay.replay(stream(), Outcome(500, 3.0), 2 * DAY_MS)
    with pytest.raises(SetupError, match="none breaks"):
        breaking.report(replayed, 2 * DAY_MS)


def test_given_scorer_is_judged_as_it_is_on_a_stream_in_which_nothing_breaks():
    shipped = scorer.read()
    replayed = pickup_replay.replay(stream(), Outcome(500, 3.0), 2 * DAY_MS)
    told = breaking.report(replayed, 2 * DAY_MS, shipped)
    assert told.scorer is shipped
    assert told.broke == 0
    assert all(point.alerts_per_day == 0 for point in told.as_set.values())
    assert all(point.recall == 0 for point in told.as_set.values())


def test_given_scorer_begins_at_the_threshold_of_a_new_desk():
    shipped = scorer.read()
    replayed = pickup_replay.replay(stream(), OUTCOME, 2 * DAY_MS)
    urgent = np.zeros(len(replayed.story))
    levels = alert_figures.thresholds(replayed, urgent, (5, 25), (), shipped.prior)
    assert {n: level[0] for n, level in levels.items()} == {
        n: budget.threshold(Peaks(), n, prior=shipped.prior) for n in (5, 25)
    }
    told = breaking.report(replayed, 2 * DAY_MS, shipped)
    assert json.loads(json.dumps(told.to_json()))["scorer"] == shipped.version


def test_desk_asks_less_when_stories_rise_less_than_before():
    replayed = pickup_replay.replay(stream(), OUTCOME, 2 * DAY_MS)
    busy = [Ending(-DAY_MS + n, 0.9) for n in range(10)]
    low = np.full(len(replayed.story), 0.3)
    (levels,) = alert_figures.thresholds(replayed, low, (5,), busy, Peaks()).values()
    assert levels[0] > 0.9
    assert (np.diff(levels) <= 0).all()
    assert levels[-1] == 0.9


def test_desk_learns_of_a_story_when_its_time_is_over():
    replayed = pickup_replay.replay(stream(), OUTCOME, 2 * DAY_MS)
    urgent = np.full(len(replayed.story), 0.5)
    ended = min(ending.ended_ms for ending in alert_figures.endings(replayed, urgent))
    (levels,) = alert_figures.thresholds(replayed, urgent, (1,), (), Peaks()).values()
    at_ms = replayed.evidence[:, 0]
    assert set(levels[at_ms < ended]) == {budget.LEAST_SCORE}
    assert levels[at_ms > ended + HOUR_MS][0] > 0.5


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("[]", "line 2: not a JSON object"),
        ("{", "line 2: not a JSON object"),
        ('{"story": "a", "published_ms": 1}', "line 2: there is no 'source'"),
        ('{"story": "", "source": "b", "published_ms": 1}', "line 2: story is ''; expected text"),
        ('{"story": "a", "source": "b", "published_ms": 1.5}', "line 2: published_ms is 1.5"),
        ('{"story": "a", "source": "b", "published_ms": true}', "line 2: published_ms is True"),
        (r'{"story": "\ud83d", "source": "b", "published_ms": 1}', "line 2: story is not valid"),
        ('{"story": "a", "source": "\udcff", "published_ms": 1}', "line 2: source is not valid"),
    ],
)
def test_wrong_row_stops_with_file_line_and_reason(tmp_path, line, reason):
    file = tmp_path / "rows.jsonl"
    good = '{"id": "1", "story": "a", "source": "b", "published_ms": 1}\n'
    file.write_text(good + line, "utf-8", "surrogateescape")
    with pytest.raises(WrongRowError, match=f"rows.jsonl, {reason}"):
        list(pickup_replay.read(str(file)))


def test_empty_file_is_named(tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text("\n")
    with pytest.raises(SetupError, match="has no rows"):
        list(pickup_replay.read(str(file)))
