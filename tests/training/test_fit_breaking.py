"""The simulated scorer: reproducible, and honest about where it comes from."""

from datetime import date

import numpy as np
import pytest

from bench.arrivals import Arrival, Assumptions
from models.breaking import budget, fit
from models.breaking.budget import Peaks
from training import fit_breaking
from training.fit_breaking import IGNORED, OUTCOME, first_reports, learn

NEWS = Assumptions(stories_an_hour=20.0, branching=(1.0, 2.5), events=0.08)
DAY = date(2026, 11, 21)


@pytest.fixture(scope="module")
def learned():
    with pytest.MonkeyPatch.context() as small:
        small.setattr(fit, "TREES", 10)
        small.setattr(fit_breaking, "OUTCOMES", (OUTCOME,))
        yield [learn(NEWS, days=8, seed=3, version="simulated-test", dated=DAY) for _ in range(2)]


def test_same_arguments_give_the_same_scorer(learned):
    assert learned[0] == learned[1]


def test_scorer_says_what_it_learned_from(learned):
    told = learned[0].scorer.metadata
    assert "simulated" in told["fitted_on"]
    assert told["date"] == "2026-11-21"
    assert float(told["simulated_broke_per_day"]) == pytest.approx(
        learned[0].broke_per_day, abs=0.1
    )


def test_what_the_simulation_knows_nothing_of_is_not_read(learned):
    forest = learned[0].scorer.forest
    used = {forest.names[column] for column in forest.feature if column >= 0}
    assert not used & set(IGNORED)


def test_prior_keeps_the_budget_on_the_simulated_days(learned):
    prior = learned[0].scorer.prior
    level = budget.threshold(Peaks(), 5, prior=prior)
    assert sum(peak >= level for day in prior.scores for peak in day) <= 5 * len(prior.days)


def test_more_sources_never_lower_the_score(learned):
    scorer = learned[0].scorer
    row = np.zeros((5, len(scorer.forest.names)))
    row[:, scorer.forest.names.index("reach")] = np.linspace(0, 1, 5)
    assert (np.diff(scorer.forest.margins(row)) >= 0).all()


def test_reprints_and_what_comes_after_the_end_are_no_reports():
    def arrival(source: int, at_ms: int, reprint: bool = False) -> Arrival:
        return Arrival(1, source, at_ms, at_ms, reprint)

    rows = first_reports([arrival(2, 20), arrival(1, 10), arrival(3, 15, True), arrival(4, 99)], 50)
    assert [row.source for row in rows] == ["1", "2"]
