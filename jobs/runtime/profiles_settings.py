"""Knobs of the job `profiles`."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from jobs.runtime.settings import (
    AbsolutePath,
    JobSettings,
    own_consumer_group,
    own_transactional_ids,
)
from schemas.errors import SettingError

_DAY_S = 24 * 3600
_SLIDES_DIVIDE_S = 180
"""Windows of 15 minutes, 6 hours and a day slide by 1, 5 and 15 times a divisor of it."""


class ProfilesSettings(JobSettings):
    """Knobs of the job `profiles`."""

    transactional_id_prefix: str = own_transactional_ids("profiles")
    consumer_group: str = own_consumer_group("profiles")
    profile_keys_file: AbsolutePath | None = Field(
        default=None,
        description="key ring that profiles are sealed with, on every worker: `wiredesk keys "
        "create`; the job needs one, the local stack makes its own",
    )
    long_half_life_s: float = Field(
        default=14 * _DAY_S, gt=0, description="seconds until a reader's interest counts half"
    )
    session_half_life_s: float = Field(
        default=1800, gt=0, description="seconds until what was read in a visit counts half"
    )
    profile_retention_s: int = Field(
        default=90 * _DAY_S,
        gt=0,
        description="seconds a profile lives after the reader's last event: in state and in Redis; "
        "topic users.embeddings has its own retention",
    )
    reader_events_per_minute: int = Field(
        default=120, gt=0, description="events of one reader that count in a minute"
    )
    reads_max: int = Field(
        default=50, gt=0, description="last articles that a profile remembers as read"
    )
    event_ids_max: int = Field(
        default=64, gt=0, description="last event ids of a reader by which a repeat is known"
    )
    article_keep_s: int = Field(
        default=7 * _DAY_S, gt=0, description="seconds an article can be clicked with its vector"
    )
    article_wait_s: int = Field(
        default=60, ge=0, description="seconds an event waits for an article that is not there yet"
    )
    lists_fresh_s: int = Field(
        default=3600, gt=0, description="clicks that arrive later than this count in no list"
    )
    lists_slide_s: int = Field(
        default=60, gt=0, description="seconds between two lists of what is read; a divisor of 180"
    )
    popular_max: int = Field(default=200, gt=0, description="articles of a list of what is read")
    covisited_max: int = Field(default=50, gt=0, description="articles of a list of what is next")
    demand_every_s: int = Field(
        default=20, gt=0, description="seconds of a window of stories.demand"
    )
    demand_lateness_s: int = Field(
        default=10,
        ge=0,
        description="seconds that such a window waits for clicks on their way through the job: "
        "they are gathered there, and a backlog passes faster than it arose",
    )
    demand_max: int = Field(
        default=200, gt=0, description="stories that a window of stories.demand lists"
    )
    events_every_ms: int = Field(
        default=100,
        gt=0,
        description="milliseconds that records are gathered: they are decoded together",
    )
    profile_every_ms: int = Field(
        default=500,
        gt=0,
        description="milliseconds that events of readers are gathered: a profile is opened, sealed "
        "and told once for all of its reader's",
    )
    redis_batch_ms: int = Field(
        default=20, gt=0, description="milliseconds that lists for Redis are gathered"
    )
    source_idle_s: int = Field(
        default=5,
        gt=0,
        description="seconds until a silent topic no longer holds back the time of the others",
    )

    @property
    def keys_file(self) -> Path:
        """The key ring of profiles. Raises SettingError: there is no profile without it."""
        if self.profile_keys_file is None:
            raise SettingError(
                "setting profile_keys_file is not set; `wiredesk keys create FILE` makes a key ring"
            )
        return self.profile_keys_file

    @model_validator(mode="after")
    def _slide_divides_the_windows(self) -> Self:
        if _SLIDES_DIVIDE_S % self.lists_slide_s:
            raise ValueError(
                f"lists_slide_s {self.lists_slide_s} does not divide {_SLIDES_DIVIDE_S}, "
                "and so not every window"
            )
        return self
