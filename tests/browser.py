"""A real browser, Debian's Chromium, for looking at mails and pages."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from newsletter_mailer.compiling.email import CompiledEmail

SCREENSHOTS = Path(__file__).parent.parent / "var" / "screenshots"
"""What the tests saw, for whoever wants to look: where NEWSLETTER_TESTS_PICTURES is set.

A picture of a long page takes as long as all that is looked at in it.
"""

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


SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

# The kinds of words in a page: all that their contrast depends on, which is their colour, their
# size, and what they are in. First those that are there, then those that axe surely measures.
# Nothing where the words of a field are shown, or an element is moved, maybe over another.
_KINDS_OF_WORDS = r"""() => {
    const grounds = new Map(), shown = new Set(), sure = new Set();
    for (const each of [document.documentElement, ...document.querySelectorAll('body, body *')]) {
        const look = getComputedStyle(each), box = each.getBoundingClientRect();
        const own = [look.backgroundColor, look.backgroundImage, look.opacity, look.filter,
            look.mixBlendMode].join();
        const ground = (grounds.get(each.parentElement) ?? '')
            + (own === 'rgba(0, 0, 0, 0),none,1,none,normal' ? '' : ` on ${own}`);
        grounds.set(each, ground);
        if (look.display === 'none' || !each.getClientRects().length) continue;
        if (look.position !== 'static' || look.transform !== 'none' || look.float !== 'none'
            || / -|^-/.test(look.margin) || each.matches('input, select, textarea')) return null;
        const texts = [...each.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
        const words = texts.map((text) => text.data).join('').trim();
        if (!words) continue;
        const kind = [look.color, look.fontSize, look.fontWeight, look.textShadow].join() + ground;
        shown.add(kind);
        if (/[\p{L}\p{N}]{2}/u.test(words) && look.visibility === 'visible' && box.width > 1
            && box.height > 1 && !each.closest('[aria-hidden], [aria-disabled], label'))
            sure.add(kind);
    }
    return [[...shown], [...sure]];
}"""

_measured: set[str] = set()
"""The kinds of words whose contrast is known to be enough."""


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


def take_picture(page: Page, name: str, *, full_page: bool = True) -> None:
    """Keep what a page looks like, if pictures are wanted."""
    if os.environ.get("NEWSLETTER_TESTS_PICTURES"):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=full_page)


def faults(page: Page, *, frames: bool = True, contrast: bool = True) -> str:
    """What axe finds against WCAG 2.2 A and AA, in words; empty where all is well."""
    # It stays in a page until another is opened.
    axe = Axe("0") if page.evaluate("'axe' in window") else Axe()
    options = _WCAG | ({} if contrast else {"rules": {"color-contrast": {"enabled": False}}})
    context = {} if frames else {"exclude": [["iframe"]]}
    found = axe.run(page, context=context, options=options)
    return str(found.generate_report()) if found.violations_count else ""


def assert_reads_well(browser: Browser, path: Path, *widths: int) -> None:
    """A file holds what `assert_looks_well` asks of a page, at each width, in light and in dark."""
    page = browser.new_page()
    try:
        page.goto(path.as_uri())
        assert_looks_well(page, path.stem, *widths)
    finally:
        page.close()


def assert_looks_well(page: Page, name: str, *widths: int) -> None:
    """Standards mode, no sideways scrolling, no word broken in a table, no WCAG 2.2 A/AA fault.

    At each width, in light and in dark. Contrast takes most of the time: it is measured where
    words stand in a colour, a size or on a ground in which none were measured before.
    """
    for width, scheme in product(widths, SCHEMES):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        take_picture(page, f"{name}-{width}-{scheme}")
        assert page.evaluate("document.compatMode") == "CSS1Compat"
        assert not page.evaluate(_WIDER_THAN_THE_PAGE), (name, width, scheme)
        assert page.evaluate(_BROKEN_WORDS) == [], (name, width, scheme)
        kinds: list[list[str]] | None = page.evaluate(_KINDS_OF_WORDS)
        contrast = kinds is None or not _measured.issuperset(kinds[0])
        found = faults(page, contrast=contrast)
        assert not found, f"{name} {width} {scheme}: {found}"
        if contrast and kinds:
            _measured.update(kinds[1])
