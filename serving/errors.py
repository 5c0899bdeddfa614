"""Why a request is not answered as it was meant; each has the status of its answer."""

from schemas.errors import WiredeskError


class Refusal(WiredeskError):
    """Base of what a request can be told; the message is for people and holds no secrets."""

    status = 400


class Denied(Refusal):
    """Nobody we know is asking; the message says what to bring."""

    status = 401


class BadSignature(Refusal):
    """A message is not signed as agreed; the message says what is wrong."""

    status = 401


class Forbidden(Refusal):
    """Whoever asks is known but may not do this."""

    status = 403


class NotFound(Refusal):
    """There is no such thing; the message names it."""

    status = 404


class Unprocessable(Refusal):
    """A request is of the right shape but cannot be carried out; the message says why."""

    status = 422


class Incomplete(Unprocessable):
    """A command lacks what its kind needs; the message says what."""


class BadCursor(Unprocessable):
    """A text is no id of an event."""


class BadTarget(Unprocessable):
    """Nothing can be delivered there; the message says why."""


class BadPush(Unprocessable):
    """The body of a push is none; the message says why."""


class NoText(Unprocessable):
    """There is nothing to analyse."""


class TooOften(Refusal):
    """Someone asks more often than they may."""

    status = 429

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"too many requests; the next one is taken in {wait_s:.0f} s")
        self.wait_s = wait_s


class Unavailable(Refusal):
    """Something the answer needs is away just now; the message says what."""

    status = 503
