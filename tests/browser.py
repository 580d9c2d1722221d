"""A real browser, Debian's Chromium, for looking at mails and pages."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, sync_playwright

from newsletter_mailer.compiling.email import CompiledEmail

SCREENSHOTS = Path(__file__).parent.parent / "var" / "screenshots"
"""What the tests saw, for whoever wants to look."""

# Without these Chromium calls out to its makers' servers at every start.
_QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

_WCAG = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "resultTypes": ["violations"],
}
_WIDER_THAN_THE_PAGE = "document.documentElement.scrollWidth > window.innerWidth"

# A word is what stands between spaces, hyphens, dashes and slashes, where a line may end.
_BROKEN_WORDS = r"""() => {
    const broken = [];
    for (const cell of document.querySelectorAll('table.data th, table.data td, .figure-now')) {
        const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
        for (let node = walker.nextNode(); node; node = walker.nextNode()) {
            for (const word of node.data.matchAll(/[^\s\u2010-\u2015\/-]+/g)) {
                const range = document.createRange();
                range.setStart(node, word.index);
                range.setEnd(node, word.index + word[0].length);
                const lines = new Set([...range.getClientRects()].map(box => Math.round(box.top)));
                if (lines.size > 1) broken.push(word[0]);
            }
        }
    }
    return broken;
}"""


def chromium_path() -> str:
    """Where Chromium is; skips the test without it, or fails it where nothing may skip."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path:
        return path
    if os.environ.get("NEWSLETTER_TESTS_REQUIRE_ALL"):
        pytest.fail("Chromium is not installed, and NEWSLETTER_TESTS_REQUIRE_ALL is set")
    pytest.skip("Chromium is not installed")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=_QUIET)
        yield browser
        browser.close()


def write_page(email: CompiledEmail, folder: Path, name: str, reader: Mapping[str, str]) -> Path:
    """A mail as a file for a browser, filled in for one reader, with its pictures beside it."""
    for image in email.images:
        (folder / image.name).write_bytes(image.path.read_bytes())
    path = folder / f"{name}.html"
    path.write_text(email.html_with_images("").fill(reader), encoding="utf-8")
    return path


def assert_reads_well(
    browser: Browser, path: Path, width: int, scheme: Literal["light", "dark"]
) -> None:
    """Standards mode, no sideways scrolling, no word broken in a table, no WCAG 2.2 A/AA fault."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    try:
        page.goto(path.as_uri())
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        picture = SCREENSHOTS / f"{path.stem}-{width}-{scheme}.png"
        page.screenshot(path=picture, full_page=True)
        assert page.evaluate("document.compatMode") == "CSS1Compat"
        assert not page.evaluate(_WIDER_THAN_THE_PAGE)
        assert page.evaluate(_BROKEN_WORDS) == []
        found = Axe().run(page, options=_WCAG)
        assert found.violations_count == 0, found.generate_report()
    finally:
        page.close()
