"""What a long command tells: lines in a log, and figures alone on stdout."""

from io import StringIO
from types import SimpleNamespace

import pytest
from rich.console import Console

from cli import progress


class Clock:
    """Time that passes only when it is told to."""

    now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def shown_on(monkeypatch, *, terminal):
    """What is shown there, for a function that reads it."""
    shown = StringIO()
    console = Console(file=shown, force_terminal=terminal, width=40)
    monkeypatch.setattr(progress, "err", console)
    return SimpleNamespace(lines=lambda: shown.getvalue().splitlines())


@pytest.fixture
def log(monkeypatch):
    return shown_on(monkeypatch, terminal=False)


@pytest.fixture
def terminal(monkeypatch):
    return shown_on(monkeypatch, terminal=True)


def test_log_has_a_phase_when_it_begins_and_when_it_ends(log, clock):
    with progress.phase("the model alone"):
        assert log.lines() == ["the model alone"]
        clock.now += 61.25
    assert log.lines()[1:] == ["   61.2 s  the model alone"]


def test_log_tells_every_quarter_of_a_minute_how_far_it_is(log, clock):
    with progress.progress("sending", 3000) as tell:
        for done in range(0, 3001, 100):
            clock.now += 1
            tell(done)
    assert log.lines() == [
        "sending",
        "sending: 1,400 of 3,000",
        "sending: 2,900 of 3,000",
        "   31.0 s  sending",
    ]


def test_total_that_only_the_work_finds_is_told_with_what_is_done(log, clock):
    with progress.bar("replaying") as tell:
        clock.now += 20
        tell(5)
        clock.now += 20
        tell(7, 9)
        clock.now += 20
        tell(0.5, words="8 sent")
    assert log.lines() == ["replaying: 5", "replaying: 7 of 9", "replaying: 8 sent"]


def test_failed_phase_is_not_told_as_done(log):
    with pytest.raises(ValueError, match="no"), progress.phase("the model alone"):
        raise ValueError("no")
    assert log.lines() == ["the model alone"]


def test_log_has_a_line_for_each_step_and_few_for_its_numbers(log, clock):
    with progress.steps("reading") as say:
        for part in ("taskmanager-1: up", "taskmanager-2: up"):
            say(part)
        for done in range(40):
            clock.now += 1
            say(f"placing: {done:,} of 40 articles")
    assert log.lines() == [
        "taskmanager-1: up",
        "taskmanager-2: up",
        "placing: 0 of 40 articles",
        "placing: 15 of 40 articles",
        "placing: 30 of 40 articles",
    ]


def test_names_in_brackets_and_long_lines_are_told_as_they_are(log):
    long = f"[bold]{'a' * 100}[/]"
    with progress.steps("") as say:
        say(long)
    with progress.phase(long):
        pass
    assert [line.endswith(long) for line in log.lines()] == [True, True, True]


def test_terminal_has_a_bar_that_leaves_one_line(terminal):
    with progress.progress("[sending]", 2) as tell:
        tell(1)
        tell(2)
    whole = "\n".join(terminal.lines())
    assert "2 of 2" in whole
    assert whole.rstrip().endswith(" s  [sending]")


def test_terminal_shows_steps_and_leaves_nothing(terminal):
    with progress.steps("[reading]") as say:
        say("[placing]")
    assert "\n".join(terminal.lines()).rstrip().endswith("\x1b[2K")
