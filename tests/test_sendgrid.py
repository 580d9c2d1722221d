"""Sending through the provider: what it is given, and the commands that ask it."""

import base64
import dataclasses
import html
import json
import logging
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from newsletter_mailer.compiling.merge import Segments
from newsletter_mailer.reading.issue import MOST_READ_BUTTONS
from newsletter_mailer.sending.transports.contract import Outcome
from newsletter_mailer.sending.transports.sendgrid.client import Account, Client
from newsletter_mailer.sending.transports.sendgrid.mailing import Mailing, VariantContent
from newsletter_mailer.sending.transports.sendgrid.merging import Variant
from newsletter_mailer.sending.transports.sendgrid.transport import SendgridTransport
from newsletter_mailer.settings import Sendgrid
from tests.fake_sendgrid import FakeSendgrid, Rule
from tests.fake_sendgrid.checks import wrong_with
from tests.fake_sendgrid.events import SIGNATURE, TIMESTAMP
from tests.fake_sendgrid.server import KEY
from tests.letters import letter, send
from tests.mailroom import small_office, statuses
from tests.office import Office
from tests.projects import HEAD, article
from tests.sendgrid_office import TO_SENDGRID, way_to_sendgrid

FIELDS = {
    "greeting": "Dear <b>&amp; Co</b>,",
    "first_name": "D'Arcy -t0-",
    "name": "D'Arcy \"O'Neil\" ñ 李",
    "agency_name": "Health & Care",
    "email": "reader1@example.org",
    "preferences_url": "https://news.example.org/p/1",
    "unsubscribe_url": "https://news.example.org/u/1",
}
TEXT = (
    "{{greeting}} {{name}} {{first_name}} {{agency_name}} {{email}} {{unsubscribe_url}} -t0- -h0-"
)


def mailing(token: str = "0123456789abcdef" * 2, words: str = "") -> Mailing:
    """One variant with every field, in each part."""
    part = Segments.of(TEXT + words)
    return Mailing(
        token,
        "Office",
        "office@example.org",
        None,
        "News <news.example.org>",
        {"a": VariantContent(Segments.of("News, {{first_name}}"), part, part)},
    )


def merged(made: Mailing, **more: object) -> tuple[str, str, str]:
    """What the provider makes of a letter: subject, text and HTML."""
    variant = Variant(made, "a", dict(more))
    content = variant.personalization(letter(1)._replace(name="Marva, N; QC", values=FIELDS))
    assert content is not None
    mail = json.loads(variant.head + content + variant.tail)
    assert wrong_with(mail, 0.0) == []
    (own,) = mail["personalizations"]
    assert own["to"] == [{"email": "reader1@example.org", "name": "Marva  N  QC"}]
    texts = [mail["subject"], *(part["value"] for part in mail["content"])]
    for tag, value in own["substitutions"].items():
        texts = [text.replace(tag, value) for text in texts]
    subject, text, marked = texts
    return subject, text, marked


def test_values_are_escaped_where_they_stand_in_html() -> None:
    """Markup in a value is text to readers of either part, and what looks like a tag stays."""
    subject, text, marked = merged(mailing())
    filled = Segments.of(TEXT).fill(FIELDS)
    assert subject == "News, D'Arcy -t0-"
    assert text == filled
    assert marked == Segments.of(TEXT).fill({k: html.escape(v) for k, v in FIELDS.items()})


def test_an_issue_cannot_hold_a_tag() -> None:
    """Even an issue that prints what tags begin with comes out as it was written."""
    token = "0123456789abcdef" * 2
    words = f" -{token[:16]}t0- -{token[:16]}h0-"
    _, text, marked = merged(mailing(token, words))
    assert text.endswith(words)
    assert marked.endswith(words)


def test_values_that_are_too_long() -> None:
    """A letter whose values exceed the provider's limit is refused, and by itself."""
    variant = Variant(mailing(), "a", {})
    long = {**FIELDS, "name": "x" * 6_000}
    assert variant.personalization(letter(1)._replace(values=long)) is None


@pytest.mark.parametrize("clicks", ["false", "true"])
def test_only_who_agreed_is_counted_through_the_provider(project: Path, clicks: str) -> None:
    """Their mail alone has a pixel, as HTML, and counted links; others read what was written."""
    office = small_office(project, 2)
    with closing(sqlite3.connect(project / "var" / "newsletter.db")) as database, database:
        database.execute("INSERT INTO preference (subscriber_id, tracking) VALUES (2, true)")
    with FakeSendgrid() as server:
        office.ok(*TO_SENDGRID, **way_to_sendgrid(server, tracking__clicks=clicks))
        found = server.messages()
    assert len(found) == 2
    plain, counted = (
        one.part("text/html") for one in sorted(found, key=lambda one: one.args["delivery"])
    )
    assert not re.search("/open/|/click/", plain)
    assert len(re.findall(r'<img src="https?://[^"]+/open/[^"]+" width="1"', counted)) == 1
    assert ("/click/" in counted) == (clicks == "true")
    assert re.findall('href="https://[a-z.]+/', plain)


def test_who_is_asked_gets_a_link_of_their_own(project: Path) -> None:
    """As many buttons as an issue may have, and counted links besides, fit the provider's limits.

    Each reader's links stand once in the HTML and once in the plain text, and are theirs alone.
    """
    office = small_office(project, 2)
    folder = project / "issues" / "06-autumn-2018"
    names = [f"news-{n}" for n in range(MOST_READ_BUTTONS)]
    links = "".join(f"[page {n}](https://pages.example.org/a/long/way/{n})\n" for n in range(40))
    for name in names:
        text = article("Words for all.", f"About {name}", "read_button: true")
        (folder / "articles" / f"{name}.md").write_text(text, encoding="utf-8")
    (folder / "articles" / "news.md").write_text(article(links), encoding="utf-8")
    head = HEAD.replace("number: 7", "number: 6") + f"articles: [news, {', '.join(names)}]\n"
    (folder / "issue.yaml").write_text(head, encoding="utf-8")
    with closing(sqlite3.connect(project / "var" / "newsletter.db")) as database, database:
        database.execute("INSERT INTO preference (subscriber_id, tracking) VALUES (2, true)")
    with FakeSendgrid() as server:
        office.ok(*TO_SENDGRID, **way_to_sendgrid(server, tracking__clicks="true"))
        found = server.messages()
    assert len(found) == 2
    seen: set[str] = set()
    for message in found:
        html, plain = message.part("text/html"), message.part("text/plain")
        in_html = re.findall(r'href="(https?://[^"]+/read/[^"]+)"', html)
        assert len(set(in_html)) == MOST_READ_BUTTONS
        assert re.findall(r"https?://\S+/read/\S+", plain) == in_html
        assert not seen & set(in_html)
        seen.update(in_html)
        assert ("/click/" in html) == (message.args["delivery"] == "2")


@pytest.fixture
def office(project: Path) -> Office:
    """An office with thirty subscribers."""
    return small_office(project, 30)


def test_a_reader_may_leave_by_mail(project: Path) -> None:
    """With an address for it, List-Unsubscribe has a mail too, with the token of the page."""
    office = small_office(project, 2)
    with FakeSendgrid() as server:
        way = way_to_sendgrid(server, sender__unsubscribe_address="50%+leave@example.org")
        office.ok(*TO_SENDGRID, **way)
        found = server.messages()
    assert len(found) == 2
    for one in found:
        page, mail = one.headers["List-Unsubscribe"].split(", ")
        assert page.strip("<>") in one.part("text/html")
        token = page.rpartition("/")[2].rstrip(">")
        assert mail == f"<mailto:50%25+leave@example.org?subject=unsubscribe%20{token}>"


def test_what_the_provider_is_given(office: Office) -> None:
    """Every mail has its list headers, opaque numbers, and tracking switched off."""
    more = {"sendgrid__categories": '["newsletter"]'}
    with FakeSendgrid() as server:
        office.ok(*TO_SENDGRID, **way_to_sendgrid(server, **more))
        found = server.messages()
    assert len(found) == 30
    for one in found:
        assert one.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert one.headers["List-Unsubscribe"].startswith("<https://")
        assert one.headers["List-Unsubscribe"].strip("<>") in one.part("text/plain")
        assert one.headers["List-Unsubscribe"].strip("<>") in one.part("text/html")
        assert set(one.args) == {"campaign", "delivery"}
        assert "@" not in "".join(one.args.values())
        assert one.to in one.part("text/plain")
        assert one.mail["categories"] == ["newsletter"]
        tracking = one.mail["tracking_settings"]
        assert [tracking[each]["enable"] for each in tracking] == [False] * 4
        assert set(tracking) == {
            "click_tracking",
            "open_tracking",
            "subscription_tracking",
            "ganalytics",
        }
    assert len({one.args["delivery"] for one in found}) == 30


def test_the_rest_of_a_variant_holds_nothing_up() -> None:
    """What is left of one variant goes once, by itself; the requests after it are whole."""
    words = mailing().variants["a"]
    both = dataclasses.replace(mailing(), variants={"a": words, "b": words})
    given = [
        letter(number)._replace(variant="a" if number <= 13 else "b", values=FIELDS)
        for number in range(1, 54)
    ]
    with FakeSendgrid() as server:
        account = Account(server.url, KEY, 20)
        sent = send(SendgridTransport(account, Sendgrid(batch=10), both), given)
    assert sent.outcomes == {Outcome.ACCEPTED: 53}
    assert server.sizes == [10, 3, 10, 10, 10, 10]


def test_a_rehearsal_at_the_provider(office: Office) -> None:
    """--dry-run --provider has every mail checked, names the refused, and sends none."""
    with FakeSendgrid(refused=["reader3@example.org"]) as server:
        way = way_to_sendgrid(server, sendgrid__batch=7)
        result = office.run("send", "6", "--dry-run", "--provider", **way)
        assert result.code == 1, result
        assert "would take 29 mails" in result.out
        assert "Not to reader3@example.org: Does not contain a valid address." in result.out
        assert server.sandboxed == 29
        assert server.recipients().total() == 0
    assert "No campaign" in office.ok("status").out
    assert "--dry-run" in office.run("send", "6", "--provider").err
    assert "transport" in office.run("send", "6", "--provider", "--dry-run").err


def test_a_test_letter(office: Office) -> None:
    """`send --test` goes through the provider too, marked."""
    with FakeSendgrid() as server:
        office.ok("send", "6", "--test", "editor@example.org", **way_to_sendgrid(server))
        (found,) = server.messages()
    assert found.to == "editor@example.org"
    assert found.subject.startswith("[TEST] ")


def test_settings_that_cannot_be(office: Office) -> None:
    """No key, a key in the file, a host without TLS, staging elsewhere: each is told."""
    way = way_to_sendgrid(9)
    missing = {**way, "NEWSLETTER_SENDGRID_API_KEY": ""}
    assert "NEWSLETTER_SENDGRID_API_KEY is not set" in office.run(*TO_SENDGRID, **missing).err
    plain = {**way, "NEWSLETTER_SENDGRID_HOST": "http://api.example.org"}
    assert "https://" in office.run(*TO_SENDGRID, **plain).err
    staged = office.run(*TO_SENDGRID, NEWSLETTER_SEND__STAGED="true")
    assert (staged.code, "sendgrid" in staged.err) == (2, True)
    both = office.run(*TO_SENDGRID, "--canary", "3", **way, NEWSLETTER_SEND__STAGED="true")
    assert (both.code, "--canary" in both.err) == (2, True)
    with (office.folder / "newsletter.toml").open("r+", encoding="utf-8") as file:
        text = file.read()
        file.seek(0)
        file.write('sendgrid_api_key = "SG.x"\n' + text)
    told = office.run("status").err
    assert "NEWSLETTER_SENDGRID_API_KEY" in told
    assert "SG.x" not in told


def test_doctor_asks_the_provider(office: Office) -> None:
    """It says whether the key is known, what it may not do, and that the provider is away."""

    def provider(server: FakeSendgrid | int, **more: object) -> list[dict[str, str]]:
        result = office.run("doctor", "--json", **way_to_sendgrid(server, **more))
        assert KEY not in result.out + result.err
        return [each for each in result.data["diagnoses"] if "sendgrid" in each["area"]]

    with FakeSendgrid() as server:
        assert [each["health"] for each in provider(server, send__staged=True)] == ["fine", "fine"]
        port = server.port
    assert provider(port)[0]["health"] == "failing"
    with FakeSendgrid(scopes=["mail.send", "billing.read"]) as server:
        assert "user.scheduled_sends.delete" in str(provider(server, send__staged=True)[1])
        assert "more than sending needs" in str(provider(server)[2])
    with FakeSendgrid([Rule("scopes", "401")]) as server:
        assert "401" in str(provider(server)[0])


def test_the_key_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    """However much is logged, neither the key nor what is posted is."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("python_http_client").setLevel(logging.DEBUG)
    with FakeSendgrid([Rule("batch", "401", nth=2)]) as server:
        client = Client(Account(server.url, KEY, 5))
        assert client.call("post", "mail/batch").status == 201
        assert client.call("post", "mail/batch").status == 401
    assert client.call("post", "mail/batch").left is False
    assert KEY not in caplog.text
    assert KEY not in repr(Account("https://x", KEY))


@contextmanager
def webhook() -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """A server that keeps what it is told."""
    told: list[tuple[dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            told.append((dict(self.headers), self.rfile.read(length)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", told
        server.shutdown()
        thread.join()


def test_the_fake_tells_signed_events(office: Office) -> None:
    """Its events carry our numbers, and a signature that its public key verifies."""
    with FakeSendgrid() as server, webhook() as (url, told):
        office.ok(*TO_SENDGRID, **way_to_sendgrid(server))
        assert server.tell_events(url, ["delivered", "bounce"]) == 200
        public = load_der_public_key(base64.b64decode(server.signer.public_key))
    ((headers, body),) = told
    assert isinstance(public, ec.EllipticCurvePublicKey)
    signed = headers[TIMESTAMP].encode() + body
    public.verify(base64.b64decode(headers[SIGNATURE]), signed, ec.ECDSA(hashes.SHA256()))
    events = json.loads(body)
    assert len(events) == 60
    assert {each["delivery"] for each in events} == {str(n) for n in range(1, 31)}
    assert statuses(office).total() == 30
