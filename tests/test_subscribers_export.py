"""Listing, counting, exporting and leaving; and the name by which a mail greets."""

import csv
import datetime as dt
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import settings as runs
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, delete, insert, select

from newsletter_mailer.audience.exporting import export_csv
from newsletter_mailer.audience.formula_guard import guarded, unguarded
from newsletter_mailer.audience.importing import import_subscribers
from newsletter_mailer.audience.leaving import unsubscribe
from newsletter_mailer.audience.listing import count_by_agency, list_subscribers
from newsletter_mailer.audience.subscriber import Subscriber, first_name
from newsletter_mailer.mailbox import address_key
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.settings import Settings
from newsletter_mailer.store.engine import open_store, reading, writing
from newsletter_mailer.store.tables import subscriber

NOW = dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(days=1)

Person = tuple[str, str, str, str, str]
"""email, name, agency, role, status"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> Iterator[Engine]:
    """One database for this whole file, since making one takes a moment."""
    engine = open_store(settings.model_copy(update={"root": tmp_path_factory.mktemp("store")}))
    yield engine
    engine.dispose()


@pytest.fixture
def connection(store: Engine) -> Iterator[Connection]:
    """A transaction in an empty database."""
    with writing(store) as connection:
        connection.execute(delete(subscriber))
        yield connection
        connection.execute(delete(subscriber))


def _add(connection: Connection, *people: Person) -> None:
    rows = [
        {
            "email": email,
            "email_key": address_key(email),
            "name": name,
            "agency": agency,
            "role": role,
            "status": status,
            "source": "test",
            "created_at": NOW,
            "changed_at": NOW,
        }
        for email, name, agency, role, status in people
    ]
    connection.execute(insert(subscriber), rows)


def _people(connection: Connection) -> list[Person]:
    return [
        (one.email, one.name, one.agency, one.role, one.status)
        for one in list_subscribers(connection)
    ]


ANN: Person = ("ann@example.org", "Ann", "gp", "Nurse", "active")
BO: Person = ("bo@example.org", "Bo", "ccg", "", "active")
CY: Person = ("cy@example.org", "Cy", "gp", "", "unsubscribed")


def test_list_subscribers(connection: Connection) -> None:
    """All subscribers in the order in which they came, or those of an agency or a status."""
    _add(connection, ANN, BO, CY)
    everyone = list(list_subscribers(connection))
    assert everyone[0] == Subscriber(everyone[0].id, *ANN)
    assert [one.name for one in everyone] == ["Ann", "Bo", "Cy"]
    assert [one.name for one in list_subscribers(connection, agency="gp")] == ["Ann", "Cy"]
    assert [one.name for one in list_subscribers(connection, status="active")] == ["Ann", "Bo"]
    gone = list_subscribers(connection, agency="gp", status="unsubscribed")
    assert [one.name for one in gone] == ["Cy"]
    assert list(list_subscribers(connection, agency="police")) == []


def test_a_list_of_several_pages_is_whole(connection: Connection) -> None:
    """Twelve thousand subscribers are listed once each, also where pages meet."""
    emails = [f"reader{number}@example.org" for number in range(12_000)]
    _add(connection, *((email, "", "gp", "", "active") for email in emails))
    assert [one.email for one in list_subscribers(connection)] == emails


def test_count_by_agency(connection: Connection) -> None:
    """Only those who are still subscribed count, and only agencies that have some are named."""
    _add(connection, ANN, BO, CY)
    assert count_by_agency(connection) == {"ccg": 1, "gp": 1}


def test_export_is_what_a_spreadsheet_expects(connection: Connection) -> None:
    """An export has a header, one row a subscriber, and quotation marks where they are needed."""
    _add(connection, ANN, CY, ("d@example.org", 'Lee, "Di"', "ccg", "", "active"))
    stream = io.StringIO(newline="")
    assert export_csv(connection, stream) == 3
    assert stream.getvalue() == (
        "email,name,agency,role,status\r\n"
        "ann@example.org,Ann,gp,Nurse,active\r\n"
        "cy@example.org,Cy,gp,,unsubscribed\r\n"
        'd@example.org,"Lee, ""Di""",ccg,,active\r\n'
    )
    stream = io.StringIO(newline="")
    assert export_csv(connection, stream, agency="ccg") == 1
    assert stream.getvalue().count("\r\n") == 2


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "'=", "''-", "＝"])
def test_no_cell_is_a_formula(connection: Connection, start: str) -> None:
    """A cell that a spreadsheet would compute begins with an apostrophe in an export."""
    name = f"{start}HYPERLINK(1)"
    _add(connection, ("=a@example.org", name, "gp", name, "active"))
    stream = io.StringIO(newline="")
    export_csv(connection, stream)
    stream.seek(0)
    row = list(csv.reader(stream))[1]
    assert row == ["'=a@example.org", f"'{name}", "gp", f"'{name}", "active"]


@given(st.text("'=+-@\t\ra", max_size=6))
def test_a_guard_can_be_taken_off(cell: str) -> None:
    """What was guarded comes back as it was, whatever apostrophes it had, and begins safely."""
    assert unguarded(guarded(cell)) == cell
    assert not guarded(cell).startswith(("=", "+", "-", "@", "\t", "\r"))


_TEXTS = st.text(
    st.one_of(
        st.sampled_from("""'"=+-@,;\\ """),
        st.characters(exclude_categories=["Cs", "Cc"]),
    ),
    max_size=30,
).map(lambda text: " ".join(text.split()))
_EMAILS = st.builds(
    lambda local, domain: f"{local}@{domain}",
    st.text("abzA09'=+-_", min_size=1, max_size=8),
    st.sampled_from(["example.org", "xn--bcher-kva.example.org", "nhs.example.net"]),
)


@runs(max_examples=100, deadline=None)
@given(
    people=st.lists(
        st.tuples(
            _EMAILS,
            _TEXTS,
            st.sampled_from(["gp", "other", "health-visitors"]),
            _TEXTS,
            st.sampled_from(["active", "unsubscribed"]),
        ),
        min_size=1,
        max_size=8,
        unique_by=lambda person: address_key(person[0]),
    )
)
@example(people=[("'=a@example.org", "'", "gp", "''=1", "active")])
@example(people=[("a@example.org", "'＝1", "gp", '"', "unsubscribed")])
def test_an_export_can_be_imported_again(
    store: Engine,
    registry: Registry,
    tmp_path_factory: pytest.TempPathFactory,
    people: list[Person],
) -> None:
    """Exported, forgotten and imported again, everybody is as before, down to the letter."""
    path = tmp_path_factory.mktemp("export") / "export.csv"
    with writing(store) as connection, path.open("w", encoding="utf-8", newline="") as stream:
        connection.execute(delete(subscriber))
        _add(connection, *people)
        export_csv(connection, stream)
        connection.execute(delete(subscriber))
    rejected: list[str] = []
    result = import_subscribers(
        store,
        path,
        registry,
        now=NOW,
        on_rejected=lambda row: rejected.append(str(row)),
        progress=lambda _rows: None,
    )
    assert rejected == []
    assert result.added == len(people)
    with reading(store) as connection:
        assert _people(connection) == people


def test_the_shipped_sample_survives_a_round_trip(
    store: Engine, registry: Registry, settings: Settings, tmp_path: Path
) -> None:
    """The sample, exported with a byte-order mark for spreadsheets, comes back unchanged."""

    def take(path: Path) -> int:
        return import_subscribers(
            store,
            path,
            registry,
            now=NOW,
            on_rejected=lambda _row: None,
            progress=lambda _rows: None,
        ).unchanged

    with writing(store) as connection:
        connection.execute(delete(subscriber))
    take(settings.root / "subscribers" / "sample.csv")
    path = tmp_path / "export.csv"
    with reading(store) as connection, path.open("w", encoding="utf-8-sig", newline="") as stream:
        assert export_csv(connection, stream) == 130
    assert take(path) == 130


def test_unsubscribe(connection: Connection) -> None:
    """Leaving works for any spelling of the address, once; who is not there is told apart."""
    _add(connection, ("Ann@example.org", "Ann", "gp", "", "active"), BO)
    assert unsubscribe(connection, " aNN@Example.ORG ", now=LATER)
    assert unsubscribe(connection, "ann@example.org", now=LATER + dt.timedelta(days=1))
    assert not unsubscribe(connection, "nobody@example.org", now=LATER)
    assert not unsubscribe(connection, "nobody", now=LATER)
    rows = connection.execute(
        select(subscriber.c.status, subscriber.c.changed_at).order_by(subscriber.c.id)
    ).all()
    assert [tuple(row) for row in rows] == [("unsubscribed", LATER), ("active", NOW)]


@pytest.mark.parametrize(
    ("name", "greeting"),
    [
        ("", ""),
        ("  ", ""),
        (" , ", ""),
        ("Asha", "Asha"),
        ("Asha Patel", "Asha"),
        ("  Zoë   Cartledge ", "Zoë"),
        ("Mary-Jane O'Neill", "Mary-Jane"),
        ("O'Neill", "O'Neill"),
        ("Dr Mehul Thakrar", "Mehul"),
        ("Dr. Mehul Thakrar", "Mehul"),
        ("DR MEHUL THAKRAR", "Mehul"),
        ("Mx Sam Lee", "Sam"),
        ("Cllr Althea Devonish-Clarke", "Althea"),
        ("Revd Winston Garvey-Lyle", "Winston"),
        ("Professor Dame Philippa Ravenscroft OBE", "Philippa"),
        ("PC Ranjit Virdee", "Ranjit"),
        ("Sgt Joanne Pickersgill", "Joanne"),
        ("DI Andrew Kettleby", "Andrew"),
        ("Di Andrews", "Di"),
        ("Mrs Jones", "Mrs Jones"),
        ("MRS JONES", "Mrs Jones"),
        ("Sir Keir", "Sir Keir"),
        ("Dr", "Dr"),
        ("Patel, Asha", "Asha"),
        ("Patel, Dr Asha", "Asha"),
        ("Dr Patel, Asha", "Asha"),
        ("PATEL, ASHA", "Asha"),
        ("Patel, Mrs", "Mrs Patel"),
        ("Asha Patel, MBE", "Asha"),
        ("Patel, Asha, MBE", "Asha"),
        (", Asha", "Asha"),
        ("Asha,", "Asha"),
        ("JOHN SMITH", "John"),
        ("ZOË O'NEILL", "Zoë"),
        ("MARY-JANE SMITH", "Mary-Jane"),
        ("JO SMITH", "Jo"),
        ("AJ", "AJ"),
        ("AJ Smith", "AJ"),
        ("J. Smith", "J."),
        ('<b>&"', '<b>&"'),
        ("Jaz 🌻 Sandhu", "Jaz"),
        ("🌻", "🌻"),
        ("נעמה גרינפלד", "נעמה"),
        ("ميسون الحلواني", "ميسون"),
        ("\u202eAnn\u202c Lee", "Ann"),
        ("\u200bAn\u200dn\ufeff Lee", "Ann"),
        ("ශ්\u200dරී ලංකා", "ශ්\u200dරී"),
    ],
)
def test_first_name(name: str, greeting: str) -> None:
    """A greeting uses the first given name, without titles, shouting or invisible characters."""
    assert first_name(name) == greeting


_WORDS = st.sampled_from(
    [
        "Zoë",
        "zoë",
        "ZOË",
        "Anne-Marie",
        "-",
        "Dr",
        "mrs",
        "PC",
        "Di",
        "DI",
        "AJ",
        "J.",
        "MBE",
        "美",
        "SMITH",
        "McGarrity",
        "O'Neill",
        "Qureshi-Lane",
        "ශ්\u200dරී",
        ",",
        "",
    ]
)


@given(st.lists(_WORDS | st.text(max_size=6), min_size=1, max_size=4))
def test_a_usual_name_is_read_as_any_other(words: list[str]) -> None:
    """Most names are read quickly, and to the same end as those that need a second look.

    A character that nobody sees sends a name the long way, and is dropped there.
    """
    name = " ".join(words)
    assert first_name(name) == first_name(f"{name}\u200b")


@given(st.text())
def test_a_first_name_is_always_short_and_visible(name: str) -> None:
    """Whatever the name, a greeting has no line break, and is empty only for a blank name."""
    greeting = first_name(name)
    assert greeting == " ".join(greeting.split())
    assert greeting or not name.replace(",", " ").strip().isalnum()
