"""Bounces and complaints by mail: read, matched with their delivery, and taken in."""

import datetime as dt
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select
from typer.testing import CliRunner

from newsletter_mailer.cli.app import app
from newsletter_mailer.sending.campaign import all_campaigns
from newsletter_mailer.sending.dispatching import dispatch_of
from newsletter_mailer.sending.personal_links import PersonalLinks
from newsletter_mailer.sending.return_path import verp
from newsletter_mailer.sending.running import send_pass
from newsletter_mailer.settings import load_settings
from newsletter_mailer.store.engine import open_store, reading, writing
from newsletter_mailer.store.tables import suppression
from newsletter_mailer.tracking.events import Kind
from newsletter_mailer.tracking.inbound import read_report
from tests.mailroom import small_office
from tests.office import Office

KEY = "k" * 32
NOW = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)
VERP = verp("bounces@example.org", 1, 2, KEY)
LEAVE = PersonalLinks("https://news.example.org", KEY).unsubscribe(1, 2)


def bounce(
    action: str = "failed",
    status: str = "5.1.1",
    said: str = "smtp; 550 5.1.1 No such user",
    to: str = VERP,
    returned: str = "Subject: News",
    number: int = 1,
) -> bytes:
    """A delivery report as Postfix writes it (RFC 3464)."""
    return f"""\
Return-Path: <>
Date: Mon, 2 Mar 2026 09:00:00 +0000 (GMT)
From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: {to}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"
Message-Id: <{number}@mx.example.net>

--b1
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net
X-Postfix-Queue-ID: 4F00

Final-Recipient: rfc822; reader2@example.org
Original-Recipient: rfc822;reader2@example.org
Action: {action}
Status: {status}
Remote-MTA: dns; mail.example.org
Diagnostic-Code: {said}

--b1
Content-Type: text/rfc822-headers

{returned}

--b1--
""".replace("\n", "\r\n").encode()


def complaint(kind: str = "abuse", mail_from: str = VERP, returned: str = "Subject: News") -> bytes:
    """A complaint as a mail provider sends it (RFC 5965)."""
    return f"""\
From: <abusedesk@example.net>
Date: Mon, 2 Mar 2026 09:00:00 +0000
Subject: FW: News
To: <office@example.org>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b1"
Message-ID: <c1@example.net>

--b1
Content-Type: text/plain; charset="US-ASCII"

This is an email abuse report.

--b1
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <{mail_from}>

--b1
Content-Type: message/rfc822

{returned}

Dear Reader,

--b1--
""".encode()


def test_a_bounce_names_its_delivery_and_what_is_wrong() -> None:
    """The return path names the delivery, the status code the fault, the diagnosis the words."""
    found = read_report(bounce(), (KEY,), NOW)
    assert found is not None
    event = found.event
    assert (event.campaign_id, event.subscriber_id) == (1, 2)
    assert (event.kind, event.code) == (Kind.BOUNCED, "5.1.1")
    assert event.detail == "smtp; 550 5.1.1 No such user"
    assert event.at == dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("changes", "kind", "code"),
    [
        ({"status": "5.2.2"}, Kind.SOFT_BOUNCED, "5.2.2"),
        ({"status": "4.4.1", "said": "smtp; 450 later"}, Kind.SOFT_BOUNCED, "4.4.1"),
        ({"status": "5.7.1"}, Kind.BLOCKED, "5.7.1"),
        ({"status": "5.0.0"}, Kind.BOUNCED, "5.1.1"),
        ({"status": "5.0.0", "said": "x-unix; strange"}, Kind.SOFT_BOUNCED, "5.0.0"),
        ({"status": "4.0.0", "action": "delayed", "said": "smtp; later"}, Kind.DEFERRED, "4.0.0"),
        ({"action": "delivered", "status": "2.0.0", "said": "ok"}, Kind.DELIVERED, "2.0.0"),
        ({"action": "relayed", "status": "2.0.0", "said": "ok"}, Kind.PROCESSED, "2.0.0"),
        ({"action": "vanished"}, Kind.OTHER, "5.1.1"),
    ],
)
def test_reports_are_judged(changes: Mapping[str, str], kind: Kind, code: str) -> None:
    """Each action and code means what it should; a bare 5.0.0 is judged by the words."""
    found = read_report(bounce(**changes), (KEY,), NOW)  # type: ignore[arg-type]
    assert found is not None
    assert (found.event.kind, found.event.code) == (kind, code)


def test_a_complaint_is_one() -> None:
    """Abuse is a complaint, `not-spam` is none; the original return path names the delivery."""
    found = read_report(complaint(), (KEY,), NOW)
    assert found is not None
    assert (found.event.kind, found.event.campaign_id, found.event.subscriber_id) == (
        Kind.COMPLAINED,
        1,
        2,
    )
    kind = read_report(complaint("not-spam"), (KEY,), NOW)
    assert kind is not None
    assert kind.event.kind is Kind.OTHER


@pytest.mark.parametrize(
    "raw",
    [
        bounce(to="office@example.org", returned=f"List-Unsubscribe: <{LEAVE}>"),
        complaint(mail_from="office@example.org", returned=f"List-Unsubscribe: <{LEAVE}>"),
        bounce(to="office@example.org", returned=f"Return-Path: <{VERP}>"),
        bounce(to=VERP.upper()),
    ],
)
def test_without_a_return_path_the_returned_message_tells(raw: bytes) -> None:
    """Its signed link for unsubscribing, or its return path, names the delivery as well."""
    found = read_report(raw, (KEY,), NOW)
    assert found is not None
    assert found.event.delivery == (1, 2)


@pytest.mark.parametrize(
    "address",
    ["bounces+1.3." + VERP.split(".")[2], "bounces@example.org", "bounces+1.2.aaaa@example.org"],
)
def test_a_forged_return_path_names_nobody(address: str) -> None:
    """Nobody without the key can have anybody suppressed."""
    found = read_report(bounce(to=address), (KEY,), NOW)
    assert found is not None
    assert found.event.delivery is None
    assert read_report(bounce(), ("n" * 32,), NOW).event.delivery is None  # type: ignore[union-attr]
    assert read_report(bounce(), ("n" * 32, KEY), NOW).event.delivery == (1, 2)  # type: ignore[union-attr]


@given(
    st.binary(max_size=200)
    | st.tuples(st.integers(0, 1_200), st.binary(max_size=20)).map(
        lambda cut: bounce()[: cut[0]] + cut[1] + bounce()[cut[0] + len(cut[1]) :]
    )
    | st.tuples(st.integers(0, 700), st.binary(max_size=20)).map(
        lambda cut: complaint()[: cut[0]] + cut[1] + complaint()[cut[0] + len(cut[1]) :]
    )
)
def test_no_message_breaks_the_reader(raw: bytes) -> None:
    """Damaged reports and any bytes at all are read, or are no report; nothing is raised."""
    found = read_report(raw, (KEY,), NOW)
    if found is not None and found.event.delivery is not None:
        assert found.event.delivery == (1, 2)


@pytest.fixture
def office(project: Path) -> Office:
    """An office whose issue 6 went to three people, with the key that signs their links."""
    office = small_office(project, 3)
    office.ok("send", "6", "--yes", "--accept-unknown", "all", NEWSLETTER_SECRET_KEY=KEY)
    return office


@pytest.fixture
def on_either(database: str, project: Path) -> Office:
    """The same, once on each database."""
    office = small_office(project, 0)
    if database != "sqlite":
        office.ok("migrate")
    office.subscribe(3)
    words = ("6", "--yes", "--accept-unknown", "all")
    if database == "sqlite":
        office.ok("send", *words, NEWSLETTER_SECRET_KEY=KEY)
        return office
    office.ok("send", *words, "--no-wait", NEWSLETTER_SECRET_KEY=KEY)
    with pytest.MonkeyPatch.context() as world, _store(office) as engine:
        world.setenv("NEWSLETTER_SECRET_KEY", KEY)
        with reading(engine) as connection:
            (campaign,) = all_campaigns(connection)
        dispatch = dispatch_of(engine, campaign, load_settings(office.folder))
        send_pass(dispatch, threading.Event(), lambda _: None)
    return office


def _piped(office: Office, raw: bytes, *words: str, **environment: str) -> tuple[int, str]:
    """`newsletter inbound` with a message on its standard input: its exit code and words."""
    with pytest.MonkeyPatch.context() as world:
        world.chdir(office.folder)
        for name, value in {"NEWSLETTER_SECRET_KEY": KEY, **environment}.items():
            world.setenv(name, value)
        result = CliRunner().invoke(app, ["inbound", *words], input=raw)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


@contextmanager
def _store(office: Office) -> Iterator[Engine]:
    engine = open_store(load_settings(office.folder))
    yield engine
    engine.dispose()


def _suppressed(office: Office) -> dict[str, str]:
    with _store(office) as engine, reading(engine) as connection:
        rows = connection.execute(select(suppression.c.email_key, suppression.c.reason))
        return {row.email_key: row.reason for row in rows}


def test_a_bounce_in_a_pipe_suppresses_its_address(on_either: Office) -> None:
    """A dead address gets nothing more; the same report again changes nothing."""
    office = on_either
    code, words = _piped(office, bounce(), "--recipient", VERP)
    assert (code, words) == (0, "Done: bounced (5.1.1), noted.\n")
    (address,) = _suppressed(office)
    assert _suppressed(office)[address] == "bounce"
    code, words = _piped(office, bounce())
    assert (code, words) == (0, "Done: bounced (5.1.1), known before.\n")
    result = office.ok("certificate", "6", "--json")
    assert result.data["adds_up"] is True
    assert result.data["outcomes"]["accepted"] == 3


def test_a_complaint_in_a_pipe_is_stronger_than_a_bounce(on_either: Office) -> None:
    """Who reported the newsletter as spam is suppressed for that, whatever came before."""
    office = on_either
    _piped(office, bounce())
    assert _piped(office, complaint()) == (0, "Done: complained, noted.\n")
    assert list(_suppressed(office).values()) == ["complaint"]


def test_what_is_no_report_or_of_nobody_changes_nothing(office: Office) -> None:
    """Every message ends with 0, so that a mail server never answers one."""
    holiday = b"From: a@example.org\r\nAuto-Submitted: auto-replied\r\n\r\nI am away.\r\n"
    assert _piped(office, holiday)[0] == 0
    assert _piped(office, b"")[0] == 0
    strange = bounce(to=verp("bounces@example.org", 77, 2, KEY))
    assert _piped(office, strange) == (
        0,
        "Done: bounced (5.1.1), of no delivery that is known here.\n",
    )
    assert _suppressed(office) == {}


def test_our_own_faults_and_one_soft_bounce_suppress_nobody(office: Office) -> None:
    """A blocked sender and a full mailbox are no fault of an address."""
    for number, status in enumerate(("5.7.1", "5.7.26", "5.2.2", "4.2.2", "5.3.4")):
        assert _piped(office, bounce(status=status, said="smtp; no", number=number))[0] == 0
    assert _suppressed(office) == {}


def test_a_busy_database_has_the_server_try_again(on_either: Office) -> None:
    """While another process writes, the pipe ends with 75, and the mail server keeps the report."""
    office = on_either
    with _store(office) as engine, writing(engine):
        code, words = _piped(office, bounce(), NEWSLETTER_DATABASE_WAIT="0.1")
    assert code == 75
    assert "another process was still writing" in words
    assert _suppressed(office) == {}


def test_a_wish_to_leave_comes_the_same_way(office: Office) -> None:
    """A token in the address that the mail server knows unsubscribes its reader."""
    link = PersonalLinks("", KEY).unsubscribe(1, 2)
    token = link.rpartition("/")[2]
    raw = b"From: x@example.org\r\nSubject: hello\r\n\r\nhello\r\n"
    code, words = _piped(office, raw, "--recipient", f"news+{token}@example.org")
    assert (code, "unsubscribed" in words) == (0, True)


def test_a_maildir_is_read_once(office: Office, tmp_path: Path) -> None:
    """Reports are taken in and marked as seen; what is no report stays unread for a person."""
    folder = tmp_path / "Maildir"
    for name in ("new", "cur", "tmp"):
        (folder / name).mkdir(parents=True)
    (folder / "new" / "1.a").write_bytes(bounce())
    (folder / "new" / "2.b").write_bytes(b"Subject: hello\r\n\r\nA question.\r\n")
    code, words = _piped(office, b"", "--maildir", str(folder))
    assert code == 0
    assert words.startswith("1 message taken in, 1 other left unread in ")
    assert sorted(path.name for path in (folder / "cur").iterdir()) == ["1.a:2,S", "2.b:2,"]
    assert len(_suppressed(office)) == 1
    code, words = _piped(office, b"", "--maildir", str(folder))
    assert words.startswith("0 messages taken in, 0 others left")
    result = office.run("inbound", "--maildir", str(tmp_path))
    assert result.code == 2
    assert "is no maildir" in result.err
