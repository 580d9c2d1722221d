"""Mails in a real browser: readable at every width, in light and dark, by everyone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from newsletter_mailer.compiling.email import CompiledEmail
from tests.browser import assert_reads_well, chromium, write_page
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
            files[number, agency] = write_page(email, folder, f"{number}-{agency}", READER)
    return files


@pytest.mark.parametrize("number", [1, 6])
@pytest.mark.parametrize("agency", ["gp", "primary-schools", "police"])
def test_a_mail_reads_well_in_a_browser(
    browser: Browser, pages: dict[tuple[int, str], Path], number: int, agency: str
) -> None:
    """Standards mode, no sideways scrolling, no word broken in a table, no WCAG 2.2 A/AA fault."""
    assert_reads_well(browser, pages[number, agency], 375, 600)


def test_faint_words_are_found_in_whatever_page_they_are(browser: Browser, tmp_path: Path) -> None:
    """Contrast that was enough in one page is measured in another where words are fainter.

    Or on another ground, or see-through, or were hidden before.
    """
    words = '<p style="{}">Some words</p><div style="{}"><p style="{}">and more</p></div>'
    plain = ("color:#333", "background:#fff", "color:#006")
    path = tmp_path / "page.html"

    def write(*styles: str) -> None:
        head = '<!DOCTYPE html><html lang="en"><head><title>A page</title></head>'
        path.write_text(f"{head}<body><main>{words.format(*styles)}</main></body></html>")

    write("color:#999;display:none", *plain[1:])
    assert_reads_well(browser, path, 400)
    write(*plain)
    assert_reads_well(browser, path, 400)
    for at, style in ((0, "color:#999"), (1, "background:#446"), (2, "color:#006;opacity:.3")):
        write(*(style if number == at else each for number, each in enumerate(plain)))
        with pytest.raises(AssertionError, match="color-contrast"):
            assert_reads_well(browser, path, 400)
