"""XML from outside, without what XML can do to its reader."""

import re
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

_LONGEST_ENTITY = 256
_MOST_ENTITIES = 512
_ENTITY = re.compile(
    rb"<!ENTITY\s+(?:%\s+)?[^\s>]+\s+(?:(SYSTEM|PUBLIC)\b|\"([^\"]*)\"|'([^']*)')?", re.I
)


class UnsafeXml(ValueError):
    """The document declares entities that grow or reach out; it is not read."""


class BadXml(ValueError):
    """The document is not well-formed; the message says where."""


def require_safe(content: bytes) -> None:
    """Raises UnsafeXml for entities that hold entities, are long, are many or lie elsewhere.

    >>> require_safe(b'<!DOCTYPE r [<!ENTITY eacute "&#233;">]><r/>')
    >>> require_safe(b'<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><r/>')
    Traceback (most recent call last):
    ingest.safe_xml.UnsafeXml: an entity that is made of other entities
    """
    text = content
    if content[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in content[:64]:
        text = content.replace(b"\0", b"")  # UTF-16 and UTF-32: declarations are ASCII
    if b"<!ENTITY" not in text and b"<!entity" not in text:
        return
    for count, found in enumerate(_ENTITY.finditer(text), start=1):
        external, *values = found.groups()
        value = values[0] or values[1] or b""
        if external:
            raise UnsafeXml("an entity that lies outside of the document")
        if re.search(rb"[&%](?!#)", value):
            raise UnsafeXml("an entity that is made of other entities")
        if len(value) > _LONGEST_ENTITY or count > _MOST_ENTITIES:
            raise UnsafeXml(f"an entity of {len(value):,} bytes, number {count}")


def parse(content: bytes) -> Element:
    """The root of a document. Raises UnsafeXml or BadXml."""
    require_safe(content)
    try:
        return fromstring(content)  # type: ignore[no-any-return]
    except DefusedXmlException as error:
        raise UnsafeXml(f"{type(error).__name__}: {error}") from error
    except (ParseError, ValueError, LookupError) as error:
        raise BadXml(f"not well-formed XML: {error}") from error


def local_name(element: Element) -> str:
    """The name of an element without its namespace; empty for a comment.

    >>> local_name(Element("{http://www.sitemaps.org/schemas/sitemap/0.9}url"))
    'url'
    """
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def child_text(element: Element, *names: str) -> str:
    """The text of the first child with one of some local names, in the order of the names."""
    for name in names:
        for child in element:
            if local_name(child) == name and (text := "".join(child.itertext()).strip()):
                return text
    return ""
