"""Addresses whose owners left and were erased: known again by a keyed hash, and by nothing else.

Without the key a hash tells nothing, not even to somebody who tries every address there is.
The key is derived from the project's signing key. Who changes that names the old one
beside the new one, or these people are strangers again.
"""

import datetime as dt
import hashlib
import hmac
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, delete, exists, insert, literal, select

from newsletter_mailer.store.office_tables import erased_address

_PURPOSE = b"newsletter-erased-address"

_AT_ONCE = 500
"""Hashes in one question to the database; SQLite takes some thousand values at most."""


def mark_of(email_key: str, key: str) -> str:
    """What is kept of an erased address: an HMAC-SHA-256 of its key, in hexadecimal."""
    derived = hmac.digest(key.encode(), _PURPOSE, "sha256")
    return hmac.new(derived, email_key.encode(), hashlib.sha256).hexdigest()


def remember(connection: Connection, email_key: str, key: str, *, now: dt.datetime) -> None:
    """Keep the hash of an address that is being erased."""
    mark = mark_of(email_key, key)
    known = exists().where(erased_address.c.mark == mark)
    values = (literal(mark), literal(now, erased_address.c.since.type))
    connection.execute(
        insert(erased_address).from_select(["mark", "since"], select(*values).where(~known))
    )


def erased_among(
    connection: Connection, email_keys: Iterable[str], keys: Sequence[str]
) -> frozenset[str]:
    """Which of these addresses were erased. `keys` are the signing keys, the newest first."""
    if connection.scalar(select(erased_address.c.mark).limit(1)) is None:
        return frozenset()  # as almost everywhere, and hashing a million addresses takes a while
    marks = {mark_of(email_key, key): email_key for email_key in email_keys for key in keys}
    found: set[str] = set()
    listed = list(marks)
    for begin in range(0, len(listed), _AT_ONCE):
        chosen = erased_address.c.mark.in_(listed[begin : begin + _AT_ONCE])
        found.update(connection.scalars(select(erased_address.c.mark).where(chosen)))
    return frozenset(marks[mark] for mark in found)


def forget_erasure(connection: Connection, email_key: str, keys: Sequence[str]) -> bool:
    """Let an erased address be subscribed again, as its owner asked; False if it was not erased."""
    marks = [mark_of(email_key, key) for key in keys]
    done = connection.execute(delete(erased_address).where(erased_address.c.mark.in_(marks)))
    return bool(done.rowcount)
