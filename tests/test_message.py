"""Messages: every one parses, and decodes to exactly what the variant gives for its reader."""

import datetime as dt
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter_mailer.compiling.merge import Segments, one_line
from newsletter_mailer.sending.campaign import FrozenImage
from newsletter_mailer.sending.message import Letterhead, MessageMaker
from newsletter_mailer.sending.quoted_printable import LONGEST_LINE, encoded, joinable
from newsletter_mailer.sending.transports.contract import Letter, Message

NOW = dt.datetime(2019, 1, 21, 9, 30, tzinfo=dt.UTC)
LETTERHEAD = Letterhead(
    token="0123456789abcdef0123456789abcdef",  # noqa: S106 - an opaque number, no secret
    sender_name="Leicester Safeguarding Children Board",
    sender_address="office@example.org",
    reply_to="replies@example.org",
    list_name="Safeguarding news",
    list_id="news.example.org",
)
UNSUBSCRIBE = "https://newsletter.example.org/unsubscribe/" + "t" * 120


def letter(name: str, **values: str) -> Letter:
    """A letter to a reader with this name, not made yet."""
    fields = {"first_name": name, "unsubscribe_url": UNSUBSCRIBE, **values}
    return Letter(7, "reader@example.org", name, "", fields, lambda _: Message.of(b""))


def message(
    given: Letter,
    subject: str = "News for {{first_name}}",
    text: str = "Dear {{first_name}}\n{{unsubscribe_url}}\n",
    html: str = '<p>Dear {{first_name}}</p><a href="{{unsubscribe_url}}">leave</a>',
    images: tuple[FrozenImage, ...] = (),
) -> tuple[bytes, EmailMessage]:
    """A message's bytes, and what Python's parser makes of them."""
    maker = MessageMaker(
        LETTERHEAD, Segments.of(subject), Segments.of(text), Segments.of(html), images
    )
    content = given._replace(make=maker.at(NOW)).content()
    parsed = message_from_bytes(content, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return content, parsed


def defects(parsed: EmailMessage) -> list[object]:
    """Everything that the parser objects to, in any part or header field."""
    found: list[object] = []
    for part in parsed.walk():
        found += part.defects
        for value in part.values():
            found += getattr(value, "defects", ())
    return found


def body(parsed: EmailMessage, kind: str) -> str:
    """The decoded text of a part, with bare line ends."""
    part = parsed.get_body((kind,))
    assert part is not None
    content: str = part.get_content()
    return content.replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("leave@example.org", "leave@example.org"),
        ("news+leave@example.org", "news+leave@example.org"),
        ("a&b%c?@example.org", "a%26b%25c%3F@example.org"),
    ],
)
def test_a_reader_may_leave_by_mail(address: str, written: str) -> None:
    """Behind the page stands a mail whose subject has the page's token (RFC 2369, RFC 6068)."""
    head = replace(LETTERHEAD, unsubscribe_address=address)
    part = Segments.of("Dear reader")
    make = MessageMaker(head, part, part, part).at(NOW)
    raw = letter("Asha")._replace(make=make).content()
    mail = f"mailto:{written}?subject=unsubscribe%20{'t' * 120}"
    assert f"\r\nList-Unsubscribe: <{UNSUBSCRIBE}>, <{mail}>\r\n".encode() in raw


def test_the_header_says_what_the_rules_ask() -> None:
    """All fields of RFC 5322, 2369, 2919 and 8058 stand there once, whole and unencoded."""
    raw, parsed = message(letter("Asha"))
    head = raw.partition(b"\r\n\r\n")[0] + b"\r\n"
    assert b"From: Leicester Safeguarding Children Board <office@example.org>\r\n" in head
    assert b"To: Asha <reader@example.org>\r\n" in head
    assert b"Reply-To: replies@example.org\r\n" in head
    assert b"Date: Mon, 21 Jan 2019 09:30:00 +0000\r\n" in head
    assert b"Message-ID: <0123456789abcdef0123456789abcdef.7@example.org>\r\n" in head
    assert b"List-Unsubscribe: <" + UNSUBSCRIBE.encode() + b">\r\n" in head
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in head
    assert b"List-Id: Safeguarding news <news.example.org>\r\n" in head
    assert len(parsed.keys()) == len(set(parsed.keys()))


AWKWARD = [
    "O'Neill",
    "Zoë",
    '<b>&"',
    "محمد",
    "שירה כהן",
    "Patel, Asha",
    "👩\u200d👧",
    "=?utf-8?q?x?=",
    "x\r\nBcc: y@example.org",
    ".",
    "..",
    "From me",
    " ",
    "a" * 200,
    "é" * 150,
]


@given(name=st.one_of(st.text(max_size=60), st.sampled_from(AWKWARD)))
def test_any_name_gives_a_message_without_defects(name: str) -> None:
    """Whatever the name, the message parses cleanly, and shows the name and no field."""
    raw, parsed = message(letter(name))
    assert defects(parsed) == []
    shown = one_line(name)
    assert body(parsed, "plain") == f"Dear {shown}\n{UNSUBSCRIBE}\n"
    assert "{{" not in body(parsed, "html").replace(shown, "")
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert not raw.startswith(b".")
    assert b"\n." not in raw
    assert raw.endswith(b"\r\n")
    assert raw.count(b"\n") == raw.count(b"\r\n")
    assert [a.addr_spec for a in parsed["To"].addresses] == ["reader@example.org"]
    assert "Bcc" not in parsed


@given(
    parts=st.lists(
        st.text(
            st.characters(exclude_categories=["Cs"], exclude_characters="{}\r\x00"), max_size=200
        ),
        min_size=1,
        max_size=6,
    ),
    value=st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=50),
)
def test_a_part_decodes_to_exactly_the_merged_text(parts: list[str], value: str) -> None:
    """Joining parts that were encoded alone gives what encoding the whole would give."""
    text = "{{first_name}}".join(parts)
    _, parsed = message(letter(value), text=text)
    part = parsed.get_body(("plain",))
    assert part is not None
    decoded = part.get_payload(decode=True)
    assert isinstance(decoded, bytes)
    merged = one_line(value).join(parts)
    assert decoded.decode().replace("\r\n", "\n") == merged.replace("\r\n", "\n")


@given(
    text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=300)
)
def test_encoded_lines_keep_the_limit(text: str) -> None:
    """No line of quoted-printable has more than 76 characters, joined or not."""
    for made in (encoded(text), joinable(text)):
        assert all(len(line) <= LONGEST_LINE for line in made.split(b"\r\n"))
    assert joinable(text).endswith(b"=\r\n") or not text


def test_pictures_travel_inside_the_message() -> None:
    """An inline picture is a related part whose Content-ID the HTML names."""
    image = FrozenImage("a-12345678.png", "image/png", b"\x89PNG" + bytes(range(256)) * 9)
    _, parsed = message(
        letter("Asha"), html='<img src="{{image:a-12345678.png}}" alt="x">', images=(image,)
    )
    assert defects(parsed) == []
    assert [part.get_content_type() for part in parsed.walk()] == [
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
    ]
    picture = list(parsed.walk())[-1]
    assert picture.get_content() == image.content
    assert f'src="cid:{picture["Content-ID"].strip("<>")}"' in body(parsed, "html")


def test_a_reader_without_a_name_is_addressed_by_address_only() -> None:
    """No empty quotes stand where no name is known."""
    raw, _ = message(letter(""))
    assert b"\r\nTo: reader@example.org\r\n" in raw
