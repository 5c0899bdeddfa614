"""What a step tells a key travels as one record, in order."""

from models.packing import unpack
from udfs.address_windows import AddressWindows
from udfs.addressing import Post, messages, shard_of


def test_messages_to_a_key_travel_together_in_their_order():
    post = Post()
    post.add("world", "news", b"1")
    post.add("sport", "news", b"2")
    post.add("world", "window", b"3")
    told = {key: [*messages(packed)] for key, packed in post.records()}
    assert told == {
        "world": [("world", "news", b"1"), ("world", "window", b"3")],
        "sport": [("sport", "news", b"2")],
    }


def test_messages_about_a_story_go_to_its_shard_and_name_it():
    post = Post()
    post.add_about("a1", "news", b"1")
    post.add_about("a1", "gone", b"2")
    ((key, packed),) = post.records()
    assert key == shard_of("a1")
    assert [*messages(packed)] == [("a1", "news", b"1"), ("a1", "gone", b"2")]


def test_windows_that_end_together_are_one_record_a_desk():
    operator = AddressWindows(desks=["world", "sport"])
    ended = ("story", 5, 1_790_000_100, ["a1", "a2"], [3, 2])
    told = {key: [*messages(packed)] for key, packed in operator.process_element(ended, None)}
    assert [*told] == ["world", "sport"]
    ((name, kind, windows),) = told["sport"]
    assert (name, kind) == ("sport", "windows")
    assert unpack(windows) == ["story", 5, 1_790_000_100_000, ["a1", "a2"], [3, 2]]
