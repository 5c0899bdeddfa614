"""Serial news: match reports, market closes, warnings, bulletins, court lists, council votes.

`sentences/*.toml` holds the sentences, this file the figures. Facts come first and are consistent
with each other (the winner has more goals, the votes add up); sentences are then chosen and
filled, so a text cannot say anything the facts do not.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from string import Formatter
from typing import Any

SENTENCES = Path(__file__).parent / "sentences"
DETAILS = 2
UNSPACED = frozenset({"ja"})

Facts = dict[str, Any]
Series = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Report:
    """One generated text and the facts it was written from."""

    report_id: str
    kind: str
    desk: str
    language: str
    source: str
    title: str
    body: str
    facts: Facts


def reports(seed: int) -> list[Report]:
    """Every generated text, in the order of the files; the same list for the same seed."""
    written: list[Report] = []
    for path in sorted(SENTENCES.glob("*.toml")):
        kind = tomllib.loads(path.read_text(encoding="utf-8"))
        for series in kind["series"]:
            rng = Random(f"{seed}:{series['id']}")
            if "of" in series:
                past = [r.facts for r in written if r.report_id.startswith(series["of"] + "-")]
                facts = [round_facts(past)]
            else:
                facts = FACTS[path.stem](rng, series)
            writer = Writer(series, rng)
            for number, fact in enumerate(facts, start=1):
                title, body = writer.write(fact)
                written.append(
                    Report(
                        report_id=f"{series['id']}-{number}",
                        kind="round" if "of" in series else path.stem,
                        desk=kind["desk"],
                        language=series["language"],
                        source=series["sources"][(number - 1) % len(series["sources"])],
                        title=title,
                        body=body,
                        facts=fact,
                    )
                )
    return written


# ── sentences ────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Writer:
    """Fills the phrases of one series, going through each list before it repeats a phrase."""

    series: Series
    rng: Random
    decks: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def write(self, facts: Facts) -> tuple[str, str]:
        """Title and body; a phrase naming a fact that is absent or None is not used."""
        language = self.series["language"]
        known = {name: shown(value, language) for name, value in facts.items() if value is not None}
        known["competition"] = self.series.get("competition", "")
        title, lead = self._draw("title", facts, known, 1), self._draw("lead", facts, known, 1)
        detail = self._draw("detail", facts, known, DETAILS)
        close = self._draw("close", facts, known, 1)
        space = "" if language in UNSPACED else " "
        body = space.join(lead + detail[:1]) + "\n\n" + space.join(detail[1:] + close)
        return title[0], body

    def _draw(self, slot: str, facts: Facts, known: Mapping[str, str], count: int) -> list[str]:
        variant = facts["variant"]
        shared = self.series.get("text", {}).get(slot, [])
        phrases = self.series.get(variant, {}).get(slot, []) + shared
        usable = [phrase for phrase in phrases if names(phrase) <= known.keys()]
        deck = self.decks.setdefault((slot, variant), [])
        drawn: list[str] = []
        while len(drawn) < min(count, len(usable)):
            fresh = [phrase for phrase in deck if phrase in usable and phrase not in drawn]
            if not fresh:
                refill = [phrase for phrase in phrases if phrase not in deck]
                deck += self.rng.sample(refill, len(refill))
                continue
            deck.remove(fresh[0])
            drawn.append(fresh[0])
        return [phrase.format_map(known) for phrase in drawn]


def names(phrase: str) -> set[str]:
    """The facts a phrase needs.

    >>> sorted(names("{winner} beat {loser}."))
    ['loser', 'winner']
    """
    return {name for _, name, _, _ in Formatter().parse(phrase) if name}


def shown(value: object, language: str) -> str:
    """A fact as the language prints it.

    >>> shown(18240, "en"), shown(18240, "de"), shown(Decimal("4.5"), "fr")
    ('18,240', '18.240', '4,5')
    """
    if not isinstance(value, int | Decimal):
        return str(value)
    group, point = SEPARATORS.get(language, (",", "."))
    return f"{value:,}".replace(",", "\0").replace(".", point).replace("\0", group)


SEPARATORS = {
    **dict.fromkeys(("de", "es", "it", "nl", "pt", "tr"), (".", ",")),
    **dict.fromkeys(("fr", "pl", "sv", "uk"), ("\N{NO-BREAK SPACE}", ",")),
}


# ── facts ────────────────────────────────────────────────────────────────────────────────────────


def match_facts(rng: Random, series: Series) -> list[Facts]:
    """One match a pair of teams: nobody plays twice on a day; no match is goalless."""
    teams = rng.sample(series["teams"], len(series["teams"]))
    pairs = list(zip(teams[::2], teams[1::2], strict=True))[: series["reports"]]
    dealt = rng.sample(series["names"], len(series["names"]))
    return [
        one_match(rng, series, home, away, dealt[8 * number : 8 * number + 8])
        for number, (home, away) in enumerate(pairs)
    ]


def one_match(rng: Random, series: Series, home: str, away: str, people: list[str]) -> Facts:
    """A match told from its goals: score, half-time, first and last scorer all follow from them."""
    while True:
        score = {
            home: rng.choices(range(5), (2, 4, 4, 2, 1))[0],
            away: rng.choices(range(5), (3, 4, 3, 2, 1))[0],
        }
        if any(score.values()) and (series.get("draws", True) or score[home] != score[away]):
            break
    minutes = sorted(rng.sample(range(2, series["minutes"]), sum(score.values())))
    sides = [home] * score[home] + [away] * score[away]
    rng.shuffle(sides)
    squads, (coach, referee) = {home: people[:3], away: people[3:6]}, people[6:]
    goals = [
        (minute, side, rng.choice(squads[side]))
        for minute, side in zip(minutes, sides, strict=True)
    ]
    interval = series["minutes"] // 2
    half = {team: sum(s == team and m <= interval for m, s, _ in goals) for team in score}
    drawn = score[home] == score[away]
    winner, loser = sorted((home, away), key=score.__getitem__, reverse=True)
    first, last = goals[0], goals[-1] if len(goals) > 1 else (None, None, None)
    return {
        "variant": "drawn" if drawn else "won",
        "home": home,
        "away": away,
        "home_goals": score[home],
        "away_goals": score[away],
        "winner": None if drawn else winner,
        "loser": None if drawn else loser,
        "winner_goals": None if drawn else score[winner],
        "loser_goals": None if drawn else score[loser],
        "scorers": "; ".join(scorers(goals, side) for side in (home, away) if score[side]),
        "first_minute": first[0],
        "first_team": first[1],
        "first_scorer": first[2],
        "last_minute": last[0],
        "last_team": last[1],
        "last_scorer": last[2],
        "opener": first[2] if first[1] == winner and not drawn else None,
        "decider": last[2] if last[1] == winner and score[winner] == score[loser] + 1 else None,
        "half_home": half[home],
        "half_away": half[away],
        "half_first": half[home if drawn else winner],
        "half_second": half[away if drawn else loser],
        "home_shots": score[home] + rng.randint(5, 14),
        "away_shots": score[away] + rng.randint(4, 12),
        "cards": rng.randint(2, 7),
        "crowd": rng.randrange(600, 9_000),
        "coach": coach,
        "referee": referee,
    }


def scorers(goals: list[tuple[int, str, str]], side: str) -> str:
    """The goals of one side as results pages print them: names, minutes, team."""
    made = ", ".join(f"{player} {minute}" for minute, team, player in goals if team == side)
    return f"{made} ({side})"


def round_facts(matches: list[Facts]) -> Facts:
    """A league's day, added up from its matches."""
    margins = [abs(m["home_goals"] - m["away_goals"]) for m in matches]
    widest = matches[margins.index(max(margins))]
    return {
        "variant": "text",
        "matches": len(matches),
        "goals": sum(m["home_goals"] + m["away_goals"] for m in matches),
        "home_wins": sum(m["home_goals"] > m["away_goals"] for m in matches),
        "away_wins": sum(m["home_goals"] < m["away_goals"] for m in matches),
        "draws": sum(m["home_goals"] == m["away_goals"] for m in matches),
        "results": "; ".join(
            f"{m['home']} {m['home_goals']}-{m['away_goals']} {m['away']}" for m in matches
        ),
        "margin": max(margins),
        "widest_home": widest["home"],
        "widest_away": widest["away"],
    }


def market_facts(rng: Random, series: Series) -> list[Facts]:
    """One close an index: close = previous ± points, and most shares go the index's way."""
    written = []
    for index, level in zip(series["indexes"], series["levels"], strict=True):
        variant = rng.choice(("up", "down"))
        previous = Decimal(level * 100 + rng.randrange(-level, level)) / 100
        points = (previous * rng.randint(15, 240) / 10_000).quantize(Decimal("0.01"))
        close = previous + (points if variant == "up" else -points)
        gainer, loser = rng.sample(series["companies"], 2)
        few, many = rng.randint(40, 150), rng.randint(180, 320)
        gained, lost = sorted((rng.randint(8, 30), rng.randint(31, 72)), reverse=variant == "up")
        written.append(
            {
                "variant": variant,
                "index": index,
                "previous": previous.quantize(Decimal("0.01")),
                "points": points,
                "close": close.quantize(Decimal("0.01")),
                "percent": (points * 100 / previous).quantize(Decimal("0.1")),
                "cause": rng.choice(series[f"causes_{variant}"]),
                "gainer": gainer,
                "gainer_percent": tenth(gained),
                "loser": loser,
                "loser_percent": tenth(lost),
                "rising": many if variant == "up" else few,
                "falling": few if variant == "up" else many,
                "turnover": tenth(rng.randint(21, 68)),
                "analyst": rng.choice(series["analysts"]),
            }
        )
    return written


def weather_facts(rng: Random, series: Series) -> list[Facts]:
    """One warning a place, its hazards in turn: low < high, start < end, and a later bulletin."""
    written = []
    for number, place in enumerate(series["places"][: series["reports"]]):
        hazard = series["hazards"][number % len(series["hazards"])]
        least, most, spread = {"wind": (70, 100, 25), "snow": (3, 12, 10), "rain": (20, 60, 30)}[
            hazard
        ]
        low, start = rng.randint(least, most), rng.randint(4, 12)
        written.append(
            {
                "variant": hazard,
                "place": place,
                "colour": rng.choice(series["colours"]),
                "low": low,
                "high": low + rng.randint(spread // 2, spread),
                "start": f"{start:02}:00",
                "end": f"{start + rng.randint(5, 11):02}:00",
                "next": f"{start - 1:02}:30",
            }
        )
    return written


def road_facts(rng: Random, series: Series) -> list[Facts]:
    """One closure a road: diverted through another place, delays in multiples of five."""
    written = []
    for road, place, cause in zip(series["roads"], series["places"], series["causes"], strict=True):
        low = 5 * rng.randint(1, 4)
        written.append(
            {
                "variant": "text",
                "road": road,
                "place": place,
                "cause": cause,
                "via": rng.choice([other for other in series["places"] if other != place]),
                "weeks": rng.randint(*series.get("weeks", (2, 9))),
                "low": low,
                "high": low + 5 * rng.randint(1, 5),
                "length": tenth(rng.randint(6, 48)),
                "vehicles": 100 * rng.randint(12, 190),
                "cost": 10_000 * rng.randint(4, 90),
                "start": f"{rng.randint(5, 9):02}:00",
            }
        )
    return written


def quake_facts(rng: Random, series: Series) -> list[Facts]:
    """One bulletin a place; stronger quakes are felt by more people."""
    written = []
    for place, direction in zip(series["places"], series["directions"], strict=True):
        tenths = rng.randint(34, 57)
        written.append(
            {
                "variant": "light" if tenths < 45 else "moderate",
                "place": place,
                "direction": direction,
                "magnitude": tenth(tenths),
                "depth": rng.randint(6, 48),
                "distance": rng.randint(4, 60),
                "time": f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}",
                "aftershocks": rng.randint(2, 9) + max(0, tenths - 44),
                "reports_felt": (tenths - 30) * rng.randint(9, 31),
            }
        )
    return written


def court_facts(rng: Random, series: Series) -> list[Facts]:
    """One list a court: three to five fines and their sum; nobody stands in two courts."""
    people = rng.sample(series["people"], len(series["people"]))
    offences: list[str] = []
    written = []
    for place in series["places"][: series["reports"]]:
        fines = [20 * rng.randint(2, 40) for _ in range(rng.choice((3, 4, 4)))]
        accused = [people.pop() for _ in fines]
        if len(offences) < len(fines):
            offences = rng.sample(series["offences"], len(series["offences"]))
        cases = [
            f"{person}, {rng.randint(19, 76)}, was fined {fine} pounds for {offences.pop()}"
            for person, fine in zip(accused, fines, strict=True)
        ]
        written.append(
            {
                "variant": "text",
                "place": place,
                "cases": {3: "three", 4: "four"}[len(fines)],
                "fines": tuple(fines),
                "list": "; ".join(cases),
                "total": sum(fines),
                "largest": max(fines),
                "smallest": min(fines),
                "minutes": 5 * rng.randint(7, 22),
                "chair": rng.choice(series["chairs"]),
            }
        )
    return written


def council_facts(rng: Random, series: Series) -> list[Facts]:
    """One vote a place: yes + no + abstained = members, and the larger side has it."""
    written = []
    for place, project in zip(series["places"], series["projects"], strict=True):
        members, abstained = 2 * rng.randint(9, 22) + 1, rng.choice((2, 4))
        voting = members - abstained
        ayes = rng.choice([n for n in range(5, voting - 4) if abs(2 * n - voting) > 1])
        written.append(
            {
                "variant": "passed" if 2 * ayes > voting else "failed",
                "place": place,
                "project": project,
                "members": members,
                "yes": ayes,
                "no": voting - ayes,
                "abstained": abstained,
                "cost": 5_000 * rng.randint(6, 160),
                "years": rng.randint(2, 5),
                "signatures": rng.randint(210, 990),
                "letters": rng.randint(12, 90),
                "minutes": 5 * rng.randint(5, 20),
                "councillor": rng.choice(series["councillors"]),
            }
        )
    return written


def tenth(tenths: int) -> Decimal:
    """Tenths as a number that keeps its decimal.

    >>> tenth(50)
    Decimal('5.0')
    """
    return Decimal(tenths).scaleb(-1)


FACTS: dict[str, Callable[[Random, Series], list[Facts]]] = {
    "match": match_facts,
    "market": market_facts,
    "weather": weather_facts,
    "road": road_facts,
    "quake": quake_facts,
    "court": court_facts,
    "council": council_facts,
}
