"""Sending: everyone in the frozen audience once, whatever happens on the way."""

import json
import random
import signal
import sqlite3
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.forked import fork
from tests.office import Office, part_of, read_mail


@pytest.fixture
def office(project: Path) -> Office:
    """An office with a copy of the shipped project."""
    return Office(project)


@pytest.fixture
def staffed(office: Office) -> Office:
    """An office whose 20 subscribers are imported."""
    office.subscribe(20)
    return office


def test_issue_6_reaches_every_sample_subscriber(office: Office) -> None:
    """The sample is imported and sent: 130 clean messages, none with a merge field left over."""
    imported = office.run("subscribers", "import", "subscribers/sample.csv", "--json")
    assert (imported.code, imported.data["added"]) == (1, 130)
    assert {row["line"] for row in imported.data["rejected_rows"]} == {81, 110}
    sent = office.ok("send", "6", "--yes", "--json").data
    assert (sent["state"], sent["audience"], sent["sent"]) == ("done", 130, 130)
    assert sum(sent["recipients"].values()) == 130
    assert len(sent["recipients"]) == 33

    mails = office.mails()
    assert len({mail["To"].addresses[0].addr_spec for mail in mails}) == len(mails) == 130
    assert len({mail["Message-ID"] for mail in mails}) == 130
    for mail in mails:
        assert all(part.defects == [] for part in mail.walk())
        assert all(getattr(value, "defects", ()) == () for value in mail.values())
        for kind in ("plain", "html"):
            assert "{{" not in part_of(mail, kind)
        assert mail["List-Unsubscribe"].strip("<>") in part_of(mail, "html")
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        picture = next(part for part in mail.walk() if part.get_content_type() == "image/png")
        assert f"cid:{picture['Content-ID'].strip('<>')}" in part_of(mail, "html")


def test_awkward_people_are_greeted_properly(office: Office) -> None:
    """No name, O'Neill, Zoë, a right-to-left name and `<b>&"` all read as they should."""
    office.run("subscribers", "import", "subscribers/sample.csv")
    office.ok("send", "6", "--yes")
    greetings = {}
    for mail in office.mails():
        text, html = part_of(mail, "plain"), part_of(mail, "html")
        line = next(line for line in text.splitlines() if line.startswith(("Dear ", "Hello,")))
        greetings[mail["To"].addresses[0].display_name] = line
        assert "<b>" not in html.replace("&lt;b&gt;", "")
    assert greetings[""] == "Hello,"
    assert greetings['<b>&"'] == 'Dear <b>&",'
    assert any(name.startswith("Zoë") and line == "Dear Zoë," for name, line in greetings.items())
    assert any("O'Neill" in name for name in greetings)
    assert any("\u0600" <= name[0] <= "\u06ff" for name in greetings if name)


def test_three_readers_get_three_different_mails(office: Office) -> None:
    """The GP practice, the school and the police each get their own first article."""
    office.run("subscribers", "import", "subscribers/sample.csv")
    office.ok("send", "6", "--yes")
    texts = [part_of(mail, "plain") for mail in office.mails()]
    firsts = {
        agency: next(
            text.split("In this issue")[1].split("1. ")[1].split("\n")[0]
            for text in texts
            if f"under “{name}”." in text
        )
        for agency, name in (
            ("gp", agency_name(office, "gp")),
            ("school", agency_name(office, "primary-schools")),
            ("police", agency_name(office, "police")),
        )
    }
    assert len(set(firsts.values())) == 3


def agency_name(office: Office, id_: str) -> str:
    """The name that readers of an agency see."""
    with sqlite3.connect(office.folder / "var" / "newsletter.db") as connection:
        rows = connection.execute("SELECT agencies FROM variant").fetchall()
    connection.close()

    names: dict[str, str] = {}
    for (agencies,) in rows:
        names |= json.loads(agencies)
    return names[id_]


def test_sending_again_sends_nobody_twice(staffed: Office) -> None:
    """A second `send` of a finished campaign writes nothing, and says it is done."""
    staffed.ok("send", "6", "--yes")
    before = {path: path.stat().st_mtime_ns for path in staffed.outbox.iterdir()}
    again = staffed.ok("send", "6", "--yes", "--json").data
    assert (again["sent"], again["pending"], again["state"]) == (20, 0, "done")
    assert {path: path.stat().st_mtime_ns for path in staffed.outbox.iterdir()} == before


def test_a_send_that_is_killed_and_started_again_reaches_each_once(office: Office) -> None:
    """Killed at twelve random moments, the campaign still ends with each recipient once."""
    people, lives = 900, 12
    office.subscribe(people)
    # Slowly enough that no life comes to the end before this looks again.
    slowly = {"NEWSLETTER_SEND__PER_SECOND": "400"}
    chance = random.Random(6)  # noqa: S311 - moments, not secrets
    for kill in range(lives):
        with fork(office, "send", "6", "--yes", "--json", **slowly) as process:
            # Some die before or while freezing, some in the middle of a group.
            wanted = written(office) + chance.randrange(1, 50)
            stop_at = time.monotonic() + (chance.uniform(0.0, 1.2) if kill < 4 else 60)
            while written(office) < wanted and time.monotonic() < stop_at:
                assert process.poll() is None
                time.sleep(0.004)
            process.kill()
            assert process.wait(60) == -signal.SIGKILL
    with office.start("send", "6", "--yes", "--json") as last:
        last.communicate()
    assert last.returncode == 0
    status = office.ok("status", "6", "--json").data
    assert (status["sent"], status["audience"], status["state"]) == (people, people, "done")
    assert (status["pending"], status["sending"], status["failed"]) == (0, 0, 0)
    assert Counter(office.readers()) == Counter(f"reader{n}@example.org" for n in range(people))
    assert list(office.outbox.glob("*.part")) == []


def written(office: Office) -> int:
    """How many files are in the outbox; it may not be there yet."""
    return len(list(office.outbox.iterdir())) if office.outbox.exists() else 0


def block_outbox(office: Office) -> Path:
    """Put a file where the outbox should be, so that it cannot be written."""
    blocker = office.folder / "var" / "outbox"
    blocker.write_text("", encoding="utf-8")
    return blocker


def test_an_outbox_that_cannot_be_written_loses_nothing(staffed: Office) -> None:
    """The command says so with exit code 1; when that is mended, everyone gets it once."""
    blocker = block_outbox(staffed)
    failed = staffed.run("send", "6", "--yes")
    assert failed.code == 1
    assert "cannot be written" in failed.err
    assert "run the same command again" in failed.err
    status = staffed.ok("status", "6", "--json").data
    assert (status["pending"], status["sent"], status["sending"]) == (20, 0, 0)
    blocker.unlink()
    assert staffed.ok("send", "6", "--yes", "--json").data["sent"] == 20


def test_what_was_frozen_is_sent_though_the_files_change(staffed: Office) -> None:
    """Edits after freezing reach nobody, not even when the issue can no longer be read."""
    blocker = block_outbox(staffed)
    staffed.run("send", "6", "--yes")
    blocker.unlink()
    article = staffed.folder / "issues" / "06-autumn-2018" / "articles" / "welcome.md"
    article.write_text("---\ntitle: Changed\n---\n\n::: unclosed\n", encoding="utf-8")
    (staffed.folder / "issues" / "06-autumn-2018" / "images" / "festival.png").unlink()
    again = staffed.ok("send", "6", "--yes")
    assert "files have changed since" in again.err
    mails = staffed.mails()
    assert len(mails) == 20
    assert all("Welcome to issue 6" in part_of(mail, "plain") for mail in mails)


def test_who_leaves_after_freezing_gets_nothing(staffed: Office) -> None:
    """An unsubscribe between freezing and sending is counted as suppressed."""
    blocker = block_outbox(staffed)
    staffed.run("send", "6", "--yes")
    blocker.unlink()
    staffed.ok("subscribers", "unsubscribe", "READER3@example.org")
    sent = staffed.ok("send", "6", "--yes", "--json").data
    assert (sent["sent"], sent["suppressed"], sent["audience"]) == (19, 1, 20)
    assert not any("reader3@" in str(mail["To"]) for mail in staffed.mails())


def test_who_left_before_is_not_in_the_audience(staffed: Office) -> None:
    """Somebody who unsubscribed gets nothing, not even after an import that names them."""
    staffed.ok("subscribers", "unsubscribe", "reader3@example.org")
    staffed.ok("subscribers", "import", "people.csv")
    sent = staffed.ok("send", "6", "--yes", "--json").data
    assert (sent["sent"], sent["audience"]) == (19, 19)


def test_two_senders_at_once_do_not_meet(staffed: Office) -> None:
    """While one process sends, a second says so and ends; each reader still gets one."""
    staffed.subscribe(400)
    # So slowly that the first is still at work when the second comes, on whatever machine.
    with fork(staffed, "send", "6", "--yes", NEWSLETTER_SEND__PER_SECOND="5") as first:
        while not written(staffed):
            assert first.poll() is None
            time.sleep(0.01)
        second = staffed.run("send", "6", "--yes")
        assert first.poll() is None
        first.send_signal(signal.SIGTERM)
        first.wait(60)
    assert second.code == 1
    assert "Another `newsletter send` is at work" in second.err
    assert 0 < written(staffed) < 400
    staffed.ok("send", "6", "--yes")
    assert Counter(staffed.readers()) == Counter(f"reader{n}@example.org" for n in range(400))


def test_nobody_to_send_to_is_said(office: Office) -> None:
    """Without subscribers nothing is frozen, and the message says what to do."""
    result = office.run("send", "6", "--yes")
    assert result.code == 1
    assert "subscribers import" in result.err
    assert office.ok("status", "--json").data == []


def test_send_asks_first(staffed: Office) -> None:
    """Without a terminal to ask on and without --yes nothing is sent: exit code 2."""
    result = staffed.run("send", "6")
    assert result.code == 2
    assert "--yes" in result.err
    assert staffed.ok("status", "--json").data == []


def test_an_issue_with_mistakes_is_not_sent(staffed: Office) -> None:
    """Errors stop `send` before anything is frozen, each with file and line."""
    article = staffed.folder / "issues" / "06-autumn-2018" / "articles" / "welcome.md"
    article.write_text("---\ntitel: Welcome\n---\n\nText.\n", encoding="utf-8")
    result = staffed.run("send", "6", "--yes")
    assert result.code == 1
    assert "issues/06-autumn-2018/articles/welcome.md:2" in result.err
    assert staffed.ok("status", "--json").data == []


def test_a_locked_database_is_said_and_nothing_is_half_written(staffed: Office) -> None:
    """While another program holds the database, `send` waits, then says so: exit code 1."""
    holder = sqlite3.connect(staffed.folder / "var" / "newsletter.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    result = staffed.run("send", "6", "--yes", NEWSLETTER_DATABASE_WAIT="0.2")
    holder.execute("ROLLBACK")
    holder.close()
    assert result.code == 1
    assert "locked" in result.err
    assert staffed.ok("status", "--json").data == []


def test_hosted_pictures_are_linked_and_not_attached(staffed: Office) -> None:
    """With `send.images = "hosted"` the HTML names their address, and no part holds them."""
    staffed.ok("send", "6", "--yes", NEWSLETTER_SEND__IMAGES="hosted")
    mail = staffed.mails()[0]
    assert [p.get_content_type() for p in mail.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    where = "https://newsletter.example.org/archive/06-autumn-2018/images/festival-"
    assert where in part_of(mail, "html")


def test_batches_hold_readers_of_one_variant_together(staffed: Office) -> None:
    """130 people in batches of 40 make four batches, in the order of the variants."""
    staffed.subscribe(130)
    sent = staffed.ok("send", "6", "--yes", "--json", NEWSLETTER_SEND__BATCH_SIZE="40").data
    assert sent["sent"] == len(staffed.readers()) == 130
    database = sqlite3.connect(staffed.folder / "var" / "newsletter.db")
    sizes = database.execute("SELECT batch, count(*) FROM delivery GROUP BY batch").fetchall()
    runs = database.execute(
        "SELECT count(*) FROM (SELECT DISTINCT batch, variant FROM delivery)"
    ).fetchone()
    states = database.execute("SELECT DISTINCT state FROM batch").fetchall()
    database.close()
    assert sizes == [(1, 40), (2, 40), (3, 40), (4, 10)]
    assert runs[0] <= 4 + 4
    assert states == [("done",)]


def test_personal_links_differ_and_stay_the_same_key(staffed: Office) -> None:
    """Each reader has a link of their own, signed with a key that only the owner can read."""
    staffed.ok("send", "6", "--yes")
    links = {mail["List-Unsubscribe"] for mail in staffed.mails()}
    assert len(links) == 20
    key = staffed.folder / "var" / "secret-key"
    assert key.stat().st_mode & 0o777 == 0o600
    short = staffed.run("send", "1", "--yes", NEWSLETTER_SECRET_KEY="short")  # noqa: S106
    assert short.code == 2
    assert "NEWSLETTER_SECRET_KEY" in short.err


def test_message_files_are_whole(staffed: Office) -> None:
    """Every file ends with the closing boundary of its outermost part."""
    staffed.ok("send", "6", "--yes")
    for path in staffed.outbox.iterdir():
        boundary = read_mail(path).get_boundary()
        assert path.read_bytes().endswith(f"--{boundary}--\r\n".encode())
