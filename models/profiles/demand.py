"""Which stories readers come to."""

from collections.abc import Mapping

from schemas.reader_demand import ReaderDemand, StoryReaders


def demand(
    readers: Mapping[str, int], *, begin_ms: int, end_ms: int, told_ms: int, most: int
) -> ReaderDemand:
    """A window as it is told.

    readers  who came to a story for the first time, by story
    most     stories that are listed; all are in the sums

    >>> told = demand({"a": 2, "b": 5, "c": 2}, begin_ms=0, end_ms=20, told_ms=30, most=2)
    >>> told.readers, told.stories, [(one.story_id, one.readers) for one in told.most_read]
    (9, 3, [('b', 5), ('a', 2)])
    """
    ranked = sorted(readers.items(), key=lambda pair: (-pair[1], pair[0]))
    return ReaderDemand(
        begin_ms=begin_ms,
        end_ms=end_ms,
        told_ms=told_ms,
        readers=sum(readers.values()),
        stories=len(readers),
        most_read=[StoryReaders(story_id=story, readers=n) for story, n in ranked[:most]],
    )
