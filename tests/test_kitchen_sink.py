"""An invented issue with everything in it: it reads, is covered, compiles, and reads well."""

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from playwright.sync_api import Browser

from newsletter_mailer.checking.coverage import coverage
from newsletter_mailer.compiling.compiler import Compiler
from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.document import (
    Block,
    Event,
    Issue,
    KeyFigures,
    Only,
    Table,
    walk,
)
from newsletter_mailer.reading.fields import LINK_FIELDS, TEXT_FIELDS
from newsletter_mailer.reading.issue import read_issue
from newsletter_mailer.settings import Settings
from tests.browser import assert_reads_well, chromium, write_page
from tests.test_browser import READER
from tests.test_compiling import variant_for

FOLDER = Path(__file__).parent / "fixtures" / "kitchen-sink" / "42-spring-2031"
AGENCIES = ("gp", "primary-schools", "housing")


@pytest.fixture(scope="module")
def issue(registry: Registry) -> Issue:
    """The invented issue, read with the shipped registry."""
    return read_issue(FOLDER, registry)[0]


@pytest.fixture(scope="module")
def emails(issue: Issue, registry: Registry, settings: Settings) -> tuple[CompiledEmail, ...]:
    """Its variants."""
    return Compiler(settings).compile(issue, registry)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests here."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def pages(
    emails: tuple[CompiledEmail, ...], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Merged mails of three agencies as files."""
    folder = tmp_path_factory.mktemp("kitchen-sink")
    return {
        agency: write_page(variant_for(emails, agency), folder, agency, READER)
        for agency in AGENCIES
    }


def blocks(issue: Issue) -> Iterator[Block]:
    """Every block of the issue."""
    return (block for article in issue.every_article for block in walk(article.blocks))


def test_it_reads_without_findings_and_reaches_everyone(registry: Registry) -> None:
    """No mistake, no warning; every part reaches somebody, and nobody is left with an empty one."""
    issue, findings = read_issue(FOLDER, registry)
    assert findings == []
    assert coverage(issue, registry) == []


def test_it_holds_every_kind_of_block(issue: Issue) -> None:
    """No kind is missing, so what is tested with this issue is tested for all kinds."""
    assert {type(block) for block in blocks(issue)} == set(get_args(Block))
    assert any(article.only_for for article in issue.articles)
    assert any(article.first_for for article in issue.articles)
    assert any(isinstance(block, Only) for block in blocks(issue))


def test_it_holds_every_size_of_figures_and_tables(issue: Issue) -> None:
    """One, two and three key figures; tables of 2, 3 and 5 columns; days with and without times."""
    kinds = list(blocks(issue))
    assert {len(b.figures) for b in kinds if isinstance(b, KeyFigures)} == {1, 2, 3}
    captioned = [b for b in kinds if isinstance(b, Table) and b.row_headings]
    assert {len(table.head) for table in captioned} == {2, 3, 5}
    days = [date for b in kinds if isinstance(b, Event) for date in b.dates]
    assert {date.start is None for date in days} == {True, False}


def test_it_holds_every_merge_field() -> None:
    """Each field of the documentation stands in it somewhere."""
    written = "".join(path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.*ml"))
    written += "".join(path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.md"))
    for name in TEXT_FIELDS | LINK_FIELDS:
        assert f"{{{{{name}}}}}" in written


def test_every_word_survives_compiling(emails: tuple[CompiledEmail, ...]) -> None:
    """Emoji, words from right to left, signs of HTML and long words come out as they went in."""
    email = variant_for(emails, "gp")
    html = email.html_with_images("").fill(READER)
    text = " ".join(email.text.fill(READER).split())  # its lines are wrapped
    for word in ("🌊⛵", "👩‍👩‍👧‍👦", "مرحبا بكم", "שלום", "नमस्ते", "你好"):
        assert word in html
        assert word in text
    assert "Less than &lt; greater than &gt; ampersand &amp; " in html
    assert "Less than < greater than > ampersand & " in text
    assert (
        "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" in text
    )
    assert "&amp;#160;" not in html
    assert "{{" not in html + text + email.subject.fill(READER)


def test_each_agency_gets_its_own_parts(emails: tuple[CompiledEmail, ...]) -> None:
    """What is for surgeries, schools, early years and housing is nowhere else."""
    parts = {
        "The tent needs two people.": {"gp", "ccg"},
        "Every crew gets a lesson": {"primary-schools", "secondary-schools", "early-years"},
        "The smallest get it": {"early-years"},
        "Houseboats are boats": {"housing"},
        "Close the quay from noon.": {"police"},
        "Bring a pen.": {"secondary-schools"},
    }
    for words, agencies in parts.items():
        holding = [email for email in emails if words in email.text.fill(READER)]
        assert {agency for email in holding for agency in email.agencies} == agencies


@pytest.mark.browser
@pytest.mark.parametrize("agency", AGENCIES)
def test_it_reads_well_in_a_browser(browser: Browser, pages: dict[str, Path], agency: str) -> None:
    """Standards mode, no sideways scrolling, no word broken in a table, no WCAG 2.2 A/AA fault."""
    assert_reads_well(browser, pages[agency], 375, 600)
