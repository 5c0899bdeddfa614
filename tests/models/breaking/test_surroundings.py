"""What an alert shows around a story; it never changes the score."""

import pytest

from models.breaking import authority, graph
from models.breaking.authority import Followed
from models.breaking.graph import Named
from models.breaking.pickups import Pickup, Pickups, add_all
from models.breaking.rhythm import HOUR_MS
from models.breaking.stream import Stream
from models.breaking.surroundings import RELATED_TOLD, STORIES_LOOKED_AT, surroundings
from models.breaking.watched import Watched
from models.packing import pack, unpack

NOW_MS = 100 * HOUR_MS


def watched(entities, sources=3, at_ms=NOW_MS, language="en") -> Watched:
    taken = [Pickup(f"s{n}", at_ms - n, 0.0) for n in range(sources)]
    return Watched(
        pickups=add_all(Pickups(), taken, capacity=50),
        entities=tuple(entities),
        languages=(language,),
    )


def settled(stream: Stream, *sources: str) -> None:
    taken = [Pickup(source, n, 0.0) for n, source in enumerate(sources)]
    stream.settle(add_all(Pickups(), taken, capacity=50), HOUR_MS, 4)


def test_source_that_others_follow_gains_authority():
    stream = Stream()
    for n in range(20):
        settled(stream, "agency", f"a{n}", f"b{n}", f"c{n}", f"d{n}")
        settled(stream, "blog")
    assert stream.authority_of("agency") > 0.7
    assert stream.authority_of("blog") < 0.2
    assert stream.authority_of("blog") < stream.authority_of("nobody") < 0.7


def test_what_is_known_of_sources_is_restored():
    stream, again = Stream(), Stream()
    settled(stream, "agency", "a", "b")
    again.restore(unpack(pack(stream.changes())))
    assert again.authority_of("agency") == stream.authority_of("agency") > 0


def test_authority_never_leaves_its_range():
    most = Followed()
    for _ in range(1000):
        most = authority.observe(most, later=99, needed=4)
    assert authority.authority(most, most) == pytest.approx(1.0)
    assert authority.authority(Followed(), Followed()) == 0.0


def test_entity_that_large_stories_share_is_central():
    found = graph.centrality(
        {
            "a": Named(["Q1", "Q2"], 5),
            "b": Named(["Q1", "Q3"], 5),
            "c": Named(["Q4"], 1),
            "d": Named(["Q5"], 0),
        }
    )
    assert max(found, key=lambda entity: found[entity]) == "Q1"
    assert min(found, key=lambda entity: found[entity]) == "Q4"
    assert "Q5" not in found
    assert sum(found.values()) == pytest.approx(1.0)


def test_no_story_is_no_graph():
    assert graph.centrality({}) == {}


def test_entity_of_the_hour_was_not_central_before():
    stories = {
        "old": watched(["Q1"], at_ms=NOW_MS - HOUR_MS - 60_000),
        "new": watched(["Q2", "Q3"], sources=6),
    }
    seen = surroundings(stories, "new", NOW_MS)
    assert seen.central["Q2"] > 0.4
    assert "Q2" not in seen.central_before
    assert seen.central_before["Q1"] == 1.0


def test_same_event_in_other_languages_is_found_by_its_linked_entities():
    stories = {
        "a": watched(["Q64", "Q183", "harbour"]),
        "b": watched(["Q183", "Q64", "hafen"], language="de"),
        "same language": watched(["Q64", "Q183"]),
        "one shared": watched(["Q64", "Q7"], language="fr"),
        "by name": watched(["harbour", "Q64"], language="nl"),
    }
    (related,) = surroundings(stories, "a", NOW_MS).related
    assert (related.story_id, related.shared) == ("b", ["Q183", "Q64"])


def test_only_some_are_told():
    stories = {f"s{n}": watched(["Q1", "Q2"], language=f"l{n}") for n in range(20)}
    assert len(surroundings(stories, "s0", NOW_MS).related) == RELATED_TOLD


def test_of_equally_large_stories_the_same_are_looked_at_whichever_came_first():
    stories = {f"s{n}": watched([f"Q{n}", "Q"]) for n in range(STORIES_LOOKED_AT + 20)}
    backwards = dict(reversed(stories.items()))
    seen = surroundings(stories, "s0", NOW_MS).central
    assert len(seen) == STORIES_LOOKED_AT + 1
    assert surroundings(backwards, "s0", NOW_MS).central.keys() == seen.keys()
