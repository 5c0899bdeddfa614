"""NITF and NewsML-G2 (IPTC) to entries."""

import html
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from ingest import moments
from ingest.addresses import first_canonical
from ingest.entry import Entry
from ingest.safe_xml import BadXml, child_text, local_name, parse

_PARAGRAPHS = {"p", "hl2", "h1", "h2", "h3", "h4", "li", "pre", "dt", "dd", "td", "blockquote"}
_NO_STORY = {"media", "figure", "script", "style", "body.head", "head"}
_WITHDRAWN = {"stat:canceled", "stat:withheld", "canceled", "withheld"}


def read_news_xml(content: bytes) -> list[Entry]:
    """Every story of a NITF or NewsML-G2 document; what was cancelled is left out.

    Raises UnsafeXml or BadXml.
    """
    root = parse(content)
    kind = local_name(root)
    if kind == "nitf":
        return [_nitf(root)]
    items = [node for node in root.iter() if local_name(node) == "newsItem"]
    if not items:
        raise BadXml(f"the root is <{kind}>; expected <nitf>, <newsItem> or <newsMessage>")
    return [entry for item in items if (entry := _news_item(item)) is not None]


def _nitf(root: Element) -> Entry:
    head, body = _first(root, "head"), _first(root, "body")
    data = _first(head, "docdata")
    top = _first(body, "body.head")
    identity = _first(data, "doc-id")
    headline = _first(top, "hedline")
    rights = _first(data, "doc.rights")
    return Entry(
        key=_attribute(identity, "id-string"),
        url=first_canonical(_attribute(identity, "uri")),
        title=_text(_first(headline, "hl1")) or child_text(head, "title"),
        summary=_text(_first(top, "abstract")),
        content=_paragraphs(_first(body, "body.content")),
        authors=tuple(_bylines(top)),
        published=moments.parse(
            _attribute(_first(data, "date.issue"), "norm")
            or _attribute(_first(data, "date.release"), "norm")
        ),
        language=root.get("{http://www.w3.org/XML/1998/namespace}lang", ""),
        metadata={"guid": guid} if (guid := _attribute(identity, "id-string")) else {},
        source=_attribute(rights, "provider"),
    )


def _news_item(item: Element) -> Entry | None:
    meta, content = _first(item, "itemMeta"), _first(item, "contentMeta")
    status = _attribute(_first(meta, "pubStatus"), "qcode").lower()
    if status in _WITHDRAWN:
        return None
    guid = item.get("guid", "")
    story = _first(item, "contentSet")
    inner = [node for node in story.iter() if local_name(node) in ("nitf", "html", "inlineData")]
    summary = next(
        (
            _text(node)
            for node in content
            if local_name(node) == "description" and "summary" in node.get("role", "summary")
        ),
        "",
    )
    nested = _nitf(inner[0]) if inner and local_name(inner[0]) == "nitf" else Entry()
    return Entry(
        key=guid,
        url=first_canonical(child_text(meta, "link") or _attribute(_first(meta, "link"), "href")),
        title=child_text(content, "headline") or child_text(meta, "title") or nested.title,
        summary=summary or nested.summary,
        content=nested.content or (_paragraphs(inner[0]) if inner else ""),
        authors=tuple(_bylines(content)) or nested.authors,
        published=moments.parse(
            child_text(meta, "firstCreated") or child_text(content, "contentCreated")
        )
        or moments.parse(child_text(meta, "versionCreated"))
        or nested.published,
        updated=moments.parse(child_text(meta, "versionCreated")),
        language=_attribute(_first(content, "language"), "tag") or nested.language,
        metadata={"guid": guid, "version": item.get("version", "1")},
        source=_attribute(_first(meta, "provider"), "literal")
        or child_text(_first(meta, "provider"), "name"),
    )


def _first(node: Element, name: str) -> Element:
    """The first descendant of a name; an empty element without."""
    return next((one for one in node.iter() if one is not node and local_name(one) == name), _EMPTY)


_EMPTY = Element("empty")


def _attribute(node: Element, name: str) -> str:
    return (node.get(name) or "").strip()


def _text(node: Element) -> str:
    return " ".join("".join(node.itertext()).split())


def _bylines(node: Element) -> Iterator[str]:
    for one in node.iter():
        if local_name(one) in ("byline", "by"):
            person = next((p for p in one.iter() if local_name(p) == "person"), one)
            if name := _text(person):
                yield name.removeprefix("By ").removeprefix("by ")


def _paragraphs(node: Element) -> str:
    """The paragraphs of a story as HTML; plain text of an element without any."""
    found = [f"<p>{html.escape(text)}</p>" for text in _blocks(node) if text]
    whole = "".join(node.itertext()).strip()
    return "".join(found) or html.escape(whole).replace("\n", "<br>")


def _blocks(node: Element) -> Iterator[str]:
    for child in node:
        name = local_name(child)
        if name in _PARAGRAPHS:
            yield _text(child)
        elif name not in _NO_STORY:
            yield from _blocks(child)
