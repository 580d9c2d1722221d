"""Whatever the provider does, the ledger ends with the provider's truth.

Campaigns from `newsletter send` to the fake and back into the database: sent is what was
taken, in doubt is only what could be either, and nobody suffers for our own faults.
"""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fake_sendgrid import FakeSendgrid, Rule
from tests.fake_sendgrid.server import KEY
from tests.mailroom import in_doubt, ledger, statuses, suppressed
from tests.office import Office, Result
from tests.sendgrid_office import TO_SENDGRID, agrees, frozen_for_sendgrid, way_to_sendgrid

PEOPLE = 2_000
BATCH = 500

Send = Callable[..., Result]


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of an office whose campaign is frozen."""
    return frozen_for_sendgrid(tmp_path_factory.mktemp("frozen"), PEOPLE).folder


@pytest.fixture
def office(frozen: Path, tmp_path: Path) -> Office:
    """An office of its own, with a frozen campaign."""
    return Office(Path(shutil.copytree(frozen, tmp_path / "project")))


def send(office: Office, server: FakeSendgrid, **settings: object) -> Result:
    """Send what is left, and see that the ledger agrees with the truth and no secret was told."""
    more = {"sendgrid__batch": BATCH, "sendgrid__timeout": 20, **settings}
    result = office.run(*TO_SENDGRID, "--json", **way_to_sendgrid(server, **more))
    assert "Traceback" not in result.err + result.out
    assert KEY not in result.err + result.out
    assert server.errors == [] or server.refused
    agrees(office, server)
    return result


@pytest.mark.parametrize("deed", ["429", "429-bare", "413", "slow"])
def test_nobody_is_in_doubt(office: Office, deed: str) -> None:
    """Too many, too large, slow: everybody is served in the end, once, and nobody is in doubt."""
    with FakeSendgrid([Rule("send", deed, nth=2)], window=1.0) as server:
        assert send(office, server).code == 0
    assert statuses(office) == Counter(sent=PEOPLE)


@pytest.mark.parametrize("deed", ["500", "503", "drop", "hang"])
@pytest.mark.parametrize("taken", [True, False])
def test_one_request_is_in_doubt(office: Office, deed: str, taken: bool) -> None:
    """After a whole request has left nobody can know; its people are in doubt, and no others."""
    rule = Rule("send", f"{deed}-taken" if taken else deed, nth=2)
    patience = 2 if deed == "hang" else 20
    with FakeSendgrid([rule]) as server:
        assert send(office, server, sendgrid__timeout=patience).code == 1
        assert send(office, server).code == 1
        assert statuses(office) == Counter(sent=PEOPLE - BATCH, in_doubt=BATCH)
        delivered = set(server.recipients())
    assert len(in_doubt(office) & delivered) == (BATCH if taken else 0)
    assert suppressed(office) == {}


def test_half_of_a_request_is_accepted(office: Office) -> None:
    """All people of a request of which only half was taken are in doubt; none gets it twice."""
    with FakeSendgrid([Rule("send", "half", nth=1)]) as server:
        send(office, server)
        assert statuses(office) == Counter(sent=PEOPLE - BATCH, in_doubt=BATCH)
        assert len(in_doubt(office) & set(server.recipients())) == BATCH // 2


@pytest.mark.parametrize("deed", ["500-unread", "503-unread", "drop-unread"])
def test_before_the_body_is_read(office: Office, deed: str) -> None:
    """Where a request surely did not leave whole it is tried again; else it is in doubt."""
    with FakeSendgrid([Rule("send", deed, nth=2)]) as server:
        send(office, server)
        assert statuses(office) in (
            Counter(sent=PEOPLE),
            Counter(sent=PEOPLE - BATCH, in_doubt=BATCH),
        )


def test_one_address_is_named(office: Office) -> None:
    """Those to whom the provider objects have failed, with its words; the rest goes."""
    bad = ["reader7@example.org", "reader12@example.org", "reader1999@example.org"]
    with FakeSendgrid(refused=bad) as server:
        assert send(office, server).code == 1
        assert set(server.recipients()).isdisjoint(bad)
    rows = ledger(office)
    assert {email for email, row in rows.items() if row.status == "failed"} == set(bad)
    assert statuses(office) == Counter(sent=PEOPLE - 3, failed=3)
    assert rows[bad[0]].code == "400"
    assert "valid address" in rows[bad[0]].error
    assert suppressed(office) == {}


@pytest.mark.parametrize("deed", ["401", "403", "400"])
def test_the_key_stops_being_good(office: Office, deed: str) -> None:
    """In mid-campaign the provider refuses us: it stops, nobody is blamed, and later goes on."""
    with FakeSendgrid([Rule("send", deed, since=3)]) as server:
        result = send(office, server)
        assert result.code == 1
        assert deed in result.out
        assert "nobody will get it twice" in result.out
    assert statuses(office) == Counter(sent=2 * BATCH, pending=PEOPLE - 2 * BATCH)
    assert suppressed(office) == {}
    first = set(server.recipients())
    with FakeSendgrid() as mended:
        assert office.run(*TO_SENDGRID, "--json", **way_to_sendgrid(mended)).code == 0
        assert mended.recipients().keys().isdisjoint(first)
    assert statuses(office) == Counter(sent=PEOPLE)


@pytest.mark.parametrize("tells", [True, False])
def test_a_rate_limit(office: Office, tells: bool) -> None:
    """A limit slows the campaign down, with or without word of when it ends; all are served."""
    with FakeSendgrid(limit=3, window=1.0, tells_limits=tells) as server:
        assert send(office, server, sendgrid__batch=250).code == 0
        assert server.moods.seen["send"] <= 8 + (3 if tells else 6)
    assert statuses(office) == Counter(sent=PEOPLE)


def test_nobody_is_there(office: Office) -> None:
    """A port where nobody answers: a message, nothing in doubt, nobody blamed."""
    with FakeSendgrid() as server:
        port = server.port
    result = office.run(*TO_SENDGRID, **way_to_sendgrid(port))
    assert result.code == 1
    assert "Connection refused" in result.err
    assert statuses(office) == Counter(pending=PEOPLE)
    with FakeSendgrid() as server:
        assert send(office, server).code == 0
