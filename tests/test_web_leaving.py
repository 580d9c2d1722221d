"""Preferences and leaving, behind the links of mails: what they change, and what never does."""

import datetime as dt
import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert

from newsletter_mailer.sending.personal_links import PersonalLinks, signer
from newsletter_mailer.store.engine import writing
from newsletter_mailer.store.tables import metadata, subscriber
from newsletter_mailer.store.tracking_tables import opened
from newsletter_mailer.store.web_tables import audit, consent, leaving_reason, preference, tally
from newsletter_mailer.web.app import application
from newsletter_mailer.web.site import Site
from tests.office import part_of, read_mail
from tests.websites import BASE, KEY, Client, Website, hidden, link_in, website

ASHA = "asha@leicspart.nhs.uk"
OLDER = "o" * 40


@pytest.fixture
def web(project: Path) -> Iterator[Website]:
    """A project with one subscriber."""
    with website(project) as made:
        made.subscribed(ASHA, name="Asha Patel")
        yield made


@pytest.fixture
def leave(web: Website) -> str:
    """The subscriber's unsubscribe link, from a campaign long ago."""
    return web.links.unsubscribe(1, web.person(ASHA).id)


@pytest.fixture
def own(web: Website) -> str:
    """The subscriber's preferences."""
    return web.links.preferences(1, web.person(ASHA).id)


HELD = {"campaign_id": 1, "class": "human", "rule": "", "day": dt.date(2031, 3, 3)}


def everything(web: Website) -> dict[str, list[object]]:
    """All that the database holds, but for counters."""
    tables = [table for table in metadata.sorted_tables if table is not tally]
    return {table.name: [tuple(row) for row in web.rows(table)] for table in tables}


@pytest.mark.parametrize(
    "body",
    [
        {"content": b""},
        {"data": {"List-Unsubscribe": "One-Click"}},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {"content": b"\xff{not a form", "headers": {"content-type": "application/json"}},
        {"data": {"List-Unsubscribe": "One-Click"}, "headers": {"origin": "https://mail.example"}},
    ],
    ids=["empty", "urlencoded", "form-data", "rubbish", "another site"],
)
def test_one_click(web: Website, leave: str, body: dict[str, object]) -> None:
    """RFC 8058: one POST with any body, from anywhere, answered at once; twice does no harm."""
    for _ in range(2):
        answer = web.client.request("POST", leave, **body)
        assert answer.status_code == 200
        assert "You have unsubscribed" in answer.text
    assert web.person(ASHA).status == "unsubscribed"
    assert [row.change for row in web.rows(audit)] == ["left"]


def test_undo_on_the_spot(web: Website, leave: str) -> None:
    """The page that says so has a button to take it back, for an hour."""
    token = hidden(web.post(leave).text, "undo")
    assert "You still get the newsletter" in web.post(f"{leave}/undo", undo=token).text
    assert web.person(ASHA).status == "active"
    web.post(leave)
    web.later(hours=1)
    assert "You have unsubscribed" in web.post(f"{leave}/undo", undo=token).text
    assert web.person(ASHA).status == "unsubscribed"
    assert 'name="undo"' not in web.get(leave).text


def test_a_reason_is_kept_without_the_person(web: Website, leave: str) -> None:
    """One of the listed answers, with the agency and the campaign; nothing else is taken."""
    web.post(leave)
    assert "Thank you" in web.post(f"{leave}/reason", reason="too-often").text
    web.post(f"{leave}/reason", reason="'; DROP TABLE subscriber; --")
    (row,) = web.rows(leaving_reason)
    assert (row.reason, row.agency, row.campaign_id) == ("too-often", "health-visitors", 1)
    assert "subscriber_id" not in leaving_reason.c


def test_preferences_are_changed_one_by_one(web: Website, own: str) -> None:
    """Name, agency, consent and pause: each is saved, on the page, and in the audit trail."""
    assert web.post(f"{own}/name", name=" Asha \r\n P. ", role="Nurse").status_code == 303
    assert web.post(f"{own}/agency", agency="school-nurses").status_code == 303
    assert web.post(f"{own}/tracking", tracking="yes").status_code == 303
    assert web.post(f"{own}/tracking", tracking="no").status_code == 303
    saved = web.post(f"{own}/pause", until="1/6/2031")
    page = web.get(saved.headers["location"]).text
    assert "Your pause is saved" in page
    assert "Until 1 June 2031" in page
    assert "School nurses" in page
    assert ASHA not in page
    who = web.person(ASHA)
    assert (who.name, who.role, who.agency) == ("Asha P.", "Nurse", "school-nurses")
    chosen = web.rows(preference)[0]
    assert not chosen.tracking
    # Midnight in the office's zone, where it is summer.
    assert chosen.paused_until == dt.datetime(2031, 5, 31, 23, tzinfo=dt.UTC)
    assert [(row.kind, row.given) for row in web.rows(consent)] == [
        ("tracking", True),
        ("tracking", False),
    ]
    assert [row.change for row in web.rows(audit)] == [
        "name or role",
        "agency: health-visitors to school-nurses",
        "tracking allowed",
        "tracking withdrawn",
        "paused until 2031-05-31",
    ]
    web.post(f"{own}/pause", go="end")
    assert web.rows(preference)[0].paused_until is None


@pytest.mark.parametrize(
    ("until", "message"),
    [
        ("", "Enter a date"),
        ("tomorrow", "Enter a date"),
        ("31/2/2031", "in the calendar"),
        ("1/1/2031", "in the future"),
        ("2033-01-01", "within the next 12 months"),
        ("9999-12-31", "within the next 12 months"),
        ("0001-01-01", "in the future"),
    ],
)
def test_a_wrong_date_is_explained(web: Website, own: str, until: str, message: str) -> None:
    """What was typed stays, and the message says what would be right."""
    answer = web.post(f"{own}/pause", until=until)
    assert answer.status_code == 422
    assert message in answer.text
    assert web.rows(preference) == []


def test_withdrawing_forgets_what_was_opened(web: Website, own: str) -> None:
    """Opens are counted while somebody agrees; none is left when they take it back."""
    pixel = web.links.open(1, web.person(ASHA).id)
    with writing(web.engine) as connection:
        connection.execute(insert(opened).values(HELD | {"subscriber_id": web.person(ASHA).id}))
    web.post(f"{own}/tracking", tracking="yes")
    assert web.get(pixel).headers["content-type"] == "image/gif"
    assert len(web.rows(opened)) == 1
    web.post(f"{own}/tracking", tracking="no")
    assert web.rows(opened) == []


def test_own_data_is_whole(web: Website, own: str) -> None:
    """The file names the address, what was agreed to, and every change."""
    web.post(f"{own}/tracking", tracking="yes")
    answer = web.get(f"{own}/data.json")
    assert "attachment" in answer.headers["content-disposition"]
    held = json.dumps(answer.json())
    for part in (ASHA, "Asha Patel", "tracking allowed", "You may also record"):
        assert part in held


def test_erased_is_erased(web: Website, own: str, leave: str) -> None:
    """Nothing in the database names the person; their links are dead; a sign-up begins anew."""
    web.post(f"{own}/tracking", tracking="yes")
    assert "Your data is erased" in web.post(f"{own}/erase").text
    for path in (own, leave, f"{own}/data.json"):
        assert web.get(path).status_code == 404
    assert web.post(leave).status_code == 404
    assert "Asha" not in str(everything(web))
    assert "asha" not in str(everything(web))
    assert web.rows(subscriber) == []
    web.joined(ASHA)
    assert web.person(ASHA).status == "active"


def test_scanners_change_nothing(web: Website, own: str, leave: str) -> None:
    """Every link of a mail, asked for by every kind of robot; afterwards one click still works."""
    web.fill_in("new@leicspart.nhs.uk")
    confirm = link_in(web.send()[0])
    pages = [f"{own}{part}" for part in ("", "/name", "/agency", "/tracking", "/pause", "/erase")]
    pages += [leave, confirm, f"{own}/data.json", "/", "/sign-up"]
    before = everything(web)
    agents = (
        {"user-agent": "Mozilla/5.0"},
        {"user-agent": "GoogleImageProxy", "purpose": "prefetch", "sec-purpose": "prefetch"},
        {"user-agent": "BarracudaCentral", "range": "bytes=0-1023"},
        {"user-agent": "Microsoft Office/16.0", "x-moz": "prefetch"},
    )
    for path in pages:
        for headers in agents:
            for method in ("GET", "HEAD", "OPTIONS", "PROPFIND", "PUT", "DELETE"):
                answer = web.client.request(method, path, headers=headers)
                assert answer.status_code < 500
                if method == "HEAD":
                    assert answer.content == b""
    assert everything(web) == before
    assert "You get the newsletter" in web.post(confirm).text
    assert "You have unsubscribed" in web.post(leave).text


def test_wrong_tokens_say_nothing_and_change_nothing(web: Website, own: str, leave: str) -> None:
    """Forged, altered, foreign, of nobody, of a test letter: one and the same friendly page."""
    id_ = web.person(ASHA).id
    token = leave.rpartition("/")[2]
    foreign = PersonalLinks("", "x" * 40)
    flipped = token[:-1] + ("A" if token[-1] != "A" else "B")
    tokens = [
        own.rpartition("/")[2],
        foreign.unsubscribe(1, id_).rpartition("/")[2],
        flipped,
        token + "A",
        token[: len(token) // 2],
        "x",
        "%00",
        "☃",
        "." * 600,
        web.links.unsubscribe(0, 0).rpartition("/")[2],
        web.links.unsubscribe(1, 999_999).rpartition("/")[2],
        str(signer(KEY, "unsubscribe").dumps({"subscriber": id_})),
        str(signer(KEY, "unsubscribe").dumps([1, "1 OR 1=1"])),
        str(signer(KEY, "unsubscribe").dumps([1, 2**80])),
    ]
    before = everything(web)
    pages = set()
    for wrong in tokens:
        for method in ("GET", "POST"):
            answer = web.client.request(method, f"/unsubscribe/{wrong}")
            assert answer.status_code == 404
            pages.add(answer.text)
    for wrong in (token, *tokens[1:]):
        for part in ("", "/name", "/agency", "/tracking", "/pause", "/data.json", "/erase"):
            answer = web.client.request("GET", f"/preferences/{wrong}{part}")
            assert answer.status_code == 404
            pages.add(answer.text)
        assert web.post(f"/preferences/{wrong}/erase").status_code == 404
    for wrong in (token, *tokens):
        pages.add(web.get(f"/confirm/{wrong}").text)
        pages.add(web.post(f"/confirm/{wrong}").text)
    assert len(pages) == 1
    assert "This link does not work" in pages.pop()
    assert everything(web) == before


def test_a_foreign_undo_does_nothing(web: Website, leave: str) -> None:
    """The button of one reader cannot bring another back, nor can a made-up one."""
    other = web.subscribed("other@leicspart.nhs.uk")
    theirs = web.links.unsubscribe(1, other)
    token = hidden(web.post(theirs).text, "undo")
    web.post(leave)
    for wrong in (token, "", "forged", leave.rpartition("/")[2]):
        assert web.post(f"{leave}/undo", undo=wrong).status_code == 404
    assert web.person(ASHA).status == "unsubscribed"


def test_links_outlive_the_key_they_were_signed_with(web: Website, own: str, leave: str) -> None:
    """After the key is changed, old mails' links work as long as the old key is named."""
    site = web.site
    for keys, status in (((OLDER, KEY), 200), ((OLDER,), 404)):
        rotated = Site(
            site.settings, site.registry, site.engine, site.pages, keys, site.clock, site.random
        )
        client = Client(application(rotated))
        assert client.request("GET", own).status_code == status
        assert client.request("POST", leave).status_code == status
        client.close()


NASTY = (
    "'; DROP TABLE subscriber; --",
    '"><script>alert(1)</script>',
    "{{ 7 * 7 }}{% raw %}",
    "{{action_url}}",
    "a\r\nBcc: victim@example.org",
    "=?utf-8?q?x?=",
    "\x00\x1b[31m\u202e\u2028",
    "${jndi:ldap://x}",
)


@pytest.mark.parametrize("nasty", NASTY)
def test_whatever_is_typed_is_text(web: Website, nasty: str) -> None:
    """SQL, mark-up, templates and header lines are kept and shown as they were typed."""
    email = "new@leicspart.nhs.uk"
    answer = web.fill_in(email, name=nasty, role=nasty, search=nasty, wording=nasty)
    assert answer.status_code == 200
    path = web.send()[-1]
    raw = path.read_bytes()
    head = raw.partition(b"\r\n\r\n")[0].lower()
    assert b"\r\nbcc:" not in head
    assert head.count(b"\r\nto:") == 1
    page = web.get(link_in(path)).text
    for text in (page, part_of(read_mail(path), "html")):
        assert "<script>" not in text
        assert "49" not in text.partition("<h1>")[2].partition("</main>")[0]
    web.post(link_in(path))
    who = web.person(email)
    visible = " ".join(nasty.replace("\x00", " ").replace("\x1b", " ").split())
    assert " ".join(who.name.split()) == " ".join(visible.replace("\u2028", " ").split())
    assert who.name == who.role
    for kept in (nasty, f"{nasty}@example.org"):
        refused = web.post("/sign-up", step="email", email=kept)
        assert refused.status_code in {200, 422}
        assert "<script>" not in refused.text
    answer = web.fill_in(email, agency=nasty)
    assert answer.status_code == 422
    assert "<script>" not in answer.text


def test_every_answer_is_guarded(web: Website, own: str) -> None:
    """Pages, errors and files carry the headers that keep browsers from doing harm."""
    for path in ("/", own, "/nowhere", f"/static/style.css?v={BASE}", "/unsubscribe/x"):
        headers = web.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["strict-transport-security"]
        assert "set-cookie" not in headers
    assert web.get(own).headers["cache-control"] == "no-store"


def test_no_page_holds_what_its_policy_forbids(web: Website, own: str, leave: str) -> None:
    """No inline script, style or event handler anywhere."""
    for path in ("/", own, f"{own}/agency", f"{own}/erase", leave, "/nowhere"):
        page = web.get(path).text
        assert "<style" not in page
        assert " style=" not in page
        assert not re.search(r"<[^>]+\son[a-z]+=", page)
        for script in page.split("<script")[1:]:
            assert script.startswith(' src="/static/')


def test_bodies_have_an_end(web: Website) -> None:
    """A form of many kilobytes is refused before it is read, whether it says its length or not."""
    big = b"email=" + b"a" * 100_000

    async def pieces() -> AsyncIterator[bytes]:
        yield big

    assert web.client.request("POST", "/sign-up", content=big).status_code == 413
    assert web.client.request("POST", "/sign-up", content=pieces()).status_code == 413
    assert web.client.request("POST", "/sign-up", content=b"a" * 60_000).status_code < 500
