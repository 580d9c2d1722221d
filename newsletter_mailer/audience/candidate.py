"""A row of a CSV file, checked and brought into the form in which subscribers are kept."""

import re
from typing import NamedTuple

from newsletter_mailer.audience.address import quickly_checked
from newsletter_mailer.audience.agency_names import AgencyNames
from newsletter_mailer.audience.csv_rows import Row
from newsletter_mailer.audience.subscriber import ACTIVE, UNSUBSCRIBED
from newsletter_mailer.mailbox import address_key

LONGEST_TEXT = 200
"""Characters in a name or a role."""

_GAPS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")


class Candidate(NamedTuple):
    """What a row says of a person. Empty: it does not say. `status` is empty or unsubscribed."""

    line: int
    email: str
    key: str
    name: str
    agency: str
    role: str
    status: str


def candidate(row: Row, agencies: AgencyNames) -> Candidate:
    """The person whom a row names.

    Raises:
        ValueError: the row cannot be used; the message says why and what to do.
    """
    if row.problem:
        raise ValueError(row.problem)
    if not row.email:
        raise ValueError("no e-mail address; fill it in, or delete the row")
    email = quickly_checked(row.email)
    status = row.status.casefold()
    if status not in ("", ACTIVE, UNSUBSCRIBED):
        raise ValueError(
            f"the status {row.status[:40]!r}; expected {ACTIVE}, {UNSUBSCRIBED} or an empty cell"
        )
    return Candidate(
        row.line,
        email,
        address_key(email),
        _text(row.name, "name"),
        agencies.id_of(row.agency) if row.agency else "",
        _text(row.role, "role"),
        status if status == UNSUBSCRIBED else "",
    )


def _text(cell: str, field: str) -> str:
    """The cell on one line, with single spaces."""
    text = cell if cell.isprintable() and "  " not in cell else _GAPS.sub(" ", cell).strip()
    if len(text) > LONGEST_TEXT:
        raise ValueError(
            f"a {field} of {len(text):,} characters; expected at most {LONGEST_TEXT}; shorten it"
        )
    return text
