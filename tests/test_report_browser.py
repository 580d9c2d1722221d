"""The report's page in a real browser: for everyone, on a phone, in the dark, and on one sheet."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from newsletter_mailer.reporting.page import page
from newsletter_mailer.reporting.report import Report
from newsletter_mailer.settings import load_settings
from tests.browser import assert_reads_well, chromium, take_picture
from tests.projects import ROOT
from tests.report_pages import fullest, largest, usual

pytestmark = pytest.mark.browser

SHEET = {"width": 703, "height": 1047}
"""A4 between the margins of the page, in pixels of a 96th of an inch."""

_CUT = """() => [...document.querySelectorAll('.ranges, .stacked, .time')].flatMap((chart) =>
    [...chart.querySelectorAll('text')].filter((text) => {
        const box = text.getBoundingClientRect(), sheet = document.body.getBoundingClientRect();
        return box.width && (box.left < sheet.left - 1 || box.right > sheet.right + 1);
    }).map((text) => text.textContent))"""

_COVERED = """() => [...document.querySelectorAll('.ranges .row')].filter((row) => {
    const shown = [...row.querySelectorAll('text, .range, .hidden')]
        .map((each) => each.getBoundingClientRect()).filter((box) => box.width);
    return shown.some((one, at) => shown.slice(at + 1).some((other) =>
        one.left < other.right - 1 && other.left < one.right - 1
        && one.top < other.bottom - 3 && other.top < one.bottom - 3));
}).map((row) => row.textContent)"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for this file."""
    with chromium() as running:
        yield running


def written(report: Report, folder: Path, name: str) -> Path:
    """A report's page as a file."""
    path = folder / f"report-{name}.html"
    path.write_text(page(report, load_settings(ROOT)), encoding="utf-8")
    return path


@pytest.fixture(params=[usual, fullest, largest], ids=["usual", "fullest", "largest"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A page of a size."""
    return written(request.param(), tmp_path, request.param.__name__)


def test_it_reads_well(browser: Browser, tmp_path: Path) -> None:
    """Axe finds nothing, nothing is too wide: phone and desk, light and dark, tables open."""
    made = written(usual(), tmp_path, "usual")
    text = made.read_text(encoding="utf-8")
    made.write_text(text.replace("<details>", "<details open>"), encoding="utf-8")
    assert_reads_well(browser, made, 375, 1200)


def test_it_prints_on_one_sheet(browser: Browser, made: Path) -> None:
    """One page of A4, with nothing cut off or covered, and every chart on it but the sectors'."""
    shown = browser.new_page(viewport=SHEET)  # type: ignore[arg-type]
    shown.goto(made.as_uri())
    shown.emulate_media(media="print")
    take_picture(shown, f"{made.stem}-paper")
    height = shown.evaluate("document.documentElement.scrollHeight")
    assert height <= SHEET["height"]
    assert shown.evaluate(_CUT) == []
    assert shown.evaluate(_COVERED) == []
    seen = shown.evaluate(
        "() => [...document.querySelectorAll('figure > svg')]"
        ".filter((each) => each.getBoundingClientRect().height).map((each) => each.id).sort()"
    )
    assert seen == ["agencies", "earlier", "outcomes", "time"]
    pdf = shown.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
    assert re.findall(rb"/MediaBox\s*\[0 0 59[45]\S* 84[12]", pdf)
    shown.close()


@pytest.mark.parametrize("width", [375, 1200])
def test_no_name_stands_on_a_bar(browser: Browser, made: Path, width: int) -> None:
    """Names, bars and figures stand apart, also where names are long."""
    shown = browser.new_page(viewport={"width": width, "height": 900})
    shown.goto(made.as_uri())
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    assert shown.evaluate(_CUT) == []
    assert shown.evaluate(_COVERED) == []
    shown.close()
