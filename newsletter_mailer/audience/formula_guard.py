"""Cells that a spreadsheet would take for a formula, kept from it by an apostrophe.

A list of subscribers is opened in a spreadsheet sooner or later, and names come from
strangers. An apostrophe in front makes a cell plain text. To read it back, one apostrophe
is taken off; so that this gives back every value, a value that already has apostrophes in
front of such a character gets one more.
"""

import re

_GUARD = re.compile(r"'*[=+\-@\t\r＝＋－＠]")


def guarded(cell: str) -> str:
    """The cell as a spreadsheet may open it."""
    return f"'{cell}" if _GUARD.match(cell) else cell


def unguarded(cell: str) -> str:
    """The value that `guarded` was given."""
    return cell[1:] if cell.startswith("'") and _GUARD.match(cell) else cell
