"""What happened so far."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Counts:
    """Counters, causes by reason.

    told       hubs' messages that a source has something new
    late_ms    by how much polls began after they were due, all together
    faults     what was wrong and has been passed over
    """

    polls: int = 0
    late_ms: int = 0
    unchanged: int = 0
    entries: int = 0
    articles: int = 0
    versions: int = 0
    pages: int = 0
    delivered: int = 0
    told: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    signals: Counter[str] = field(default_factory=Counter)

    def line(self) -> str:
        """One line for people."""
        failures = ", ".join(f"{name} {n}" for name, n in self.failed.most_common(4))
        return (
            f"{self.polls:,} polls ({self.unchanged:,} unchanged), {self.pages:,} pages, "
            f"{self.articles:,} articles ({self.versions:,} of them new versions), "
            f"{self.delivered:,} delivered, {sum(self.failed.values()):,} failures"
            + (f" ({failures})" if failures else "")
        )
