from operator import attrgetter

from jobs import enrich
from jobs.runtime.enrich_settings import EnrichSettings
from jobs.runtime.settings import load
from models.usual_analyzer import usual_analyzer_config


def test_answers_are_the_jobs_when_nothing_is_set():
    job = enrich.analyzer_config(load(EnrichSettings, environment={}, overrides=[]))
    ours = usual_analyzer_config(threads=job.threads)
    answering = attrgetter(
        "provider", "heads", "summarizer", "language_min_confidence", "language_high_accuracy"
    )
    assert answering(ours) == answering(job)
