"""Campaigns through the provider: an office's way to the fake, and the ledger against its truth."""

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

from tests.fake_sendgrid import FakeSendgrid
from tests.fake_sendgrid.server import KEY
from tests.mailroom import clean, in_doubt, ledger, small_office, statuses
from tests.office import Office
from tests.projects import copied_project

TO_SENDGRID = ("send", "6", "--yes", "--accept-unknown", "all")


def way_to_sendgrid(server: FakeSendgrid | int, **settings: object) -> dict[str, str]:
    """The settings with which letters go to this server, or port.

    `settings` are more of them, named as in the environment after `NEWSLETTER_`.
    """
    port = server if isinstance(server, int) else server.port
    return {
        "NEWSLETTER_LINKS__CHECK": "false",
        "NEWSLETTER_TRANSPORT": "sendgrid",
        "NEWSLETTER_SENDGRID_HOST": f"http://127.0.0.1:{port}",
        "NEWSLETTER_SENDGRID_API_KEY": KEY,
        "NEWSLETTER_SEND__RETRY_AFTER": "0.1",
        "NEWSLETTER_SEND__FAILURE_LIMIT": "1",
        **{f"NEWSLETTER_{name.upper()}": str(value) for name, value in settings.items()},
    }


def agrees(office: Office, server: FakeSendgrid) -> None:
    """Nobody was served twice; whom the provider took is sent, or in doubt, and nobody else is."""
    taken = server.recipients()
    assert not [email for email, times in taken.items() if times > 1]
    rows = ledger(office)
    sent = {email for email, row in rows.items() if row.status == "sent"}
    assert sent <= set(taken)
    assert set(taken) - sent <= in_doubt(office)
    assert not {row.status for row in rows.values()} & {"sending"}


def frozen_for_sendgrid(folder: Path, people: int, **settings: object) -> Office:
    """An office in `folder` with a campaign frozen for the provider, of which nothing has left."""
    project = copied_project(folder / "project")
    office = small_office(project, people)
    journals = project / "var" / "journals"
    journals.write_text("", encoding="utf-8")
    clean(office.run(*TO_SENDGRID, **way_to_sendgrid(9, **settings)), "cannot be written")
    journals.unlink()
    assert statuses(office) == Counter(pending=people)
    forget_its_home(office)
    return office


def forget_its_home(office: Office) -> None:
    """Let copies of the office's folder send, which else would be refused as copies."""
    with closing(sqlite3.connect(office.folder / "var" / "newsletter.db")) as database, database:
        database.execute("DELETE FROM home")
    for name in ("home", "last-claim"):
        (office.folder / "var" / name).unlink(missing_ok=True)
