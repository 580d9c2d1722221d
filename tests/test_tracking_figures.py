"""The figures that reports are made of, and what is forgotten of them."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert

from newsletter_mailer.audience.personal_data import personal_data
from newsletter_mailer.audience.reconfirming import silent, take_off_unanswered
from newsletter_mailer.sending.erasing import erase
from newsletter_mailer.store.engine import reading, writing
from newsletter_mailer.store.office_tables import reconfirm_request
from newsletter_mailer.store.read_tables import has_read
from newsletter_mailer.store.tables import subscriber
from newsletter_mailer.store.tracking_tables import (
    clicked,
    feedback,
    opened,
    provider_event,
    reach_total,
    tracked_link,
)
from newsletter_mailer.tracking.agents import Class
from newsletter_mailer.tracking.figures import Figures, figures
from newsletter_mailer.tracking.tidying import tidy
from tests.ledgers import NOW
from tests.projects import small_registry
from tests.tracked import Desk, Sendgrid, event, get, open_desk, report

GMAIL = "GoogleImageProxy"
TODAY = NOW.date()
A_DAY = dt.timedelta(days=1)


@pytest.fixture
def desk(tmp_path: Path, database: str) -> Iterator[Desk]:  # noqa: ARG001 - it sets the URL
    """Ten people, of whom six agreed: four opened, by several programs, and one followed a link."""
    provider = Sendgrid()
    made = open_desk(tmp_path, 10, sendgrid_keys=(provider.public,))
    made.agree(1, 2, 3, 4, 5, 6)
    with writing(made.engine) as connection:
        connection.execute(
            insert(tracked_link).values(campaign_id=1, number=0, url="https://a.example/")
        )
    get(made, *(made.links.open(1, n) for n in (1, 2, 7)), made.links.click(1, 1, 0))
    get(made, made.links.open(1, 3), user_agent=GMAIL)
    get(made, made.links.open(1, 4), user_agent="curl/8")
    events = [event("delivered", n) for n in (1, 2, 3)]
    events.append(event("bounce", 9, status="5.1.1", reason="no reader9@example.org here"))
    assert report(made, provider, *events) == 204
    yield made
    made.engine.dispose()


def _figures(desk: Desk) -> Figures:
    with reading(desk.engine) as connection:
        return figures(connection, 1)


def test_figures_are_by_agency_and_held_against_who_agreed(desk: Desk) -> None:
    """Opens of each class by agency and day, deliveries by outcome, and a range of who opened."""
    found = _figures(desk)
    assert found.agreed == {"gp": 3, "police": 3}
    assert found.opens == {
        ("gp", Class.HUMAN, TODAY): 1,
        ("police", Class.HUMAN, TODAY): 1,
        ("gp", Class.PROXIED, TODAY): 1,
        ("police", Class.MACHINE, TODAY): 1,
    }
    assert found.opened_between() == (2, 3)
    assert found.clicks == {0: {("gp", Class.HUMAN, TODAY): 1}}
    assert found.outcomes == {
        ("gp", "sent", "delivered"): 2,
        ("gp", "sent", "bounced"): 1,
        ("gp", "sent", ""): 2,
        ("police", "sent", "delivered"): 1,
        ("police", "sent", ""): 4,
    }


def test_old_opens_become_counts(desk: Desk) -> None:
    """After the time that is set no person's open is left, and the figures are as before."""
    before = _figures(desk)
    with writing(desk.engine) as connection:
        assert tidy(connection, TODAY) == 0
        assert tidy(connection, TODAY + dt.timedelta(days=1)) == 9
        assert tidy(connection, TODAY + dt.timedelta(days=1)) == 0
    for table in (opened, clicked, provider_event):
        assert desk.rows(table) == []
    assert "subscriber_id" not in reach_total.c
    assert _figures(desk) == before
    get(desk, desk.links.open(1, 5))
    with writing(desk.engine) as connection:
        tidy(connection, TODAY + dt.timedelta(days=1))
    assert _figures(desk).opens["gp", Class.HUMAN, TODAY] == 2


def test_a_persons_open_is_a_sign_of_life(desk: Desk) -> None:
    """Who agreed and likely looked is not asked to reconfirm, nor taken off for not answering.

    A proxy's or a machine's load is no sign, nor is one from before; who withdraws has none left.
    """
    asked_at, later = NOW + 100 * A_DAY, NOW + 101 * A_DAY
    with reading(desk.engine) as connection:
        found = [each.id for each in silent(connection, NOW + A_DAY, 99)]
    assert found == [1, 2, 3, 4, 5, 6, 7, 8, 10], "the ninth bounced"
    desk.at = later
    get(desk, desk.links.open(1, 2), desk.links.click(1, 3, 0), desk.links.open(1, 7))
    get(desk, desk.links.open(1, 5), user_agent=GMAIL)
    get(desk, desk.links.open(1, 6), user_agent="curl/8")
    with writing(desk.engine) as connection:
        connection.execute(
            insert(has_read).values(campaign_id=1, number=0, subscriber_id=8, day=later.date())
        )
    with reading(desk.engine) as connection:
        found = [each.id for each in silent(connection, asked_at, 99)]
    assert found == [1, 4, 5, 6, 7, 10]
    with writing(desk.engine) as connection:
        connection.execute(
            insert(reconfirm_request),
            [{"subscriber_id": number, "asked_at": asked_at} for number in range(1, 11)],
        )
    desk.withdraw(3)
    with writing(desk.engine) as connection:
        off = take_off_unanswered(
            connection, later, way="test", by="office", now=later + 90 * A_DAY
        )
    assert off == 8
    gone = {row.id for row in desk.rows(subscriber) if row.status == "unsubscribed"}
    assert gone == {1, 3, 4, 5, 6, 7, 9, 10}


def test_who_withdraws_or_is_erased_is_forgotten(desk: Desk) -> None:
    """All that is held is shown to its owner, and goes as they withdraw or are erased."""
    registry = small_registry()
    with reading(desk.engine) as connection:
        first, ninth = (personal_data(connection, number, registry) for number in (1, 9))
    assert first is not None
    assert ninth is not None
    (mail,) = first.mails
    assert (mail["opened_by"], mail["opened_last"]) == (Class.HUMAN, TODAY.isoformat())
    assert [each["campaign"] for each in first.links_followed] == ["issue-1"]
    assert ninth.mails[0]["reported"] == "bounced"
    desk.withdraw(1)
    with writing(desk.engine) as connection:
        assert erase(connection, [9], "k" * 32, "test", "office", NOW) == 1
    assert 1 not in desk.opens()
    assert desk.clicks() == {}
    assert _figures(desk).agreed == {"gp": 2, "police": 3}
    (bounced,) = (row for row in desk.rows(feedback) if row.subscriber_id == 9)
    assert (bounced.state, bounced.detail) == ("bounced", "")
    (kept,) = (row for row in desk.rows(provider_event) if row.subscriber_id == 9)
    assert kept.raw is None
