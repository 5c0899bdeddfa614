"""What counts as breaking news."""

from dataclasses import dataclass

from schemas.errors import SettingError

HOUR_MS = 3_600_000
_FORM = "sources=K,hours=H, both above 0"


@dataclass(frozen=True)
class Outcome:
    """A story breaks when `sources` distinct sources have it within `hours` of the first."""

    sources: int
    hours: float

    def __post_init__(self) -> None:
        if self.sources < 1 or not 0 < self.hours < float("inf"):
            raise SettingError(
                f"outcome sources={self.sources},hours={self.hours:g}; expected {_FORM}"
            )

    @property
    def horizon_ms(self) -> int:
        """How long after its first pick-up a story may take."""
        return round(self.hours * HOUR_MS)


def parse(text: str) -> Outcome:
    """The outcome in a setting. Raises SettingError.

    >>> parse("sources=350,hours=6")
    Outcome(sources=350, hours=6.0)
    """
    try:
        given = dict(part.split("=") for part in text.split(","))
        if len(given) == text.count("=") == 2:
            return Outcome(int(given["sources"]), float(given["hours"]))
    except (ValueError, KeyError):
        pass
    raise SettingError(f"outcome {text!r}; expected {_FORM}")
