"""What subscribers are told of an alert: as JSON, in Slack, in Teams, by mail.

Headlines come from feeds: they are escaped for each place, or stand where nothing is markup.
"""

import re
from collections.abc import Mapping
from email.message import EmailMessage
from typing import Any, Literal
from urllib.parse import urlsplit

from schemas.alert import Alert
from serving import explain

Kind = Literal["webhook", "slack", "teams", "mail"]

_SLACK = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~])")
_MOST_TITLE = 250
_MOST_REASONS = 4

_SAID: Mapping[str, str] = {
    "opened": "Breaking",
    "escalated": "Escalated",
    "confirmed": "Confirmed",
    "dismissed": "Dismissed",
    "corrected": "Correction",
    "closed": "Closed",
}


def test_alert(at_ms: int) -> Alert:
    """An alert that says that nothing has happened, for who wants to see whether theirs arrive."""
    return Alert(
        alert_id=f"test-{at_ms}",
        desk="test",
        story_id="test",
        state="opened",
        sequence=1,
        at_ms=at_ms,
        raised_ms=at_ms,
        expires_ms=at_ms,
        score=1.0,
        low=1.0,
        high=1.0,
        threshold=1.0,
        outcome="test",
        title="Test: nothing has happened, alerts of Wiredesk arrive here",
        languages=[],
        windows=[],
        sources=[],
        independent_sources=0,
        copies_discounted=0,
        entities=[],
        lead_articles=[],
        reasons=["someone asked for this test"],
        model_versions={},
    )


def message_id(subscription_id: str, alert: Alert) -> str:
    """The same for every try to deliver a state of an alert to a subscriber."""
    return f"{subscription_id}.{alert.alert_id}.{alert.sequence}"


def as_webhook(alert: Alert, console: str) -> dict[str, Any]:
    """The whole alert, with why it was raised in words."""
    return {
        "type": f"alert.{alert.state}",
        "console": console,
        "why": explain.why(alert),
        "alert": alert.model_dump(mode="json"),
    }


def as_slack(alert: Alert, console: str) -> dict[str, Any]:
    """A message of Slack's incoming webhooks."""
    said = f"{headline(alert)} · {facts(alert)}"
    links = " · ".join(
        f"<{url.translate(_SLACK)}|{a.source.translate(_SLACK).replace('|', '¦')}>"
        for a in alert.lead_articles
        if (url := web_address(a.url))
    )
    reasons = "\n".join(f"• {line}" for line in alert.reasons[:_MOST_REASONS])
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": headline(alert)[:150]}},
        {"type": "section", "text": {"type": "plain_text", "text": facts(alert)}},
    ]
    if reasons:
        blocks.append({"type": "section", "text": {"type": "plain_text", "text": reasons[:3000]}})
    if links:
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": links[:3000]}})
    blocks.append(
        {
            "type": "section",
            "text": {"type": "mrkdwn", "text": f"<{console.translate(_SLACK)}|Open the console>"},
        }
    )
    return {"text": said.translate(_SLACK), "blocks": blocks}


def as_teams(alert: Alert, console: str) -> dict[str, Any]:
    """An Adaptive Card for a workflow of Microsoft Teams."""
    lines = [facts(alert), *alert.reasons[:_MOST_REASONS]]
    body: list[dict[str, Any]] = [
        {
            "type": "TextBlock",
            "size": "Large",
            "weight": "Bolder",
            "wrap": True,
            "text": _no_markdown(headline(alert)),
        }
    ]
    body += [{"type": "TextBlock", "wrap": True, "text": _no_markdown(line)} for line in lines]
    actions = [{"type": "Action.OpenUrl", "title": "Open the console", "url": console}]
    actions += [
        {"type": "Action.OpenUrl", "title": a.source[:60], "url": url}
        for a in alert.lead_articles[:4]
        if (url := web_address(a.url))
    ]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "actions": actions,
    }
    return {
        "type": "message",
        "attachments": [
            {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
        ],
    }


def as_mail(alert: Alert, console: str, *, sender: str, to: str, known_as: str) -> EmailMessage:
    """Plain text: nothing in it is markup."""
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = to
    mail["Subject"] = headline(alert)
    mail["Message-ID"] = f"<{re.sub(r'[^A-Za-z0-9.-]', '-', known_as)}@wiredesk>"
    mail["Auto-Submitted"] = "auto-generated"
    articles = [
        f"- {one_line(a.source)}: {one_line(a.title)} {web_address(a.url)}".rstrip()
        for a in alert.lead_articles
    ]
    mail.set_content(
        "\n".join(
            [headline(alert), "", *explain.why(alert), "", "Read first:", *articles, "", console]
        )
    )
    return mail


def headline(alert: Alert) -> str:
    """The state and the story's headline, one line."""
    return f"{_SAID[alert.state]}: {one_line(alert.title)}"[:_MOST_TITLE]


def facts(alert: Alert) -> str:
    """Desk, score and sources in a line."""
    by = f" · by {alert.by}" if alert.by else ""
    return (
        f"Desk {one_line(alert.desk)} · score {alert.score:.2f} ({alert.low:.2f} to "
        f"{alert.high:.2f}) · {alert.independent_sources} independent sources{by}"
    )


def one_line(text: str) -> str:
    """
    >>> one_line("Bridge\\r\\n Subject: x\\u2028y")
    'Bridge Subject: x y'
    """
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def web_address(url: str) -> str:
    """An address that may become a link; empty for what is none of the web.

    >>> web_address("javascript:alert(1)"), web_address("https://courier.example/7")
    ('', 'https://courier.example/7')
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    sound = parts.scheme in ("http", "https") and parts.hostname and not re.search(r"[\s<>|]", url)
    return url if sound else ""


def _no_markdown(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", one_line(text))
