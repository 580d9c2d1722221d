"""The pages in a real browser: whole journeys, by mouse, by keyboard, and without scripts."""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page
from sqlalchemy import insert

from newsletter_mailer.sending.personal_links import PersonalLinks
from newsletter_mailer.store.engine import writing
from newsletter_mailer.store.read_tables import asking_article, has_read
from newsletter_mailer.store.tables import campaign, delivery, subscriber
from newsletter_mailer.store.web_tables import preference
from tests.browser import chromium, faults, take_picture
from tests.websites import KEY, Website, free_socket, link_in, served, website

pytestmark = pytest.mark.browser

ASHA = "asha@leicspart.nhs.uk"
_LOOKS: tuple[tuple[int, Literal["light", "dark"]], ...] = ((375, "light"), (1280, "dark"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A running Chromium."""
    with chromium() as running:
        yield running


@dataclass
class Visit:
    """A website at a real address, and what is looked at in it."""

    web: Website
    base: str

    def look(self, page: Page, name: str) -> None:
        """No sideways scrolling, no WCAG 2.2 A/AA fault: a phone in light, a desk in dark."""
        for width, scheme in _LOOKS:
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 900})
            take_picture(page, f"web-{name}-{width}-{scheme}")
            assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
            assert not (found := faults(page)), f"{name}: {found}"

    def link(self) -> str:
        """The address in the newest notice."""
        return self.base + link_in(self.web.send()[-1])

    def personal(self, purpose: str) -> str:
        """The subscriber's own link, as an issue's mail has it."""
        url: str = getattr(PersonalLinks(self.base, KEY), purpose)(1, self.web.person(ASHA).id)
        return url


@pytest.fixture
def visit(project: Path) -> Iterator[Visit]:
    """The shipped project's pages at a real address, on a real clock's day."""
    listening, base = free_socket()
    now = dt.datetime.now(dt.UTC)
    with website(project, base=base, now=now, quickest=0) as web, served(web, listening):
        yield Visit(web, base)


def test_a_health_visitor_comes(visit: Visit, browser: Browser) -> None:
    """Sign up with every mistake on the way, search the agencies, confirm: all pages pass."""
    page, errors = opened(browser)
    page.goto(visit.base)
    visit.look(page, "start")
    follow(page.get_by_role("button", name="Continue"))
    page.get_by_role("link", name="Enter your work e-mail address").click()
    visit.look(page, "start-wrong")
    page.get_by_label("Your work e-mail address").fill(ASHA)
    follow(page.get_by_role("button", name="Continue"))
    visit.look(page, "agency")
    page.get_by_label("Search the list").fill("policing")
    page.get_by_text("3 agencies fit").wait_for()
    assert page.get_by_label("Health visitors").is_hidden()
    visit.look(page, "agency-found")
    page.get_by_label("Search the list").fill("")
    follow(page.get_by_role("button", name="Continue"))
    visit.look(page, "agency-wrong")
    page.get_by_label("Health visitors").check()
    follow(page.get_by_role("button", name="Continue"))
    visit.look(page, "details")
    page.get_by_label("Your name").fill("Asha Patel")
    follow(page.get_by_role("button", name="Sign up").last)
    visit.look(page, "details-wrong")
    page.get_by_label(re.compile("^Yes, send me")).check()
    page.get_by_label(re.compile("^You may also record")).check()
    follow(page.get_by_role("button", name="Sign up").last)
    visit.look(page, "sent")
    page.goto(visit.link())
    visit.look(page, "confirm")
    follow(page.get_by_role("button", name="Confirm"))
    visit.look(page, "confirmed")
    who = visit.web.person(ASHA)
    assert (who.status, who.name, who.agency) == ("active", "Asha Patel", "health-visitors")
    assert visit.web.rows(preference)[0].tracking
    assert errors == []
    page.close()


def test_a_health_visitor_changes_preferences(visit: Visit, browser: Browser) -> None:
    """Another agency, no more tracking, a pause with a mistake: saved, and all pages pass."""
    visit.web.joined(ASHA, tracking="yes")
    page, errors = opened(browser)
    page.goto(visit.personal("preferences"))
    visit.look(page, "preferences")
    follow(page.get_by_role("link", name="Change your agency"))
    visit.look(page, "preference-agency")
    page.get_by_label("School nurses").check()
    follow(page.get_by_role("button", name="Save"))
    page.get_by_text("Your agency is saved").wait_for()
    visit.look(page, "preferences-saved")
    follow(page.get_by_role("link", name="Change whether opens are recorded"))
    visit.look(page, "tracking")
    page.get_by_label("No, do not record it").check()
    follow(page.get_by_role("button", name="Save"))
    follow(page.get_by_role("link", name="Change your name"))
    visit.look(page, "name")
    follow(page.get_by_role("button", name="Save"))
    follow(page.get_by_role("link", name="Change the pause"))
    page.get_by_label("Pause until").fill("yesterday")
    follow(page.get_by_role("button", name="Pause"))
    visit.look(page, "pause-wrong")
    until = dt.date.today() + dt.timedelta(days=40)  # noqa: DTZ011 - as somebody types it
    page.get_by_label("Pause until").fill(f"{until.day}/{until.month}/{until.year}")
    follow(page.get_by_role("button", name="Pause"))
    visit.look(page, "paused")
    assert visit.web.person(ASHA).agency == "school-nurses"
    chosen = visit.web.rows(preference)[0]
    assert not chosen.tracking
    assert chosen.paused_until
    assert errors == []
    page.close()


def test_a_health_visitor_goes(visit: Visit, browser: Browser) -> None:
    """Unsubscribe, take it back, be erased; dead links are friendly: all pages pass."""
    visit.web.subscribed(ASHA)
    page, errors = opened(browser)
    unsubscribe = visit.personal("unsubscribe")
    page.goto(unsubscribe)
    visit.look(page, "unsubscribe")
    follow(page.get_by_role("button", name="Unsubscribe"))
    visit.look(page, "left")
    assert visit.web.person(ASHA).status == "unsubscribed"
    follow(page.get_by_role("button", name="Undo"))
    visit.look(page, "back")
    assert visit.web.person(ASHA).status == "active"
    page.goto(visit.personal("preferences"))
    follow(page.get_by_role("link", name="Erase"))
    visit.look(page, "erase")
    follow(page.get_by_role("button", name="Erase"))
    visit.look(page, "erased")
    assert visit.web.rows(subscriber) == []
    page.goto(unsubscribe)
    visit.look(page, "dead-link")
    page.goto(f"{visit.base}/nowhere")
    visit.look(page, "nowhere")
    assert errors == []
    page.close()


def test_the_keyboard_is_enough(visit: Visit, browser: Browser) -> None:
    """Tab, space, arrows and enter alone lead from the first page to the subscription and out."""
    page, errors = opened(browser)
    keys = page.keyboard
    page.goto(visit.base)
    keys.press("Tab")
    assert focused(page) == "Skip to the main content"
    keys.press("Enter")
    tab_to(page, "email")
    keys.type(ASHA)
    keys.press("Enter")
    page.wait_for_selector("#search")
    tab_to(page, "search")
    keys.type("health vis")
    keys.press("Enter")
    tab_to(page, "agency")
    keys.press("Space")
    tab_to(page, "Continue")
    keys.press("Enter")
    page.wait_for_selector("#newsletter")
    tab_to(page, "newsletter")
    keys.press("Space")
    tab_to(page, "Sign up")
    keys.press("Enter")
    page.get_by_role("heading", name="Look into your inbox").wait_for()
    for address, button, heading in (
        (visit.link(), "Confirm and get the newsletter", "You get the newsletter"),
        (visit.personal("unsubscribe"), "Unsubscribe", "You have unsubscribed"),
        ("", "Undo: keep the newsletter", "You still get the newsletter"),
    ):
        if address:
            page.goto(address)
        tab_to(page, button)
        keys.press("Enter")
        page.get_by_role("heading", name=heading).wait_for()
    assert visit.web.person(ASHA).status == "active"
    page.goto(visit.personal("preferences") + "/agency")
    tab_to(page, "agency")
    keys.press("ArrowDown")
    tab_to(page, "Save")
    keys.press("Enter")
    page.get_by_text("Your agency is saved").wait_for()
    assert visit.web.person(ASHA).agency == "school-nurses"
    assert errors == []
    page.close()


def test_no_script_is_needed(visit: Visit, browser: Browser) -> None:
    """With scripts off, the list is searched by its button, and the whole way can be gone."""
    page = browser.new_page(java_script_enabled=False)
    page.goto(visit.base)
    page.get_by_label("Your work e-mail address").fill(ASHA)
    follow(page.get_by_role("button", name="Continue"))
    page.get_by_label("Search the list").fill("visitors")
    follow(page.get_by_role("button", name="Search"))
    page.get_by_text("1 agency fits").wait_for()
    assert page.get_by_role("radio").count() == 1
    page.get_by_label("Health visitors").check()
    follow(page.get_by_role("button", name="Continue"))
    page.get_by_label("Your name").fill("Asha")
    follow(page.get_by_role("button", name="Change the agency"))
    follow(page.get_by_role("button", name="Continue"))
    assert page.get_by_label("Your name").input_value() == "Asha"
    page.get_by_label(re.compile("^Yes, send me")).check()
    follow(page.get_by_role("button", name="Sign up").last)
    page.goto(visit.link())
    follow(page.get_by_role("button", name="Confirm"))
    follow(page.get_by_role("link", name="See or change your preferences"))
    follow(page.get_by_role("link", name="Change your agency"))
    page.get_by_label("School nurses").check()
    follow(page.get_by_role("button", name="Save"))
    follow(page.get_by_role("link", name="Unsubscribe"))
    follow(page.get_by_role("button", name="Unsubscribe"))
    follow(page.get_by_role("button", name="Undo"))
    page.get_by_role("heading", name="You still get the newsletter").wait_for()
    assert visit.web.person(ASHA).agency == "school-nurses"
    page.goto(visit.personal("preferences") + "/erase")
    follow(page.get_by_role("button", name="Erase"))
    page.get_by_role("heading", name="Your data is erased").wait_for()
    assert visit.web.rows(subscriber) == []
    page.close()


def test_a_reader_says_that_they_have_read_it(visit: Visit, browser: Browser) -> None:
    """By keyboard and without scripts: look, say so, take it back; all pages pass."""
    id_ = visit.web.subscribed(ASHA)
    with writing(visit.web.engine) as connection:
        connection.execute(
            insert(campaign).values(
                id=1, name="6", issue="6", number=6, title="Safeguarding news", state="done",
                token="t",  # noqa: S106 - names a campaign in links, and opens nothing
                content_hash="", transport="outbox", sender_name="Office",
                sender_address="office@example.org", greeting={}, frozen_at=visit.web.site.clock(),
            )
        )  # fmt: skip
        connection.execute(
            insert(delivery).values(
                campaign_id=1, subscriber_id=id_, batch=1, variant="a", email=ASHA, name="",
                agency="health-visitors", status="sent",
            )
        )  # fmt: skip
        connection.execute(
            insert(asking_article).values(
                campaign_id=1, number=2, article="form", title="The new referral form"
            )
        )
    path = PersonalLinks(visit.base, KEY).read(1, id_, 2)
    page, errors = opened(browser)
    page.goto(path)
    visit.look(page, "read")
    page.goto(path)
    tab_to(page, "I have read this")
    page.keyboard.press("Enter")
    page.get_by_text("You are counted.").wait_for()
    visit.look(page, "read-said")
    assert [row.subscriber_id for row in visit.web.rows(has_read)] == [id_]
    assert errors == []
    page.close()
    plain = browser.new_page(java_script_enabled=False)
    plain.goto(path)
    follow(plain.get_by_role("button", name="Take it back"))
    plain.get_by_text("You are not counted.").wait_for()
    assert visit.web.rows(has_read) == []
    follow(plain.get_by_role("button", name="I have read this"))
    plain.get_by_text("You are counted.").wait_for()
    assert len(visit.web.rows(has_read)) == 1
    plain.close()


def opened(browser: Browser) -> tuple[Page, list[str]]:
    """A page, and what its console complains of; a status of 4xx is no complaint."""
    page = browser.new_page()
    errors: list[str] = []

    def said(message: ConsoleMessage) -> None:
        if message.type == "error" and "status of 4" not in message.text:
            errors.append(message.text)

    page.on("console", said)
    page.on("pageerror", lambda error: errors.append(str(error)))
    return page, errors


def follow(place: Locator) -> None:
    """Click what leads to another page, and wait until that is there."""
    with place.page.expect_navigation():
        place.click()


def focused(page: Page) -> str:
    """What has the focus: a field's name, or the words of a link or button."""
    found: str = page.evaluate(
        "(document.activeElement.name !== 'go' && document.activeElement.name)"
        " || document.activeElement.textContent.trim()"
    )
    return found


def tab_to(page: Page, wanted: str) -> None:
    """Press Tab until something has the focus; it shows that it has."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if focused(page) == wanted:
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none"
            return
    pytest.fail(f"Tab never comes to {wanted}")
