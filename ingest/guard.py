"""Which addresses of the network may be asked (server-side request forgery, CWE-918)."""

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Refused(ValueError):
    """An address that must not be asked; the message names it."""


def is_public(text: str) -> bool:
    """Whether an IP address is one of the public internet, whatever way it is wrapped.

    >>> is_public("93.184.215.14"), is_public("127.0.0.1"), is_public("::ffff:10.0.0.1")
    (True, False, False)
    """
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return all(one.is_global and not one.is_multicast for one in _unwrapped(address))


def require_public(host: str, addresses: Iterable[str]) -> list[str]:
    """The addresses of a host, if all are public: one private among them is an attack.

    Raises Refused.
    """
    found = list(addresses)
    if private := [address for address in found if not is_public(address)]:
        named = "" if host.strip("[]") == private[0] else f"{private[0]}, "
        raise Refused(
            f"{host} is {named}a private address; `allow_private = true` under [web] in the "
            "file of sources lets it be asked"
        )
    if not found:
        raise Refused(f"{host} has no address")
    return found


def literal(host: str) -> str | None:
    """The address that a host is written as, None for a name; old spellings included.

    >>> literal("[::1]"), literal("0x7f.1"), literal("2130706433"), literal("news.example")
    ('::1', '127.0.0.1', '127.0.0.1', None)
    """
    bare = host.strip("[]")
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return _old_spelling(bare)


def _old_spelling(host: str) -> str | None:
    """inet_aton's forms: hexadecimal and octal parts, fewer than four."""
    parts = host.rstrip(".").split(".")
    if not 1 <= len(parts) <= 4:
        return None
    numbers = []
    for part in parts:
        try:
            if part.lower().startswith("0x"):
                numbers.append(int(part, 16))
            elif part.isascii() and part.isdigit():
                numbers.append(int(part, 8 if part.startswith("0") and len(part) > 1 else 10))
            else:
                return None
        except ValueError:
            return None
    *front, last = numbers
    if any(number > 255 for number in front) or last >= 256 ** (5 - len(numbers)):
        return None
    value = last + sum(number << (24 - 8 * place) for place, number in enumerate(front))
    return str(ipaddress.IPv4Address(value))


def _unwrapped(address: Address) -> list[Address]:
    """An address and the IPv4 addresses inside of it."""
    found: list[Address] = [address]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return [address.ipv4_mapped]
        if address.sixtofour:
            found.append(address.sixtofour)
        if address.teredo:
            found.append(address.teredo[1])
        if address in _NAT64:
            return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    return found
