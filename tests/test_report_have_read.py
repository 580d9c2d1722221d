"""What a report says of those who pressed "I have read this", and what follows from it."""

import csv
import io
import json
from collections.abc import Mapping

from hypothesis import example, given
from hypothesis import settings as trying
from hypothesis import strategies as st

from newsletter_mailer.reporting.as_csv import write_csv
from newsletter_mailer.reporting.as_json import as_dict
from newsletter_mailer.reporting.page import page
from newsletter_mailer.reporting.report import HaveRead, Report
from newsletter_mailer.reporting.shown import SMALLEST, Shown
from newsletter_mailer.reporting.tally import Tally
from newsletter_mailer.settings import load_settings
from newsletter_mailer.tracking.read import ReadArticle
from tests.adversary import Adversary
from tests.projects import ROOT, small_registry
from tests.report_pages import usual
from tests.report_worlds import AGENCIES, drawn_up

World = Mapping[str, tuple[int, int, int]]
"""By agency: whom it did not reach, who did not press the button, who did."""

NUMBERS = st.one_of(st.integers(0, 4), st.integers(0, 12), st.integers(5, 60))
WORLDS = st.fixed_dictionaries(
    {agency: st.tuples(st.integers(0, 7), NUMBERS, NUMBERS) for agency in AGENCIES}
)
NOBODY: dict[str, tuple[int, int, int]] = dict.fromkeys(AGENCIES, (0, 0, 0))


def report_on(world: World) -> Report:
    """The report of a campaign with one article that has a button."""
    tallies = {
        agency: Tally(sum(counts), not_arrived=counts[0]) for agency, counts in world.items()
    }
    pressed = {agency: counts[2] for agency, counts in world.items() if counts[2]}
    return drawn_up(tallies, [ReadArticle("private-fostering", "Private fostering", pressed)])


def everybody(report: Report) -> HaveRead:
    """The one article."""
    (article,) = report.have_read
    return article


def given_away(world: World, report: Report) -> list[str]:
    """The groups of 1 to 4 people that follow from all counts of a report."""
    reader = Adversary()
    names = {each.name: each.id for each in small_registry().agencies}
    members = {row.id: [names[each] for each in row.members] for row in report.agencies}

    def learn(agencies: list[str], parts: str, shown: Shown) -> None:
        if agencies and (shown.most is not None or shown.least):
            kinds = [f"{agency} {part}" for agency in agencies for part in parts.split()]
            reader.learn(kinds, shown.least, shown.most)

    for row in (report.overall, *report.sectors, *report.agencies):
        agencies = AGENCIES if row.id == "all" else [names[each] for each in row.members]
        learn(agencies, "lost no yes", row.recipients)
        learn(agencies, "lost", row.not_arrived)
    article = everybody(report)
    learn(AGENCIES, "yes", article.people)
    for part in article.by_agency:
        learn(members[part.id], "yes", part.people)
    reader.think()
    found = []
    for agencies in (AGENCIES, *members.values(), *([each] for each in AGENCIES)):
        for parts in (("yes",), ("no",), ("no", "yes"), ("lost", "no")):
            truth = sum(
                world[each][["lost", "no", "yes"].index(part)]
                for each in agencies
                for part in parts
            )
            group = [f"{agency} {part}" for agency in agencies for part in parts]
            least, most = reader.bounds(group)
            assert least <= truth
            assert most is None or truth <= most
            if least == most and 0 < truth < SMALLEST:
                found.append(f"{group}: {truth}")
    return found


@trying(max_examples=200)
@given(WORLDS)
@example(NOBODY | {"police": (0, 2, 40)})
@example(NOBODY | {"police": (6, 3, 40), "gp": (0, 30, 30)})
@example(NOBODY | {"police": (0, 30, 30), "gp": (0, 30, 3), "other": (0, 30, 30)})
def test_the_button_gives_no_small_group_away(world: World) -> None:
    """Neither 1 to 4 who pressed it, nor 1 to 4 who did not, follow from a report's counts."""
    assert given_away(world, report_on(world)) == []


def test_large_groups_are_shown() -> None:
    """What gives nobody away is shown: by agency, and of everybody."""
    article = everybody(report_on(NOBODY | {"police": (0, 30, 30), "gp": (2, 25, 7)}))
    assert article.people.number == 37
    shown = {row.id: row.people.number for row in article.by_agency}
    assert shown == {"police": 30, "gp": 7}


def test_an_agency_called_other_is_not_taken_for_others() -> None:
    """Its own number is told, or none; never that of those who are counted together with it."""
    sizes = {"other": 3, "gp": 3, "ccg": 3, "police": 3, "early-years": 3}
    made = drawn_up({agency: Tally(sizes.get(agency, 0)) for agency in AGENCIES}, [])
    (thin,) = [each for each in made.thin if each.agency == "Another agency"]
    assert thin.words == "fewer than ten"
    ids = [row.id for row in (*made.sectors, *made.agencies)]
    assert "other" not in ids


def test_all_forms_say_it() -> None:
    """JSON, CSV and the page name the article and its counts, and hidden ones only in words."""
    settings = load_settings(ROOT)
    made = report_on(NOBODY | {"police": (0, 30, 31), "gp": (2, 25, 17), "early-years": (0, 30, 2)})
    article = everybody(made)
    hidden = [row for row in article.by_agency if row.people.hidden]
    assert hidden
    data = json.loads(json.dumps(as_dict(made)))["have_read"][0]
    assert data["title"] == "Private fostering"
    numbers = {each["people"]["number"] for each in data["agencies"]}
    assert numbers == {row.people.number for row in article.by_agency}
    stream = io.StringIO()
    write_csv(made, stream)
    lines = list(csv.DictReader(io.StringIO(stream.getvalue())))
    told = {line["name"]: line["people"] for line in lines if line["section"].startswith("have")}
    assert told["Private fostering"] == article.people.words.replace(",", "")
    assert all(told[row.name] == row.people.words for row in hidden)
    html = page(made, settings)
    assert "Private fostering" in html
    assert "I have read this" in html
    assert "I have read this" not in page(usual(), settings)
