"""From templates to answers: one environment that escapes everything, one set of headers.

A headline is hostile input. It is escaped by Jinja, no page carries a script or style of its own
(Content-Security-Policy), and scripts put markup into a page only through one Trusted Types
policy, which takes what this server rendered.
"""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from serving.access import Visitor
from serving.console import words

STATIC = Path(__file__).parent / "static"
STATIC_PATH = "/console/static"

PAGES = (
    ("/console", "Wall", "1"),
    ("/console/moderation", "Moderation", "2"),
    ("/console/quality", "Quality", "3"),
    ("/console/decisions", "Decisions", "4"),
    ("/console/reader", "Reader", "5"),
)
"""Path, name, key."""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "require-trusted-types-for 'script'; trusted-types wiredesk"
)

ALERT_STATES = {
    "opened": "Alert",
    "escalated": "Alert, escalated",
    "confirmed": "Confirmed",
    "dismissed": "Dismissed",
    "corrected": "Corrected",
    "closed": "Closed",
}


def _state(name: str) -> str:
    """A state or a kind as a person says it."""
    return ALERT_STATES.get(name) or name.replace("_", " ").capitalize()


def _latency(ms: int) -> str:
    """How long an answer took."""
    return f"{ms / 1000:.1f} s" if ms < words.MINUTE_MS else words.duration(ms)


def _sentence(text: str) -> str:
    """A text that begins with a capital."""
    return text[:1].upper() + text[1:]


@cache
def environment() -> Environment:
    """The templates. A name that a page lacks is an error, not an empty place."""
    templates = Environment(
        loader=PackageLoader("serving.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {
        "amount": words.amount,
        "clock": words.clock,
        "count": lambda number, one, many=None: words.count(number, one, many),
        "day": lambda ms: words.moment(ms).strftime("%-d %b"),
        "desk": words.desk,
        "duration": words.duration,
        "interval": words.interval,
        "iso": words.iso,
        "language": words.language,
        "likely": words.likely,
        "likely_interval": words.likely_interval,
        "latency": _latency,
        "percent": words.percent,
        "sentence": _sentence,
        "state": _state,
    }
    templates.globals |= {"pages": PAGES, "static": static, "build": build()}
    return templates


@cache
def build() -> str:
    """Changes when a template, a style or a script does; a page that stayed open reloads then."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.rglob("*")):
        if file.suffix in {".html", ".css", ".js", ".svg", ".woff2"}:
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def static(name: str) -> str:
    """The address of a file of ours; another one with each build, so that it may be kept."""
    return f"{STATIC_PATH}/{build()}/{name}"


def page(
    request: Request,
    template: str,
    visitor: Visitor | None,
    context: Mapping[str, Any],
    status: int = 200,
) -> HTMLResponse:
    """An answer with a page."""
    markup = (
        environment()
        .get_template(template)
        .render(visitor=visitor, here=request.url.path, **context)
    )
    headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Cache-Control": "no-store"}
    return HTMLResponse(markup, status, headers)
