"""Precision and recall of masking on marked texts."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.personal_data import Found
from schemas.errors import SetupError

SHIPPED = Path(__file__).parent / "comments.txt"

_MARK = re.compile(r"⟦(\w+)\|(.*?)⟧")


@dataclass(frozen=True)
class Marked:
    """A text and the personal data in it."""

    language: str
    text: str
    true: tuple[Found, ...]


@dataclass
class Counts:
    """Of one kind: data found, data missed, spans masked for nothing."""

    found: int = 0
    missed: int = 0
    false: int = 0

    @property
    def precision(self) -> float | None:
        """Share of what was masked that had to be; None where nothing was masked."""
        masked = self.found + self.false
        return self.found / masked if masked else None

    @property
    def recall(self) -> float | None:
        """Share of what had to be masked that was; None where there was nothing."""
        true = self.found + self.missed
        return self.found / true if true else None


@dataclass(frozen=True)
class Measured:
    """Counts by kind, and the share of the personal characters that stayed readable."""

    kinds: dict[str, Counts]
    leaked: float
    errors: tuple[str, ...]

    @property
    def total(self) -> Counts:
        """All kinds together."""
        counts = self.kinds.values()
        return Counts(
            sum(c.found for c in counts),
            sum(c.missed for c in counts),
            sum(c.false for c in counts),
        )


def read(path: Path) -> list[Marked]:
    """The marked texts of a file: language, a tab, the text. Raises SetupError."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"{path} cannot be read: {error}") from error
    texts = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        language, tab, text = line.partition("\t")
        if not tab:
            raise SetupError(f"{path}:{number}: expected language, a tab and the text")
        texts.append(marked(language, text))
    if not texts:
        raise SetupError(f"{path} has no marked texts")
    return texts


def marked(language: str, text: str) -> Marked:
    """A text with its marks taken out.

    >>> marked("en", "Ask ⟦email|a@example.org⟧!")
    Marked(language='en', text='Ask a@example.org!', true=(Found(kind='email', start=4, end=17),))
    """
    plain, true, position = "", [], 0
    for match in _MARK.finditer(text):
        plain += text[position : match.start()]
        true.append(Found(match[1], len(plain), len(plain) + len(match[2])))  # type: ignore[arg-type]
        plain += match[2]
        position = match.end()
    return Marked(language, plain + text[position:], tuple(true))


def measure(texts: Sequence[Marked], find: Callable[[Marked], Sequence[Found]]) -> Measured:
    """What a finder finds; a datum is found where one of the same kind overlaps it."""
    kinds: dict[str, Counts] = {}
    errors = []
    personal = readable = 0
    for each in texts:
        found = find(each)
        for true in each.true:
            counts = kinds.setdefault(true.kind, Counts())
            covered = {
                i for f in found for i in range(max(f.start, true.start), min(f.end, true.end))
            }
            personal += true.end - true.start
            readable += true.end - true.start - len(covered)
            if any(f.kind == true.kind and _overlap(f, true) for f in found):
                counts.found += 1
            else:
                counts.missed += 1
                errors.append(f"missed {true.kind}: {each.text}")
        for f in found:
            if not any(f.kind == true.kind and _overlap(f, true) for true in each.true):
                kinds.setdefault(f.kind, Counts()).false += 1
                errors.append(f"masked for nothing ({f.kind}): {each.text}")
    return Measured(
        dict(sorted(kinds.items())), readable / personal if personal else 0.0, tuple(errors)
    )


def _overlap(one: Found, other: Found) -> bool:
    return one.start < other.end and other.start < one.end
