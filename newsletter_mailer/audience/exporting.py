"""Writing subscribers as a CSV file that can be imported again."""

import csv
from typing import TextIO

from sqlalchemy import Connection

from newsletter_mailer.audience.formula_guard import guarded
from newsletter_mailer.audience.listing import list_subscribers

HEADER = ("email", "name", "agency", "role", "status")


def export_csv(connection: Connection, stream: TextIO, *, agency: str | None = None) -> int:
    """Write all subscribers, or those of one agency, and say how many there were.

    Those who have unsubscribed are among them and say so, so that a list that is taken to
    another database does not bring them back. A file for `stream` is opened with
    `newline=""`, as the lines have their own ends.
    """
    writer = csv.writer(stream)
    writer.writerow(HEADER)
    count = 0
    for person in list_subscribers(connection, agency=agency):
        cells = (person.email, person.name, person.agency, person.role, person.status)
        writer.writerow([guarded(cell) for cell in cells])
        count += 1
    return count
