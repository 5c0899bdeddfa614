"""`wiredesk alerts` shows alerts, sends commands and waits for what becomes of them."""

import getpass
import json
from typing import Any

import pytest

from cli import alert_lines, editorial, lasting
from schemas.alert import (
    Alert,
    AlertArticle,
    AlertReaders,
    AlertRelated,
    AlertSource,
    AlertWindow,
)
from schemas.codec import RecordCodec
from schemas.editorial import AuditEntry, EditorialCommand
from schemas.errors import SetupError
from schemas.topics import EDITORIAL_CONTROL

HOUR_MS = 3_600_000


def alert(alert_id: str = "world.1", state: str = "opened", **fields: Any) -> Alert:
    known = {
        "alert_id": alert_id,
        "desk": "world",
        "story_id": "s1",
        "state": state,
        "sequence": 1,
        "at_ms": 1_790_000_000_000,
        "raised_ms": 1_790_000_000_100,
        "expires_ms": 1_790_007_200_000,
        "score": 0.82,
        "low": 0.7,
        "high": 0.9,
        "threshold": 0.74,
        "outcome": "sources=10,hours=2",
        "title": "Blast [bold]at[/bold] port \x1b[2J",
        "languages": ["en"],
        "windows": [AlertWindow(minutes=15, observed=5, expected=0.4, tail_log10=-4.0)],
        "sources": [
            AlertSource(
                source=f"s{n}.example", first_seen_ms=1_790_000_000_000, article_id="a", copies=0
            )
            for n in range(8)
        ],
        "independent_sources": 8,
        "copies_discounted": 2,
        "entities": [],
        "lead_articles": [
            AlertArticle(
                article_id="a", title="Lead\x07", source="s0.example", url="https://s0.example/"
            )
        ],
        "reasons": ["sources in the last 10 minutes"],
        "model_versions": {},
    }
    return Alert.model_validate(known | fields)


@pytest.fixture
def newsroom(kafka):
    """Topics, and two alerts: one stands, one is over."""
    for topic in ("alerts.breaking", "editorial.control", "editorial.audit"):
        kafka.create(topic)
    kafka.add("alerts.breaking", alert("world.1"))
    kafka.add("alerts.breaking", alert("world.2"))
    kafka.add("alerts.breaking", alert("world.2", "dismissed", sequence=2, by="ann"))
    return kafka


@pytest.fixture
def desk(newsroom, monkeypatch):
    """A job that answers each command; what it says can be set."""
    answers = [("world", "applied", "done")]
    codec = RecordCodec(EDITORIAL_CONTROL)

    class Answering(list[Any]):
        def append(self, sent: Any) -> None:
            super().append(sent)
            topic, key, value, _ = sent
            assert topic == "editorial.control"
            command = codec.decode(value)
            assert key == command.command_id.encode()
            newsroom.add("editorial.audit", answered(command, "other", "applied", ""), b"another")
            for name, outcome, detail in answers:
                newsroom.add("editorial.audit", answered(command, name, outcome, detail), key)

    newsroom.sent = Answering()
    monkeypatch.setattr(editorial, "MORE_ANSWERS_S", 0.5)
    return answers


def answered(command: EditorialCommand, desk: str, outcome: str, detail: str) -> AuditEntry:
    return AuditEntry.model_validate(
        {
            "command_id": command.command_id,
            "kind": command.kind,
            "author": command.author,
            "issued_ms": command.issued_ms,
            "applied_ms": command.issued_ms + 1,
            "job": "breaking",
            "desk": desk,
            "subject": "alert/world.1",
            "outcome": outcome,
            "detail": detail,
        }
    )


def commanded(kafka: Any) -> EditorialCommand:
    [(_, _, value, _)] = kafka.sent
    return RecordCodec(EDITORIAL_CONTROL).decode(value)


@pytest.mark.usefixtures("newsroom")
def test_list_shows_where_open_alerts_stand(run):
    shown = run("alerts", "list", "--json").stdout.splitlines()
    assert [json.loads(line)["alert_id"] for line in shown] == ["world.1"]
    every = run("alerts", "list", "--all", "--json").stdout.splitlines()
    assert [json.loads(line)["state"] for line in every] == ["opened", "dismissed"]


@pytest.mark.usefixtures("newsroom")
def test_texts_from_outside_steer_neither_terminal_nor_markup(run):
    for arguments in (("list",), ("tail", "--from", "beginning", "--no-follow")):
        shown = run("alerts", *arguments).stdout
        assert "Blast [bold]at[/bold] port ·[2J" in shown
        assert "\x1b" not in shown
        assert "\x07" not in shown


@pytest.mark.usefixtures("newsroom")
def test_tail_shows_the_evidence(run):
    shown = run("alerts", "tail", "--from", "beginning", "--limit", 1).stdout
    assert "score 0.82 (0.70 to 0.90), threshold 0.74" in shown
    assert "8 independent sources, 2 copies discounted" in shown
    assert "5 in 15 min (usual 0.4)" in shown
    assert "s5.example" in shown
    assert "and 2 more" in shown
    assert "because of: sources in the last 10 minutes" in shown


def test_tail_shows_what_to_beware_of_and_the_same_event_elsewhere(run, newsroom):
    related = AlertRelated(
        story_id="s9", title="Hafen", languages=["de"], independent_sources=4, shared=["Q1", "Q2"]
    )
    doubted = alert("world.3", caution="scores have become too high", in_other_languages=[related])
    newsroom.add("alerts.breaking", doubted)
    shown = run("alerts", "tail", "--from", "beginning", "--limit", 4).stdout
    assert "caution: scores have become too high" in shown
    assert "also in de: Hafen (4 sources)" in shown


def test_alert_tells_how_many_readers_come_and_what_their_score_is_about():
    seen = AlertReaders(
        minutes=15, end_ms=1, observed=412, expected=60.0, tail_log10=-5.9, total=480
    )
    assert "412 readers in 15 min, 60.0 expected; 480 so far" in "\n".join(
        alert_lines.told(alert(readers=seen))
    )
    scored = seen.model_copy(update={"score": 0.91, "outcome": "readers=900,hours=2"})
    assert "; score 0.91 for readers=900,hours=2" in "\n".join(
        alert_lines.told(alert(readers=scored))
    )


@pytest.mark.usefixtures("newsroom")
def test_tail_shows_one_desk(run):
    assert (
        run("alerts", "tail", "--from", "beginning", "--no-follow", "--desk", "sport").stdout == ""
    )


def test_command_goes_to_the_job_and_its_answer_is_shown(run, newsroom, desk):
    result = run("alerts", "dismiss", "world.1", "--reason", "a drill")
    assert result.exit_code == 0, result.output
    sent = commanded(newsroom)
    assert (sent.kind, sent.alert_id, sent.reason) == ("dismiss", "world.1", "a drill")
    assert sent.author == getpass.getuser()
    assert sent.command_id in result.stdout
    assert "applied world: done" in result.stdout


def test_every_desk_that_answers_is_shown(run, newsroom, desk):
    desk.append(("sport", "refused", "no such story"))
    result = run("alerts", "retract", "s1")
    assert result.exit_code == 0, result.output
    assert "applied world: done" in result.stdout
    assert "refused sport: no such story" in result.stdout


def test_command_that_every_desk_refuses_fails(run, newsroom, desk):
    desk[:] = [("world", "refused", "alert world.9 is not known")]
    result = run("alerts", "confirm", "world.9")
    assert result.exit_code == 1
    assert "alert world.9 is not known" in result.stdout


def test_job_that_does_not_answer_is_named(run, newsroom):
    result = run("alerts", "confirm", "world.1", "--wait", 0.2)
    assert result.exit_code == 1
    assert "no job answered within 0.2 s" in result.stderr
    assert len(newsroom.sent) == 1


@pytest.mark.parametrize(
    ("arguments", "fields"),
    [
        (("mute", "--entity", "Q64", "--for", "2h"), {"kind": "mute", "entity": "Q64"}),
        (("mute", "--desk", "sport"), {"kind": "mute", "desk": "sport", "until_ms": None}),
        (("unmute", "--source", "a.example"), {"kind": "unmute", "source": "a.example"}),
        (("pin", "s1"), {"kind": "pin", "story_id": "s1"}),
        (("unpin", "s1"), {"kind": "unpin", "story_id": "s1"}),
        (("budget", "world", 5), {"kind": "set_budget", "desk": "world", "value": 5.0}),
        (("override", "s1", 0.9), {"kind": "override_score", "story_id": "s1", "value": 0.9}),
        (("override", "s1", "model"), {"kind": "clear_override", "value": None}),
        (("merge", "s1", "s2"), {"kind": "merge", "story_id": "s1", "other_story_id": "s2"}),
        (("split", "s1", "a", "b"), {"kind": "split", "article_ids": ["a", "b"]}),
        (("undo", "c1"), {"kind": "undo", "undoes": "c1"}),
    ],
)
def test_each_command_says_what_it_is_about(run, newsroom, desk, arguments, fields):
    result = run("alerts", *arguments, "--author", "ann")
    assert result.exit_code == 0, result.output
    sent = commanded(newsroom).model_dump()
    assert {name: sent[name] for name in fields} == fields
    assert sent["author"] == "ann"


def test_mute_ends_after_the_time_given(run, newsroom, desk):
    run("alerts", "mute", "--story", "s1", "--for", "2h")
    sent = commanded(newsroom)
    assert sent.until_ms is not None
    assert abs(sent.until_ms - sent.issued_ms - 2 * HOUR_MS) < 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mute",), "say what"),
        (("mute", "--story", "a", "--source", "b"), "say what"),
        (("mute", "--story", "a", "--for", "2 weeks"), "no length of time"),
        (("mute", "--story", "a", "--for", "0h"), "no length of time"),
        (("pin", "a", "--for", "1h", "--until", "2099-01-01"), "exclude each other"),
        (("pin", "a", "--until", "2001-01-01T00:00Z"), "lies in the past"),
        (("override", "s1", "1.5"), "expected a number from 0 to 1"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_sent(run, newsroom, arguments, message):
    result = run("alerts", *arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    assert not newsroom.sent


def test_recalibration_from_a_file_writes_a_scorer_only_where_it_wins(run, tmp_path):
    from models.breaking import scorer

    file, written = tmp_path / "verdicts.jsonl", tmp_path / "scorer.json"
    rows = [{"at_ms": n, "score": 0.9, "came_true": n % 3 == 0} for n in range(300)]
    file.write_text("\n".join(map(json.dumps, rows)))
    shown = run("alerts", "recalibrate", file, "--write", written)
    assert shown.exit_code == 0, shown.output
    assert scorer.read(written).version.endswith("+r1")

    written.unlink()
    right = [{"at_ms": n, "score": 0.9, "came_true": n % 10 != 0} for n in range(300)]
    file.write_text("\n".join(map(json.dumps, right)))
    assert "stays as it is" in run("alerts", "recalibrate", file, "--write", written).stdout
    assert not written.exists()


def test_recalibration_that_cannot_be_written_is_refused_before_verdicts_are_read(run, tmp_path):
    written = tmp_path / "nodir" / "scorer.json"
    shown = run("alerts", "recalibrate", tmp_path / "verdicts.jsonl", "--write", written)
    assert shown.exit_code == 1
    assert f"there is no folder {written.parent}" in " ".join(shown.stderr.split())


@pytest.mark.usefixtures("newsroom")
def test_recalibration_from_kafka_counts_its_verdicts(run):
    assert "0 verdicts" in run("alerts", "recalibrate").stdout


def test_duration_needs_a_unit():
    with pytest.raises(SetupError, match="expected for example"):
        lasting.duration_ms("90")
