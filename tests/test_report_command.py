"""`newsletter report` and `newsletter bounces`, in a project with two issues that were sent."""

import csv
import datetime as dt
import io
from pathlib import Path

import pytest
from sqlalchemy import insert

from newsletter_mailer.reading.agencies import read_registry
from newsletter_mailer.settings import load_settings
from newsletter_mailer.store.engine import open_store, writing
from newsletter_mailer.store.postgres import make_partition
from newsletter_mailer.store.tables import campaign, delivery, subscriber
from newsletter_mailer.store.tracking_tables import clicked, feedback, opened, tracked_link
from newsletter_mailer.store.web_tables import preference
from newsletter_mailer.tracking.agents import Class
from tests.office import Office

SENT = dt.datetime(2026, 6, 5, 8, tzinfo=dt.UTC)
FORMULA = "=HYPERLINK(1)"


def fill(folder: Path, sizes: dict[str, int]) -> None:
    """Two campaigns to so many people of each agency. Of each twelve, nine agreed.

    Of these nine, four opened it, three had it loaded by a proxy, one by a machine. The
    last address of every agency is dead, and each tenth person followed the first link.
    """
    settings = load_settings(folder)
    engine = open_store(settings)
    people = [(agency, at, at % 12) for agency, number in sizes.items() for at in range(number)]
    with writing(engine) as connection:
        connection.execute(
            insert(subscriber),
            [
                {
                    "id": n,
                    "email": f"reader{n}@example.org",
                    "email_key": f"reader{n}@example.org",
                    "agency": agency,
                    "status": "active",
                    "source": "test",
                    "created_at": SENT,
                    "changed_at": SENT,
                }
                for n, (agency, _, _) in enumerate(people, 1)
            ],
        )
        connection.execute(
            insert(preference),
            [
                {"subscriber_id": n, "tracking": kind < 9}
                for n, (_, _, kind) in enumerate(people, 1)
            ],
        )
        for id_, issue, title in ((1, "01-summer-2017", FORMULA), (2, "06-autumn-2018", "Autumn")):
            begun = SENT + dt.timedelta(days=30 * id_)
            connection.execute(
                insert(campaign).values(
                    id=id_,
                    name=issue,
                    issue=issue,
                    number=int(issue[:2]),
                    title=title,
                    state="done",
                    token=issue,
                    content_hash="",
                    transport="smtp",
                    sender_name="Office",
                    sender_address="office@example.org",
                    greeting={},
                    frozen_at=begun,
                    started_at=begun,
                )
            )
            make_partition(connection, id_)
            connection.execute(
                insert(delivery),
                [
                    {
                        "campaign_id": id_,
                        "subscriber_id": n,
                        "batch": 1,
                        "variant": "a",
                        "email": f"reader{n}@example.org",
                        "name": "",
                        "agency": agency,
                        "status": "sent",
                        "settled_at": begun,
                    }
                    for n, (agency, _, _) in enumerate(people, 1)
                ],
            )
            classes = [*[Class.HUMAN] * 4, *[Class.PROXIED] * 3, Class.MACHINE]
            dead = [n for n, (agency, at, _) in enumerate(people, 1) if at == sizes[agency] - 1]
            day = begun.date()
            connection.execute(
                insert(opened),
                [
                    {
                        "campaign_id": id_,
                        "subscriber_id": n,
                        "class": classes[kind].value,
                        "rule": "",
                        "day": day + dt.timedelta(days=at % 5),
                    }
                    for n, (_, at, kind) in enumerate(people, 1)
                    if kind < len(classes)
                ],
            )
            connection.execute(
                insert(feedback),
                [
                    {
                        "campaign_id": id_,
                        "subscriber_id": n,
                        "state": "bounced",
                        "code": "5.1.1",
                        "detail": "no such user",
                        "at": begun,
                    }
                    for n in dead
                ],
            )
            connection.execute(
                insert(tracked_link),
                [
                    {"campaign_id": id_, "number": at, "url": f"https://{at}.example/"}
                    for at in range(2)
                ],
            )
            connection.execute(
                insert(clicked),
                [
                    {
                        "campaign_id": id_,
                        "subscriber_id": n,
                        "link": 0,
                        "class": "human",
                        "rule": "",
                        "day": day,
                    }
                    for n in range(10, len(people), 10)
                ],
            )
    engine.dispose()


SIZES = {
    "social-care": 120,
    "safeguarding-unit": 36,
    "family-centres": 3,
    "youth-service": 2,
    "police": 48,
}


@pytest.fixture
def office(project: Path) -> Office:
    """An office that sent issues 1 and 6."""
    fill(project, SIZES)
    return Office(project)


def test_the_terminal_shows_ranges_and_whom_it_hardly_reaches(office: Office) -> None:
    """A range and of whom, agencies with bars, earlier issues, coverage, what to mend."""
    out = office.ok("report", "6").out
    assert "opened it, of the" in out
    assert "who agreed to be counted" in out
    for words in ("Compared with earlier issues", "Agencies that it hardly reaches", "To mend"):
        assert words in out
    assert "newsletter bounces 06-autumn-2018" in out
    assert "@example.org" not in out
    assert "█" in out
    assert "▒" in out


def test_a_small_agency_is_only_shown_with_others(office: Office) -> None:
    """Who asks for an agency with two readers gets the row that it is counted in, and is told."""
    registry = read_registry(load_settings(office.folder).agencies_file, "agencies.yaml")
    name = registry.by_id["youth-service"].name
    data = office.ok("report", "6", "--agency", "youth-service", "--json").data
    (row,) = data["agencies"]
    assert name in row["members"]
    assert len(row["members"]) > 1
    assert data["overall"]["recipients"]["number"] >= 5
    assert f"{name} is counted together with others." in data["notes"]
    assert data["outcomes"] == []


@pytest.mark.usefixtures("database")
def test_json_is_the_whole_report(project: Path) -> None:
    """The figures of all recipients, and of the issue before, on SQLite and on PostgreSQL."""
    fill(project, SIZES)
    office = Office(project)
    data = office.ok("report", "6", "--json").data
    assert data["format"] == 1
    assert data["campaign"]["name"] == "06-autumn-2018"
    everybody = data["overall"]
    assert everybody["recipients"]["number"] == sum(SIZES.values())
    assert everybody["not_arrived"]["number"] == len(SIZES)
    least, most = everybody["opened"]["least_share"], everybody["opened"]["most_share"]
    assert 0.40 < least < 0.50
    assert 0.70 < most < 0.85
    (earlier,) = data["earlier"]
    assert earlier["campaign"]["number"] == 1
    assert [each["url"] for each in data["followed"]] == [
        "https://0.example/",
        "https://1.example/",
    ]
    assert any(each["nobody"] for each in data["thin"])


def test_csv_is_safe_to_open(office: Office) -> None:
    """A spreadsheet gets the same figures, and no formula, were it in the name of an issue."""
    out = office.ok("report", "6", "--csv", "-").out
    lines = list(csv.DictReader(io.StringIO(out)))
    assert {line["section"] for line in lines} >= {"overall", "sector", "agency", "class", "thin"}
    assert not [
        cell for line in lines for cell in line.values() if cell.startswith(("=", "+", "@"))
    ]
    file = office.folder / "report.csv"
    assert "report.csv" in office.ok("report", "1", "--csv", str(file)).err
    assert file.read_bytes().startswith("\ufeffsection,".encode())
    office.ok("report", "6", "--csv", str(file))
    assert f"earlier,01-summer-2017,'{FORMULA}," in file.read_text(encoding="utf-8-sig")


def test_the_page_is_written(office: Office) -> None:
    """`--page` writes the page with charts."""
    file = office.folder / "report.html"
    office.ok("report", "6", "--page", str(file))
    text = file.read_text(encoding="utf-8")
    assert "<svg" in text
    assert "@example.org" not in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["7"], "No campaign '7' was started yet"),
        (["6", "--agency", "polise"], "Did you mean police?"),
        (["6", "--sector", "police"], "Expected the id of a sector"),
        (["6", "--json", "--csv", "-"], "both write to standard output"),
        (["6", "--csv", "missing/report.csv"], "cannot be written"),
        (["6", "--page", "missing/report.html"], "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_said(office: Office, words: list[str], said: str) -> None:
    """Wrong input ends with 2 and one clear sentence."""
    result = office.run("report", *words)
    assert result.code == 2
    assert said in result.err + result.out


def test_bounces_are_listed_for_the_office(office: Office) -> None:
    """The command that the report names lists every address that the mail did not arrive at."""
    data = office.ok("bounces", "6", "--json").data
    assert len(data["bounces"]) == len(SIZES)
    assert {each["outcome"] for each in data["bounces"]} == {"bounced"}
    out = office.ok("bounces", "6").out
    assert "reader120@example.org" in out
    assert "5.1.1 no such user" in out
