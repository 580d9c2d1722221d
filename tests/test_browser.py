"""Mails in a real browser: readable at every width, in light and dark, by everyone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from newsletter_mailer.compiling.email import CompiledEmail
from tests.browser import chromium
from tests.test_compiling import variant_for

pytestmark = pytest.mark.browser

READER = {
    "greeting": "Dear Zoë,",
    "first_name": "Zoë",
    "name": "Zoë O'Neill",
    "agency_name": "Children's social care and early help",
    "email": "zoe@example.org",
    "preferences_url": "https://newsletter.example.org/preferences/x",
    "unsubscribe_url": "https://newsletter.example.org/unsubscribe/x",
}

_WIDER_THAN_THE_PAGE = "document.documentElement.scrollWidth > window.innerWidth"
_BROKEN_WORDS = """() => [...document.querySelectorAll('table.data th, table.data td')]
    .filter(cell => getComputedStyle(cell).wordBreak !== 'normal').length"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests here."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def pages(
    tmp_path_factory: pytest.TempPathFactory, compiled: dict[int, tuple[CompiledEmail, ...]]
) -> dict[tuple[int, str], Path]:
    """Merged mails of three agencies as files."""
    folder = tmp_path_factory.mktemp("pages")
    files = {}
    for number, emails in compiled.items():
        for agency in ("gp", "primary-schools", "police"):
            email = variant_for(emails, agency)
            for image in email.images:
                (folder / image.name).write_bytes(image.path.read_bytes())
            path = folder / f"{number}-{agency}.html"
            path.write_text(email.html_with_images("").fill(READER), encoding="utf-8")
            files[number, agency] = path
    return files


@pytest.mark.parametrize("number", [1, 6])
@pytest.mark.parametrize("agency", ["gp", "primary-schools", "police"])
@pytest.mark.parametrize("width", [375, 600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_mail_reads_well_in_a_browser(
    browser: Browser,
    pages: dict[tuple[int, str], Path],
    number: int,
    agency: str,
    width: int,
    scheme: Literal["light", "dark"],
) -> None:
    """Standards mode, no sideways scrolling, no word broken in a table, no WCAG 2.2 A/AA fault."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(pages[number, agency].as_uri())
    assert page.evaluate("document.compatMode") == "CSS1Compat"
    assert not page.evaluate(_WIDER_THAN_THE_PAGE)
    assert page.evaluate(_BROKEN_WORDS) == 0
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found = Axe().run(
        page, options={"runOnly": {"type": "tag", "values": tags}, "resultTypes": ["violations"]}
    )
    page.close()
    assert found.violations_count == 0, found.generate_report()
