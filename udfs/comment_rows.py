"""What flows between the operators of the job `audience`."""

from pyflink.common import Types
from pyflink.common.typeinfo import TypeInformation
from pyflink.datastream import OutputTag

JOB = "audience"

SAID, GONE, LATE, PLACED = "said", "gone", "late", "placed"
"""Kinds of `mood_event_type`."""

QUEUED, SUPERSEDED, DECIDED = "queued", "superseded", "decided"
"""Kinds of `case_event_type`."""


def outcome_type() -> TypeInformation:
    """A dead letter (`dead`; key and value of its Kafka record), or what `comment_type` has."""
    octets = Types.PRIMITIVE_ARRAY(Types.BYTE())
    return Types.ROW_NAMED(
        ["dead", "key", "value", "article_id", "published_ms", "ingested_ms", "queue", "voice"],
        [
            Types.BOOLEAN(),
            octets,
            octets,
            Types.STRING(),
            Types.LONG(),
            Types.LONG(),
            Types.STRING(),
            octets,
        ],
    )


def comment_type() -> TypeInformation:
    """(comment_id, a version of the comment or its deletion, whose `record` is empty).

    queue   desk/language whose moderators may want to see it; empty for none
    record  as on comments.enriched
    voice   models.audience.voices.packed
    """
    octets = Types.PRIMITIVE_ARRAY(Types.BYTE())
    version = Types.ROW_NAMED(
        ["article_id", "published_ms", "ingested_ms", "queue", "record", "voice"],
        [Types.STRING(), Types.LONG(), Types.LONG(), Types.STRING(), octets, octets],
    )
    return Types.ROW([Types.STRING(), version])


def mood_event_type() -> TypeInformation:
    """Something that changes the mood of a subject.

    subject    id of an article or a story
    kind       said (a comment's voice that holds from now on), gone (it is taken back), late (one
               was ignored) or placed (an article belongs to a story)
    event_ms   event time, 0 where the event must not move the watermark
    voice      of said
    story_id   of placed
    """
    return Types.ROW_NAMED(
        ["subject", "kind", "comment_id", "event_ms", "voice", "story_id"],
        [
            Types.STRING(),
            Types.STRING(),
            Types.STRING(),
            Types.LONG(),
            Types.PRIMITIVE_ARRAY(Types.BYTE()),
            Types.STRING(),
        ],
    )


def candidate_type() -> TypeInformation:
    """A comment that moderators may want to see: queue, when it arrived, comments.enriched."""
    return Types.ROW_NAMED(
        ["queue", "at_ms", "record"],
        [Types.STRING(), Types.LONG(), Types.PRIMITIVE_ARRAY(Types.BYTE())],
    )


def case_event_type() -> TypeInformation:
    """Something that changes a moderator's case.

    kind      queued (payload: its ModerationItem), superseded (by a version of `at_ms`, or by the
              comment's deletion) or decided (payload: the EditorialCommand)
    """
    return Types.ROW_NAMED(
        ["comment_id", "kind", "at_ms", "deleted", "payload"],
        [
            Types.STRING(),
            Types.STRING(),
            Types.LONG(),
            Types.BOOLEAN(),
            Types.PRIMITIVE_ARRAY(Types.BYTE()),
        ],
    )


def voices_tag() -> OutputTag:
    """Side output of `mood_event_type`, by article."""
    return OutputTag("voices", mood_event_type())


def story_voices_tag() -> OutputTag:
    """Side output of `mood_event_type`, by story."""
    return OutputTag("story-voices", mood_event_type())


def candidates_tag() -> OutputTag:
    """Side output of `candidate_type`."""
    return OutputTag("candidates", candidate_type())


def cases_tag() -> OutputTag:
    """Side output of `case_event_type`."""
    return OutputTag("cases", case_event_type())
