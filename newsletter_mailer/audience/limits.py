"""Limits: how often something may happen within a stretch of time, counted in the database."""

import datetime as dt
import hashlib
import hmac
import ipaddress

from sqlalchemy import Connection, insert, select, update

from newsletter_mailer.store.web_tables import tally

_V6_NETWORK = 64
"""Bits; one household or office has at least a /64 (RFC 6177)."""


def network_of(host: str) -> str:
    """The network of a client: its IPv4 address, or the /64 of its IPv6 address.

    What is no address is its own network.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host[:100] or "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((int(address), _V6_NETWORK), strict=False))
    return str(address)


def hashed(text: str, key: str) -> str:
    """A keyed hash of a network or a domain: it tells nothing without the key."""
    derived = hmac.digest(key.encode(), b"newsletter-limits", "sha256")
    return hmac.new(derived, text.encode(), hashlib.sha256).hexdigest()[:32]


def count(
    connection: Connection, key: str, now: dt.datetime, period: dt.timedelta
) -> tuple[int, dt.datetime]:
    """Count one more, in the caller's transaction: how many it is within the period, and its end.

    A period begins with the first that is counted.
    """
    row = connection.execute(select(tally).where(tally.c.key == key)).one_or_none()
    if row is None:
        connection.execute(insert(tally).values(key=key, since=now, number=1))
        return 1, now + period
    is_over = not row.since <= now < row.since + period
    since, number = (now, 1) if is_over else (row.since, row.number + 1)
    connection.execute(update(tally).where(tally.c.key == key).values(since=since, number=number))
    return number, since + period
