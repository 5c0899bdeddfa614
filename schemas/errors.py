"""What can go wrong, and where it leads.

WiredeskError
├── RecordError         one record is bad: it becomes a dead letter, the job goes on
│   ├── UndecodableRecord   its bytes cannot be read
│   ├── RejectedArticle     it can be read, but not used
│   ├── RejectedComment     a reader's comment has no text, or claims to come from the future
│   ├── RejectedEvent       a reader's event does not say what it is about
│   └── InferenceError      a model failed on it
│       ├── OutOfMemory         the batch was too large for the device
│       └── DeviceLost          the accelerator no longer answers
├── CommandRefused      an editor's command cannot be applied: it is audited, the job goes on
└── SetupError          the world is broken: it stops the command or restarts the job
    ├── SettingError        a setting is unknown or ill-typed
    ├── SealError           a sealed profile cannot be opened
    ├── ModelFileError      a model file is missing or is not the one in the manifest
    └── ServiceError        Kafka, Redis, Flink or the registry cannot be used
        └── KafkaAway           Kafka is not reached from here
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why a record became a dead letter; a metric and a column that people filter by."""

    EMPTY_VALUE = "empty_value"
    NOT_AVRO = "not_avro"
    UNKNOWN_SCHEMA = "unknown_schema"
    TRUNCATED = "truncated"
    INVALID_UTF8 = "invalid_utf8"
    INVALID_RECORD = "invalid_record"
    NO_TEXT = "no_text"
    PUBLISHED_IN_FUTURE = "published_in_future"
    PUBLISHED_TOO_OLD = "published_too_old"
    UNUSABLE_EVENT = "unusable_event"
    INFERENCE_FAILED = "inference_failed"


class WiredeskError(Exception):
    """Base of every error that Wiredesk raises on purpose."""


class RecordError(WiredeskError):
    """One record cannot be processed; carries the stage and reason of its dead letter."""

    stage: str

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class UndecodableRecord(RecordError):
    """The bytes of a record cannot be read with any schema that we know."""

    stage = "decode"


class RejectedArticle(RecordError):
    """An article was decoded but cannot be used."""

    stage = "admit"


class RejectedComment(RecordError):
    """A reader's comment was decoded but cannot be used."""

    stage = "admit"


class RejectedEvent(RecordError):
    """A reader's event was decoded but does not say what it is about."""

    stage = "admit"


class InferenceError(RecordError):
    """A model failed on a record, alone in its batch."""

    stage = "infer"

    def __init__(self, detail: str) -> None:
        super().__init__(Reason.INFERENCE_FAILED, detail)


class OutOfMemory(InferenceError):
    """The device has no memory for a batch of this size; a smaller one may fit."""


class DeviceLost(InferenceError):
    """The accelerator no longer answers; another provider must take over."""


class CommandRefused(WiredeskError):
    """A command of an editor cannot be applied; the message is for them."""


class SetupError(WiredeskError):
    """The world around the records is broken; a person or a restart must mend it."""


def missing_extra(error: ImportError, extra: str) -> SetupError:
    """What to say where a library of one of the package's extras is not installed."""
    return SetupError(
        f"{error.name} is not installed; it comes with the extra `{extra}`: "
        f"pip install '.[{extra}]' where pyproject.toml lies"
    )


class SettingError(SetupError):
    """A setting is unknown or has the wrong type; the message names it."""


class SealError(SetupError):
    """A sealed profile cannot be opened: its key is gone, or its bytes are not as they were."""


class ModelFileError(SetupError):
    """A model file is missing, or its digest is not the one in the manifest."""


class ServiceError(SetupError):
    """Kafka, Redis, Flink or the schema registry is not there or refuses us."""


class KafkaAway(ServiceError):
    """Kafka is not reached from here; from elsewhere it may be."""
