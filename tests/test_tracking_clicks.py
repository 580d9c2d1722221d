"""Counted links: where they lead, where they never do, and what a burst of them is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from newsletter_mailer.store.engine import writing
from newsletter_mailer.store.tracking_tables import tracked_link
from newsletter_mailer.tracking.bursts import Bursts
from tests.tracked import Desk, get, open_desk

URLS = [
    "https://a.example/?x=1&y=2",
    "http://b.example/",
    "https://c.example/",
    "https://d.example",
]


@pytest.fixture
def desk(tmp_path: Path, database: str) -> Iterator[Desk]:  # noqa: ARG001 - it sets the URL
    """Four people, of whom the first two agreed, and a campaign with four counted links."""
    made = open_desk(tmp_path, 4, campaigns=2)
    made.agree(1, 2)
    with writing(made.engine) as connection:
        connection.execute(
            insert(tracked_link),
            [{"campaign_id": 1, "number": n, "url": url} for n, url in enumerate(URLS)],
        )
    yield made
    made.engine.dispose()


def test_a_counted_link_leads_where_it_was_written(desk: Desk) -> None:
    """A click is redirected at once, and noted for who agreed only."""
    answers = get(desk, desk.links.click(1, 1, 0), desk.links.click(1, 3, 1))
    assert [(a.status_code, a.headers["location"]) for a in answers] == [
        (302, URLS[0]),
        (302, URLS[1]),
    ]
    assert desk.clicks() == {(1, 0): ("human", "agent: Outlook for Windows")}


def test_it_leads_nowhere_else(desk: Desk) -> None:
    """No token, and nothing beside it, leads to a page that the campaign does not link to."""
    good = desk.links.click(1, 1, 0)
    answers = get(
        desk,
        good[:-3],
        f"{good}x",
        "/click/https://evil.example/",
        "/click/https:evil.example",
        desk.links.open(1, 1).replace("/open/", "/click/"),
        desk.links.click(1, 1, 99),
        desk.links.click(2, 1, 0),
        desk.links.click(7, 1, 0),
    )
    assert {a.status_code for a in answers} == {404}
    assert not any("location" in a.headers for a in answers)
    (led,) = get(desk, f"{good}?url=https://evil.example/&next=//evil.example")
    assert led.headers["location"] == URLS[0]


def test_a_scanner_that_follows_all_links_is_a_machine(desk: Desk) -> None:
    """The third link within two seconds gives a scanner away, and takes its first two back."""
    get(desk, *(desk.links.click(1, 1, n) for n in range(4)), desk.links.click(1, 2, 0))
    assert desk.clicks() == {
        **{(1, n): ("machine", "burst") for n in range(4)},
        (2, 0): ("human", "agent: Outlook for Windows"),
    }


def test_a_head_leads_on_and_is_not_counted(desk: Desk) -> None:
    """A scanner that asks with HEAD sees where the link leads, and is not noted."""
    (answer,) = get(desk, desk.links.click(1, 1, 0), method="HEAD")
    assert answer.status_code == 302
    assert desk.clicks() == {}


@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.integers(0, 3), st.floats(0, 3, allow_nan=False)),
        max_size=60,
    )
)
def test_bursts_are_those_of_a_plain_model(steps: list[tuple[int, int, float]]) -> None:
    """What is remembered of links equals a list that forgets nothing, and stays small."""
    bursts, past, now = Bursts(2.0, most=2), [], 0.0
    exact = Bursts(2.0)
    for person, link, wait in steps:
        now += wait
        past.append((person, link, now))
        bursts.followed(1, person, link, now)
        assert len(bursts) <= 2
        last = {n: at for who, n, at in past if who == person}
        assert set(exact.followed(1, person, link, now)) == {
            n for n, at in last.items() if now - at <= 2.0
        }
