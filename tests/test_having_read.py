"""The button "I have read this": in mails, on its page, in what is kept and in what is counted."""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

from newsletter_mailer.audience.leaving import leave
from newsletter_mailer.audience.personal_data import personal_data
from newsletter_mailer.compiling.compiler import Compiler
from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.reading.document import Issue
from newsletter_mailer.reading.issue import MOST_READ_BUTTONS
from newsletter_mailer.sending.asking import asking
from newsletter_mailer.sending.erasing import erase
from newsletter_mailer.sending.freezing import Order, freeze
from newsletter_mailer.sending.ledger import Delivery
from newsletter_mailer.sending.letters import Letters
from newsletter_mailer.sending.personal_links import PersonalLinks
from newsletter_mailer.sending.recipients import recipients
from newsletter_mailer.sending.transports.contract import Letter, Outcome
from newsletter_mailer.settings import Settings
from newsletter_mailer.store.engine import open_store, reading, writing
from newsletter_mailer.store.read_tables import has_read, read_total
from newsletter_mailer.store.tables import subscriber
from newsletter_mailer.tracking.read import read_articles
from newsletter_mailer.tracking.tidying import tidy
from tests.ledgers import (
    EVERYONE,
    NOW,
    Clock,
    Ledger,
    Scripted,
    add_people,
    settings_for,
)
from tests.office import part_of
from tests.projects import article, mistakes, read, small_registry, write_issue
from tests.tracked import KEY, ROOT, Desk, get, visit

ARTICLES = {
    "form": article("Use it from May on.", "The new form", "read_button: true"),
    "schools": article("For you.", "For schools", "read_button: true", "for: [schools]"),
    "other": article("Read on.", "Nothing to press"),
}
TODAY = NOW.date()
LINK = re.compile(r"https://newsletter\.example\.org(/read/[A-Za-z0-9_.=-]+)")


def compiled(folder: Path, settings: Settings) -> tuple[Issue, tuple[CompiledEmail, ...]]:
    """An issue of which one article asks everybody, one asks schools, and one asks nobody."""
    issue, findings = read(folder, ARTICLES)
    assert not findings
    looks = settings.model_copy(update={"root": ROOT})
    return issue, Compiler(looks).compile(issue, small_registry())


@dataclass
class Sent:
    """That issue, sent to six people: the first three at a GP practice, the others at schools."""

    ledger: Ledger
    desk: Desk
    letters: dict[int, Letter] = field(default_factory=dict)

    def link(self, number: int, name: str = "form") -> str:
        """The path of somebody's button below an article."""
        return LINK.sub(r"\1", self.letters[number].values[f"read:{name}"])

    def press(self, *paths: str, **headers: str) -> list[httpx.Response]:
        """Post to these addresses, and follow where each answer leads."""

        async def go(client: httpx.AsyncClient) -> list[httpx.Response]:
            client.follow_redirects = True
            return [await client.post(path, headers=headers) for path in paths]

        answers: list[httpx.Response] = visit(self.desk, go)
        return answers

    def counted(self) -> dict[str, dict[str, int]]:
        """What reports are told, by article and agency."""
        with reading(self.desk.engine) as connection:
            found = read_articles(connection, self.ledger.campaign.id)
        return {each.article: dict(each.people) for each in found}


@pytest.fixture
def sent(tmp_path: Path, database: str) -> Iterator[Sent]:  # noqa: ARG001 - it sets the URL
    """The issue after it was sent."""
    settings = settings_for(tmp_path)
    issue, emails = compiled(tmp_path, settings)
    engine = open_store(settings)
    add_people(engine, 6)
    with writing(engine) as connection:
        connection.execute(
            update(subscriber).where(subscriber.c.id > 3).values(agency="primary-schools")
        )
        chosen = recipients(issue.name, EVERYONE, emails, small_registry(), now=NOW)
        campaign = freeze(
            connection, issue, emails, small_registry(), settings,
            order=Order(chosen, "tests"), now=NOW,
        )  # fmt: skip
    ledger = Ledger(engine, settings, campaign, Clock())
    made = Sent(ledger, Desk(engine, settings))

    def answer(letter: Letter) -> Outcome:
        made.letters[letter.subscriber_id] = letter
        return Outcome.ACCEPTED

    ledger.send(Scripted(answer))
    yield made
    engine.dispose()


def test_the_button_follows_the_article(sent: Sent) -> None:
    """Each reader's mail has a link of their own below each asking article that they get."""
    for number, letter in sent.letters.items():
        names = ["form"] if number < 4 else ["form", "schools"]
        given = {name for name in letter.values if name.startswith("read:")}
        assert given == {f"read:{name}" for name in names}
        mail = message_from_bytes(letter.content(), policy=policy.default)
        assert isinstance(mail, EmailMessage)
        plain, html = (part_of(mail, kind) for kind in ("plain", "html"))
        for name in names:
            url = letter.values[f"read:{name}"]
            assert f"I have read this: {url}" in plain.splitlines()
            assert html.count(f'href="{url}"') == 1
        assert len(LINK.findall(plain + html)) == 2 * len(names)
    assert len({sent.link(number) for number in sent.letters}) == 6


def test_looking_says_nothing_and_a_press_counts_once(sent: Sent) -> None:
    """GET and HEAD change nothing; one press or two count one reader of the agency, by day."""
    link = sent.link(1)
    (page,) = get(sent.desk, link)
    get(sent.desk, link, method="HEAD")
    assert page.status_code == 200
    assert "Have you read “The new form”?" in page.text
    assert "Opening this page told us nothing" in page.text
    assert sent.desk.rows(has_read) == []
    first, second = sent.press(link, link)
    assert "You are counted" in first.text
    assert second.status_code == 200
    sent.press(sent.link(2), sent.link(4), sent.link(4, "schools"))
    assert [tuple(row)[1:] for row in sorted(sent.desk.rows(has_read))] == [
        (0, 1, TODAY), (0, 2, TODAY), (0, 4, TODAY), (1, 4, TODAY),
    ]  # fmt: skip
    assert sent.counted() == {
        "form": {"gp": 2, "primary-schools": 1},
        "schools": {"primary-schools": 1},
    }


def test_it_can_be_taken_back(sent: Sent) -> None:
    """By a second button on the same page, after which nothing is left of it."""
    link = sent.link(1)
    (said,) = sent.press(link)
    assert f'action="{link}/undo"' in said.text
    (back,) = sent.press(f"{link}/undo")
    assert "It is taken back" in back.text
    assert sent.desk.rows(has_read) == []
    assert sent.counted()["form"] == {}
    sent.press(f"{link}/undo", link)
    assert sent.counted()["form"] == {"gp": 1}


def test_other_sites_and_wrong_links_are_refused(sent: Sent) -> None:
    """A form of another site is turned away; altered, forged and foreign links get the calm page.

    So do a link for an article that its reader never got, and one of a test letter.
    """
    link, links = sent.link(1), PersonalLinks("", KEY)
    (refused,) = sent.press(link, **{"sec-fetch-site": "cross-site"})
    assert refused.status_code == 403
    wrong = [
        link[:-2],
        link + "x",
        PersonalLinks("", "n" * 32).read(1, 1, 0),
        links.unsubscribe(1, 1).replace("/unsubscribe/", "/read/"),
        links.click(1, 1, 0).replace("/click/", "/read/"),
        links.read(0, 0, 0),
        links.read(1, 99, 0),
        links.read(1, 1, 2),
        links.read(9, 1, 0),
        "/read/" + "a" * 2_000,
        "/read/%00",
    ]
    for answer in (*get(sent.desk, *wrong), *sent.press(*wrong)):
        assert answer.status_code == 404
        assert "This link does not work" in answer.text
        assert "Nothing was changed" in answer.text
    assert sent.desk.rows(has_read) == []


def test_an_older_key_still_reads(sent: Sent) -> None:
    """After the signing key was changed, buttons in old mail work as before."""
    sent.desk.keys = ("n" * 32, KEY)
    sent.press(sent.link(1))
    assert sent.counted()["form"] == {"gp": 1}


def test_who_goes_is_forgotten(sent: Sent) -> None:
    """It is shown to its owner, goes as they leave or are erased, and is not counted any more.

    Withdrawing consent to count opens is about something else, and changes nothing here.
    """
    sent.press(*(sent.link(number) for number in (1, 2, 3)), sent.link(4, "schools"))
    sent.desk.withdraw(3)
    with writing(sent.desk.engine) as connection:
        held = personal_data(connection, 4, small_registry())
        leave(connection, 1, now=NOW, way="test")
        erase(connection, [2], KEY, "test", "office", NOW)
    assert held is not None
    assert held.as_dict()["articles_read"] == [
        {"campaign": "07-winter-2019", "article": "For schools", "said": TODAY.isoformat()}
    ]
    assert sorted(row.subscriber_id for row in sent.desk.rows(has_read)) == [3, 4]
    (gone,) = sent.press(sent.link(1))
    assert "You do not get the newsletter any more" in gone.text
    (dead,) = sent.press(sent.link(2))
    assert dead.status_code == 404
    assert sent.counted() == {"form": {"gp": 1}, "schools": {"primary-schools": 1}}


def test_after_a_while_only_numbers_are_left(sent: Sent) -> None:
    """`tidy` puts numbers in the place of people, once; who presses later is not counted twice."""
    sent.press(*(sent.link(number) for number in (1, 2, 4)))
    before = sent.counted()
    with writing(sent.desk.engine) as connection:
        assert tidy(connection, TODAY) == 0
        assert tidy(connection, TODAY + dt.timedelta(days=1)) == 3
        assert tidy(connection, TODAY + dt.timedelta(days=1)) == 0
    assert sent.desk.rows(has_read) == []
    assert "subscriber_id" not in read_total.c
    for answer in sent.press(sent.link(1), sent.link(3), f"{sent.link(1)}/undo"):
        assert "It is too late to say so" in answer.text
    assert sent.desk.rows(has_read) == []
    assert sent.counted() == before


def test_a_page_for_anybody_has_no_button(tmp_path: Path) -> None:
    """The archive's page says the same without it, and so does what is searched there."""
    settings = settings_for(tmp_path)
    issue, emails = compiled(tmp_path, settings)
    compiler = Compiler(settings.model_copy(update={"root": ROOT}))
    assert sum(len(email.html.read_fields) for email in emails) > 0
    for page in compiler.agency_pages(issue, small_registry()):
        assert "The new form" in page.html
        assert "I have read" not in page.html
        assert not any("I have read" in text for text in page.texts.values())
    with_, without = (
        next(each for each in emails if name in each.agencies) for name in ("early-years", "gp")
    )
    assert with_ is without, "who is asked the same shares a variant"


def test_a_campaign_that_asks_nobody_keeps_nothing(sent: Sent, tmp_path: Path) -> None:
    """Letters of a campaign without a button carry no value for one."""
    issue, _ = read(tmp_path / "plain", {"news": article("Text.")})
    engine, settings = sent.desk.engine, sent.desk.settings
    issue = replace(issue, name="08-spring-2020")
    looks = settings.model_copy(update={"root": ROOT})
    emails = Compiler(looks).compile(issue, small_registry())
    chosen = recipients(issue.name, EVERYONE, emails, small_registry(), now=NOW)
    with writing(engine) as connection:
        campaign = freeze(
            connection, issue, emails, small_registry(), settings,
            order=Order(chosen, "tests"), now=NOW,
        )  # fmt: skip
        assert asking(connection, campaign.id) == {}
        letters = Letters(connection, campaign, settings, sent.desk.links)
    claimed = Delivery(1, emails[0].name, "ann@example.org", "", next(iter(emails[0].agencies)), 1)
    values = letters.of(claimed, NOW).values
    assert not any(name.startswith("read:") for name in values)


def test_mistakes_are_named(tmp_path: Path) -> None:
    """A value that says neither yes nor no, and more buttons than a mail can carry."""
    (wrong,) = mistakes(
        write_issue(tmp_path / "a", {"news": article("Text.", "News", "read_button: perhaps")}),
        small_registry(),
    )
    assert wrong.place.line == 3
    assert "true" in wrong.expected
    many = {
        f"news-{n}": article("Text.", f"News {n}", "read_button: true")
        for n in range(MOST_READ_BUTTONS + 1)
    }
    (found,) = mistakes(write_issue(tmp_path / "b", many), small_registry())
    assert found.rule == "read-buttons"
    assert f"news-{MOST_READ_BUTTONS}.md" in found.place.file
