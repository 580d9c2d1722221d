"""Campaigns over SMTP: a small office, its way to the fake server, and the ledger it keeps."""

import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fake_smtp import FakeSmtp
from tests.office import Office, Result
from tests.projects import HEAD, article, copied_project, write_issue

ISSUE = "06-autumn-2018"

SEND = ("send", "6", "--yes", "--accept-unknown", "all")


def small_office(project: Path, people: int) -> Office:
    """An office with so many subscribers, and one small article in the place of issue 6."""
    issues = project / "issues"
    shutil.rmtree(issues / ISSUE)
    head = HEAD.replace("number: 7", "number: 6") + "articles: [news]\n"
    write_issue(issues, {"news": article("Words for all.")}, head=head).rename(issues / ISSUE)
    office = Office(project)
    if people:
        office.subscribe(people)
    return office


def frozen_office(folder: Path, people: int) -> Office:
    """An office in `folder` with a campaign that was frozen, and of which nothing has left."""
    project = copied_project(folder / "project")
    office = small_office(project, people)
    journals = project / "var" / "journals"
    journals.write_text("", encoding="utf-8")
    clean(office.run(*SEND, **way_to(9)), "journal", "cannot be written")
    journals.unlink()
    assert statuses(office) == Counter(pending=people)
    return office


def way_to(server: FakeSmtp | int, **send: object) -> dict[str, str]:
    """The settings with which letters go to this server, or port; `send` are those of sending."""
    port = server if isinstance(server, int) else server.port
    return {
        "NEWSLETTER_LINKS__CHECK": "false",
        "NEWSLETTER_TRANSPORT": "smtp",
        "NEWSLETTER_SMTP_URL": f"smtp://127.0.0.1:{port}",
        "NEWSLETTER_SMTP__CONNECTIONS": "3",
        "NEWSLETTER_SMTP__EHLO_NAME": "client.example.org",
        "NEWSLETTER_SEND__RETRY_AFTER": "0.1",
        "NEWSLETTER_SEND__FAILURE_LIMIT": "1",
        **{f"NEWSLETTER_SEND__{name.upper()}": str(value) for name, value in send.items()},
    }


@dataclass(frozen=True, slots=True)
class Row:
    """What the ledger says of one delivery."""

    status: str
    code: str
    error: str
    attempts: int


def ledger(office: Office) -> dict[str, Row]:
    """The deliveries of the office's only campaign, by address, as the database has them."""
    query = "SELECT email, status, code, error, attempts FROM delivery"
    return {email: Row(*values) for email, *values in _rows(office, query)}


def suppressed(office: Office) -> dict[str, tuple[str, str]]:
    """The reason and the code of each suppression, by address."""
    query = "SELECT email_key, reason, code FROM suppression"
    return {email: (reason, code) for email, reason, code in _rows(office, query)}


def statuses(office: Office) -> Counter[str]:
    """How many deliveries have each status."""
    return Counter(row.status for row in ledger(office).values())


def in_doubt(office: Office) -> set[str]:
    """The addresses that the ledger leaves in doubt."""
    return {email for email, row in ledger(office).items() if row.status == "in_doubt"}


def agrees(office: Office, server: FakeSmtp) -> None:
    """Nobody was served twice; whom the server took is sent, or in doubt, and nobody else is."""
    taken = Counter(server.recipients())
    assert not [email for email, times in taken.items() if times > 1]
    rows = ledger(office)
    sent = {email for email, row in rows.items() if row.status == "sent"}
    assert sent <= set(taken)
    assert set(taken) - sent <= in_doubt(office)
    assert not {row.status for row in rows.values()} & {"sending"}


def everybody_once(office: Office, server: FakeSmtp, people: int) -> None:
    """The campaign is done; the server has one letter for each, and the ledger says so."""
    expected = Counter(f"reader{n}@example.org" for n in range(people))
    assert Counter(server.recipients()) == expected
    assert statuses(office) == Counter(sent=people)
    assert office.ok("status", "6", "--json").data["state"] == "done"
    assert not list((office.folder / "var" / "journals").glob("*.journal"))


def clean(result: Result, *words: str) -> None:
    """It ended with exit code 1 and a message that holds these words, and without a traceback."""
    assert result.code == 1, result
    assert "Traceback" not in result.err + result.out
    assert all(word in result.err + result.out for word in words), result


def _rows(office: Office, query: str) -> list[Any]:
    with closing(sqlite3.connect(office.folder / "var" / "newsletter.db")) as database:
        return database.execute(query).fetchall()
