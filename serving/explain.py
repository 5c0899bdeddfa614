"""Why an alert was raised, in words."""

from schemas.alert import Alert, AlertReaders, AlertWindow


def why(alert: Alert) -> list[str]:
    """Sentences for an editor, the most telling first."""
    said = [
        f"The score is {alert.score:.2f} ({alert.low:.2f} to {alert.high:.2f}): so likely is it "
        f"that {outcome(alert.outcome)}; the desk is alerted from {alert.threshold:.2f} on."
    ]
    said += [window(w) for w in sorted(alert.windows, key=lambda w: w.tail_log10)]
    if alert.readers:
        said.append(readers(alert.readers))
    said += alert.reasons
    if alert.copies_discounted:
        articles = (
            "article that repeats" if alert.copies_discounted == 1 else "articles that repeat"
        )
        said.append(f"{alert.copies_discounted} {articles} another did not count.")
    if alert.by:
        said.append(f"{alert.by}: {alert.state}" + (f" ({alert.note})" if alert.note else "") + ".")
    elif alert.note:
        said.append(alert.note)
    return said


def window(seen: AlertWindow) -> str:
    """
    >>> window(AlertWindow(minutes=15, observed=8, expected=0.4, tail_log10=-7.2))
    '8 independent sources in 15 minutes, where 0.4 were to be expected (chance 1 in 10^7).'
    """
    sources = "source" if seen.observed == 1 else "sources"
    return (
        f"{seen.observed} independent {sources} in {seen.minutes} minutes, where "
        f"{seen.expected:.1f} were to be expected (chance {_chance(seen.tail_log10)})."
    )


def readers(seen: AlertReaders) -> str:
    """
    >>> readers(AlertReaders(minutes=15, end_ms=0, observed=412, expected=60, tail_log10=-5.9,
    ...     total=500))
    '412 readers came to it in 15 minutes, where 60.0 were to be expected (chance 1 in 10^6).'
    """
    people = "reader" if seen.observed == 1 else "readers"
    return (
        f"{seen.observed} {people} came to it in {seen.minutes} minutes, where "
        f"{seen.expected:.1f} were to be expected (chance {_chance(seen.tail_log10)})."
    )


def outcome(definition: str) -> str:
    """What breaking means, in words; a definition of another form stays as it is.

    >>> outcome("sources=8,hours=6")
    'at least 8 independent sources carry it within 6 hours'
    >>> outcome("readers=350,hours=2")
    'at least 350 readers come to it within 2 hours'
    """
    parts = dict(part.partition("=")[::2] for part in definition.split(","))
    if parts.keys() == {"sources", "hours"}:
        many, who = parts["sources"], "independent sources carry it"
    elif parts.keys() == {"readers", "hours"}:
        many, who = parts["readers"], "readers come to it"
    else:
        return definition
    return f"at least {many} {who} within {parts['hours']} hours"


def _chance(tail_log10: float) -> str:
    return f"1 in 10^{-tail_log10:.0f}" if tail_log10 <= -1 else "not small"


CALIBRATION_NOTE = (
    "The score is a calibrated probability: of many alerts with a score of 0.8, eight in ten "
    "should break. The interval is where it lies given what was seen."
)
