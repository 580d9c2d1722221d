"""The web version: a variant as a page for the archive, with nobody's data in it."""

import re

import pytest
from lxml import etree

from newsletter_mailer.compiling.compiler import Compiler
from newsletter_mailer.compiling.email import CompiledEmail, WebPage
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.document import Issue
from newsletter_mailer.settings import Settings
from tests.test_compiling import found, parsed, words_in

BASE = "https://newsletter.example.org"


@pytest.fixture(scope="module")
def pages(
    settings: Settings, registry: Registry, shipped: dict[int, Issue]
) -> dict[int, tuple[WebPage, ...]]:
    """The web versions of the shipped issues."""
    return {n: Compiler(settings).web_pages(issue, registry) for n, issue in shipped.items()}


def meta(tree: etree._Element, name: str) -> list[str]:
    """The values of a meta element."""
    return found(tree, f"//meta[@name='{name}' or @property='{name}']/@content")


def test_each_variant_has_its_page(
    pages: dict[int, tuple[WebPage, ...]], compiled: dict[int, tuple[CompiledEmail, ...]]
) -> None:
    """Pages and mails go by the same names, for the same agencies."""
    for number, made in pages.items():
        names = [(page.name, page.agencies) for page in made]
        assert names == [(email.name, email.agencies) for email in compiled[number]]


def test_a_page_introduces_itself(pages: dict[int, tuple[WebPage, ...]]) -> None:
    """Title, description, canonical address and social card are there; one main, one h1."""
    for page in pages[6]:
        tree = parsed(page.html)
        assert found(tree, "//title/text()") == ["Safeguarding news, issue 6, Autumn 2018"]
        assert len(meta(tree, "description")[0]) > 30
        where = f"{BASE}/archive/06-autumn-2018/{page.name}"
        assert found(tree, "//link[@rel='canonical']/@href") == [where]
        assert meta(tree, "og:url") == [where]
        assert meta(tree, "og:title") == found(tree, "//title/text()")
        picture = meta(tree, "og:image")[0]
        assert re.fullmatch(f"{BASE}/archive/06-autumn-2018/images/festival-[0-9a-f]+.png", picture)
        assert len(found(tree, "//*[@role='main']/@lang")) == 1
        assert len(found(tree, "//h1/text()")) == 1


def test_a_page_holds_nothing_personal(pages: dict[int, tuple[WebPage, ...]]) -> None:
    """No greeting, no address, no personal link, no merge field, no preheader."""
    for page in pages[1] + pages[6]:
        assert "{{" not in page.html
        words = words_in(page.html)
        assert "You get this" not in words
        assert "Dear " not in words
        assert "View this newsletter in your browser" not in words
        links = found(parsed(page.html), "//a/@href")
        assert not any("unsubscribe" in link or "preferences" in link for link in links)
        assert f"{BASE}/" in links


def test_a_page_says_what_the_mail_says(
    pages: dict[int, tuple[WebPage, ...]], compiled: dict[int, tuple[CompiledEmail, ...]]
) -> None:
    """Every article heading of the mail is on the page, in the same order."""
    for number, made in pages.items():
        for page, email in zip(made, compiled[number], strict=True):
            path = "//h2[@id]/@id"
            assert found(parsed(page.html), path) == found(parsed(str(email.html)), path)
