"""Who gets a campaign: every subscriber is counted once, as chosen or with a reason."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, update

from newsletter_mailer.audience.segment import Segment, segment
from newsletter_mailer.errors import UsageError
from newsletter_mailer.sending import control
from newsletter_mailer.sending.recipients import (
    Recipients,
    count_excluded,
    count_recipients,
    recipients,
)
from newsletter_mailer.settings import Settings
from newsletter_mailer.store.engine import reading, writing
from newsletter_mailer.store.tables import subscriber, suppression
from newsletter_mailer.store.web_tables import preference
from tests.ledgers import (
    EVERYONE,
    NOW,
    Ledger,
    Scripted,
    add_people,
    freeze_for,
    open_ledger,
    settings_for,
    small_email,
    store_of,
)
from tests.projects import small_registry

ISSUE = "07-winter-2019"


@pytest.fixture
def ledger(tmp_path: Path, database: str) -> Iterator[Ledger]:  # noqa: ARG001 - it sets the URL
    """A campaign to ten people of one agency."""
    made = open_ledger(tmp_path, 10)
    yield made
    made.engine.dispose()


@pytest.fixture
def engine(tmp_path: Path, database: str) -> Iterator[Engine]:  # noqa: ARG001 - it sets the URL
    """Twelve people: of several agencies and roles, some gone, some suppressed."""
    made = store_of(settings_for(tmp_path))
    add_people(made, 12)
    changes = {
        1: {"status": "unsubscribed"},
        2: {"status": "unconfirmed"},
        3: {"agency": "police", "role": "Head of Training"},
        4: {"agency": "primary-schools", "role": "head teacher"},
        5: {"agency": "secondary-schools", "role": "Governor"},
        6: {"agency": "closed-long-ago"},
    }
    with writing(made) as connection:
        for number, values in changes.items():
            connection.execute(update(subscriber).where(subscriber.c.id == number).values(values))
        for number, why in ((7, "bounce"), (8, "complaint"), (9, "office")):
            row = {"email_key": f"reader{number}@example.org", "reason": why, "since": NOW}
            connection.execute(insert(suppression).values(row))
    yield made
    made.dispose()


def wanted(chosen: Segment = EVERYONE) -> Recipients:
    """The recipients of issue 7."""
    return recipients(ISSUE, chosen, (small_email(),), small_registry(), now=NOW)


def counted(engine: Engine, chosen: Segment = EVERYONE) -> tuple[dict[str, int], dict[str, int]]:
    """How many of each agency get it, and how many do not, by reason."""
    with reading(engine) as connection:
        who = wanted(chosen)
        return count_recipients(connection, who), count_excluded(connection, who)


def settings_with_segments(folder: Path) -> Settings:
    """Settings in which a segment is saved."""
    return settings_for(folder).model_copy(
        update={
            "segments": Settings.model_validate(
                {
                    **settings_for(folder).model_dump(exclude={"segments"}),
                    "segments": {"heads": {"agencies": ["all"], "roles": ["HEAD"]}},
                }
            ).segments
        }
    )


def test_each_subscriber_is_counted_once(engine: Engine) -> None:
    """Those who get it and those left out by reason add up to the whole list."""
    people, excluded = counted(engine)
    assert people == {
        "gp": 3,
        "police": 1,
        "primary-schools": 1,
        "secondary-schools": 1,
        "other": 1,
    }
    assert excluded == {
        "bounced before": 1,
        "complained": 1,
        "not confirmed": 1,
        "suppressed by the office": 1,
        "unsubscribed": 1,
    }
    assert sum(people.values()) + sum(excluded.values()) == 12


@pytest.mark.parametrize(
    ("words", "people"),
    [
        (["police"], {"police": 1}),
        (["education"], {"primary-schools": 1, "secondary-schools": 1}),
        (["schools,police"], {"primary-schools": 1, "secondary-schools": 1, "police": 1}),
        (["heads"], {"police": 1, "primary-schools": 1}),
        (
            ["heads", "secondary-schools"],
            {"police": 1, "primary-schools": 1, "secondary-schools": 1},
        ),
        (["other"], {"other": 1}),
        (["early-years"], {}),
    ],
)
def test_an_audience_is_part_of_the_list(
    engine: Engine, tmp_path: Path, words: list[str], people: dict[str, int]
) -> None:
    """Agencies, sectors, groups and saved segments; all others are counted as outside."""
    chosen = segment(words, small_registry(), settings_with_segments(tmp_path))
    found, excluded = counted(engine, chosen)
    assert found == people
    assert sum(found.values()) + sum(excluded.values()) == 12


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("polise", "Did you mean police"),
        ("haeds", "Did you mean heads"),
        ("zz", "--audience names 'zz'"),
    ],
)
def test_an_unknown_word_is_refused(tmp_path: Path, word: str, said: str) -> None:
    """With the name that is nearest."""
    with pytest.raises(UsageError) as raised:
        segment([word], small_registry(), settings_with_segments(tmp_path))
    assert said in str(raised.value)


@pytest.mark.parametrize("words", [[""], [" , "]])
def test_an_empty_audience_is_not_everyone(tmp_path: Path, words: list[str]) -> None:
    """A variable that holds nothing must not send to the whole list."""
    with pytest.raises(UsageError, match="--audience all"):
        segment(words, small_registry(), settings_for(tmp_path))


def test_nobody_gets_an_issue_twice(ledger: Ledger) -> None:
    """Who is in an earlier campaign of the issue is left out; later subscribers get it."""
    ledger.send(Scripted())
    assert counted(ledger.engine) == ({}, {"in an earlier campaign of this issue": 10})
    with writing(ledger.engine) as connection:
        connection.execute(
            insert(subscriber).values(
                email="n@example.org",
                email_key="n@example.org",
                agency="gp",
                status="active",
                source="test",
                created_at=NOW,
                changed_at=NOW,
            )
        )
    assert counted(ledger.engine)[0] == {"gp": 1}


def test_who_was_skipped_by_a_cancel_can_get_it_later(ledger: Ledger, tmp_path: Path) -> None:
    """A new campaign reaches exactly those who have not got it."""
    seen: list[int] = []
    transport = Scripted()
    stopping = Scripted(between=lambda letter: seen.append(letter.subscriber_id))
    with writing(ledger.engine) as connection:
        connection.exec_driver_sql("UPDATE delivery SET status = 'sent' WHERE subscriber_id < 4")
        assert control.cancel(connection, ledger.campaign.id, NOW, "wrong") == 7
    assert counted(ledger.engine) == ({"gp": 7}, {"in an earlier campaign of this issue": 3})
    ledger.campaign = freeze_for(tmp_path, ledger.engine, ledger.settings)
    assert ledger.campaign.name == f"{ISSUE}-2"
    ledger.send(stopping)
    assert sorted(seen) == list(range(4, 11))
    assert not transport.has


def test_a_dead_address_is_left_out_next_time(ledger: Ledger) -> None:
    """Once refused for good as unknown, it is excluded as bounced from any other issue."""
    ledger.send(Scripted(lambda letter: "dead" if letter.subscriber_id == 2 else "accepted"))
    other = recipients("08-spring", EVERYONE, (small_email(),), small_registry(), now=NOW)
    with reading(ledger.engine) as connection:
        assert count_recipients(connection, other) == {"gp": 9}
        assert count_excluded(connection, other) == {"bounced before": 1}


def test_who_paused_is_left_out_until_the_day(engine: Engine) -> None:
    """A pause keeps somebody out of what is frozen before its end, and of nothing after it."""
    with writing(engine) as connection:
        for number, days in ((10, 1), (11, -1)):
            until = NOW + dt.timedelta(days=days)
            connection.execute(insert(preference).values(subscriber_id=number, paused_until=until))
    _, excluded = counted(engine)
    assert excluded["paused by themselves"] == 1
