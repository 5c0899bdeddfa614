"""`--through-flink` of `wiredesk evaluate stories | breaking`: the job itself gives the answers."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from evaluation import known_stories
from evaluation.breaking import Judged
from evaluation.pickup_replay import Row
from evaluation.stories import Placements, end_of, stories_of
from local import through_flink
from models.breaking import scorer
from models.breaking.outcome import Outcome
from models.breaking.scorer import Scorer
from models.stories import clustering
from schemas.enriched_article import EnrichedArticle

DESK = """[replay]
sources = {sources}
hours = {hours!r}
alerts_per_day = 12.0
least_sources = {least_sources}
"""

DAY_MS = 24 * 3_600_000


def place(
    articles: Sequence[EnrichedArticle], decisions: Path, *, parallelism: int = 1
) -> Placements:
    """Let the job place articles, by the decisions of a file."""
    window_ms = clustering.read(decisions).window_ms
    ran = through_flink.run(
        [*articles, end_of(articles)],
        [f"stories_file={decisions}", f"story_window_s={window_ms // 1000}"],
        parallelism=parallelism,
    )
    return Placements(ran.placed, ran.news)


def judge(rows: Sequence[Row], outcome: Outcome, first_look: int, given: Scorer) -> Judged:
    """Let the job score known stories at a desk with an outcome, by a scorer.

    No story expires: the rows say what belongs together.
    """
    articles = known_stories.articles_of(rows)
    lasts_ms = rows[-1].published_ms - rows[0].published_ms + DAY_MS
    with TemporaryDirectory(prefix="wiredesk-") as folder:
        scorer_file, desks_file = Path(folder) / "scorer.json", Path(folder) / "desks.toml"
        scorer.write(given, scorer_file)
        wanted = DESK.format(sources=outcome.sources, hours=outcome.hours, least_sources=first_look)
        desks_file.write_text(wanted, "utf-8")
        ran = through_flink.run(
            articles,
            [
                f"scorer_file={scorer_file}",
                f"desks_file={desks_file}",
                f"story_window_s={lasts_ms // 1000}",
            ],
        )
    stories = stories_of(articles, Placements(ran.placed, ran.news))
    story_of = {each.article_id: story for each, story in zip(articles, stories, strict=True)}
    return known_stories.judged(rows, story_of, ran.scores)
