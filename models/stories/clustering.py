"""How stories are told apart: learned decisions, and the probabilities from which on they count."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from models.stories.decide import Weights
from schemas.errors import ModelFileError

SHIPPED = Path(__file__).parent / "decisions.json"
"""For articles, learned by `training/fit_stories.py`."""

HEADLINES = Path(__file__).parent / "headlines.json"
"""For streams of headlines alone: those of one story are less alike than its articles are."""


@dataclass(frozen=True)
class Clustering:
    """How stories are told apart.

    join, merge        learned decisions
    join_at, merge_at  probability from which on they count
    split_at           probability below which two parts of a story part
    window_ms          a story without an article for so long expires
    recent             articles that HDBSCAN looks at
    """

    join: Weights
    merge: Weights
    join_at: float = 0.5
    merge_at: float = 0.5
    split_at: float = 0.05
    window_ms: int = 3 * 24 * 3_600_000
    recent: int = 1000


def write(clustering: Clustering, path: Path) -> None:
    """Keep decisions as JSON."""
    state = asdict(clustering)
    for name in ("join", "merge"):
        state[name] = getattr(clustering, name)._asdict()
    path.write_text(json.dumps(state, indent=2) + "\n", "utf-8")


def read(path: Path = SHIPPED) -> Clustering:
    """The decisions in a file. Raises ModelFileError."""
    try:
        state = json.loads(path.read_text("utf-8"))
        decisions = {name: Weights(**state[name]) for name in ("join", "merge")}
        return Clustering(**state | decisions)
    except OSError as error:
        raise ModelFileError(f"decisions {path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ModelFileError(f"{path} holds no decisions about stories: {error!r}") from error
