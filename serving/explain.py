"""Why an alert was raised, in words."""

from schemas.alert import Alert, AlertWindow


def why(alert: Alert) -> list[str]:
    """Sentences for an editor, the most telling first."""
    said = [
        f"The score is {alert.score:.2f} ({alert.low:.2f} to {alert.high:.2f}): so likely is it "
        f"that {outcome(alert.outcome)}; the desk is alerted from {alert.threshold:.2f} on."
    ]
    said += [window(w) for w in sorted(alert.windows, key=lambda w: w.tail_log10)]
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
    chance = f"1 in 10^{-seen.tail_log10:.0f}" if seen.tail_log10 <= -1 else "not small"
    return (
        f"{seen.observed} independent {sources} in {seen.minutes} minutes, where "
        f"{seen.expected:.1f} were to be expected (chance {chance})."
    )


def outcome(definition: str) -> str:
    """What breaking means, in words; a definition of another form stays as it is.

    >>> outcome("sources=8,hours=6")
    'at least 8 independent sources carry it within 6 hours'
    """
    parts = dict(part.partition("=")[::2] for part in definition.split(","))
    if parts.keys() != {"sources", "hours"}:
        return definition
    return f"at least {parts['sources']} independent sources carry it within {parts['hours']} hours"


CALIBRATION_NOTE = (
    "The score is a calibrated probability: of many alerts with a score of 0.8, eight in ten "
    "should break. The interval is where it lies given what was seen."
)
