import pytest

from models.breaking import desks
from models.breaking.entities import Usual, expected, observe
from models.breaking.outcome import Outcome
from schemas.errors import SettingError

WHOLE = "[sport]\nsources = 5\nhours = 2\nalerts_per_day = 3\nleast_sources = 2\n"


def test_shipped_desk_follows_everything():
    (world,) = desks.read()
    assert world.name == "world"
    assert world.follows("xx", [])


def test_desks_are_read_in_order(tmp_path):
    path = tmp_path / "desks.toml"
    path.write_text(WHOLE + 'languages = ["en"]\n' + WHOLE.replace("sport", "news"))
    sport, news = desks.read(path)
    assert (sport.name, news.name) == ("sport", "news")
    assert sport.outcome == Outcome(5, 2.0)
    assert sport.follows("en", [])
    assert not sport.follows("de", [])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no desk"),
        ("[sport", "not TOML"),
        ("sport = 1", "table"),
        (WHOLE.replace("[sport]", '["Sport desk"]'), "name"),
        (WHOLE.replace("hours = 2", "hours = true"), "hours is True"),
        (WHOLE.replace("sources = 5", "sources = -1"), "sources is -1"),
        (WHOLE.replace("hours = 2", ""), "hours is None"),
        (WHOLE + 'languages = "en"', "languages is 'en'"),
        (WHOLE + "colour = 3", "colour is unknown"),
        (WHOLE.replace("sources = 5", "sources = 0"), "above 0"),
        (WHOLE + 'readers = "loud"', "readers is 'loud'"),
        (WHOLE + 'readers = "alert"', "breaking_readers is None"),
        (WHOLE + 'readers = "alert"\nbreaking_readers = true', "breaking_readers is True"),
        (WHOLE + "breaking_readers = 350", 'needs readers = "alert"'),
    ],
)
def test_wrong_file_is_named(tmp_path, text, why):
    path = tmp_path / "desks.toml"
    path.write_text(text)
    with pytest.raises(SettingError, match=why):
        desks.read(path)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(SettingError, match="cannot be read"):
        desks.read(tmp_path / "none.toml")


def test_entity_that_was_silent_for_long_is_expected_less():
    usual = Usual()
    for window in range(1, 60):
        usual = observe(usual, window * 300_000, 6)
    quiet = observe(usual, 600 * 300_000, 6)
    assert expected(quiet) < 0.5 < 5 < expected(usual)


def test_older_window_of_an_entity_changes_nothing():
    usual = observe(Usual(), 600_000, 3)
    assert observe(usual, 300_000, 9) == usual


def test_desk_shows_readers_unless_it_wants_to_be_alerted_by_them(tmp_path):
    path = tmp_path / "desks.toml"
    asked = 'readers = "alert"\nbreaking_readers = 350\n'
    shown = WHOLE.replace("sport", "news") + 'readers = "shown"\n'
    path.write_text(WHOLE + asked + shown + WHOLE.replace("sport", "local"))
    sport, news, local = desks.read(path)
    assert sport.reader_outcome == Outcome(350, 2.0)
    assert (news.reader_outcome, local.reader_outcome) == (None, None)
