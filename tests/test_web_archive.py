"""The archive over HTTP: what it lists and shows, for readers, programs and caches."""

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lxml.etree
import lxml.html
import pytest
from icalendar import Calendar
from sqlalchemy import update

from newsletter_mailer.store.archive_tables import archive_issue, archive_page
from newsletter_mailer.store.engine import writing
from newsletter_mailer.store.tables import campaign
from tests.office import Office, part_of
from tests.projects import copied_project
from tests.under_way import freeze
from tests.websites import BASE, NOW, Website, website

ATOM = {"a": "http://www.w3.org/2005/Atom"}
MAP = {"m": "http://www.sitemaps.org/schemas/sitemap/0.9"}
ISSUE = "/archive/06-autumn-2018"


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """An office that has sent both shipped issues, with pictures hosted in the second."""
    made = Office(copied_project(tmp_path_factory.mktemp("sent") / "project"))
    made.subscribe(12)
    made.ok("send", "1", "--yes")
    made.ok("send", "6", "--yes", NEWSLETTER_SEND__IMAGES="hosted")
    return made


@pytest.fixture(scope="module")
def web(sent: Office) -> Iterator[Website]:
    """Its pages."""
    with website(sent.folder) as made:
        yield made


def parsed(html: str) -> Any:  # noqa: ANN401 - what XPath gives has many types
    """A page, for XPath."""
    return lxml.html.fromstring(html)


def xml(content: bytes) -> Any:  # noqa: ANN401 - the same
    """A document, for XPath."""
    return lxml.etree.fromstring(content)


def words(html: str) -> str:
    """The words of a page."""
    return " ".join(str(parsed(html).xpath("string(//body)")).split())


def test_the_list_names_every_issue_that_was_sent(web: Website) -> None:
    """Newest first, with number, date, description, and a link that leads somewhere."""
    page = web.get("/archive")
    assert page.status_code == 200
    tree = parsed(page.text)
    links = tree.xpath("//ol[@class='issues']//h2/a")
    assert [link.get("href") for link in links] == [ISSUE, "/archive/01-summer-2017"]
    assert "Safeguarding news, issue 6" in links[0].text
    assert "Autumn 2018" in words(page.text)
    assert all(web.get(link.get("href")).status_code == 200 for link in links)


def test_an_issue_is_shown_as_the_agency_gets_it(web: Website) -> None:
    """The bar's form leads to another agency's version, which names that agency."""
    default = web.get(ISSUE)
    options = parsed(default.text).xpath("//select[@name='for']//option")
    assert [one.get("value") for one in options] == list(web.site.registry.by_id)
    assert [one.get("value") for one in options if one.get("selected") is not None] == ["other"]
    switched = web.get(f"{ISSUE}?for=gp")
    assert (switched.status_code, switched.headers["location"]) == (303, f"{ISSUE}/gp")
    page = web.get(f"{ISSUE}/gp").text
    assert f"For {web.site.registry.agency('gp').name}:" in words(page)
    shared = web.get(f"{ISSUE}/opticians") if "opticians" in web.site.registry.by_id else None
    assert shared is None or web.site.registry.agency("opticians").name in words(shared.text)


def test_every_agency_has_its_own_page(web: Website) -> None:
    """33 pages for 33 agencies, each with its own name chosen in the bar, none personal."""
    for id_, agency in web.site.registry.by_id.items():
        tree = parsed(web.get(f"{ISSUE}/{id_}").text)
        assert tree.xpath("//option[@selected]/text()") == [agency.name]
        hrefs = tree.xpath("//a/@href")
        assert not [href for href in hrefs if "/preferences/" in href or "/unsubscribe/" in href]
        assert "{{" not in lxml.html.tostring(tree, encoding="unicode")


def test_mails_link_to_pages_that_are_there(sent: Office, web: Website) -> None:
    """The web version, each picture and each calendar file that a mail links to are served."""
    asked = set()
    for mail in sent.mails():
        html = part_of(mail, "html")
        asked |= set(re.findall(rf'{BASE}(/archive/[^"#]+)', html))
    assert any("/images/" in path for path in asked)
    assert any("/events/" in path for path in asked)
    assert any(path.count("/") == 3 for path in asked)
    for path in asked:
        answer = web.get(path)
        assert answer.status_code == 200, path
        if "/images/" in path:
            assert answer.headers["content-type"].startswith("image/")
            assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        elif path.endswith(".ics"):
            assert Calendar.from_ical(answer.text).walk("VEVENT")


def test_a_page_is_safe(web: Website) -> None:
    """No script may run on an issue's page, and its own styles are the only exception made."""
    policy = web.get(ISSUE).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "style-src 'self' 'unsafe-inline'" in policy
    assert "unsafe-inline" not in web.get("/archive").headers["content-security-policy"]
    assert not parsed(web.get(ISSUE).text).xpath("//script")


@pytest.mark.parametrize(
    "path",
    ["/archive", ISSUE, f"{ISSUE}/gp", "/archive/feed.atom", "/sitemap.xml", "/archive/events.ics"],
)
def test_what_was_fetched_before_is_not_sent_again(web: Website, path: str) -> None:
    """Who holds the page gets 304 and no body; whoever holds another gets all of it."""
    first = web.get(path)
    tag, since = first.headers["etag"], first.headers["last-modified"]
    assert "public" in first.headers["cache-control"]
    for held in (
        {"if-none-match": tag},
        {"if-none-match": f'"other", {tag}'},
        {"if-none-match": "*"},
        {"if-modified-since": since},
    ):
        again = web.client.request("GET", path, headers=held)
        assert (again.status_code, again.content) == (304, b""), held
        assert again.headers["etag"] == tag
    for held in (
        {"if-none-match": '"other"'},
        {"if-none-match": '"other"', "if-modified-since": since},
        {"if-modified-since": "Sat, 01 Jan 2000 00:00:00 GMT"},
        {"if-modified-since": "yesterday"},
    ):
        assert web.client.request("GET", path, headers=held).status_code == 200, held


def test_compressed_only_for_who_takes_it(web: Website) -> None:
    """The same page, compressed for a browser and plain for a program that does not ask."""
    squeezed = web.client.request("GET", ISSUE, headers={"accept-encoding": "br, gzip"})
    plain = web.client.request("GET", ISSUE, headers={"accept-encoding": "identity"})
    refused = web.client.request("GET", ISSUE, headers={"accept-encoding": "gzip;q=0"})
    assert squeezed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert "content-encoding" not in refused.headers
    assert squeezed.text == plain.text == refused.text
    assert squeezed.headers["vary"] == "accept-encoding"


@pytest.mark.parametrize(
    "path",
    [
        "/archive/99-never",
        f"{ISSUE}/no-such-agency",
        f"{ISSUE}?for=no-such-agency",
        f"{ISSUE}?for=//evil.example.org",
        f"{ISSUE}/images/none.png",
        f"{ISSUE}/events/..%2F..%2Fissue.yaml",
        "/archive?page=2",
        "/archive/search?q=grooming&page=9",
    ],
)
def test_what_is_not_there_is_not_found(web: Website, path: str) -> None:
    """A page of ours says so, and no address leads elsewhere."""
    answer = web.get(path)
    assert answer.status_code == 404
    assert "Page not found" in answer.text


def test_a_feed_is_valid(web: Website) -> None:
    """Atom and RSS name both issues, with the fields that their specifications ask for."""
    feed = xml(web.get("/archive/feed.atom").content)
    assert feed.tag == f"{{{ATOM['a']}}}feed"
    for field in ("id", "title", "updated", "author/a:name"):
        assert feed.xpath(f"string(a:{field})", namespaces=ATOM), field
    entries = feed.xpath("a:entry", namespaces=ATOM)
    assert len(entries) == 2
    for entry in entries:
        for field in ("id", "title", "updated", "summary"):
            assert entry.xpath(f"string(a:{field})", namespaces=ATOM), field
        href = entry.xpath("string(a:link/@href)", namespaces=ATOM)
        assert web.get(href.removeprefix(BASE)).status_code == 200
    rss = xml(web.get("/archive/feed.rss").content)
    assert rss.tag == "rss"
    for field in ("title", "link", "description"):
        assert rss.xpath(f"string(channel/{field})"), field
    assert len(rss.xpath("channel/item[title][link][guid][pubDate]")) == 2


def test_the_sitemap_is_valid(web: Website) -> None:
    """Each address in it is a page of ours, and the canonical address of itself."""
    tree = xml(web.get("/sitemap.xml").content)
    found = tree.xpath("m:url/m:loc/text()", namespaces=MAP)
    assert len(found) == len(set(found)) == 4
    for url in found[2:]:
        page = web.get(url.removeprefix(BASE))
        canonical = parsed(page.text).xpath("//link[@rel='canonical']/@href")
        assert canonical == [url]
    assert f"Sitemap: {BASE}/sitemap.xml" in web.get("/robots.txt").text


def test_the_calendar_holds_every_event(sent: Office, web: Website) -> None:
    """One calendar with the events of all issues, each once."""
    answer = web.get("/archive/events.ics")
    assert answer.headers["content-type"].startswith("text/calendar")
    events = Calendar.from_ical(answer.text).walk("VEVENT")
    alone = set()
    for name in ("01-summer-2017", "06-autumn-2018"):
        for mail in (sent.folder / "var" / "outbox" / name).glob("*.eml"):
            text = mail.read_bytes().replace(b"=\r\n", b"").decode("latin-1")
            alone |= set(re.findall(r"/archive/([^/]+/events/[^\s\"?=]+\.ics)", text))
    assert len(events) == len({str(event["uid"]) for event in events}) == len(alone) > 0


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("online grooming", True),
        ("GROOMED onl", True),  # other forms, and the beginning of the last word
        ("domestic abuse audit", True),
        ("zebra crossing", False),
        ('") OR zebra --', False),
        ("grooming NOT zebra", False),
        ("NEAR(*zebra", False),
        ("", False),
    ],
)
def test_searching(web: Website, asked: str, found: bool) -> None:
    """Articles are found by words of title and text; signs of a query language are only text."""
    answer = web.client.request("GET", "/archive/search", params={"q": asked})
    assert answer.status_code == 200
    tree = parsed(answer.text)
    links = tree.xpath("//ol[@class='issues']//h2/a/@href")
    assert bool(links) is found
    for link in links:
        path, _, anchor = link.partition("#")
        page = parsed(web.get(path).text)
        assert page.xpath(f"//*[@id='{anchor}']"), link
    assert tree.xpath("//input[@name='q']/@value") == [asked]
    assert bool(tree.xpath("//mark")) is found


def test_what_was_asked_is_shown_as_text(web: Website) -> None:
    """Markup in a search is no markup on the page."""
    asked = "<script>alert(1)</script> {{7*7}}"
    page = web.client.request("GET", "/archive/search", params={"q": asked}).text
    assert "<script" not in page
    assert parsed(page).xpath("//input[@name='q']/@value") == [asked]


def test_an_issue_is_listed_when_it_was_sent_and_readable_when_it_begins(project: Path) -> None:
    """Before anything leaves, nothing is shown; while it leaves, by its address only."""
    office = Office(project)
    office.subscribe(3)
    freeze(office).unlink()
    with website(project) as made:
        begun(made, None)
        assert made.get(ISSUE).status_code == 404
        assert made.get("/archive/06-autumn-2018/gp").status_code == 404
        begun(made, NOW)
        early = made.get(ISSUE)
        assert early.status_code == 200
        assert early.headers["x-robots-tag"] == "noindex"
        assert "No issue has been sent yet" in made.get("/archive").text
        assert b"06-autumn" not in made.get("/sitemap.xml").content
        search = made.client.request("GET", "/archive/search", params={"q": "grooming"})
        assert "No article" in search.text
    office.ok("send", "6", "--yes")
    with website(project) as made:
        late = made.get(ISSUE)
        assert "x-robots-tag" not in late.headers
        assert ISSUE in made.get("/archive").text


def test_what_was_sent_stays_whatever_becomes_of_the_files(sent: Office, web: Website) -> None:
    """Edits of an issue's files after it was sent do not reach the archive."""
    article = sent.folder / "issues" / "01-summer-2017" / "articles" / "welcome.md"
    before = web.get("/archive/01-summer-2017").text
    kept = article.read_text(encoding="utf-8")
    article.write_text(kept + "\nCompletely different.\n", encoding="utf-8")
    assert web.get("/archive/01-summer-2017").text == before
    article.write_text(kept, encoding="utf-8")


def test_many_issues_are_shown_in_pages(project: Path) -> None:
    """500 issues make 25 pages that name each of them once; feeds stay short."""
    office = Office(project)
    office.subscribe(1)
    office.ok("send", "6", "--yes")
    with website(project) as made:
        many(made, 500)
        seen: list[str] = []
        path = "/archive"
        while path:
            tree = parsed(made.get(path).text)
            seen += tree.xpath("//ol[@class='issues']//h2/a/@href")
            path = next(iter(tree.xpath("//a[@rel='next']/@href")), "")
        assert len(seen) == len(set(seen)) == 500
        feed = xml(made.get("/archive/feed.atom").content)
        assert len(feed.xpath("a:entry", namespaces=ATOM)) == 20
        urls = xml(made.get("/sitemap.xml").content)
        assert len(urls) == 502


def begun(made: Website, when: dt.datetime | None) -> None:
    """Let the campaign have begun then, or be scheduled."""
    with writing(made.engine) as connection:
        connection.execute(update(campaign).values(started_at=when))


def many(made: Website, number: int) -> None:
    """Copies of the one issue that was sent, until there are so many."""
    with writing(made.engine) as connection:
        first = connection.execute(campaign.select()).mappings().one()
        shelf = connection.execute(archive_issue.select()).mappings().one()
        page = (
            connection.execute(archive_page.select().where(archive_page.c.agency == "other"))
            .mappings()
            .one()
        )
        for n in range(1, number):
            name = f"{n:03d}-copy"
            id_ = connection.execute(
                campaign.insert()
                .values({**first, "id": None, "name": name, "issue": name, "token": name})
                .returning(campaign.c.id)
            ).scalar_one()
            whose = {"campaign_id": id_}
            connection.execute(
                archive_issue.insert().values({**shelf, **whose, "issue": name, "number": n})
            )
            connection.execute(archive_page.insert().values({**page, **whose}))
        connection.execute(update(campaign).values(state="done"))
