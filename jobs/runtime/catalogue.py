"""The jobs there are, with their settings. One settings file and one environment serve them all."""

from collections.abc import Sequence
from pathlib import Path

from jobs.runtime.audience_settings import AudienceSettings
from jobs.runtime.breaking_settings import BreakingSettings
from jobs.runtime.enrich_settings import EnrichSettings
from jobs.runtime.profiles_settings import ProfilesSettings
from jobs.runtime.settings import JobSettings, S, load

JOBS: dict[str, type[JobSettings]] = {
    "enrich": EnrichSettings,
    "breaking": BreakingSettings,
    "audience": AudienceSettings,
    "profiles": ProfilesSettings,
}
"""The settings of each job."""


def load_shared(
    settings_type: type[S], *, file: Path | None = None, overrides: Sequence[str] = ()
) -> S:
    """Settings from a file and an environment that hold those of other jobs, too."""
    known = {key for each in JOBS.values() for key in each.model_fields}
    others = known - settings_type.model_fields.keys()
    return load(settings_type, file=file, overrides=overrides, of_others=others)
