"""The commands for a campaign under way: status, pause, resume, cancel, in-doubt."""

import datetime as dt
import os
import pty
import shutil
import signal
from pathlib import Path

import pytest

from newsletter_mailer.sending import control
from newsletter_mailer.sending.progress import Progress, measure
from newsletter_mailer.sending.running import sole_sender
from newsletter_mailer.sending.transports.contract import Outcome
from newsletter_mailer.store.engine import reading, writing
from tests.forked import fork, fork_on
from tests.office import Office
from tests.projects import HEAD, article, write_issue
from tests.under_way import GONE, campaign_of, claim, freeze, store

NOON = dt.datetime(2031, 5, 2, 12, tzinfo=dt.UTC)

OLD_KEYS = {
    "issue",
    "number",
    "state",
    "transport",
    "content_hash",
    "frozen_at",
    "finished_at",
    "audience",
    "pending",
    "sending",
    "sent",
    "failed",
    "suppressed",
}
NEW_KEYS = {"name", "reason", "deferred", "in_doubt", "skipped", "excluded", "audience_names"}
DETAILS = {"variants", "recipients", "failures", "waivers", "outbox", "rate", "errors"}


@pytest.fixture
def office(project: Path) -> Office:
    """An office with 20 subscribers, and a small issue in the place of issue 6."""
    issues = project / "issues"
    shutil.rmtree(issues / "06-autumn-2018")
    head = HEAD.replace("number: 7", "number: 6") + "articles: [news]\n"
    write_issue(issues, {"news": article("Words for all.")}, head=head).rename(
        issues / "06-autumn-2018"
    )
    made = Office(project)
    made.subscribe(20)
    return made


def progress_of(office: Office, now: dt.datetime) -> Progress:
    """How far the campaign is at a moment."""
    with store(office) as engine, reading(engine) as connection:
        return measure(connection, campaign_of(office), now)


def status(office: Office) -> dict[str, object]:
    """What `status 6 --json` says."""
    found: dict[str, object] = office.ok("status", "6", "--json").data
    return found


def test_status_lists_campaigns(office: Office) -> None:
    """Each with its state, from when it is, and how many have ended; in both forms."""
    assert "No campaign was started yet" in office.ok("status").out
    office.ok("send", "6", "--yes")
    freeze_later = office.ok("send", "1", "--yes", "--json").data
    listed = office.ok("status").out
    assert "06-autumn-2018  done" in listed
    assert "20 of 20" in listed
    data = office.ok("status", "--json").data
    assert [each["name"] for each in data] == ["06-autumn-2018", freeze_later["name"]]
    assert all(set(each) >= OLD_KEYS | NEW_KEYS for each in data)


def test_status_of_one_shows_what_went_wrong_by_kind(office: Office) -> None:
    """Counts, each kind of error with how often, who failed, and what to do to go on."""
    freeze(office)
    outcomes = {Outcome.ACCEPTED: 9, Outcome.REJECTED: 2, Outcome.RETRY: 1, Outcome.IN_DOUBT: 1}
    emails = claim(office, 13).answered(outcomes)
    data = status(office)
    assert set(data) >= OLD_KEYS | NEW_KEYS | DETAILS
    assert [data[name] for name in ("audience", "sent", "failed", "deferred", "in_doubt")] == [
        20,
        9,
        2,
        1,
        1,
    ]
    assert data["errors"] == [
        {"status": "failed", "code": GONE[0], "words": GONE[1], "times": 2},
        {
            "status": "deferred",
            "code": "4.7.0",
            "words": "451 4.7.0 later, please",
            "times": 1,
        },
        {
            "status": "in_doubt",
            "code": "",
            "words": "the connection broke after the last dot",
            "times": 1,
        },
    ]
    assert data["failures"] == [{"email": email, "reason": GONE[1]} for email in emails[9:11]]
    shown = office.ok("status", "6").out
    assert f"Failed: {emails[9]}: {GONE[1]}" in shown
    assert f"2 failed: 5.1.1 {GONE[1]}" in shown
    assert "1 refused for now: 4.7.0" in shown
    assert "letters a second" in shown
    assert "Nobody is sending it. To go on: newsletter send 6" in shown


def test_the_rate_is_that_of_the_last_minute(office: Office) -> None:
    """Letters answered over the time since the first of them; older ones do not count."""
    freeze(office)
    accepted = {Outcome.ACCEPTED: 4}
    claim(office, 4, now=NOON).answered(accepted, now=NOON - dt.timedelta(minutes=2))
    assert progress_of(office, NOON).rate == 0
    assert progress_of(office, NOON).seconds_left is None
    claim(office, 4, now=NOON).answered(accepted, now=NOON - dt.timedelta(seconds=4))
    claim(office, 4, now=NOON).answered(accepted, now=NOON - dt.timedelta(seconds=2))
    found = progress_of(office, NOON)
    assert (found.rate, found.seconds_left) == (2.0, 4.0)
    office.ok("pause", "6")
    found = progress_of(office, NOON)
    assert (found.rate, found.seconds_left) == (None, None)


def test_a_paused_campaign_is_not_sent_until_it_is_resumed(office: Office) -> None:
    """`pause` keeps it, with the reason shown; `resume` and `send` finish it, once for each."""
    blocker = freeze(office)
    paused = office.ok("pause", "6", "--reason", "A wrong date", "--by", "Ann").out
    assert "A wrong date (Ann)" in paused
    assert "newsletter resume 06-autumn-2018" in paused
    blocker.unlink()
    refused = office.run("send", "6", "--yes")
    assert refused.code == 1
    assert "A wrong date (Ann)" in refused.err
    assert not office.outbox.exists()
    assert status(office)["state"] == "paused"
    resumed = office.ok("resume", "6").out
    assert "20 people still to come" in resumed
    assert "newsletter send 6" in resumed
    assert office.ok("send", "6", "--yes", "--json").data["sent"] == 20
    assert len(office.mails()) == 20


def test_resume_does_not_ask_for_a_sender_that_is_there(office: Office) -> None:
    """While another process holds the lock, `resume` and `status` name no command to start."""
    freeze(office)
    office.ok("pause", "6")
    with sole_sender(office.folder / "var"):
        assert "newsletter send" not in office.ok("resume", "6").out
        assert "newsletter send" not in office.ok("status", "6").out
    assert "newsletter send 6" in office.ok("status", "6").out


@pytest.mark.parametrize("command", ["pause", "resume", "cancel"])
def test_a_campaign_that_has_ended_is_not_moved(office: Office, command: str) -> None:
    """The message says its state and where to look: exit code 2."""
    office.ok("send", "6", "--yes")
    words = ["--yes"] if command == "cancel" else []
    result = office.run(command, "6", *words)
    assert result.code == 2
    assert "is done" in result.err
    assert "newsletter status 06-autumn-2018" in result.err
    assert status(office)["state"] == "done"


def test_an_unknown_campaign_is_said(office: Office) -> None:
    """Every command that takes a campaign names what there is not: exit code 2."""
    for command in ("status", "pause", "resume", "cancel", "in-doubt", "certificate"):
        result = office.run(command, "9")
        assert result.code == 2, command
        assert "No campaign '9'" in result.err


def test_a_scheduled_campaign_that_is_paused_still_waits_for_its_time(office: Office) -> None:
    """Resumed before its time it is scheduled again, and nothing leaves."""
    with fork(office, "send", "6", "--yes", "--at", "2099-01-05 09:00") as waiting:
        while "Waiting" not in (line := waiting.stderr.readline()):
            assert line, "it ended without waiting"
        assert "It begins on 5 January 2099, 09:00" in office.ok("status", "6").out
        office.ok("pause", "6")
        waiting.wait(60)
    office.ok("resume", "6")
    data = status(office)
    assert (data["state"], data["started_at"], data["pending"]) == ("scheduled", None, 20)
    assert not office.outbox.exists()


def test_cancel_says_who_was_still_in_time(office: Office) -> None:
    """Who has it keeps it, the others never get it, and both are counted."""
    blocker = freeze(office)
    claim(office, 5).answered({Outcome.ACCEPTED: 5})
    blocker.unlink()
    cancelled = office.ok("cancel", "6", "--yes", "--by", "Ann").out
    assert "15 people will not get it" in cancelled
    assert "5 had it already" in cancelled
    office.ok("send", "6", "--yes")
    data = status(office)
    assert (data["state"], data["sent"], data["skipped"]) == ("cancelled", 5, 15)
    assert data["reason"] == "cancelled by Ann"
    assert not office.outbox.exists()
    assert "5 accepted + 0 failed + 0 suppressed + 15 skipped" in office.ok("certificate", "6").out


def test_cancel_asks_first(office: Office) -> None:
    """Without a terminal and --yes nothing is cancelled; a no on a terminal leaves it, too."""
    freeze(office)
    result = office.run("cancel", "6")
    assert (result.code, status(office)["state"]) == (2, "sending")
    assert "--yes" in result.err
    ours, theirs = pty.openpty()
    with fork_on(theirs, office, "cancel", "6") as process:
        os.write(ours, b"n\n")
        shown = "".join(process.communicate(60))
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 1
    assert "20 people would not get it" in shown
    assert "Nothing was changed" in shown
    assert status(office)["state"] == "sending"


@pytest.mark.parametrize("outcome", [Outcome.RETRY, Outcome.UNSENT])
def test_a_letter_that_comes_back_after_a_cancel_is_skipped(
    office: Office, outcome: Outcome
) -> None:
    """What was on its way, and was refused for now, does not stay open for ever."""
    blocker = freeze(office)
    group = claim(office, 3)
    assert "3 letters on the way may still arrive" in office.ok("cancel", "6", "--yes").out
    assert "Not finished" in office.ok("certificate", "6").out
    group.answered({outcome: 3})
    blocker.unlink()
    office.ok("send", "6", "--yes")
    data = status(office)
    assert (data["skipped"], data["pending"], data["deferred"]) == (20, 0, 0)
    assert office.ok("certificate", "6", "--json").data["finished"]


def test_a_cancel_after_a_sender_died_is_cleared_up_by_send(office: Office) -> None:
    """Letters that a dead process had claimed are asked after, and nothing stays open."""
    blocker = freeze(office)
    claim(office, 3)
    said = office.ok("cancel", "6", "--yes").out
    assert "To find out: newsletter send 6" in said
    blocker.unlink()
    office.ok("send", "6", "--yes")
    data = status(office)
    assert (data["state"], data["skipped"], data["sending"]) == ("cancelled", 20, 0)


def doubtful(office: Office, number: int) -> list[str]:
    """Bring so many letters into doubt, and send the rest; their addresses."""
    blocker = freeze(office)
    emails = claim(office, number).answered({Outcome.IN_DOUBT: number})
    blocker.unlink()
    sent = office.run("send", "6", "--yes", "--json")
    assert sent.code == 1
    assert (sent.data["state"], sent.data["in_doubt"]) == ("done", number)
    return emails


def test_letters_in_doubt_are_listed_and_settled(office: Office) -> None:
    """Each with why and since when; one is settled by its address, however it is spelt."""
    emails = doubtful(office, 3)
    listed = office.ok("in-doubt", "6").out
    assert all(email in listed for email in emails)
    assert "the connection broke after the last dot" in listed
    data = office.ok("in-doubt", "6", "--json").data["in_doubt"]
    assert [each["email"] for each in data] == emails
    assert all(dt.datetime.fromisoformat(each["since"]).tzinfo for each in data)

    settled = office.ok("in-doubt", "6", emails[0].upper(), "--settle", "sent", "--by", "Ann").out
    assert "1 letter settled as sent; 2 still in doubt" in settled
    office.ok("in-doubt", "6", emails[1], "--settle", "failed", "--by", "Ann")
    last = office.ok("in-doubt", "6", "--settle", "skip", "--by", "Bo").out
    assert "newsletter certificate 06-autumn-2018" in last
    data = status(office)
    found = [data[name] for name in ("sent", "failed", "skipped", "in_doubt")]
    assert found == [18, 1, 1, 0]
    assert "Nothing in campaign 06-autumn-2018 is in doubt" in office.ok("in-doubt", "6").out
    assert len(office.mails()) == 17


def test_an_address_that_is_not_in_doubt_settles_nothing(office: Office) -> None:
    """One wrong address, and none of the others is touched: exit code 2."""
    emails = doubtful(office, 2)
    result = office.run("in-doubt", "6", emails[0], "who@example.org", "--settle", "sent")
    assert result.code == 2
    assert "who@example.org" in result.err
    assert status(office)["in_doubt"] == 2


def test_sending_again_what_is_in_doubt_has_to_be_asked_for(office: Office) -> None:
    """Without --yes it says that they may get it twice; with it, `send` sends just these."""
    emails = doubtful(office, 2)
    refused = office.run("in-doubt", "6", "--settle", "resend")
    assert refused.code == 2
    assert "twice" in refused.err
    assert (status(office)["state"], status(office)["in_doubt"]) == ("done", 2)
    said = office.ok("in-doubt", "6", "--settle", "resend", "--yes").out
    assert "newsletter send 6" in said
    assert (status(office)["state"], status(office)["pending"]) == ("sending", 2)
    before = len(office.mails())
    assert office.ok("send", "6", "--yes", "--json").data["state"] == "done"
    assert len(office.mails()) - before == 2
    got = {mail["To"].addresses[0].addr_spec for mail in office.mails()}
    assert got >= set(emails)


def test_nothing_of_a_cancelled_campaign_is_sent_again(office: Office) -> None:
    """`resend` is refused, and the other ways to settle it still work."""
    freeze(office)
    claim(office, 2).answered({Outcome.IN_DOUBT: 2})
    office.ok("cancel", "6", "--yes")
    refused = office.run("in-doubt", "6", "--settle", "resend", "--yes")
    assert refused.code == 2
    assert "cancelled" in refused.err
    assert status(office)["in_doubt"] == 2
    office.ok("in-doubt", "6", "--settle", "skip")
    assert status(office)["skipped"] == 20


def test_watching_a_campaign_ends_with_it(office: Office) -> None:
    """A line for each change until the campaign is done."""
    freeze(office)
    with fork(office, "status", "6", "--watch") as watching:
        assert "06-autumn-2018 is sending" in watching.stdout.readline()
        with store(office) as engine, writing(engine) as connection:
            assert control.cancel(connection, 1, NOON, "enough") == 20
        shown, errors = watching.communicate(60)
    assert (watching.returncode, errors) == (0, "")
    assert "06-autumn-2018 is cancelled: enough" in shown
    assert "20 skipped" in shown


def test_ctrl_c_ends_the_watching_and_nothing_else(office: Office) -> None:
    """No traceback, exit code 0, and the campaign goes on."""
    freeze(office)
    with fork(office, "status", "6", "--watch") as watching:
        watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        _, errors = watching.communicate(60)
    assert (watching.returncode, errors) == (0, "")
    assert status(office)["state"] == "sending"


def test_watching_needs_one_campaign(office: Office) -> None:
    """`--watch` without a campaign, or with --json, says so: exit code 2."""
    assert office.run("status", "--watch").code == 2
    assert office.run("status", "6", "--watch", "--json").code == 2


def test_a_long_list_of_failures_is_cut(office: Office) -> None:
    """A person sees the first twenty and how many more there are; a program sees all."""
    office.subscribe(30)
    freeze(office)
    claim(office, 25).answered({Outcome.REJECTED: 25})
    shown = office.ok("status", "6").out
    assert shown.count("Failed: ") == 20
    assert "5 more that failed" in shown
    assert len(office.ok("status", "6", "--json").data["failures"]) == 25
