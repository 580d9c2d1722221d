"""What `newsletter send` can be asked for: test letters, plans, audiences, times, canaries."""

import datetime as dt
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.fake_smtp import FakeSmtp, Rule
from tests.forked import Forked, fork
from tests.mailroom import ISSUE, SEND, clean, in_doubt, small_office, statuses, way_to
from tests.office import Office, part_of, read_mail

PEOPLE = 40
AGENCIES = ("gp", "police", "primary-schools", "housing", "voluntary")
TESTER = "tester@example.org"

_LONGEST = 60.0


@pytest.fixture
def office(project: Path) -> Office:
    """An office with 40 subscribers, 8 in each of five agencies, and a small issue."""
    return small_office(project, PEOPLE)


@pytest.fixture
def empty(project: Path) -> Office:
    """The same office before anybody subscribed."""
    return small_office(project, 0)


def marked_letters(office: Office) -> list[EmailMessage]:
    """The test letters in the outbox."""
    folder = office.folder / "var" / "outbox" / "test"
    return [read_mail(path) for path in sorted(folder.glob("*.eml"))]


def no_trace(office: Office) -> None:
    """No campaign is in the database, and nothing in a campaign's outbox."""
    assert office.ok("status", "--json").data == []
    assert not office.outbox.exists()


# Test letters


def test_a_test_letter_is_marked_and_written_down_nowhere(office: Office) -> None:
    """One letter as the default agency gets it, marked [TEST]; no campaign, and no delivery."""
    said = office.ok("send", "6", "--test", TESTER).out
    (mail,) = marked_letters(office)
    assert mail["Subject"].startswith("[TEST] ")
    assert mail["To"].addresses[0].addr_spec == TESTER
    assert "Words for all." in part_of(mail, "plain")
    assert "{{" not in part_of(mail, "plain") + part_of(mail, "html")
    assert f"to {TESTER}: accepted" in said
    assert "var/outbox/test" in said
    no_trace(office)
    assert office.ok("send", "6", "--yes", "--json").data["sent"] == PEOPLE


def test_test_letters_as_several_agencies_to_several_addresses(office: Office) -> None:
    """Each address gets one as each agency, which the letter names."""
    other = "other@example.org"
    data = office.ok(
        "send", "6", "--test", TESTER, "--test", other, "--as", "gp,police", "--as", "housing",
        "--json",
    ).data  # fmt: skip
    assert Counter(each["to"] for each in data) == {TESTER: 3, other: 3}
    assert {each["outcome"] for each in data} == {"accepted"}
    mails = marked_letters(office)
    assert Counter(mail["To"].addresses[0].addr_spec for mail in mails) == {TESTER: 3, other: 3}
    spoken = Counter(
        found[1] for mail in mails if (found := re.search("under “(.+?)”", part_of(mail, "plain")))
    )
    assert sorted(spoken.values()) == [2, 2, 2]
    no_trace(office)


def test_a_test_letter_needs_no_subscriber(empty: Office) -> None:
    """It can be sent before the list is there."""
    empty.ok("send", "6", "--test", TESTER, "--as", "gp")
    assert len(marked_letters(empty)) == 1
    no_trace(empty)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--test", TESTER, "--as", "gps"), "'gps'"),
        (("--test", "tester@"), "'tester@'"),
        (("--test", TESTER, "--test", "a b@example.org"), "'a b@example.org'"),
        (("--as", "gp"), "--as goes with --test"),
    ],
)
def test_what_no_test_letter_can_be_sent_for(
    office: Office, words: tuple[str, ...], found: str
) -> None:
    """An unknown agency or a malformed address is named: exit code 2, and nothing is written."""
    result = office.run("send", "6", *words)
    assert result.code == 2
    assert found in result.err
    assert not marked_letters(office)
    no_trace(office)


def test_a_test_letter_over_smtp(office: Office) -> None:
    """It goes through the relay of the settings; a refusal is shown, with exit code 1."""
    with FakeSmtp([Rule("rcpt", "550 5.1.1 No", recipient="gone@example.org")]) as server:
        office.ok("send", "6", "--test", TESTER, "--as", "gp", **way_to(server))
        (taken,) = server.taken
        mail = message_from_bytes(taken.content, policy=policy.default)
        assert (taken.recipient, mail["Subject"][:7]) == (TESTER, "[TEST] ")
        refused = office.run("send", "6", "--test", "gone@example.org", **way_to(server))
    clean(refused, "gone@example.org: rejected: 5.1.1")
    no_trace(office)
    office.ok("send", "6", "--test", TESTER)  # a test is not the first campaign either


# Plans


def test_a_dry_run_shows_the_plan_and_leaves_no_trace(office: Office) -> None:
    """Variants, agencies, exclusions by reason, batches, the time at the rate; in both forms."""
    office.ok("subscribers", "unsubscribe", "reader3@example.org")
    words = ("send", "6", "--dry-run", "--audience", "gp", "--audience", "police")
    rate = {"NEWSLETTER_SEND__PER_SECOND": "0.5", "NEWSLETTER_SEND__BATCH_SIZE": "10"}
    data = office.ok(*words, "--json", **rate).data
    assert data["recipients"] == {"gp": 8, "police": 8}
    assert (data["people"], data["batches"], data["transport"]) == (16, 2, "outbox")
    assert data["seconds"] == pytest.approx(32)
    assert data["excluded"] == {"outside the chosen audience": 24}
    assert {"gp", "police"} <= {id_ for ids in data["variants"].values() for id_ in ids}
    said = office.ok(*words, **rate).out
    assert "16 recipients in 2 batches through the transport outbox" in said
    assert "Left out: 24 outside the chosen audience." in said
    assert "it takes 32 seconds" in said
    assert "Nothing was sent, and nothing was frozen." in said
    slow = office.ok("send", "6", "--dry-run", NEWSLETTER_SEND__PER_SECOND="0.01").out
    assert "39 recipients" in slow
    assert "Left out: 1 unsubscribed." in slow
    assert "it takes 1 h 5 min" in slow
    assert "No rate is set" in office.ok("send", "6", "--dry-run").out
    no_trace(office)


def test_a_dry_run_counts_what_the_campaign_then_does(office: Office) -> None:
    """Who left, who bounced, who had it: the plan's numbers are those of the real campaign."""
    with FakeSmtp([Rule("rcpt", "550 5.1.1 No", recipient="reader10@example.org")]) as server:
        office.run(*SEND, "--audience", "gp", **way_to(server))
    office.ok("subscribers", "unsubscribe", "reader1@example.org")
    planned = office.ok("send", "6", "--dry-run", "--audience", "all", "--json").data
    assert planned["excluded"] == {
        "in an earlier campaign of this issue": 7,
        "bounced before": 1,
        "unsubscribed": 1,
    }
    sent = office.ok("send", "6", "--yes", "--audience", "all", "--json").data
    assert (sent["audience"], sent["excluded"]) == (planned["people"], planned["excluded"])
    assert {key: number for key, number in sent["recipients"].items() if number} == planned[
        "recipients"
    ]


def test_a_dry_run_works_with_nobody_subscribed(empty: Office) -> None:
    """It shows the variants, and that nobody would get it."""
    data = empty.ok("send", "6", "--dry-run", "--json").data
    assert (data["people"], data["batches"], data["excluded"]) == (0, 0, {})
    assert data["variants"]
    assert "0 recipients in 0 batches" in empty.ok("send", "6", "--dry-run").out
    no_trace(empty)


# Audiences


def test_an_audience_and_then_all_others(office: Office) -> None:
    """A sector first; the same command again sends nobody twice; `all` reaches just the rest."""
    first = office.ok("send", "6", "--yes", "--json", "--audience", "gp,police").data
    assert (first["sent"], first["audience_names"]) == (16, ["gp", "police"])
    assert office.ok("send", "6", "--yes", "--json").data["name"] == first["name"]
    assert len(everyone(office)) == 16
    second = office.ok("send", "6", "--yes", "--json", "--audience", "all").data
    assert second["name"] != first["name"]
    assert second["sent"] == 24
    assert second["excluded"] == {"in an earlier campaign of this issue": 16}
    assert Counter(everyone(office)) == Counter(f"reader{n}@example.org" for n in range(PEOPLE))
    third = office.run("send", "6", "--yes", "--audience", "all")
    clean(third, "in an earlier campaign of this issue")


def everyone(office: Office) -> list[str]:
    """The addresses of all letters in all outboxes."""
    paths = (office.folder / "var" / "outbox").glob("*/*.eml")
    return [read_mail(path)["To"].addresses[0].addr_spec for path in paths]


def test_an_unknown_audience_is_named(office: Office) -> None:
    """Exit code 2, the word that means nothing, and no campaign."""
    result = office.run("send", "6", "--yes", "--audience", "gp", "--audience", "doctors")
    assert result.code == 2
    assert "doctors" in result.err
    no_trace(office)


def test_an_audience_cannot_be_changed_under_way(office: Office) -> None:
    """What was frozen stays; the message says how to go on, and how to end it."""
    with FakeSmtp([Rule("rcpt", "550 5.7.1 Relaying denied")]) as server:
        clean(office.run(*SEND, "--audience", "gp", **way_to(server)), "5.7.1")
        changed = office.run(*SEND, "--audience", "police", **way_to(server))
        assert changed.code == 2
        assert f"newsletter cancel {ISSUE}" in changed.err
        server.rules = ()
        assert office.ok(*SEND, "--json", **way_to(server)).data["sent"] == 8


# Times


@contextmanager
def waiting(office: Office, ahead: float) -> Iterator[tuple[Forked, dt.datetime]]:
    """A process that waits for a start so many seconds ahead, and that start."""
    start = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=ahead)
    with fork(office, "send", "6", "--yes", "--at", start.isoformat()) as process:
        while "Waiting" not in (line := process.stderr.readline()):
            assert line, "it ended without waiting"
        yield process, start


def test_at_a_moment_ahead_it_really_begins(office: Office) -> None:
    """Nothing leaves before; then everybody gets it, and nobody had to do anything."""
    with waiting(office, 5) as (process, start):
        assert office.ok("status", "6", "--json").data["state"] == "scheduled"
        assert not office.outbox.exists()
        assert process.wait(_LONGEST) == 0
    data = office.ok("status", "6", "--json").data
    assert (data["state"], data["sent"]) == ("done", PEOPLE)
    late = (dt.datetime.fromisoformat(data["started_at"]) - start).total_seconds()
    assert 0 <= late < 5
    assert min(path.stat().st_mtime for path in office.outbox.iterdir()) >= start.timestamp() - 0.1


@pytest.mark.parametrize(
    ("what", "state", "code"), [("pause", "paused", 1), ("cancel", "cancelled", 0)]
)
def test_a_campaign_that_waits_can_be_stopped(
    office: Office, what: str, state: str, code: int
) -> None:
    """The waiting process hears of it within a second or two, and says what to do next."""
    with waiting(office, 3_600) as (process, _):
        office.ok(what, "6", *(["--yes"] if what == "cancel" else []), "--by", "Ann")
        began = time.monotonic()
        out, err = process.communicate(_LONGEST)
        assert time.monotonic() - began < 10
    assert (process.returncode, "Traceback" in err) == (code, False)
    assert ("newsletter resume" if what == "pause" else "--audience all") in out
    data = office.ok("status", "6", "--json").data
    assert (data["state"], data["sent"]) == (state, 0)
    assert not office.outbox.exists()


@pytest.mark.parametrize("at", ["25:00", "tomorrow", "2019-01-01 09:00"])
def test_a_start_that_cannot_be(office: Office, at: str) -> None:
    """A time that is none, or lies behind: exit code 2, and no campaign."""
    result = office.run("send", "6", "--yes", "--at", at)
    assert result.code == 2
    assert repr(at) in result.err
    no_trace(office)


# Canaries and failures


def test_a_canary_that_arrives_lets_the_rest_go(office: Office) -> None:
    """Exactly so many go first; after the wait the others follow, with exit code 0."""
    with FakeSmtp() as server:
        began = time.monotonic()
        result = office.ok(*SEND, "--canary", "5", **way_to(server, canary_wait=1.5))
        assert time.monotonic() - began >= 1.5
        assert len(server.taken) == PEOPLE
    assert "Nothing can go until" in result.err
    assert statuses(office) == {"sent": PEOPLE}


def test_a_canary_that_is_refused_pauses_the_rest(office: Office) -> None:
    """Two of ten refused: a pause with the reason, exit code 1; resumed, the others get it."""
    rules = [Rule("message", "550 5.6.0 Bad content", nth=at) for at in (2, 4)]
    with FakeSmtp(rules) as server:
        way = way_to(server, canary_wait=0.2, failure_limit=0.1)
        result = office.run(*SEND, "--canary", "10", **way)
        clean(
            result,
            "Paused: 2 of the first 10 letters went wrong, more than 10%.",
            f"To go on: newsletter resume {ISSUE}",
        )
        assert statuses(office) == {"sent": 8, "failed": 2, "pending": 30}
        clean(office.run(*SEND, **way), "is paused: 2 of the first 10", "newsletter resume")
        assert len(server.taken) == 8
        office.ok("resume", "6")
        assert office.run(*SEND, "--json", **way).data["sent"] == 38
    assert statuses(office) == {"sent": 38, "failed": 2}


def test_too_many_failures_pause_by_themselves(office: Office) -> None:
    """Past the limit: the reason, how to go on, exit code 1; each is tried once at the server."""
    rules = [Rule("message", "550 5.6.0 Bad content", recipient=f"reader{n}@example.org")
             for n in range(0, PEOPLE, 2)]  # fmt: skip
    with FakeSmtp(rules) as server:
        way = way_to(server, failure_limit=0.2, per_second=15)
        result = office.run(*SEND, **way)
        clean(result, "letters went wrong, more than 20%", f"newsletter resume {ISSUE}")
        shown = office.ok("status", "6").out
        assert "paused" in shown
        assert "letters went wrong" in shown
        left = statuses(office)["pending"]
        assert left > 0
        server.rules = ()
        office.ok("resume", "6")
        last = office.run(*SEND, "--json", **way | {"NEWSLETTER_SEND__PER_SECOND": "1000"})
        assert (last.code, last.data["state"]) == (1, "done")
        assert server.seen["message"] == PEOPLE
        assert len(server.taken) == statuses(office)["sent"] == PEOPLE - last.data["failed"]


# Exit codes


@pytest.mark.parametrize(
    ("do", "code"),
    [("", 0), ("550 5.1.1 No", 1), ("take-drop", 1), ("452 4.2.2 Full", 0)],
)
def test_the_exit_code_says_how_it_ended(office: Office, do: str, code: int) -> None:
    """0 when all went well or is put off, 1 with failures or doubts; the same once more."""
    who = "reader7@example.org"
    with FakeSmtp([Rule("message", do, recipient=who)] if do else ()) as server:
        first = office.run(*SEND, "--json", **way_to(server, patience=0, retry_after=60))
        again = office.run(*SEND, "--json", **way_to(server, patience=0, retry_after=60))
    assert (first.code, again.code) == (code, code)
    assert json.loads(first.out)["sent"] == PEOPLE - bool(do)
    assert in_doubt(office) == ({who} if do == "take-drop" else set())
    expected: dict[str, Any] = {
        "": {},
        "550 5.1.1 No": {"failed": 1},
        "take-drop": {"in_doubt": 1},
        "452 4.2.2 Full": {"deferred": 1},
    }
    assert statuses(office) - Counter(sent=PEOPLE) == Counter(expected[do])
