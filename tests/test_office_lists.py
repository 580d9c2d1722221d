"""The office's work on the whole list: dry runs, moving, duplicates. Whatever the list is."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import settings as runs
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, insert

from newsletter_mailer.audience import duplicates, editing
from newsletter_mailer.audience.audit import trail
from newsletter_mailer.audience.importing import Change, ImportResult, import_subscribers
from newsletter_mailer.audience.listing import list_subscribers
from newsletter_mailer.audience.subscriber import Subscriber
from newsletter_mailer.mailbox import address_key
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.settings import Settings
from newsletter_mailer.store.engine import open_store, reading, writing
from newsletter_mailer.store.tables import subscriber

NOW = dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC)

Person = tuple[str, str, str, str]
"""email, name, agency, status"""

EMAILS = st.builds(
    lambda local, tag, domain: f"{local}{tag}@{domain}",
    st.sampled_from(["jo", "J.O", "jo.b", "ann", "Ann"]),
    st.sampled_from(["", "+news", "+a+b", "+"]),
    st.sampled_from(["gmail.com", "googlemail.com", "example.org", "nhs.net"]),
)
PEOPLE = st.lists(
    st.tuples(
        EMAILS,
        st.sampled_from(["", "Jo", "Jo B"]),
        st.sampled_from(["gp", "police", "other"]),
        st.sampled_from(["active", "active", "unsubscribed", "unconfirmed"]),
    ),
    max_size=10,
    unique_by=lambda person: address_key(person[0]),
)
ROWS = st.lists(
    st.tuples(
        EMAILS,
        st.sampled_from(["", "Jo", "Bo"]),
        st.sampled_from(["", "gp", "police", "nowhere"]),
        st.sampled_from(["", "active", "unsubscribed"]),
    ),
    min_size=1,
    max_size=10,
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> Iterator[Engine]:
    """One database for this whole file, since making one takes a moment."""
    engine = open_store(settings.model_copy(update={"root": tmp_path_factory.mktemp("store")}))
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For CSV files."""
    return tmp_path_factory.mktemp("lists")


def begin_with(engine: Engine, people: list[Person]) -> None:
    """Let the list be these people and no others."""
    rows = [
        {
            "email": email,
            "email_key": address_key(email),
            "name": name,
            "agency": agency,
            "status": status,
            "source": "test",
            "created_at": NOW,
            "changed_at": NOW,
        }
        for email, name, agency, status in people
    ]
    with writing(engine) as connection:
        connection.execute(delete(subscriber))
        if rows:
            connection.execute(insert(subscriber), rows)


def everybody(engine: Engine) -> dict[str, Subscriber]:
    """The list by address."""
    with reading(engine) as connection:
        return {one.email: one for one in list_subscribers(connection)}


def take(
    engine: Engine, file: Path, registry: Registry, *, dry_run: bool
) -> tuple[ImportResult, list[Change], list[str]]:
    """Import a file: the counts, what it changes, and what it said of rejected rows."""
    changes: list[Change] = []
    rejected: list[str] = []
    result = import_subscribers(
        engine,
        file,
        registry,
        now=NOW,
        dry_run=dry_run,
        on_rejected=lambda row: rejected.append(str(row)),
        on_change=changes.append,
        progress=lambda _rows: None,
    )
    return result, changes, rejected


@runs(max_examples=40)
@given(people=PEOPLE, rows=ROWS)
@example(people=[("jo@nhs.net", "", "gp", "unconfirmed")], rows=[("jo@nhs.net", "Jo", "", "")])
def test_a_dry_run_says_what_the_import_then_does(
    store: Engine, registry: Registry, folder: Path, people: list[Person], rows: list[Person]
) -> None:
    """It changes nothing; the import gives the same counts, and changes exactly what was said."""
    file = folder / "rows.csv"
    lines = [",".join(row) for row in rows]
    file.write_text("email,name,agency,status\n" + "\n".join(lines) + "\n", encoding="utf-8")
    begin_with(store, people)
    before = everybody(store)
    said = take(store, file, registry, dry_run=True)
    assert everybody(store) == before
    assert take(store, file, registry, dry_run=False) == said
    after = everybody(store)
    told = {change.email.casefold(): change for change in said[1]}
    for email, now in after.items():
        was, change = before.get(email), told.get(email.casefold())
        if change is None:
            assert was == now
        else:
            shown = (now.name, now.agency, now.role, now.status)
            made = change.after
            assert shown == (made.name, made.agency, made.role, made.status)
            assert (change.before is None) is (was is None)
    gone = {email for email, one in before.items() if one.status == "unsubscribed"}
    assert all(after[email].status == "unsubscribed" for email in gone)


@runs(max_examples=60)
@given(people=PEOPLE)
@example(people=[("jo+a@nhs.net", "Jo", "gp", "active"), ("jo@nhs.net", "", "police", "active")])
def test_merging_leaves_one_of_each(store: Engine, people: list[Person]) -> None:
    """Every mailbox that had an active row has exactly one; nobody comes back, nobody is lost."""
    begin_with(store, people)
    before = everybody(store)
    with writing(store) as connection:
        found = list(duplicates.duplicates(connection))
        for each in found:
            duplicates.merge(connection, each, way="test", by="Bo", now=NOW)
        assert list(duplicates.duplicates(connection)) == []
        kept = [each.stays for each in found]
        for each in found:
            for copy in each.copies:
                changes = [entry.change for entry in trail(connection, copy.id)]
                left = copy.status == "active" and copy not in kept
                assert any("duplicate" in change for change in changes) or not left
    after = everybody(store)
    assert after.keys() == before.keys()

    def active(people: dict[str, Subscriber]) -> list[str]:
        rows = (one for one in people.values() if one.status == "active")
        return sorted(duplicates.mailbox_of(address_key(one.email)) for one in rows)

    assert active(after) == sorted(set(active(before)))
    for email, one in after.items():
        assert one.status == before[email].status or one.status == "unsubscribed"
        assert one.agency == before[email].agency


@runs(max_examples=40)
@given(people=PEOPLE, moves=st.lists(st.sampled_from(["gp", "police", "other"]), max_size=5))
def test_moving_is_written_down(store: Engine, people: list[Person], moves: list[str]) -> None:
    """After any moves somebody is where the last led; the trail tells each that changed it."""
    begin_with(store, people)
    for one in list(everybody(store).values())[:1]:
        at, expected = one.agency, []
        with writing(store) as connection:
            for target in moves:
                assert editing.move(connection, one.id, target, way="w", by="Bo", now=NOW) == at
                if target != at:
                    expected.append(f"agency: {at} to {target}")
                at = target
            told = [entry.change for entry in trail(connection, one.id)]
        assert told == expected
        assert everybody(store)[one.email].agency == at
