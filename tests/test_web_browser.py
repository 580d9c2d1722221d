"""The pages in a real browser: whole journeys, by mouse, by keyboard, and without scripts."""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from newsletter_mailer.sending.personal_links import PersonalLinks
from newsletter_mailer.store.tables import subscriber
from newsletter_mailer.store.web_tables import preference
from tests.browser import SCREENSHOTS, chromium
from tests.websites import KEY, Website, free_socket, link_in, served, website

pytestmark = pytest.mark.browser

ASHA = "asha@leicspart.nhs.uk"
_WCAG = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "resultTypes": ["violations"],
}


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
        """No sideways scrolling and no WCAG 2.2 A/AA fault: phone and desk, light and dark."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            for width in (375, 1280):
                page.set_viewport_size({"width": width, "height": 900})
                page.screenshot(
                    path=SCREENSHOTS / f"web-{name}-{width}-{scheme}.png", full_page=True
                )
                assert not page.evaluate(
                    "document.documentElement.scrollWidth > window.innerWidth"
                ), name
            found = Axe().run(page, options=_WCAG)
            assert found.violations_count == 0, f"{name}: {found.generate_report()}"

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


def test_a_health_visitor_comes_and_goes(visit: Visit, browser: Browser) -> None:
    """Sign up, confirm, change agency, withdraw consent, unsubscribe, undo, erase: all pages pass."""
    page = browser.new_page()
    errors: list[str] = []
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(visit.base)
    visit.look(page, "start")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("link", name="Enter your work e-mail address").click()
    visit.look(page, "start-wrong")
    page.get_by_label("Your work e-mail address").fill(ASHA)
    page.get_by_role("button", name="Continue").click()
    visit.look(page, "agency")
    page.get_by_label("Search the list").fill("policing")
    page.get_by_text("3 agencies fit").wait_for()
    assert page.get_by_label("Health visitors").is_hidden()
    visit.look(page, "agency-found")
    page.get_by_label("Search the list").fill("")
    page.get_by_role("button", name="Continue").click()
    visit.look(page, "agency-wrong")
    page.get_by_label("Health visitors").check()
    page.get_by_role("button", name="Continue").click()
    visit.look(page, "details")
    page.get_by_label("Your name").fill("Asha Patel")
    page.get_by_role("button", name="Sign up").last.click()
    visit.look(page, "details-wrong")
    page.get_by_label(re.compile("^Yes, send me")).check()
    page.get_by_label(re.compile("^You may also record")).check()
    page.get_by_role("button", name="Sign up").last.click()
    visit.look(page, "sent")
    page.goto(visit.link())
    visit.look(page, "confirm")
    page.get_by_role("button", name="Confirm").click()
    visit.look(page, "confirmed")
    page.goto(visit.personal("preferences"))
    visit.look(page, "preferences")
    page.get_by_role("link", name="Change your agency").click()
    visit.look(page, "preference-agency")
    page.get_by_label("School nurses").check()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Your agency is saved").wait_for()
    visit.look(page, "preferences-saved")
    page.get_by_role("link", name="Change whether opens are recorded").click()
    visit.look(page, "tracking")
    page.get_by_label("No, do not record it").check()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Change your name").click()
    visit.look(page, "name")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Change the pause").click()
    visit.look(page, "pause")
    page.get_by_label("Pause until").fill("yesterday")
    page.get_by_role("button", name="Pause").click()
    visit.look(page, "pause-wrong")
    until = dt.date.today() + dt.timedelta(days=40)  # noqa: DTZ011 - as somebody types it
    page.get_by_label("Pause until").fill(f"{until.day}/{until.month}/{until.year}")
    page.get_by_role("button", name="Pause").click()
    visit.look(page, "paused")
    assert (visit.web.person(ASHA).agency, visit.web.rows(preference)[0].tracking) == (
        "school-nurses",
        False,
    )
    page.goto(visit.personal("unsubscribe"))
    visit.look(page, "unsubscribe")
    page.get_by_role("button", name="Unsubscribe").click()
    visit.look(page, "left")
    assert visit.web.person(ASHA).status == "unsubscribed"
    page.get_by_role("button", name="Undo").click()
    visit.look(page, "back")
    assert visit.web.person(ASHA).status == "active"
    page.goto(visit.personal("preferences"))
    page.get_by_role("link", name="Erase").click()
    visit.look(page, "erase")
    page.get_by_role("button", name="Erase").click()
    visit.look(page, "erased")
    assert visit.web.rows(subscriber) == []
    page.goto(f"{visit.base}/unsubscribe/forged")
    visit.look(page, "dead-link")
    page.goto(f"{visit.base}/nowhere")
    visit.look(page, "nowhere")
    assert [error for error in errors if "status of 4" not in error] == []
    page.close()
