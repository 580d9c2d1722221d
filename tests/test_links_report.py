"""The report of links as a page: valid, readable by everyone, printable, and harmless."""

import datetime as dt
import html
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from newsletter_mailer.checking.links.checked import CheckedLink, checked_links
from newsletter_mailer.checking.links.mention import Mention
from newsletter_mailer.checking.links.mentions import mentions
from newsletter_mailer.checking.links.personal import to_fetch
from newsletter_mailer.checking.links.report import report_html
from newsletter_mailer.checking.links.verdict import Hop, LinkResult, Verdict
from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.findings import Place
from newsletter_mailer.reading.document import Issue
from tests.browser import assert_reads_well, chromium
from tests.test_html_validity import nu_checker, real_errors

NOW = dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC)
HOSTILE = "<script>alert(1)</script>\" onclick='x'"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests here."""
    with chromium() as running:
        yield running


@pytest.fixture
def report(tmp_path: Path, shipped: dict[int, Issue]) -> Path:
    """A report of issue 6 with a link of each verdict, and hostile words of a server."""
    articles = shipped[6].articles
    links = []
    for number, verdict in enumerate(Verdict):
        url = f"https://www.example.org/{'a-long-path/' * 12}{number}?a=1&b=2"
        links.append(
            CheckedLink(
                LinkResult(
                    url,
                    verdict,
                    f"The server said {HOSTILE}",
                    NOW,
                    status=200,
                    chain=(Hop(url, 301), Hop(url + "x", 302)),
                    final_url=url + "xy",
                    media_type="application/pdf",
                    size=1_250_000,
                    seconds=1.25,
                    suggestion="Link to the new page.",
                    replacement=url + "xy",
                ),
                tuple(
                    Mention(Place("issues/06/articles/a.md", line), url, HOSTILE, article.id)
                    for line, article in enumerate(articles[:2], 4)
                ),
                ("gp",) if number % 2 else ("gp", "police"),
            )
        )
    variants = {"gp": "GP practices, Health visitors", "police": "Police"}
    path = tmp_path / "links.html"
    path.write_text(report_html(shipped[6], links, variants, now=NOW), encoding="utf-8")
    return path


def test_the_variants_of_a_link_are_those_whose_mails_hold_it(
    shipped: dict[int, Issue], compiled: dict[int, tuple[CompiledEmail, ...]]
) -> None:
    """For each link of issues 1 and 6 the variants named are exactly those whose HTML has it."""
    for number, issue in shipped.items():
        urls = to_fetch(mentions(issue))
        results = {url: LinkResult(url, Verdict.OK, "", NOW) for url in urls}
        links = checked_links(issue, compiled[number], results)
        assert [link.url for link in links] == list(urls)
        for link in links:
            target = f'href="{html.escape(link.url)}"'
            mails = tuple(mail.name for mail in compiled[number] if target in str(mail.html))
            assert link.variants == mails


@pytest.mark.browser
def test_everybody_can_read_it(browser: Browser, report: Path) -> None:
    """On a phone and on a desk, in light and dark: no WCAG 2.2 A or AA fault, no overflow."""
    assert_reads_well(browser, report, 360, 1280)


def test_it_is_valid_html(report: Path) -> None:
    """The Nu HTML checker finds no error."""
    assert real_errors(nu_checker([report])) == []


def test_it_runs_and_loads_nothing(report: Path) -> None:
    """What a server says is text; there are no scripts, and nothing is fetched on opening."""
    made = report.read_text(encoding="utf-8")
    assert HOSTILE not in made
    assert "&lt;script&gt;" in made
    for sign in ("<script", "<img", "<link ", "@import", "url(", " src="):
        assert sign not in made
    assert "@media print" in made
    assert "1.2 MB" in made


def test_what_needs_eyes_comes_first(report: Path) -> None:
    """In each article broken links come first and good ones last."""
    first = report.read_text(encoding="utf-8").split("<section>")[1]
    order = [part.split("<")[0] for part in first.split('class="verdict">')[1:]]
    assert order[0] == "broken"
    assert order[-1] == "ok"
    assert len(order) == len(Verdict)
