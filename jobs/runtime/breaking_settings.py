"""Knobs of the job `breaking`."""

from pydantic import Field

from jobs.runtime.settings import (
    AbsolutePath,
    JobSettings,
    own_consumer_group,
    own_transactional_ids,
)


class BreakingSettings(JobSettings):
    """Knobs of the job `breaking`."""

    transactional_id_prefix: str = own_transactional_ids("breaking")
    consumer_group: str = own_consumer_group("breaking")
    desks_file: AbsolutePath | None = Field(
        default=None, description="TOML of your desks, on every worker; unset: one desk, world"
    )
    scorer_file: AbsolutePath | None = Field(
        default=None, description="JSON of a scorer of your own; unset: the shipped one"
    )
    stories_file: AbsolutePath | None = Field(
        default=None, description="JSON of decisions about stories of your own; unset: the shipped"
    )
    articles_every_ms: int = Field(
        default=50, gt=0, description="articles of so many milliseconds are read at once"
    )
    story_window_s: int = Field(
        default=3 * 24 * 3600, gt=0, description="seconds without an article after which it expires"
    )
    tidy_every_s: int = Field(
        default=300, gt=0, description="event time between passes that merge and split stories"
    )
    window_lateness_s: int = Field(
        default=60, ge=0, description="how long a window waits for late articles"
    )
    ahead_tolerance_s: int = Field(
        default=300,
        ge=0,
        description="an article dated further ahead of its arrival is no pick-up",
    )
    future_tolerance_s: int = Field(
        default=3600, ge=0, description="seconds an article may be published after its arrival"
    )
    stale_after_s: int = Field(
        default=1800, gt=0, description="news that takes longer to reach us opens no alert"
    )
    alert_lifetime_s: int = Field(
        default=2 * 3600, gt=0, description="seconds an alert stands, from its last state on"
    )
    default_mute_s: int = Field(
        default=24 * 3600,
        gt=0,
        description="length of mutes, overrides and pins that name no end",
    )
    command_memory_s: int = Field(
        default=90 * 24 * 3600, gt=0, description="seconds a command id is known as given"
    )
    in_flight_max: int = Field(
        default=1024, gt=0, description="alerts on their way to Redis at once"
    )
    top_stories: int = Field(default=100, gt=0, description="stories in Redis' ranking of a desk")
