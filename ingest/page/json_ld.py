"""What a page says about its article in JSON-LD (schema.org).

Real pages hold broken JSON, comments, several graphs and teasers of other articles; the article of
the page is the fullest node of an article type, and one that names the page's address wins.
"""

import html
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

Node = dict[str, Any]

ARTICLE_TYPES = frozenset(
    {
        "Article",
        "NewsArticle",
        "AnalysisNewsArticle",
        "AskPublicNewsArticle",
        "BackgroundNewsArticle",
        "OpinionNewsArticle",
        "ReportageNewsArticle",
        "ReviewNewsArticle",
        "AdvertiserContentArticle",
        "SatiricalArticle",
        "BlogPosting",
        "LiveBlogPosting",
        "Report",
        "ScholarlyArticle",
        "SocialMediaPosting",
        "TechArticle",
    }
)
_MOST_NODES = 2_000
"""A page with more nodes than this is not read further."""

_DEEPEST = 12
_COMMENT = re.compile(r"^\s*(?:<!--|//\s*<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/|<!\[CDATA\[)", re.S)
_COMMENT_END = re.compile(r"(?:-->|//\s*\]\]>|/\*\s*\]\]>\s*\*/|\]\]>)\s*;?\s*$", re.S)
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")


def article_node(scripts: Sequence[str], url: str = "") -> Node:
    """The node of the page's article; empty when no script declares one.

    >>> article_node(['{"@graph": [{"@type": "NewsArticle", "headline": "Bridge reopens"}]}'])
    {'@type': 'NewsArticle', 'headline': 'Bridge reopens'}
    """
    best: Node = {}
    best_rank = (False, -1)
    for node in nodes(scripts):
        if not is_article(node):
            continue
        rank = (bool(url) and url in addresses(node), _fullness(node))
        if rank > best_rank:
            best, best_rank = node, rank
    return best


def nodes(scripts: Sequence[str]) -> Iterator[Node]:
    """Every object in the scripts, outer before inner; what is not JSON is passed over."""
    left = _MOST_NODES
    for script in scripts:
        pending: list[tuple[Any, int]] = [(_parsed(script), 0)]
        while pending and left:
            value, depth = pending.pop(0)
            if isinstance(value, list):
                pending += [(part, depth + 1) for part in value if depth < _DEEPEST]
            elif isinstance(value, dict):
                left -= 1
                yield value
                pending += [
                    (part, depth + 1)
                    for part in value.values()
                    if isinstance(part, (dict, list)) and depth < _DEEPEST
                ]


def is_article(node: Node) -> bool:
    """Whether a node is of an article type.

    >>> is_article({"@type": ["Thing", "http://schema.org/NewsArticle"]})
    True
    """
    given = node.get("@type")
    named = given if isinstance(given, list) else [given]
    return any(
        isinstance(name, str) and re.split(r"[/:#]", name)[-1] in ARTICLE_TYPES for name in named
    )


def addresses(node: Node) -> set[str]:
    """Every address by which a node names itself."""
    found = set()
    for name in ("url", "@id", "mainEntityOfPage"):
        value = node.get(name)
        for part in value if isinstance(value, list) else [value]:
            address = part.get("@id") or part.get("url") if isinstance(part, dict) else part
            if isinstance(address, str):
                found.add(address)
    return found


def text(node: Node, *names: str) -> str:
    """The first of some properties that is a text, entities resolved.

    >>> text({"headline": "Caf&eacute; &amp; bar"}, "headline")
    'Café & bar'
    """
    for name in names:
        value = node.get(name)
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, dict):
            value = value.get("@value") or value.get("name")
        if isinstance(value, str) and value.strip():
            return html.unescape(value).strip()
    return ""


def people(node: Node) -> list[str]:
    """The names of a node's authors, in their order."""
    value = node.get("author") or node.get("creator")
    found = []
    for one in value if isinstance(value, list) else [value]:
        name = one.get("name") if isinstance(one, dict) else one
        for part in name if isinstance(name, list) else [name]:
            if isinstance(part, str) and part.strip():
                found.append(html.unescape(part).strip())
    return found


def _fullness(node: Node) -> int:
    worth = {"headline": 4, "articleBody": 4, "datePublished": 2, "mainEntityOfPage": 1}
    return sum(points for name, points in worth.items() if node.get(name))


def _parsed(script: str) -> Any:
    """JSON as browsers' readers take it: raw line breaks, comments around, trailing commas."""
    bare = _COMMENT_END.sub("", _COMMENT.sub("", script)).strip().rstrip(";")
    for attempt in (bare, _TRAILING_COMMA.sub(r"\1", bare)):
        try:
            return json.loads(attempt, strict=False)
        except (ValueError, RecursionError):
            continue
    return None
