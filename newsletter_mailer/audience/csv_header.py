"""The header of a CSV file of subscribers: which column holds what."""

from collections.abc import Sequence
from dataclasses import dataclass

from newsletter_mailer.errors import AudienceError

EXPECTED = "email,name,agency,role"

_NAMES = {
    "email": "email",
    "e-mail": "email",
    "mail": "email",
    "email address": "email",
    "e-mail address": "email",
    "name": "name",
    "full name": "name",
    "agency": "agency",
    "organisation": "agency",
    "organization": "agency",
    "role": "role",
    "status": "status",
}


@dataclass(frozen=True, slots=True)
class Columns:
    """The position of each field in a row, and the number of columns.

    A field without a column has the position `width`, one behind the last.
    """

    width: int
    email: int
    name: int
    agency: int
    role: int
    status: int


def delimiter_of(header: str) -> str:
    """The character between the columns: of comma, semicolon and tab the most frequent."""
    return max(",;\t", key=header.count)


def columns_of(cells: Sequence[str], place: str) -> Columns:
    """The columns that these header cells name, whatever their order and letter case.

    Columns with other names are passed over.

    Raises:
        AudienceError: email or name is missing, or two columns hold the same field; `place`
            is the file and line that the message names.
    """
    found: dict[str, int] = {}
    for position, cell in enumerate(cells):
        field = _NAMES.get(" ".join(cell.casefold().replace("_", " ").split()))
        if field in found:
            raise AudienceError(
                f"{place}: found two columns for {field}, {cells[found[field]]!r} and {cell!r}; "
                f"expected one of each: {EXPECTED}. Delete one of the two."
            )
        if field:
            found[field] = position
    if "email" not in found or "name" not in found:
        shown = ", ".join(repr(cell[:40]) for cell in cells[:12])
        raise AudienceError(
            f"{place}: found the columns {shown}; expected {EXPECTED} (email and name are "
            "needed, the others may be missing). Put these words in the first line."
        )
    width = len(cells)
    return Columns(
        width,
        *(found.get(field, width) for field in ("email", "name", "agency", "role", "status")),
    )
