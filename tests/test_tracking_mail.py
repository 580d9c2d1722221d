"""Pixels and counted links in real mail: who gets them, where they stand, and who never does."""

import re
import sqlite3
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path

import pytest

from newsletter_mailer.compiling.merge import Segments
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.sending.counted import countable, with_links, with_pixel
from newsletter_mailer.sending.personal_links import signer
from tests.office import Office, part_of, read_mail

KEY = {"NEWSLETTER_SECRET_KEY": "k" * 32}
OPEN = re.compile(r"https?://[^/\"]+/open/([A-Za-z0-9_.=-]+)")
CLICK = re.compile(r"https?://[^/\"]+/click/([A-Za-z0-9_.=-]+)")


def _everyone(office: Office, registry: Registry) -> None:
    """Two subscribers of every agency; the second of each agreed to tracking."""
    rows = [f"{id_}.{n}@example.org,Reader,{id_}" for id_ in registry.by_id for n in (1, 2)]
    people = office.folder / "people.csv"
    people.write_text("email,name,agency\n" + "\n".join(rows) + "\n", encoding="utf-8")
    office.ok("subscribers", "import", str(people))
    with closing(sqlite3.connect(office.folder / "var" / "newsletter.db")) as database, database:
        database.execute(
            "INSERT INTO preference (subscriber_id, tracking) SELECT id, true FROM subscriber "
            "WHERE email LIKE '%.2@example.org'"
        )


def _mails(office: Office) -> list[EmailMessage]:
    """Every message of every campaign in the outbox."""
    return [read_mail(path) for path in sorted((office.folder / "var" / "outbox").rglob("*.eml"))]


def _whole(mail: EmailMessage) -> str:
    """All of a message: its header, and the decoded text of every part."""
    head = "\n".join(f"{name}: {value}" for name, value in mail.items())
    bodies = [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
    return "\n".join([head, *bodies])


def _token(purpose: str, token: str) -> list[int]:
    found: list[int] = signer("k" * 32, purpose).loads(token)
    return found


@pytest.mark.parametrize("clicks", ["false", "true"])
def test_only_mail_to_those_who_agreed_is_counted(
    project: Path, registry: Registry, clicks: str
) -> None:
    """In every variant of both samples: one early pixel for who agreed, for others none at all."""
    office = Office(project)
    office.ok("subscribers", "count")
    _everyone(office, registry)
    for issue in ("1", "6"):
        office.ok("send", issue, "--yes", "--accept-unknown", "all",
                  NEWSLETTER_TRACKING__CLICKS=clicks, **KEY)  # fmt: skip
    mails = _mails(office)
    assert len(mails) == 2 * 2 * len(registry.by_id)
    for mail in mails:
        whole, html = _whole(mail), part_of(mail, "html")
        if ".1@" in mail["To"]:
            assert "/open/" not in whole
            assert "/click/" not in whole
            assert not re.search(r'<img[^>]*width="1"', html)
            continue
        (found,) = OPEN.finditer(html)
        assert len(OPEN.findall(whole)) == 1
        campaign_id, subscriber_id = _token("open", found[1])
        assert subscriber_id > 0
        assert campaign_id > 0
        assert re.search(r"<body\b[^>]*>", html[: found.start()])
        assert len(html[: found.start()].partition("<body")[2]) < 1_000
        counted = CLICK.findall(html)
        assert bool(counted) == (clicks == "true")
        assert "/click/" not in part_of(mail, "plain")
        for token in counted:
            assert _token("click", token)[:2] == [campaign_id, subscriber_id]


def test_the_office_can_switch_pixels_off(project: Path) -> None:
    """With `tracking.opens` false nobody gets a pixel, whatever they agreed to."""
    office = Office(project)
    office.subscribe(2)
    with closing(sqlite3.connect(project / "var" / "newsletter.db")) as database, database:
        database.execute(
            "INSERT INTO preference (subscriber_id, tracking) SELECT id, true FROM subscriber"
        )
    office.ok("send", "6", "--yes", "--accept-unknown", "all", NEWSLETTER_TRACKING__OPENS="false")
    assert len(office.mails()) == 2
    assert not [mail for mail in office.mails() if "/open/" in _whole(mail)]


def test_a_pixel_needs_a_body() -> None:
    """The field stands right behind the tag that opens the body, wherever fields cut the text."""
    mail = with_pixel(Segments.of('<head>{{name}}</head><body class="a">{{email}}</body>'))
    assert str(mail) == '<head>{{name}}</head><body class="a">{{open_pixel}}{{email}}</body>'
    assert with_pixel(Segments.of("no body {{name}}")) == Segments.of("no body {{name}}")


def test_only_links_to_pages_of_others_are_counted() -> None:
    """Never mailto, tel, unsubscribing, preferences, the archive, anchors, links with a field."""
    mail = Segments.of(
        '<a href="https://a.example/?x=1&amp;y=2">a</a> <a class="b" href="http://b.example/">b</a>'
        '<a href="mailto:x@example.org">m</a> <a href="tel:01160000000">t</a> <a href="#top">u</a>'
        '<a href="{{unsubscribe_url}}">leave</a> <a href="{{preferences_url}}">p</a>'
        '<a href="https://news.example.org/archive/6">archive</a>'
        '<a href="https://NEWS.example.org/unsubscribe/x">leave</a>'
        '<link href="https://c.example/style.css"><a href="https://a.example/?x=1&amp;y=2">a</a>'
    )
    urls = countable(mail, "https://news.example.org")
    assert urls == ["https://a.example/?x=1&y=2", "http://b.example/"]
    counted = with_links(mail, {url: at for at, url in enumerate(urls)})
    assert [name for name in counted.fields if name.startswith("link:")] == [
        "link:0",
        "link:1",
        "link:0",
    ]
    values = {name: f"{{{{{name}}}}}" for name in mail.fields}
    plain = {"link:0": "https://a.example/?x=1&amp;y=2", "link:1": "http://b.example/"}
    assert counted.fill(values | plain) == str(mail)
