"""The office's work on single people: add, move, keep off, show, erase; retention times."""

import datetime as dt
import json
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, select, update

from newsletter_mailer.sending.sealing import ERASED
from newsletter_mailer.sending.transports.contract import Outcome
from newsletter_mailer.store.engine import reading, writing
from newsletter_mailer.store.office_tables import erased_address, reconfirm_request
from newsletter_mailer.store.tables import campaign, delivery, subscriber
from newsletter_mailer.store.tracking_tables import opened, reach_total
from newsletter_mailer.store.web_tables import audit
from tests.office import Office
from tests.under_way import GONE, claim, freeze, store

NAME, LOCAL = "Persephone Quillfeather", "persephone.quillfeather"
ADDRESS = f"{LOCAL}@nhs.net"
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def office(project: Path) -> Office:
    """An office with four subscribers, one of them with a name like nobody else's."""
    made = Office(project)
    file = project / "list.csv"
    rows = [f"{ADDRESS},{NAME},gp,Practice manager", "a@example.org,Ann,police,"]
    rows += ["bo@example.org,Bo,gp,", "cy@leicester.gov.uk,Cy,gp,Head"]
    file.write_text("email,name,agency,role\n" + "\n".join(rows) + "\n", encoding="utf-8")
    made.ok("subscribers", "import", "list.csv", "--by", "Ann")
    file.unlink()
    return made


def traces(folder: Path) -> list[str]:
    """The files in which the name or the address still stands."""
    needles = [NAME.encode(), LOCAL.encode(), b"Quillfeather", b"UGVyc2VwaG9uZS"]
    return [
        path.relative_to(folder).as_posix()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and any(n.lower() in path.read_bytes().lower() for n in needles)
    ]


def test_erasing_leaves_nothing_of_the_person(office: Office) -> None:
    """Not in the database's file, its log, the outbox or an export; only a hash of the address.

    Before, the name and the address stood in several of them. The certificate still adds up,
    says how many were erased, and keeps the hash that the audience had when it was frozen.
    """
    office.ok("send", "6", "--yes")
    office.ok("subscribers", "suppress", ADDRESS, "--reason", "asked by phone", "--by", "Bo")
    before = office.ok("certificate", "6", "--json").data
    assert {path.split("/")[1] for path in traces(office.folder)} >= {"newsletter.db", "outbox"}
    erased = office.ok("subscribers", "erase", ADDRESS, "--yes", "--by", "Ann")
    assert "is erased" in erased.out
    assert traces(office.folder) == []
    assert NAME not in office.ok("subscribers", "export", "-").out
    after = office.ok("certificate", "6", "--json").data
    assert (after["adds_up"], after["changed_since_frozen"]) == (True, [])
    assert (after["eligible"], after["outcomes"]) == (before["eligible"], before["outcomes"])
    assert after["audience"]["erased_since"] == 1
    assert after["audience"]["sha256_when_frozen"] == before["audience"]["sha256_when_frozen"]
    assert after["audience"]["sha256_now"] != before["audience"]["sha256_now"]
    page = (office.folder / "var" / "certificates" / "certificate-06-autumn-2018.html").read_text()
    assert "1 name and address was taken out of the ledger" in " ".join(page.split())
    with store(office) as engine, reading(engine) as connection:
        (mark,) = connection.execute(select(erased_address)).all()
        assert len(mark.mark) == 64
        last = connection.execute(select(audit).order_by(audit.c.id.desc())).first()
    assert last is not None
    assert (last.change, last.by) == ("erased", "Ann")


def test_the_erased_are_known_again(office: Office) -> None:
    """An import and `add` leave out who was erased, in any letter case and with an old key."""
    key = {"NEWSLETTER_SECRET_KEY": "a" * 40}
    office.ok("subscribers", "erase", ADDRESS, "--yes", **key)
    (office.folder / "again.csv").write_text(
        f"email,name\n{ADDRESS.upper()},X\nnew@example.org,Y\n"
    )
    newer = {"NEWSLETTER_SECRET_KEY": "b" * 40, "NEWSLETTER_OLD_SECRET_KEYS": "a" * 40}
    for keys in (key, newer):
        result = office.ok("subscribers", "import", "again.csv", "--json", **keys).data
        assert result["kept_erased"] == 1
    refused = office.run("subscribers", "add", ADDRESS, "--consent", "phone", **newer)
    assert (refused.code, "asked to be erased" in refused.err) == (2, True)
    office.ok("subscribers", "suppress", ADDRESS, "--lift", **newer)
    office.ok("subscribers", "add", ADDRESS, "--consent", "by phone", **newer)
    assert office.ok("subscribers", "show", ADDRESS, "--json", **newer).data["person"]["name"] == ""


def test_who_changed_the_ledger_outside_is_still_seen(office: Office) -> None:
    """An erasure does not make good a change that somebody made outside the program."""
    office.ok("send", "6", "--yes")
    with store(office) as engine, writing(engine) as connection:
        connection.execute(
            update(delivery)
            .where(delivery.c.email == "a@example.org")
            .values(email="z@example.org")
        )
    office.ok("subscribers", "erase", ADDRESS, "--yes")
    found = office.run("certificate", "6", "--json")
    assert (found.code, found.data["changed_since_frozen"]) == (1, ["the audience"])
    assert traces(office.folder) == []


def test_erasing_while_a_campaign_is_under_way(office: Office) -> None:
    """What has not left is suppressed; what is on its way is seen to when it has arrived."""
    blocker = freeze(office)
    claimed = claim(office, 1)
    assert claimed.group[0].email == ADDRESS
    office.ok("subscribers", "erase", ADDRESS, "--yes")
    office.ok("subscribers", "erase", "bo@example.org", "--yes")
    with store(office) as engine, reading(engine) as connection:
        found = dict(connection.execute(select(delivery.c.email, delivery.c.status)).all())
    assert found[ADDRESS] == "sending"
    assert found[ERASED] == "suppressed"
    claimed.answered({Outcome.REJECTED: 1})
    office.ok("tidy")
    blocker.unlink()
    assert office.run("send", "6", "--yes").code == 1  # one had failed
    assert traces(office.folder) == []
    data = office.ok("certificate", "6", "--json").data
    assert (data["adds_up"], data["changed_since_frozen"]) == (True, [])
    assert data["outcomes"]["suppressed"] == 1
    assert data["audience"]["erased_since"] == 2


def test_a_servers_words_go_with_the_person(office: Office) -> None:
    """A reply that repeats the address is erased with it; a reply that does not stays."""
    freeze(office).unlink()
    claim(office, 4).answered({Outcome.REJECTED: 4})
    with store(office) as engine, writing(engine) as connection:
        words = f"550 <{ADDRESS.upper()}> is unknown"
        whose = delivery.c.email == ADDRESS
        connection.execute(update(delivery).where(whose).values(error=words))
    office.ok("subscribers", "erase", ADDRESS, "--yes")
    office.ok("subscribers", "erase", "cy@leicester.gov.uk", "--yes")
    with store(office) as engine, reading(engine) as connection:
        errors = connection.scalars(select(delivery.c.error)).all()
    assert sorted(errors)[:3] == [GONE[1]] * 3
    assert traces(office.folder) == []


def test_all_that_is_held_can_be_handed_over(office: Office) -> None:
    """The JSON and the page name the person, what was sent to them and who changed what."""
    office.ok("send", "6", "--yes")
    office.ok("subscribers", "move", ADDRESS, "police", "--by", "Bo")
    office.ok("subscribers", "show", ADDRESS, "--out", "handed")
    data = json.loads((office.folder / "handed" / "personal-data.json").read_bytes())
    assert data == office.ok("subscribers", "show", ADDRESS.upper(), "--json").data
    assert data["person"]["email"] == ADDRESS
    assert data["person"]["role"] == "Practice manager"
    assert [each["campaign"] for each in data["mails"]] == ["06-autumn-2018"]
    (change,) = data["history"]
    assert (change["change"], change["by"]) == ("agency: gp to police", "Bo")
    assert change["way"] == "newsletter subscribers move"
    page = (office.folder / "handed" / "personal-data.html").read_text(encoding="utf-8")
    for words in (NAME, ADDRESS, "agency: gp to police", "Practice manager", "Safeguarding news"):
        assert words in page
    shown = office.ok("subscribers", "show", ADDRESS).out
    assert "agency: gp to police; by Bo, newsletter subscribers move" in shown


def test_markup_in_a_name_is_text_on_the_page(office: Office) -> None:
    """A name made of markup and template signs is shown as it is."""
    nasty = "<script>alert(1)</script> {{7*7}} {% x %}"
    office.ok("subscribers", "add", "x@example.org", "--name", nasty, "--consent", nasty)
    office.ok("subscribers", "show", "x@example.org", "--out", "handed")
    page = (office.folder / "handed" / "personal-data.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "{{7*7}} {% x %}" in page


def test_adding_by_hand(office: Office) -> None:
    """Consent is asked for and kept; who is known, left or kept off is not added."""
    office.ok("subscribers", "add", "d@example.org", "--consent", "by phone", "--agency", "gp")
    data = office.ok("subscribers", "show", "d@example.org", "--json").data
    assert [(c["kind"], c["given"], c["shown"]) for c in data["consents"]] == [
        ("newsletter", True, "by phone")
    ]
    assert data["history"][0]["change"] == "added"
    office.ok("subscribers", "unsubscribe", "a@example.org")
    office.ok("subscribers", "suppress", "off@example.org")
    for address, words in (
        ("d@example.org", "on the list already"),
        ("a@example.org", "left the list"),
        ("off@example.org", "kept off the list"),
        ("nonsense", "not an e-mail address"),
    ):
        refused = office.run("subscribers", "add", address, "--consent", "phone")
        assert refused.code == 2
        assert words in refused.err
    assert office.run("subscribers", "add", "e@example.org", "--consent", " ").code == 2
    assert (
        office.run("subscribers", "add", "e@example.org", "--consent", "x", "--agency", "gpp").code
        == 2
    )


def test_who_is_kept_off_gets_nothing_until_it_is_lifted(office: Office) -> None:
    """A suppressed address is left out of a campaign, known or not; lifting is written down."""
    office.ok("subscribers", "suppress", ADDRESS, "--by", "Bo")
    assert "before" in office.ok("subscribers", "suppress", ADDRESS).out
    office.ok("send", "6", "--yes")
    assert ADDRESS not in {str(mail["To"]) for mail in office.mails()}
    office.ok("subscribers", "suppress", ADDRESS, "--lift", "--by", "Cy")
    history = office.ok("subscribers", "show", ADDRESS, "--json").data["history"]
    assert [each["by"] for each in history] == ["Bo", "Cy"]


def test_mismatches_are_a_queue(office: Office) -> None:
    """Who is at an agency that their domain does not suggest stands there until looked at."""

    def queue() -> list[str]:
        found = office.ok("subscribers", "mismatches", "--json").data
        return [each["email"] for each in found]

    assert queue() == ["cy@leicester.gov.uk"]  # nhs.net suggests gp, example.org nothing
    office.ok("subscribers", "mismatches", "--keep", "cy@leicester.gov.uk", "--by", "Bo")
    assert queue() == []
    office.ok("subscribers", "move", ADDRESS, "police")
    assert queue() == [ADDRESS]
    office.ok("subscribers", "move", "cy@leicester.gov.uk", "police")
    assert queue() == [ADDRESS, "cy@leicester.gov.uk"]
    office.ok("subscribers", "move", ADDRESS, "gp")
    assert queue() == ["cy@leicester.gov.uk"]


def _age(engine: Engine, **moments: dt.datetime) -> None:
    with writing(engine) as connection:
        connection.execute(update(subscriber).values(**moments))


def test_the_silent_are_asked_once(office: Office) -> None:
    """Two years without a sign of life bring one mail; its button is a sign, silence may be one."""
    assert office.ok("subscribers", "reconfirm", "--json").data["people"] == []
    with store(office) as engine:
        _age(engine, created_at=LONG_AGO)
    office.ok("subscribers", "suppress", "bo@example.org")
    listed = office.ok("subscribers", "reconfirm", "--json").data
    assert (listed["asked"], len(listed["people"])) == (False, 3)
    assert "3 people asked" in office.ok("subscribers", "reconfirm", "--send").out
    mails = sorted((office.folder / "var" / "outbox" / "notices").glob("*.eml"))
    assert len(mails) == 3
    assert b"Do you still want our newsletter?" in mails[0].read_bytes()
    assert office.ok("subscribers", "reconfirm", "--send", "--json").data["people"] == []
    with store(office) as engine, writing(engine) as connection:
        connection.execute(update(reconfirm_request).values(asked_at=LONG_AGO))
        connection.execute(
            audit.insert().values(
                subscriber_id=1,
                change="name or role",
                way="web",
                by="the subscriber",
                at=dt.datetime.now(dt.UTC),
            )
        )
    assert office.ok("tidy", "--json").data["unanswered"] == 0
    done = office.ok("tidy", "--json", NEWSLETTER_RETENTION__UNANSWERED="60").data
    assert done["unanswered"] == 2
    assert office.ok("subscribers", "show", ADDRESS, "--json").data["person"]["status"] == "active"


def test_tidy_applies_the_retention_times(office: Office) -> None:
    """Each kind goes when its time is over; a dry run counts the same and changes nothing."""
    office.ok("send", "6", "--yes")
    office.ok("subscribers", "unsubscribe", ADDRESS)
    with store(office) as engine, writing(engine) as connection:
        connection.execute(
            update(subscriber).where(subscriber.c.email == ADDRESS).values(changed_at=LONG_AGO)
        )
        connection.execute(
            update(subscriber)
            .where(subscriber.c.email == "bo@example.org")
            .values(status="unconfirmed", changed_at=LONG_AGO)
        )
        connection.execute(update(campaign).values(finished_at=LONG_AGO))
        connection.execute(update(audit).values(at=LONG_AGO))
    expected = {"unconfirmed": 1, "left": 1, "ledger": 3, "trail": 1, "files": 4}
    tried = office.ok("tidy", "--dry-run", "--json").data
    assert {name: tried[name] for name in expected} == expected | {"ledger": 4}
    assert traces(office.folder) != []
    done = office.ok("tidy", "--json").data
    assert {name: done[name] for name in expected} == expected
    assert traces(office.folder) == []
    again = office.ok("tidy", "--json").data
    assert not any(again[name] for name in expected)
    data = office.ok("certificate", "6", "--json").data
    assert (data["adds_up"], data["changed_since_frozen"], data["eligible"]) == (True, [], 4)
    assert data["audience"]["erased_since"] == 4


def test_tidy_counts_old_opens_and_forgets_who(office: Office) -> None:
    """After `tracking.keep_days` only a number of people is left; a dry run changes nothing."""
    office.ok("send", "6", "--yes")
    with store(office) as engine, writing(engine) as connection:
        old = {"campaign_id": 1, "subscriber_id": 1, "class": "human", "rule": ""}
        connection.execute(insert(opened).values(old | {"day": LONG_AGO.date()}))
    assert office.ok("tidy", "--dry-run", "--json").data["tracking"] == 1
    assert office.ok("tidy", "--json").data["tracking"] == 1
    assert office.ok("tidy", "--json").data["tracking"] == 0
    with store(office) as engine, reading(engine) as connection:
        assert connection.execute(select(opened)).all() == []
        assert connection.scalars(select(reach_total.c.people)).all() == [1]


def test_erasing_asks_first(office: Office) -> None:
    """Without a terminal and without --yes nothing is erased; nobody known is said so."""
    refused = office.run("subscribers", "erase", ADDRESS)
    assert refused.code == 2
    assert "--yes" in refused.err
    assert office.run("subscribers", "erase", "nobody@example.org", "--yes").code == 2
    assert ADDRESS in office.ok("subscribers", "list").out
