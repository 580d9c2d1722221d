"""Staged commit: nothing leaves before all of a campaign is there, and nobody is ever in doubt."""

import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from tests.fake_sendgrid import FakeSendgrid, Rule
from tests.mailroom import statuses
from tests.office import Office, Result
from tests.sendgrid_office import TO_SENDGRID, frozen_for_sendgrid, way_to_sendgrid
from tests.sendgrid_torture import torture

PEOPLE = 2_000
HOUR = 3_600.0


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of an office whose campaign is frozen."""
    return frozen_for_sendgrid(tmp_path_factory.mktemp("frozen"), PEOPLE).folder


@pytest.fixture
def office(frozen: Path, tmp_path: Path) -> Office:
    """An office of its own, with a frozen campaign."""
    return Office(Path(shutil.copytree(frozen, tmp_path / "project")))


def staged(server: FakeSendgrid, **more: object) -> dict[str, str]:
    """The settings for sending in a staged way."""
    settings = {"send__staged": True, "sendgrid__batch": 250, "sendgrid__timeout": 20, **more}
    return way_to_sendgrid(server, **settings)


def send(office: Office, server: FakeSendgrid, **more: object) -> Result:
    """Send what is left."""
    result = office.run(*TO_SENDGRID, **staged(server, **more))
    assert "Traceback" not in result.err + result.out
    return result


def batches(office: Office) -> list[str]:
    """The states of the campaign's batches, the oldest first."""
    with closing(sqlite3.connect(office.folder / "var" / "newsletter.db")) as database:
        rows = database.execute("SELECT state FROM staged_batch ORDER BY number").fetchall()
    return [state for (state,) in rows]


def everybody_once(office: Office, server: FakeSendgrid) -> None:
    """When its time has come, everybody has it, once; the ledger says so."""
    server.jump(HOUR)
    expected = Counter(f"reader{n}@example.org" for n in range(PEOPLE))
    assert server.recipients() == expected
    assert statuses(office) == Counter(sent=PEOPLE)


def test_nothing_leaves_before_its_time(office: Office) -> None:
    """All is posted under one id and released; until `send_at` nothing leaves, then all of it."""
    with FakeSendgrid() as server:
        result = send(office, server)
        assert result.code == 0, result
        assert "The provider has all of it" in result.out
        assert server.recipients() == Counter()
        assert server.provider.held == PEOPLE
        assert len(server.provider.batches) == 1
        assert server.provider.stopped == {}
        assert "recalls it" in office.ok("status", "6", **staged(server)).out
        everybody_once(office, server)
    assert batches(office) == ["released"]


@pytest.mark.parametrize("deed", ["drop-taken", "drop", "500-taken", "half", "hang-taken"])
def test_a_request_breaks_off(office: Office, deed: str) -> None:
    """What would be in doubt is taken back whole, and staged anew under another id."""
    patience = 2 if deed.startswith("hang") else 20
    with FakeSendgrid([Rule("send", deed, nth=4)]) as server:
        assert send(office, server, sendgrid__timeout=patience).code == 0
        assert len(server.provider.batches) == 2
        everybody_once(office, server)
        assert server.provider.discarded
    assert batches(office) == ["recalled", "released"]


@pytest.mark.parametrize(
    ("call", "nth", "deed"),
    [
        ("batch", 1, "503"),
        ("schedule", 1, "drop"),
        ("schedule", 1, "500"),
        ("schedule", 2, "503"),
        ("schedule", 2, "drop"),
        ("schedule", 2, "429"),
    ],
)
def test_the_provider_is_unwell_beside_the_posting(
    office: Office, call: str, nth: int, deed: str
) -> None:
    """Making, pausing and releasing a batch are tried again until they are sure."""
    with FakeSendgrid([Rule(call, deed, nth=nth)]) as server:
        assert send(office, server).code == 0
        everybody_once(office, server)


def test_the_key_stops_being_good(office: Office) -> None:
    """In mid-campaign the provider refuses us, and even to recall: nothing leaves; later all do."""
    with FakeSendgrid([Rule("send", "401", since=4), Rule("schedule", "401", since=2)]) as server:
        result = send(office, server)
        assert result.code == 1
        assert batches(office) == ["staging"]
        assert "newsletter send 6" in office.ok("status", "6", **staged(server)).out
        server.moods = type(server.moods)([], 1)
        assert send(office, server).code == 0
        everybody_once(office, server)
    assert batches(office) == ["recalled", "released"]


def test_many_addresses_are_refused(office: Office) -> None:
    """A few are failed and the rest goes; too many pause the campaign, and nothing has left."""
    bad = [f"reader{n}@example.org" for n in range(5)]
    with FakeSendgrid(refused=bad) as server:
        assert send(office, server, send__failure_limit=0.1).code == 1
        server.jump(HOUR)
        assert len(server.recipients()) == PEOPLE - 5
    assert statuses(office) == Counter(sent=PEOPLE - 5, failed=5)


def test_too_many_addresses_are_refused(office: Office) -> None:
    """Where one in ten is refused the campaign pauses before anything has left."""
    bad = [f"reader{n}@example.org" for n in range(300)]
    with FakeSendgrid(refused=bad) as server:
        result = send(office, server, send__failure_limit=0.1)
        assert result.code == 1
        assert "300 people" in result.out
        server.jump(HOUR)
        assert server.recipients() == Counter()
    assert statuses(office) == Counter(pending=PEOPLE - 300, failed=300)


def test_cancel_recalls_in_time(office: Office) -> None:
    """Until ten minutes before it leaves, cancel takes all of it back, and says of how many."""
    with FakeSendgrid() as server:
        assert send(office, server).code == 0
        result = office.ok("cancel", "6", "--yes", **staged(server))
        assert "2,000 people will not get it: that was still in time" in result.out
        server.jump(HOUR)
        assert server.recipients() == Counter()
    assert statuses(office) == Counter(skipped=PEOPLE)
    assert batches(office) == ["recalled"]
    assert office.ok("status", "6", "--json").data["state"] == "cancelled"


def test_cancel_comes_too_late(office: Office) -> None:
    """In the last ten minutes cancel says that it is too late, and changes nothing."""
    with FakeSendgrid() as server:
        assert send(office, server, send__staged_minutes=15).code == 0
        server.jump(6 * 60)
        result = office.run("cancel", "6", "--yes", **staged(server))
        assert result.code == 1
        assert "too late to recall" in result.err
        everybody_once(office, server)
    assert office.ok("status", "6", "--json").data["state"] == "done"


@pytest.mark.parametrize(("staged_commit", "kills"), [(True, 8), (False, 12)])
def test_killed_at_random_moments(
    tmp_path: Path,
    staged_commit: bool,
    kills: int,
) -> None:
    """Under kill -9 nobody gets it twice and nobody is lost.

    Staged, nobody is in doubt; else at most the people of one request a kill.
    """
    report = torture(tmp_path, people=2_500, kills=kills, batch=50, staged=staged_commit)
    assert report.passed, report
    assert report.kills >= kills // 2
