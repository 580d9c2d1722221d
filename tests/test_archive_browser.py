"""The archive in a real browser: no WCAG 2.2 fault, light and dark, phone and desk; by keyboard."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.browser import assert_looks_well, chromium
from tests.office import Office
from tests.projects import copied_project
from tests.websites import free_socket, served, website

pytestmark = pytest.mark.browser

PATHS = {
    "list": "/archive",
    "issue": "/archive/06-autumn-2018",
    "agency": "/archive/06-autumn-2018/gp",
    "search": "/archive/search?q=grooming",
    "nothing": "/archive/search?q=zebra",
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an archive with one issue."""
    folder = copied_project(tmp_path_factory.mktemp("archive") / "project")
    listening, address = free_socket()
    office = Office(folder)
    office.subscribe(2)
    office.ok("send", "6", "--yes", NEWSLETTER_BASE_URL=address)
    with website(folder, base=address) as made, served(made, listening):
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for this file."""
    with chromium() as running:
        yield running


@pytest.mark.parametrize("name", PATHS)
def test_every_page_of_the_archive_reads_well(browser: Browser, base: str, name: str) -> None:
    """Axe finds nothing, nothing is wider than the screen, nothing is refused by the policy."""
    refused: list[str] = []
    page = browser.new_page()
    page.on("console", lambda line: refused.append(line.text) if _is_fault(line) else None)
    page.goto(base + PATHS[name])
    assert_looks_well(page, f"archive-{name}", 375, 1280)
    assert refused == []
    page.close()


def test_the_pictures_of_an_issue_are_shown(browser: Browser, base: str) -> None:
    """Every picture of the page has loaded, under its strict policy."""
    page = browser.new_page()
    page.goto(base + PATHS["issue"])
    assert page.evaluate("document.images.length") > 0
    assert page.evaluate("[...document.images].every(one => one.complete && one.naturalWidth)")
    page.close()


@pytest.mark.parametrize("scripts", [True, False])
def test_reading_with_the_keyboard_alone(browser: Browser, base: str, scripts: bool) -> None:
    """From the list to an issue, to another agency's version and back, without a mouse."""
    context = browser.new_context(java_script_enabled=scripts)
    page = context.new_page()
    page.goto(base + "/archive")
    _tab_to(page, "Safeguarding news, issue 6")
    page.keyboard.press("Enter")
    page.wait_for_url("**/archive/06-autumn-2018")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("Leicestershire Police")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/archive/06-autumn-2018/police")
    assert page.get_by_role("combobox").input_value() == "police"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/archive")
    context.close()


def _is_fault(line: ConsoleMessage) -> bool:
    """Whether the browser complains, of more than an icon that we do not have."""
    return line.type == "error" and not line.location["url"].endswith("/favicon.ico")


def _tab_to(page: Page, words: str) -> None:
    """Press Tab until the link with these words has the focus."""
    link = page.get_by_role("link", name=words)
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.locator(":focus").all_inner_texts() == link.all_inner_texts():
            return
    raise AssertionError(f"no way to {words}")
