"""Waivers: errors that somebody answers for, by name and with a reason."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Engine, insert, select

from newsletter_mailer.checking.mail import WAIVABLE
from newsletter_mailer.checking.waivers import waived
from newsletter_mailer.findings import Finding, Place, Severity
from newsletter_mailer.reading.headers import Waiver
from newsletter_mailer.sending.campaign import find_campaign
from newsletter_mailer.settings import load_settings
from newsletter_mailer.store.engine import open_store, reading, schema_version, writing
from newsletter_mailer.store.migrate import configuration
from newsletter_mailer.store.migrations import HEAD
from newsletter_mailer.store.tables import batch, campaign, delivery, variant
from tests.office import Office
from tests.projects import HEAD as ISSUE_HEAD
from tests.projects import article, write_issue

REASON = "The annual report goes out whole"
BIG = "Words for all. " * 7_000
SMALL = "Words for all."


@pytest.fixture
def office(project: Path) -> Office:
    """An office with a copy of the shipped project."""
    return Office(project)


def waiver(rule: str = "mail-size", reason: str = REASON, by: str = "A. Patel") -> str:
    """One entry of `waive:`."""
    return f"  - rule: {rule}\n    reason: {reason}\n    by: {by}\n"


def write(office: Office, body: str, *waivers: str) -> None:
    """Issue 7 with one article and these waivers."""
    head = ISSUE_HEAD + "articles: [news]\n"
    if waivers:
        head += "waive:\n" + "".join(waivers)
    write_issue(office.folder / "issues", {"news": article(body)}, head=head)


FIRST = ISSUE_HEAD.count("\n") + 3
"""The line of the first waiver that `write` writes."""


def test_a_waived_error_becomes_a_warning(office: Office) -> None:
    """A mail that is too big, and waived, warns with who waived it and why; check ends with 0."""
    write(office, BIG, waiver())
    (finding,) = office.ok("check", "7", "--json").data["findings"]
    assert (finding["rule"], finding["severity"]) == ("mail-size", "warning")
    assert finding["mend"].startswith(f"Waived by A. Patel: {REASON}. ")
    assert "A. Patel" in office.ok("check", "7").out
    office.ok("build", "7", "--out", "made")
    assert (office.folder / "made" / "manifest.json").is_file()


def test_without_its_waiver_it_stays_an_error(office: Office) -> None:
    """A waiver of another rule waives nothing."""
    write(office, BIG, waiver("client-support"))
    result = office.run("check", "7", "--json")
    assert result.code == 1
    assert [each["severity"] for each in result.data["findings"]] == ["error"]


def test_a_campaign_keeps_the_waivers_it_needed(office: Office) -> None:
    """Status shows who waived what and why; a waiver that was not needed is not kept."""
    write(office, BIG, waiver(), waiver("client-forbidden", "Nothing of the kind is used", "B. Li"))
    office.subscribe(3)
    office.ok("send", "7", "--yes")
    kept = [{"rule": "mail-size", "reason": REASON, "by": "A. Patel"}]
    assert office.ok("status", "7", "--json").data["waivers"] == kept
    write(office, BIG)
    assert office.ok("status", "7", "--json").data["waivers"] == kept


def test_a_campaign_that_needed_none_keeps_none(office: Office) -> None:
    """An issue that is in order has no waivers in its record, whatever its file says."""
    write(office, SMALL, waiver())
    office.subscribe(3)
    office.ok("send", "7", "--yes")
    assert office.ok("status", "7", "--json").data["waivers"] == []


def test_accessibility_is_checked_and_can_be_waived(office: Office) -> None:
    """A link called `here` stops check and build; waived, it warns where it stands."""
    body = "Read it [here](https://example.org/report)."
    write(office, body)
    result = office.run("check", "7", "--json")
    assert result.code == 1
    assert [each["rule"] for each in result.data["findings"]] == ["link-vague"]
    assert office.run("build", "7", "--out", "made").code == 1
    write(office, body, waiver("link-vague"))
    (finding,) = office.ok("check", "7", "--json").data["findings"]
    assert finding["severity"] == "warning"
    assert finding["file"].endswith("articles/news.md")
    assert finding["mend"].startswith("Waived by A. Patel: ")


@pytest.mark.parametrize("key", ["rule", "reason", "by"])
def test_every_key_of_a_waiver_is_needed(office: Office, key: str) -> None:
    """A waiver without its rule, reason or name is an error that says which is missing."""
    lines = [line for line in waiver().splitlines() if f"{key}:" not in line]
    first = lines[0].replace("    ", "  - ") if key == "rule" else lines[0]
    write(office, SMALL, "\n".join([first, *lines[1:], ""]))
    result = office.run("check", "7", "--json")
    assert result.code == 1
    (finding,) = result.data["findings"]
    assert (finding["rule"], finding["line"]) == ("missing-key", FIRST)
    assert key in finding["found"]


@pytest.mark.parametrize(("reason", "code"), [("Too short", 1), ("Long enough", 0)])
def test_a_reason_is_a_reason(office: Office, reason: str, code: int) -> None:
    """A reason of fewer than 10 characters is an error at its line."""
    write(office, SMALL, waiver(reason=reason))
    result = office.run("check", "7", "--json")
    assert result.code == code
    for finding in result.data["findings"]:
        assert (finding["rule"], finding["line"]) == ("bad-value", FIRST + 1)
        assert finding["expected"] == "a reason of at least 10 characters"


def test_an_unknown_rule_is_an_error(office: Office) -> None:
    """A misspelt rule is an error at its line, with what was probably meant."""
    write(office, SMALL, waiver("client-support"), waiver("mail-sice"))
    result = office.run("check", "7", "--json")
    assert result.code == 1
    (finding,) = result.data["findings"]
    assert (finding["rule"], finding["line"]) == ("unknown-rule", FIRST + 3)
    assert finding["mend"] == "Did you mean mail-size?"
    assert all(rule in finding["expected"] for rule in WAIVABLE)


@pytest.mark.parametrize(
    "rule", ["unknown-agency", "missing-article", "reaches-nobody", "not-utf-8", "unknown-rule"]
)
def test_some_rules_are_never_waived(office: Office, rule: str) -> None:
    """Mistakes in files, parts that reach nobody and damaged mails are mended, not waived."""
    write(office, SMALL, waiver(rule))
    result = office.run("check", "7", "--json")
    assert result.code == 1
    assert [each["rule"] for each in result.data["findings"]] == ["unknown-rule"]


def test_a_mistake_in_a_file_stays_beside_a_waiver_of_it(office: Office) -> None:
    """Waiving what cannot be waived leaves the mistake an error, and adds one."""
    write(office, "Hello {{frist_name}}.", waiver("unknown-merge-field"))
    result = office.run("check", "7", "--json")
    rules = {(each["rule"], each["severity"]) for each in result.data["findings"]}
    assert rules == {("unknown-merge-field", "error"), ("unknown-rule", "error")}


@pytest.mark.parametrize("value", ["mail-size", "{rule: mail-size}", "[mail-size]", "[]"])
def test_odd_values_of_waive_are_findings(office: Office, value: str) -> None:
    """What is no list of waivers is an error with its line; an empty list is none."""
    head = ISSUE_HEAD + f"articles: [news]\nwaive: {value}\n"
    write_issue(office.folder / "issues", {"news": article(SMALL)}, head=head)
    result = office.run("check", "7", "--json")
    assert result.code == (0 if value == "[]" else 1)
    assert all(each["line"] == FIRST - 1 for each in result.data["findings"])


def test_warnings_are_left_as_they_are() -> None:
    """A waiver touches errors of its rule only, and the first of two waivers of a rule counts."""
    place = Place("issues/07/issue.yaml")
    error = Finding(place, "mail-size", "too big", mend="Shorten it.")
    warning = Finding(place, "mail-size", "nearly too big", severity=Severity.WARNING)
    other = Finding(place, "not-utf-8", "half a character")
    by = [Waiver(rule=rule, reason=REASON, by=name) for rule, name in
          (("mail-size", "A"), ("mail-size", "B"), ("not-utf-8", "C"))]  # fmt: skip
    left, used = waived([error, warning, other], by, WAIVABLE)
    assert left[1:] == [warning, other]
    assert left[0].severity is Severity.WARNING
    assert left[0].mend == f"Waived by A: {REASON}. Shorten it."
    assert used == (by[0],)


# Older databases


@pytest.fixture
def engine(project: Path) -> Iterator[Engine]:
    """A database whose campaigns know no waivers yet, with one campaign under way in it."""
    settings = load_settings(project)
    made = open_store(settings)
    with writing(made) as connection:
        command.downgrade(configuration(connection), "base")
    with writing(made) as connection:
        command.upgrade(configuration(connection), "0001")
        connection.exec_driver_sql(
            "INSERT INTO campaign (id, issue, number, title, state, token, content_hash, transport,"
            " sender_name, sender_address, greeting, frozen_at) VALUES (4, '06-autumn-2018', 6,"
            " 'News', 'sending', 't', 'h', 'outbox', 'Office', 'office@example.org',"
            " '{\"unnamed\": \"Hello,\"}', '2018-10-15 09:00:00.000000')"
        )
        parts = {key: {"literals": ["x"], "fields": []} for key in ("subject", "html", "text")}
        common = {"campaign_id": 4, "name": "gp", "position": 0, "content_hash": "h"}
        connection.execute(insert(variant).values(**common, agencies={"gp": "GP"}, **parts))
        connection.execute(insert(batch).values(campaign_id=4, number=1, state="running"))
        row = {"campaign_id": 4, "batch": 1, "variant": "gp", "name": "", "agency": "gp"}
        rows = [
            {**row, "subscriber_id": n, "email": f"a{n}@example.org", "status": "sent"}
            for n in range(1, 4)
        ]
        connection.execute(insert(delivery), rows)
    made.dispose()
    upgraded = open_store(settings)
    yield upgraded
    upgraded.dispose()


def test_an_older_database_keeps_its_campaigns(engine: Engine) -> None:
    """Bringing a database up to date keeps each campaign and its ledger; none has waivers."""
    with reading(engine) as connection:
        assert schema_version(connection) == HEAD
        found = find_campaign(connection, "6")
        assert (found.id, found.state, found.greeting.unnamed) == (4, "sending", "Hello,")
        assert found.frozen_at.isoformat() == "2018-10-15T09:00:00+00:00"
        assert found.waivers == ()
        assert len(connection.execute(select(delivery)).all()) == 3
        assert len(connection.execute(select(batch)).all()) == 1
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        (waivers,) = connection.execute(select(campaign.c.waivers)).scalars()
        assert json.dumps(waivers) == "[]"


def test_the_upgraded_ledger_is_still_guarded(engine: Engine) -> None:
    """After the upgrade a campaign that has deliveries can still not be deleted."""
    with pytest.raises(Exception, match="FOREIGN KEY"), writing(engine) as connection:
        connection.exec_driver_sql("DELETE FROM campaign")
