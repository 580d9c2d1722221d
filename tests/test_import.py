"""Importing subscribers from CSV files."""

import datetime as dt
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from email_validator import SPECIAL_USE_DOMAIN_NAMES
from hypothesis import example, given
from hypothesis import settings as runs
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, select

from newsletter_mailer.audience.address import quickly_checked
from newsletter_mailer.audience.csv_rows import LONGEST_FIELD
from newsletter_mailer.audience.importing import ImportResult, import_subscribers
from newsletter_mailer.audience.leaving import unsubscribe
from newsletter_mailer.audience.listing import list_subscribers
from newsletter_mailer.errors import AudienceError
from newsletter_mailer.mailbox import checked_address
from newsletter_mailer.reading.agencies import Registry, read_registry
from newsletter_mailer.settings import Settings, load_settings
from newsletter_mailer.store.engine import open_store, reading, writing
from newsletter_mailer.store.tables import import_run, subscriber
from tests.databases import BOTH, chosen

ROOT = Path(__file__).parent.parent
NOW = dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(days=1)

IMPORT_IN_A_PROCESS = """
import datetime as dt, pathlib, re, resource, signal, sys
from newsletter_mailer.audience.importing import import_subscribers
from newsletter_mailer.reading.agencies import read_registry
from newsletter_mailer.settings import load_settings
from newsletter_mailer.store.engine import open_store

# Whoever started the tests may have SIGINT ignored, as a shell does for its background.
signal.signal(signal.SIGINT, signal.default_int_handler)
root, folder, file = map(pathlib.Path, sys.argv[1:4])
settings = load_settings(root).model_copy(update={"root": folder})
registry = read_registry(root / "subscribers" / "agencies.yaml", "agencies.yaml")
engine = open_store(settings)
result = import_subscribers(
    engine, file, registry, now=dt.datetime.now(dt.UTC),
    on_rejected=print, progress=lambda rows: print("rows", rows, flush=True),
)
engine.dispose()
print("added", result.added)
"""


@dataclass
class Desk:
    """Somebody who imports files into one database."""

    engine: Engine
    registry: Registry
    folder: Path
    rejected: list[str] = field(default_factory=list)

    def file(self, content: str | bytes, name: str = "list.csv") -> Path:
        """A file with this content."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def take(
        self, content: str | bytes | Path, *, now: dt.datetime = NOW, dry_run: bool = False
    ) -> ImportResult:
        """Import it; `rejected` then holds what was said of rejected rows, without the folder."""
        path = content if isinstance(content, Path) else self.file(content)
        self.rejected = []
        return import_subscribers(
            self.engine,
            path,
            self.registry,
            now=now,
            dry_run=dry_run,
            on_rejected=lambda row: self.rejected.append(str(row).removeprefix(f"{path.parent}/")),
            progress=lambda _rows: None,
        )

    def people(self) -> list[tuple[str, ...]]:
        """Each subscriber as (email, name, agency, role, status)."""
        with reading(self.engine) as connection:
            return [
                (one.email, one.name, one.agency, one.role, one.status)
                for one in list_subscribers(connection)
            ]

    def leave(self, address: str) -> bool:
        """Unsubscribe somebody."""
        with writing(self.engine) as connection:
            return unsubscribe(connection, address, now=NOW)

    def clear(self) -> None:
        """Forget everybody."""
        with writing(self.engine) as connection:
            connection.execute(delete(subscriber))


@pytest.fixture(scope="module", params=BOTH)
def module_desk(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    settings: Settings,
    registry: Registry,
) -> Iterator[Desk]:
    """One desk for this whole file, since making a database takes a moment."""
    folder = tmp_path_factory.mktemp("desk")
    with chosen(request.param, request) as url:
        changes = {"root": folder, "database_url": url}
        engine = open_store(settings.model_copy(update=changes))
        yield Desk(engine, registry, folder)
        engine.dispose()


@pytest.fixture
def desk(module_desk: Desk) -> Desk:
    """A desk with an empty database."""
    module_desk.clear()
    return module_desk


@pytest.fixture(scope="module")
def long_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 200,000 subscribers in no order."""
    path = tmp_path_factory.mktemp("long") / "long.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("email,name,agency,role\n")
        for number in range(200_000):
            shuffled = number * 7919 % 200_000
            file.write(
                f"reader.{shuffled:06}@school{shuffled % 977}.example.org,"
                f"Zoë Reader {number},primary-schools,Designated safeguarding lead {number % 50}\n"
            )
    return path


# What becomes of a good file.


def test_the_shipped_sample(desk: Desk) -> None:
    """The sample brings 130 people; its bad address and its repeated one are reported."""
    result = desk.take(ROOT / "subscribers" / "sample.csv")
    assert result == ImportResult(read=132, added=130, duplicates=1, rejected=1)
    assert desk.rejected == [
        (
            "sample.csv:81: 'j.patel@' is not an e-mail address: "
            "There must be something after the @-sign."
        ),
        (
            "sample.csv:110: Hansa.Vaghela@council.example.org stands on line 22 already, "
            "and that row counts; delete one of the two"
        ),
    ]
    people = {email: rest for email, *rest in desk.people()}
    assert people["madhu.trivedi@mandir-volunteers.example.org"][0] == "Madhukanta Trivedi"
    assert people["J.Kowalewska@harcourt-academy.example.org"][0] == "Justyna Kowalewska"
    assert people["vikram.odedra@example.com"][1] == "other"
    assert people["repairs.and.lettings@housing.example.org"][0] == '<b>&"'
    assert people["jaz.sandhu@youth.example.org"][0] == "Jaz 🌻 Sandhu"


def test_the_same_file_twice_changes_nothing(desk: Desk) -> None:
    """A second import of a file finds all unchanged, down to the time of the last change."""
    desk.take(ROOT / "subscribers" / "sample.csv")
    before = desk.people()
    result = desk.take(ROOT / "subscribers" / "sample.csv", now=LATER)
    assert result == ImportResult(read=132, unchanged=130, duplicates=1, rejected=1)
    assert desk.people() == before
    with reading(desk.engine) as connection:
        assert set(connection.scalars(select(subscriber.c.changed_at))) == {NOW}


def test_where_each_subscriber_came_from_is_kept(desk: Desk) -> None:
    """The first file stays as the source; the newest file and line that named them are known."""
    desk.take("email,name\na@example.org,Ann\n")
    desk.take(desk.file("name,email\n\nAnn Lee,A@example.org\n", "second.csv"), now=LATER)
    with reading(desk.engine) as connection:
        one = connection.execute(select(subscriber)).one()
        runs = {
            run.id: run.file_name
            for run in connection.execute(select(import_run).order_by(import_run.c.id))
        }
    assert one.source == f"import {one.import_id - 1}: list.csv"
    assert runs[one.import_id] == "second.csv"
    assert one.import_line == 3
    assert (one.created_at, one.changed_at) == (NOW, LATER)


def test_details_are_updated_and_never_erased(desk: Desk) -> None:
    """A cell that says something new counts; an empty cell or missing column erases nothing."""
    desk.take("email,name,agency,role\na@example.org,Ann,gp,Nurse\nb@example.org,Bo,gp,\n")
    result = desk.take("email,name,agency,role\nA@Example.org,Ann Lee,,\nb@example.org,,ccg,GP\n")
    assert result == ImportResult(read=2, updated=2)
    assert desk.people() == [
        ("a@example.org", "Ann Lee", "gp", "Nurse", "active"),
        ("b@example.org", "Bo", "ccg", "GP", "active"),
    ]
    assert desk.take("email,name\na@example.org,\n") == ImportResult(read=1, unchanged=1)


def test_who_has_left_stays_as_they_were(desk: Desk) -> None:
    """A row for somebody who unsubscribed is counted, and touches nothing at all."""
    desk.take("email,name,agency\na@example.org,Ann,gp\n")
    desk.leave("a@example.org")
    with reading(desk.engine) as connection:
        before = connection.execute(select(subscriber)).one()
    again = "email,name,agency,status\nA@example.org,Ann Lee,ccg,active\na@example.org,B,,\n"
    assert desk.take(again, now=LATER) == ImportResult(read=2, kept_unsubscribed=2)
    with reading(desk.engine) as connection:
        assert connection.execute(select(subscriber)).one() == before


def test_a_status_column_can_only_unsubscribe(desk: Desk) -> None:
    """An export that says who has left takes that along; a wrong word is rejected."""
    desk.take("email,name\na@example.org,Ann\n")
    result = desk.take(
        "email,name,status\na@example.org,,Unsubscribed\nb@example.org,Bo,unsubscribed\n"
        "c@example.org,Cy,active\nd@example.org,Di,paused\n"
    )
    assert result == ImportResult(read=4, added=2, updated=1, rejected=1)
    assert [one[-1] for one in desk.people()] == ["unsubscribed", "unsubscribed", "active"]
    assert desk.rejected == [
        "list.csv:5: the status 'paused'; expected active, unsubscribed or an empty cell"
    ]


@pytest.mark.parametrize("apart", [0, 998, 2_500])
def test_the_first_of_two_rows_counts(desk: Desk, apart: int) -> None:
    """A repeated address is reported with the line of its first row, however far apart."""
    fill = "".join(f"reader{n}@example.org,\n" for n in range(apart))
    for known in (False, True):
        result = desk.take(f"email,name\nA@example.org,Ann\n{fill}a@EXAMPLE.org,Bo\n")
        kept = apart + 1
        assert result == ImportResult(
            read=apart + 2,
            added=0 if known else kept,
            unchanged=kept if known else 0,
            duplicates=1,
        )
        (rejected,) = desk.rejected
        assert rejected.startswith(
            f"list.csv:{apart + 3}: a@example.org stands on line 2 already, and that row counts"
        )
        assert desk.people()[0][:2] == ("A@example.org", "Ann")


def test_a_rejected_row_is_not_the_first_of_two(desk: Desk) -> None:
    """Where the first row cannot be used, a later one with its address is."""
    result = desk.take("email,name,agency\na@example.org,Ann,nowhere\na@example.org,Ann,gp\n")
    assert result == ImportResult(read=2, added=1, rejected=1)


def test_rejected_rows_are_told_in_order(desk: Desk) -> None:
    """What is wrong with rows is told in the order of lines, and the others are imported."""
    desk.take("email,name\na@example.org,Ann\nb\nA@example.org,\n,Cy\nd@example.org,Di\n")
    assert [line.split(":")[1] for line in desk.rejected] == ["3", "4", "5"]
    assert "no e-mail address; fill it in" in desk.rejected[2]
    assert len(desk.people()) == 2


def test_progress_counts_the_rows(desk: Desk) -> None:
    """Progress is told as the number of rows so far, up to all of them."""
    told: list[int] = []
    path = desk.file("email,name\n" + "".join(f"reader{n}@example.org,\n" for n in range(2_500)))
    import_subscribers(
        desk.engine,
        path,
        desk.registry,
        now=NOW,
        on_rejected=lambda _row: None,
        progress=told.append,
    )
    assert told == [1_000, 2_000, 2_500]


def test_a_dry_run_changes_nothing(desk: Desk) -> None:
    """A dry run counts as a real one would, and leaves the database as it was."""
    desk.take("email,name\na@example.org,Ann\n")
    before = desk.people()
    content = "email,name\na@example.org,Ann Lee\nb@example.org,Bo\nc\n"
    dry = desk.take(content, dry_run=True)
    assert desk.people() == before
    with reading(desk.engine) as connection:
        runs = connection.scalars(select(import_run.c.id)).all()
    assert dry == desk.take(content) == ImportResult(read=3, added=1, updated=1, rejected=1)
    with reading(desk.engine) as connection:
        assert len(connection.scalars(select(import_run.c.id)).all()) == len(runs) + 1


# Fields.


@pytest.mark.parametrize(
    ("cell", "agency"),
    [
        ("gp", "gp"),
        ("", "other"),
        ("  ccg ", "ccg"),
        ("GP practices", "gp"),
        ("gp PRACTICES", "gp"),
        ("UHL", "uhl"),
        ("Children's services", None),
        ("schools", None),
    ],
)
def test_agencies(desk: Desk, cell: str, agency: str | None) -> None:
    """An agency is named by its id or name in any letter case; empty means the default."""
    desk.take(f"email,name,agency\na@example.org,Ann,{cell}\n")
    assert [one[2] for one in desk.people()] == ([agency] if agency else [])
    assert len(desk.rejected) == (agency is None)


def test_an_unknown_agency_gets_a_suggestion(desk: Desk) -> None:
    """A misspelt agency is rejected with the nearest id, one like nothing with where to look."""
    desk.take("email,name,agency\na@example.org,A,helth-visitors\nb@example.org,B,zzzzzz\n")
    assert "the agency 'helth-visitors' is not in" in desk.rejected[0]
    assert desk.rejected[0].endswith("did you mean health-visitors?")
    assert desk.rejected[1].endswith("check its spelling there")


def test_a_name_of_two_agencies_means_neither(desk: Desk, tmp_path: Path) -> None:
    """Where two agencies have one name, only their ids name them."""
    path = tmp_path / "agencies.yaml"
    path.write_text(
        "default: a\nsectors:\n  - id: s\n    name: S\n    agencies:\n"
        "      - {id: a, name: Nurses}\n      - {id: b, name: nurses}\n",
        encoding="utf-8",
    )
    two = Desk(desk.engine, read_registry(path, "agencies.yaml"), tmp_path)
    result = two.take("email,name,agency\na@example.org,A,Nurses\nb@example.org,B,b\n")
    assert (result.added, result.rejected) == (1, 1)


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("  Ann   Lee ", "Ann Lee"),
        ('"Ann\r\nLee"', "Ann Lee"),
        ('"Ann\nLee\tOBE"', "Ann Lee OBE"),
        ("Ann\x07\x1b Lee\x85", "Ann Lee"),
        ("Ann\u2028Lee\u00a0", "Ann Lee"),
        ("ميسون الحلواني", "ميسون الحلواني"),
        ("x" * 200, "x" * 200),
        ('"Lee, ""Annie"" Ann"', 'Lee, "Annie" Ann'),
        ("'=1+1", "=1+1"),
        ("O'Neill", "O'Neill"),
        ("'Annie'", "'Annie'"),
    ],
)
def test_names_come_on_one_line(desk: Desk, cell: str, name: str) -> None:
    """Line breaks, control characters and runs of spaces in a name become single spaces."""
    desk.take(f"email,name,role\na@example.org,{cell},{cell}\n")
    assert desk.people() == [("a@example.org", name, "other", name, "active")]


@pytest.mark.parametrize("column", ["name", "role"])
def test_long_texts_are_rejected(desk: Desk, column: str) -> None:
    """A name or role of more than 200 characters is rejected with its length."""
    columns = {"email": "a@example.org", "name": "", "role": ""} | {column: "x" * 201}
    desk.take(f"{','.join(columns)}\n{','.join(columns.values())}\n")
    assert desk.rejected == [
        f"list.csv:2: a {column} of 201 characters; expected at most 200; shorten it"
    ]


@pytest.mark.parametrize(
    ("address", "stored"),
    [
        ("Ann.Lee+news@Example.ORG", "Ann.Lee+news@example.org"),
        ("INFO@example.org", "info@example.org"),
        ("a@bücher.example.org", "a@xn--bcher-kva.example.org"),
        ("a@XN--bcher-kva.example.org", "a@xn--bcher-kva.example.org"),
        ("zoë@example.org", None),
        ("=a@example.org", "=a@example.org"),
        ("a@localhost", None),
        ("a@office.local", None),
        ("a@example.org, b@example.org", None),
        ("Ann <a@example.org>", None),
        ("a..b@example.org", None),
        ("x" * 300 + "@example.org", None),
    ],
)
def test_addresses(desk: Desk, address: str, stored: str | None) -> None:
    """Addresses are kept as typed, with the domain in one form; what is none is rejected."""
    desk.take(f'email,name\n"{address}",Ann\n')
    assert [one[0] for one in desk.people()] == ([stored] if stored else [])
    assert all("is not an e-mail address" in line and len(line) < 400 for line in desk.rejected)


# The quick check of addresses.

_ATEXT = "abzABZ019_!#$%&'*+-/=?^`{|}~"
_LOCALS = st.one_of(
    st.text(_ATEXT + ".", max_size=12),
    st.sampled_from(["info", "Info", "POSTMASTER", "news", "a.b", "é", '"a b"', "x" * 240]),
    st.text(max_size=6),
)
_LABELS = st.one_of(
    st.text("abzABZ019-", max_size=8),
    st.sampled_from(["xn--bcher-kva", "xn--", "ab--c", "x" * 63, "x" * 64, "bücher", "é", "İ"]),
    st.text(max_size=4),
)
_ENDS = st.sampled_from(
    ["org", "ORG", "o", "c0m", "1", "museum", "example", *SPECIAL_USE_DOMAIN_NAMES, "TEST", "uk."]
)


def _outcome(check: Callable[[str], str], address: str) -> str | None:
    try:
        return check(address)
    except ValueError:
        return None


@runs(max_examples=1_500, deadline=None)
@given(
    st.builds(
        lambda local, at, labels, end, space: f"{space}{local}{at}{'.'.join([*labels, end])}",
        _LOCALS,
        st.sampled_from(["@", "@", "@", "@@", "", " @ "]),
        st.lists(_LABELS, max_size=5),
        _ENDS,
        st.sampled_from(["", " ", "\t", "\n", "\u00a0", "\0"]),
    )
)
@example("a@" + ".".join(["x" * 62] * 3) + ".example.org")
@example("x" * 242 + "@example.org")
@example("x" * 243 + "@example.org")
@example("a@b\n")
@example("a@example.org\n")
@example("a@test.example.org")
@example("a@local.org")
@example("a@sub.onion")
@example("a@TEST")
@example("\ufb01@example.org")
@example("a\u212a@example.org")
@example("a@e\u212aample.org")
def test_the_quick_check_agrees_with_the_thorough_one(address: str) -> None:
    """For every address the quick check gives what the thorough one gives, or also refuses."""
    assert _outcome(quickly_checked, address) == _outcome(checked_address, address)


# Files in all the forms that spreadsheets write.


@pytest.mark.parametrize(
    "content",
    [
        "email,name,agency,role\na@example.org,Zoë,gp,Nurse\n",
        "\ufeffemail,name,agency,role\r\na@example.org,Zoë,gp,Nurse\r\n",
        "Email;Name;Agency;Role\na@example.org;Zoë;gp;Nurse\n",
        "EMAIL\tNAME\tAGENCY\tROLE\na@example.org\tZoë\tgp\tNurse\n",
        ' "Role", Full  Name ,E-Mail,Organisation,Telephone\nNurse,Zoë,a@example.org,gp,0116\n',
        "mail,name,organization,role\na@example.org,Zoë,gp,Nurse",
        "email_address,full_name,agency,role\ra@example.org,Zoë,gp,Nurse\r",
        "\n\nEmail address,Name,agency,role\n\n,,,\na@example.org,Zoë,gp,Nurse,,\n\n",
        '"email","name","agency","role"\n"a@example.org","Zoë","gp","Nurse"\n',
        '\ufeff"email";"name";"agency";"role"\n"a@example.org";"Zoë";"gp";"Nurse"\n',
    ],
)
def test_forms_of_files(desk: Desk, content: str) -> None:
    """Marks, separators, line ends, quotation marks, headers: all forms read the same."""
    assert desk.take(content) == ImportResult(read=1, added=1)
    assert desk.people() == [("a@example.org", "Zoë", "gp", "Nurse", "active")]


def test_lines_are_counted_as_an_editor_does(desk: Desk) -> None:
    """A row is named by its first line, counting blank lines and those inside a cell."""
    desk.take('\nemail,name\n\n"a@example.org","Ann\nof\nLeicester"\nb,Bo\n"c","Cy\n"\nd,Di\n')
    assert [line.split(":")[1] for line in desk.rejected] == ["7", "8", "10"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"list\.csv is empty"),
        ("\ufeff\n \n", r"list\.csv is empty"),
        ("email,name\n", r"list\.csv: no rows below the header"),
        ("email,name\n\n,\n", "no rows below the header"),
        ("name,agency\nAnn,gp\n", r"csv:1: found the columns 'name', 'agency'; expected email,na"),
        ("a@example.org,Ann,gp,Nurse\n", "csv:1: found the columns 'a@example.org', 'Ann'"),
        ("\n\nfirst name,last name,email\nA,L,a@example.org\n", "csv:3: found the columns"),
        ("email,name,E-Mail\na@example.org,Ann,b@example.org\n", "two columns for email, 'email'"),
        (b"email,name\nb@example.org,Bo\na@example.org,Zo\xeb\n", r"csv:3: the byte 0xeb, which"),
        ("email,name\na@example.org,Zoë\n".encode("utf-16"), r"csv:1: the byte 0xff, which is"),
        ("email,name\na@example.org,Zoë\n".encode("utf-16-le"), r"csv:1: found the columns|byte"),
        (b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00\xdf\xa4", "the byte 0xdf|the columns"),
        ('email,name\nb@example.org,Bo\n"a@example.org,Ann\nc@example.org,Cy\n', "csv:3: a cell"),
        (f'email,name\nb@example.org,"{"x" * LONGEST_FIELD}\n', "csv:2: a cell that begins in"),
        (f"email,name\nb@example.org,{'x' * LONGEST_FIELD}x\n", "csv:2: a cell that begins in"),
        ("email,name\n" + "x" * 600_000, r"csv:2: a line of more than 524,288 characters"),
        ('"email",name"\n"a@example.org"x,Ann\n', "csv:1: found the columns|two"),
        ('"email"x,name\na@example.org,Ann\n', "csv:1: the quotation marks on line 1 do not"),
    ],
)
def test_files_that_cannot_be_read(desk: Desk, content: str | bytes, message: str) -> None:
    """Each file that is no list of subscribers is explained, and nothing of it is imported."""
    with pytest.raises(AudienceError, match=message) as caught:
        desk.take(content)
    assert "\n" not in str(caught.value)
    assert desk.people() == []
    assert desk.take("email,name\na@example.org,Ann\n").added == 1


@pytest.mark.parametrize(("name", "message"), [("none.csv", "no such file"), ("", "is a folder")])
def test_missing_files_and_folders(desk: Desk, name: str, message: str) -> None:
    """A file that is not there, or a folder, is named as what it is."""
    with pytest.raises(AudienceError, match=message):
        desk.take(desk.folder / name)


def test_a_late_mistake_takes_all_back(desk: Desk) -> None:
    """A byte that is not UTF-8 after thousands of good rows leaves the database as it was."""
    rows = "".join(f"reader{n}@example.org,Ann\n" for n in range(3_000))
    with pytest.raises(AudienceError, match=r"csv:3002: the byte 0xff"):
        desk.take(b"email,name\n" + rows.encode() + b"\xff@example.org,Bo\n")
    assert desk.people() == []


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a@example.org,Ann,gp,Nurse,more", "5 cells, expected 4 as in the header"),
        ("a@example.org,Ann\0,gp,Nurse", "a NUL character"),
        ('a@example.org,"Ann "Annie" Lee",gp,Nurse', "the quotation marks on line 2 do not match"),
        ('a@example.org,"Ann\n"Annie" Lee",gp,', "the quotation marks on lines 2 to 3 do not"),
        ("a@example.org;Ann;gp;Nurse", "is not an e-mail address"),
        (",Ann,gp,Nurse", "no e-mail address"),
    ],
)
def test_rows_that_cannot_be_read(desk: Desk, row: str, reason: str) -> None:
    """A malformed row is rejected with its reason; the rows after it are imported."""
    result = desk.take(f"email,name,agency,role\n{row}\nb@example.org,Bo,gp,Nurse\n")
    assert result == ImportResult(read=2, added=1, rejected=1)
    assert reason in desk.rejected[0]
    assert desk.rejected[0].startswith("list.csv:2: ")


@runs(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.text('email,nae;\t"\r\n\0 @.x\u00eb\ufeff', max_size=120).map(str.encode),
        st.text('a,;\t"\r\n\0 @.x\u00eb', max_size=120).map(
            lambda text: f"email,name,agency\n{text}".encode()
        ),
    )
)
def test_no_file_whatever_ends_in_a_traceback(module_desk: Desk, content: bytes) -> None:
    """Any bytes at all are imported, rejected row by row, or refused in one sentence."""
    result = ImportResult()
    try:
        result = module_desk.take(content, dry_run=True)
    except AudienceError as error:
        module_desk.rejected = []
        message = str(error)
    else:
        message = "list.csv"
    kept = result.added + result.updated + result.unchanged + result.kept_unsubscribed
    assert result.read == kept + result.duplicates + result.rejected
    assert len(module_desk.rejected) == result.duplicates + result.rejected
    assert "list.csv" in message


# What must never happen.

_WHO = ("ann@example.org", "bo@example.org", "cy@example.org", "Ann@Example.org", "BO@example.org")


@runs(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(_WHO),
            st.lists(
                st.tuples(
                    st.sampled_from(_WHO),
                    st.sampled_from(["", "Ann", "Bo"]),
                    st.sampled_from(["", "active", "unsubscribed"]),
                ),
                min_size=1,
                max_size=5,
            ),
        ),
        max_size=8,
    )
)
def test_no_import_undoes_an_unsubscribe(
    module_desk: Desk, steps: list[str | list[tuple[str, str, str]]]
) -> None:
    """Whatever is imported in whatever order, who has left once is never active again."""
    module_desk.clear()
    left: dict[str, tuple[str, ...]] = {}
    for step in steps:
        if isinstance(step, str):
            known = step.lower() in {one[0].lower() for one in module_desk.people()}
            assert module_desk.leave(step) == known
        else:
            rows = "".join(f"{email},{name},{status}\n" for email, name, status in step)
            module_desk.take(f"email,name,status\n{rows}")
        people = {one[0].lower(): one for one in module_desk.people()}
        for key, before in left.items():
            assert people[key] == before
        left |= {key: one for key, one in people.items() if one[-1] == "unsubscribed"}


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_import_leaves_nothing(
    tmp_path: Path, long_file: Path, database: str, ending: signal.Signals
) -> None:
    """Ctrl-C or a kill in the middle of an import leaves the database as it was."""
    command = [sys.executable, "-c", IMPORT_IN_A_PROCESS, str(ROOT), str(tmp_path), str(long_file)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        assert next(line for line in process.stdout if line == "rows 20000\n")
        process.send_signal(ending)
        assert "added" not in process.stdout.read()
    assert process.returncode != 0
    assert (tmp_path / "var" / "newsletter.db").exists() == (database == "sqlite")
    engine = open_store(load_settings(ROOT).model_copy(update={"root": tmp_path}))
    with reading(engine) as connection:
        assert connection.execute(select(subscriber)).all() == []
        assert connection.execute(select(import_run)).all() == []
    engine.dispose()


@pytest.mark.usefixtures("database")
def test_a_long_import_needs_little_memory(tmp_path: Path, long_file: Path) -> None:
    """200,000 rows are imported by a process that never has 200 MB in memory."""
    # Linux counts the memory of the process that started this one into `ru_maxrss`.
    measure = """
status = pathlib.Path("/proc/self/status")
if status.exists():
    print("kilobytes", re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1])
else:
    print("kilobytes", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
    command = [sys.executable, "-c", IMPORT_IN_A_PROCESS + measure]
    done = subprocess.run(
        [*command, str(ROOT), str(tmp_path), str(long_file)],
        check=True,
        capture_output=True,
        text=True,
    )
    assert "added 200000\n" in done.stdout
    peak = re.search(r"kilobytes (\d+)", done.stdout)
    assert peak is not None
    assert int(peak[1]) < 200_000
