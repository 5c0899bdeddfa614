"""How long the demo waits for what must come, and what it says when it does not."""

import time
from collections.abc import Callable
from concurrent.futures import Future

from cli.demo_account import Account, some
from cli.demo_outcome import Outcome
from schemas.errors import ServiceError

FIRST_ANSWER_S = 120
LAST_ANSWER_S = 60
SETTLED_S = 6.0
"""Moods and the queue follow the comments: without more of them for so long, all is told."""

Trouble = Callable[[], str]
"""Asks Flink what is wrong."""


class Patience:
    """Ends the wait with one line that says what is missing and why."""

    def __init__(self, account: Account, outcome: Outcome, trouble: Trouble) -> None:
        self._account = account
        self._outcome = outcome
        self._trouble = trouble
        self._seen = self._followed = 0
        self._heard = self._told = time.monotonic()

    def check(self, sending: "Future[None]") -> None:
        """Raises ServiceError when sending failed, or when nothing came for too long."""
        if sending.done():
            sending.result()
        seen = len(self._account.enriched) + len(self._account.letters) + self._outcome.seen
        if seen != self._seen or (self._account.sent < len(self._account.planned) and seen):
            self._seen, self._heard = seen, time.monotonic()
        if self._outcome.followed != self._followed:
            self._followed, self._told = self._outcome.followed, time.monotonic()
        limit_s = LAST_ANSWER_S if seen else FIRST_ANSWER_S
        if time.monotonic() - self._heard > limit_s:
            missing = [*self._account.missing, *self._outcome.missing]
            raise ServiceError(
                f"not everything came out within {limit_s} s: {some(missing)} are missing; "
                f"{self._trouble()}"
            )

    @property
    def settled(self) -> bool:
        """Whether moods and the queue have told nothing more for a moment."""
        return time.monotonic() - self._told > SETTLED_S
