"""OPML 2.0: lists of feeds from and to other readers."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ingest.safe_xml import BadXml, UnsafeXml, local_name, parse
from schemas.errors import SetupError


@dataclass(frozen=True)
class Outline:
    """A feed of a list; `category` is the names of the folders it is in, joined by `/`."""

    url: str
    name: str = ""
    category: str = ""
    page: str = ""


def read_opml(content: bytes) -> list[Outline]:
    """The feeds of a list, each address once. Raises SetupError."""
    try:
        root = parse(content)
    except (UnsafeXml, BadXml) as error:
        raise SetupError(f"the OPML cannot be read: {error}") from error
    if local_name(root).lower() != "opml":
        raise SetupError(f"the root is <{local_name(root)}>; expected <opml>")
    body = next((node for node in root if local_name(node) == "body"), root)
    found: dict[str, Outline] = {}
    for outline in _outlines(body, ()):
        found.setdefault(outline.url, outline)
    return list(found.values())


def write_opml(outlines: Iterable[Outline], title: str = "Wiredesk") -> bytes:
    """A list of feeds, in folders by category.

    >>> b'xmlUrl="https://news.example/rss"' in write_opml([Outline("https://news.example/rss")])
    True
    """
    root = Element("opml", version="2.0")
    SubElement(SubElement(root, "head"), "title").text = title
    body = SubElement(root, "body")
    folders: dict[str, Element] = {}
    for outline in outlines:
        parent = body
        for depth, name in enumerate(parts := [p for p in outline.category.split("/") if p]):
            path = "/".join(parts[: depth + 1])
            if path not in folders:
                folders[path] = SubElement(parent, "outline", text=name, title=name)
            parent = folders[path]
        attributes = {"type": "rss", "text": outline.name or outline.url, "xmlUrl": outline.url}
        if outline.page:
            attributes["htmlUrl"] = outline.page
        SubElement(parent, "outline", attributes)
    indent(root)
    return bytes(tostring(root, "utf-8", xml_declaration=True)) + b"\n"


def to_toml(outlines: Iterable[Outline]) -> str:
    """A file of sources for a list of feeds.

    >>> to_toml([Outline("https://news.example/rss", "News")])
    '[[source]]\\nurl = "https://news.example/rss"\\nname = "News"\\n'
    """
    blocks = []
    names: set[str] = set()
    for outline in outlines:
        lines = ["[[source]]", f"url = {_quoted(outline.url)}"]
        if outline.name and outline.name != outline.url and outline.name not in names:
            lines.append(f"name = {_quoted(outline.name)}")
            names.add(outline.name)
        if outline.category:
            lines.append(f"category = {_quoted(outline.category)}")
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def _outlines(node: Element, above: tuple[str, ...]) -> Iterator[Outline]:
    for child in node:
        if local_name(child) != "outline":
            continue
        given = {name.lower(): value.strip() for name, value in child.attrib.items()}
        name = given.get("title") or given.get("text", "")
        url = given.get("xmlurl", "")
        if url.startswith(("http://", "https://", "feed:")):
            address = (
                url.removeprefix("feed:").replace("//", "https://", 1)
                if url.startswith("feed://")
                else url.removeprefix("feed:")
            )
            category = "/".join(above) or given.get("category", "").split(",")[0].strip("/")
            yield Outline(address, name, category, given.get("htmlurl", ""))
        yield from _outlines(child, (*above, name) if name and not url else above)


def _quoted(text: str) -> str:
    """A TOML basic string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'
