"""The pixel: who gets one, what its load leaves behind, and what it never does."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter_mailer.store.tables import metadata
from tests.ledgers import NOW
from tests.tracked import KEY, Desk, get, open_desk

GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"


@pytest.fixture
def desk(tmp_path: Path, database: str) -> Iterator[Desk]:  # noqa: ARG001 - it sets the URL
    """Ten people, of whom the first three agreed."""
    made = open_desk(tmp_path, 10)
    made.agree(1, 2, 3)
    yield made
    made.engine.dispose()


def test_a_load_is_written_down_once_with_its_class(desk: Desk) -> None:
    """An open is kept as its class, its rule and its day; neither agent nor address is."""
    pixel = desk.links.open(1, 1)
    get(desk, pixel, pixel)
    get(desk, desk.links.open(1, 2), user_agent=GMAIL)
    assert desk.opens() == {
        1: ("human", "agent: Outlook for Windows"),
        2: ("proxied", "agent: Gmail proxy"),
    }
    held = b"".join(path.read_bytes() for path in desk.settings.state.glob("*") if path.is_file())
    held += str([desk.rows(table) for table in metadata.sorted_tables]).encode()
    for trace in (b"ms-office", b"GoogleImageProxy", b"ggpht", b"127.0.0.1"):
        assert trace not in held


def test_the_answer_says_nothing(desk: Desk) -> None:
    """Whoever asks gets the same 43 bytes and headers: agreed or not, forged, altered, foreign."""
    good = desk.links.open(1, 1)
    answers = get(
        desk,
        good,
        desk.links.open(1, 9),
        desk.links.open(9, 1),
        good[:-2],
        good + "x",
        good.replace("/open/", "/open/x"),
        desk.links.unsubscribe(1, 1).replace("/unsubscribe/", "/open/"),
        "/open/%00",
        "/open/" + "a" * 5000,
    )
    assert {(a.status_code, a.content, tuple(a.headers.items())) for a in answers} == {
        (200, answers[0].content, tuple(answers[0].headers.items()))
    }
    assert len(answers[0].content) == 43
    assert answers[0].headers["content-type"] == "image/gif"
    assert answers[0].headers["cache-control"] == "no-store, no-cache, private, max-age=0"
    assert "set-cookie" not in answers[0].headers
    assert set(desk.opens()) == {1}


def test_a_head_is_answered_and_not_counted(desk: Desk) -> None:
    """Scanners ask with HEAD: same headers, nothing stored."""
    (answer,) = get(desk, desk.links.open(1, 1), method="HEAD")
    assert answer.status_code == 200
    assert answer.headers["content-length"] == "43"
    assert desk.opens() == {}


def test_nothing_is_stored_without_consent(desk: Desk) -> None:
    """Who never agreed, who left, and who withdrew after the mail was sent leave no trace."""
    desk.withdraw(2)
    get(desk, desk.links.open(1, 2), desk.links.open(1, 7))
    assert desk.opens() == {}
    get(desk, desk.links.open(1, 1))
    assert set(desk.opens()) == {1}


def test_what_comes_with_the_mail_is_a_machine(desk: Desk) -> None:
    """A load within seconds of handing over is a scanner's, and a person's after it counts more."""
    desk.at = NOW - dt.timedelta(hours=1) + dt.timedelta(seconds=3)
    get(desk, desk.links.open(1, 1))
    assert desk.opens() == {1: ("machine", "too soon")}
    desk.at = NOW
    get(desk, desk.links.open(1, 1))
    assert desk.opens() == {1: ("human", "agent: Outlook for Windows")}
    get(desk, desk.links.open(1, 1), sec_purpose="prefetch")
    assert desk.opens() == {1: ("human", "agent: Outlook for Windows")}


def test_an_older_key_still_reads(desk: Desk) -> None:
    """After the signing key was changed, pixels in old mail count as before."""
    desk.keys = ("n" * 32, KEY)
    get(desk, desk.links.open(1, 1))
    assert set(desk.opens()) == {1}
