"""`newsletter inbound`: leaving by mail."""

import datetime as dt
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import create_engine, select
from typer.testing import CliRunner

from newsletter_mailer.cli.app import app
from newsletter_mailer.sending.leaving_by_mail import leave_by_mail
from newsletter_mailer.store.tables import metadata, subscriber
from newsletter_mailer.store.web_tables import audit
from tests.mailroom import small_office
from tests.websites import KEY, Website, website

ASHA = "asha@leicspart.nhs.uk"


@pytest.fixture
def web(project: Path) -> Iterator[Website]:
    """A project with one subscriber."""
    with website(project) as made:
        made.subscribed(ASHA)
        yield made


def told(web: Website, cli: CliRunner, message: bytes) -> str:
    """What the command says of a message."""
    result = cli.invoke(
        app,
        ["--project", str(web.settings.root), "inbound"],
        input=message,
        env={"NEWSLETTER_SECRET_KEY": KEY},
    )
    assert result.exit_code == 0, result.output
    return result.output


def mail(subject: str = "", body: str = "", sender: str = ASHA, **more: str) -> bytes:
    """A message to the newsletter's address."""
    fields = {"From": sender, "To": "news@example.org", "Subject": subject}
    fields |= {name.replace("_", "-"): value for name, value in more.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{head}\r\n{body}\r\n".encode()


def token(web: Website) -> str:
    """The token of the subscriber's unsubscribe link in an old campaign."""
    return web.links.unsubscribe(3, web.person(ASHA).id).rpartition("/")[2]


@pytest.mark.parametrize(
    "message",
    [
        mail("unsubscribe"),
        mail("UNSUBSCRIBE "),
        mail("Re: Unsubscribe me."),
        mail("", "unsubscribe\r\n\r\nSent from my phone"),
        mail("Hello", "\r\nPlease remove me\r\n"),
        mail("unsubscribe", sender=f"Asha Patel <{ASHA.upper()}>"),
    ],
)
def test_a_plain_wish_is_done(web: Website, cli: CliRunner, message: bytes) -> None:
    """Whoever says so in the subject or the first line is off the list, and it is on record."""
    assert "is unsubscribed" in told(web, cli, message)
    assert web.person(ASHA).status == "unsubscribed"
    last = web.rows(audit)[-1]
    assert (last.change, last.way, last.by) == ("left", "mail", "the subscriber")


def test_a_token_names_the_reader_whoever_writes(web: Website, cli: CliRunner) -> None:
    """In the subject or in the recipient's address, and from any sender."""
    made = token(web)
    other = "secretary@example.org"
    assert "by the token" in told(web, cli, mail(f"unsubscribe {made}", sender=other))
    assert web.person(ASHA).status == "unsubscribed"
    again = mail(sender=other, Delivered_To=f"news+{made}@example.org")
    assert "by the token" in told(web, cli, again)


def test_the_mail_that_list_unsubscribe_names(project: Path, cli: CliRunner) -> None:
    """Who writes it, as mail programs do, is off the list; whatever address it comes from."""
    office = small_office(project, 2)
    keys = {"NEWSLETTER_SECRET_KEY": KEY}
    named = {"NEWSLETTER_SENDER__UNSUBSCRIBE_ADDRESS": "out@example.org"}
    office.ok("send", "6", "--yes", **keys, **named)
    letter = office.mails()[0]
    url = urlsplit(str(letter["List-Unsubscribe"]).split(", ")[1].strip("<>"))
    assert (url.scheme, url.path) == ("mailto", "out@example.org")
    answer = EmailMessage()
    answer["From"], answer["To"] = "a-secretary@example.org", url.path
    answer["Subject"] = parse_qs(url.query, strict_parsing=True)["subject"][0]
    command = ["--project", str(project), "inbound"]
    done = cli.invoke(app, command, input=answer.as_bytes(), env=keys)
    assert "by the token in the message" in done.output
    people = office.ok("subscribers", "list", "--all", "--json", **keys).data
    left = {each["email"] for each in people if each["status"] == "unsubscribed"}
    assert left == {letter["To"].addresses[0].addr_spec}


@pytest.mark.parametrize(
    "message",
    [
        mail("Re: Safeguarding news", "> To unsubscribe, follow this link"),
        mail("How do I unsubscribe?"),
        mail("unsubscribe", Auto_Submitted="auto-replied"),
        mail("unsubscribe", Precedence="bulk"),
        mail("unsubscribe", Return_Path="<>"),
        mail("unsubscribe", sender="stranger@example.org"),
        b"",
        b"\xff\xfe\x00 no message at all",
        mail("=?unknown?q?hello?=", Content_Type="text/plain; charset=nobody-knows"),
    ],
)
def test_everything_else_changes_nothing(web: Website, cli: CliRunner, message: bytes) -> None:
    """Other mail, automatic answers, strangers and rubbish leave everybody where they are."""
    told(web, cli, message)
    assert web.person(ASHA).status == "active"


def test_a_forged_token_does_nothing(web: Website, cli: CliRunner) -> None:
    """A changed token, and one of another purpose, unsubscribe nobody."""
    made = token(web)
    changed = made[:-1] + ("A" if made[-1] != "A" else "B")
    other = web.links.preferences(3, web.person(ASHA).id).rpartition("/")[2]
    for wrong in (changed, other):
        told(web, cli, mail(f"token {wrong}", sender="x@example.org"))
    assert web.person(ASHA).status == "active"


def test_a_database_that_refuses_lets_the_server_try_again(web: Website, cli: CliRunner) -> None:
    """The exit code is 75, which mail servers know."""
    (web.settings.root / "other.db").write_bytes(b"no database" * 1000)
    result = cli.invoke(
        app,
        ["--project", str(web.settings.root), "inbound"],
        input=mail("unsubscribe"),
        env={"NEWSLETTER_DATABASE_URL": "sqlite:///other.db"},
    )
    assert result.exit_code == 75


@given(some.binary(max_size=400), some.text(max_size=60))
def test_no_message_breaks_it(junk: bytes, subject: str) -> None:
    """Whatever arrives is read without an error, and a token that nobody signed does nothing."""
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    head = f"Subject: {subject}\nFrom: ".encode("utf-8", "replace")
    for raw in (junk, head + junk, head + b"a@example.org\nContent-Type: " + junk + b"\n\nstop"):
        message = message_from_bytes(raw, policy=policy.default)
        assert isinstance(message, EmailMessage)
        with engine.begin() as connection:
            leave_by_mail(connection, message, (KEY,), now=dt.datetime(2031, 1, 1, tzinfo=dt.UTC))
            assert connection.execute(select(subscriber)).all() == []
    engine.dispose()
