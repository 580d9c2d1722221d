"""Every message of a real issue, for any reader: it parses, and decodes to what was merged."""

import datetime as dt
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage, MIMEPart
from email.utils import parseaddr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.compiling.merge import IMAGE, Segments, for_html, for_text, one_line
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.sending.campaign import FrozenImage
from newsletter_mailer.sending.ledger import Delivery
from newsletter_mailer.sending.letters import merge_values
from newsletter_mailer.sending.message import Letterhead, MessageMaker
from newsletter_mailer.sending.personal_links import PersonalLinks
from newsletter_mailer.sending.transports.contract import Letter
from newsletter_mailer.settings import Greeting

NOW = dt.datetime(2018, 10, 1, 9, 30, tzinfo=dt.UTC)
LETTERHEAD = Letterhead(
    token="0123456789abcdef0123456789abcdef",  # noqa: S106 - an opaque number, no secret
    sender_name="Büro für Kinderschutz",
    sender_address="office@example.org",
    reply_to=None,
    list_name="Safeguarding news",
    list_id="news.example.org",
)
LINKS = PersonalLinks("https://newsletter.example.org", "k" * 64)

AWKWARD = [
    "",
    " ",
    ".",
    "..",
    ".\r\n.\r\n",
    "\r\n.\r\nMAIL FROM:<x@example.org>",
    "x\r\nBcc: y@example.org",
    "Zoë O'Neill",
    '<b>&"',
    '"Asha" \\ Patel',
    "Patel, Asha; (GP) [Dr] <a@example.org>",
    "محمد علي",
    "שירה כהן",
    "\u202eevil\u202c",
    "a" * 1_000,
    '"' * 498,
    "\u2066x\u2069",
    "👩\u200d👧 Family",
    "é" * 150,
    "a" * 500,
    "a " * 200,
    "👍" * 120,
    "=?utf-8?q?x?=",
    "=?utf-8?b?////?= =?x",
    "{{first_name}}",
    "{{unsubscribe_url}} {{image:a.png}}",
    "=41=",
    "From me",
    "--=_alternative_0123456789abcdef0123456789abcdef--",
    "\x00\x01\x7f\x85\u2028\u2029",
    "tab\tin it",
    "=",
    "%s %(x)s {0}",
]
NAMES = st.one_of(
    st.sampled_from(AWKWARD),
    st.text(max_size=80),
    st.text('=?._"\\<>()@,;: \t\r\né👍', max_size=80),
    st.lists(st.sampled_from(AWKWARD), max_size=3).map(" ".join),
)
GREETINGS = st.sampled_from(
    [
        Greeting(),
        Greeting(named=".{{first_name}}", unnamed=".", fallback_name="..."),
        Greeting(named="{{first_name}}!", unnamed="=?utf-8?q?x?=", fallback_name="Zoë & Co."),
    ]
)
ADDRESSES = st.sampled_from(
    [
        "reader@example.org",
        "o'neill+news=7@example.org",
        f"{'x' * 64}@{'y' * 60}.{'z' * 60}.example.org",
        "reader@xn--bcher-kva.example",
    ]
)


@dataclass(frozen=True)
class Variant:
    """A variant, who gets it, and its makers; the second has the name in the subject as well."""

    email: CompiledEmail
    agencies: dict[str, str]
    subjects: tuple[Segments, ...]
    makers: tuple[MessageMaker, ...]
    pictures: tuple[FrozenImage, ...]


@pytest.fixture(scope="module")
def variants(compiled: dict[int, tuple[CompiledEmail, ...]], registry: Registry) -> list[Variant]:
    """Every variant of issue 6."""
    return [_variant(email, registry) for email in compiled[6]]


def _variant(email: CompiledEmail, registry: Registry) -> Variant:
    subjects = (email.subject, Segments.joined([Segments.of("{{name}}: "), email.subject]))
    pictures = tuple(
        FrozenImage(image.name, image.media_type, image.path.read_bytes()) for image in email.images
    )
    return Variant(
        email,
        {id_: registry.agency(id_).name for id_ in email.agencies},
        subjects,
        tuple(
            MessageMaker(LETTERHEAD, subject, email.text, email.html, pictures)
            for subject in subjects
        ),
        pictures,
    )


@settings(max_examples=80, deadline=None)
@given(
    name=NAMES,
    greeting=GREETINGS,
    address=ADDRESSES,
    chosen=st.tuples(st.integers(0, 99), st.integers(0, 99), st.integers(0, 1)),
)
def test_each_message_decodes_to_exactly_what_was_merged(
    variants: list[Variant],
    name: str,
    greeting: Greeting,
    address: str,
    chosen: tuple[int, int, int],
) -> None:
    """Subject, To, text and HTML are those of the variant filled for this reader, and no other.

    It parses without defects; lines end in CRLF, begin with no dot and keep the limits of
    RFC 5322 (998 characters) and, in bodies, of RFC 2045 (76).
    """
    variant = variants[chosen[0] % len(variants)]
    agency = sorted(variant.agencies)[chosen[1] % len(variant.agencies)]
    _compare(variant, agency, chosen[2], name, greeting, address)


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_names(variants: list[Variant], name: str) -> None:
    """The same for each known trap, with the name in the subject."""
    variant = variants[0]
    _compare(variant, min(variant.agencies), 1, name, Greeting(), "reader@example.org")


def _compare(
    variant: Variant, agency: str, kind: int, name: str, greeting: Greeting, address: str
) -> None:
    delivery = Delivery(7, variant.email.name, address, name, agency, 1)
    urls = {
        "preferences_url": LINKS.preferences(1, 7),
        "unsubscribe_url": LINKS.unsubscribe(1, 7),
    }
    values = merge_values(delivery, variant.agencies[agency], greeting, urls)
    raw = Letter(7, address, name, "", values, variant.makers[kind].at(NOW)).content()
    mail = message_from_bytes(raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    _is_well_formed(raw, mail)
    assert mail["To"].addresses[0].addr_spec == address
    assert _to(raw) == (one_line(name), address)
    assert mail["Subject"] == variant.subjects[kind].fill(for_text(values))
    assert mail["List-Unsubscribe"] == f"<{urls['unsubscribe_url']}>"
    assert _decoded(mail, "plain") == variant.email.text.fill(for_text(values))
    cids = {
        f"{IMAGE}{picture.name}": f"cid:{picture.name}@{LETTERHEAD.token}"
        for picture in variant.pictures
    }
    assert _decoded(mail, "html") == variant.email.html.fill(for_html(values) | cids)
    carried = [part for part in mail.walk() if part.get_content_maintype() == "image"]
    assert [part.get_content() for part in carried] == [each.content for each in variant.pictures]
    assert {f"cid:{part['Content-ID'].strip('<>')}" for part in carried} == set(cids.values())


def _to(raw: bytes) -> tuple[str, str]:
    """Name and address, by RFC 2047: the newer parser puts spaces between encoded words."""
    words, address = parseaddr(message_from_bytes(raw)["To"].replace("\r\n", ""))
    return str(make_header(decode_header(words))), address


def _is_well_formed(raw: bytes, mail: EmailMessage) -> None:
    assert raw.endswith(b"\r\n")
    assert raw.count(b"\r") == raw.count(b"\n") == raw.count(b"\r\n")
    assert b"\0" not in raw
    assert raw.isascii()
    lines = raw.split(b"\r\n")
    assert not any(line.startswith(b".") for line in lines)
    assert max(map(len, lines)) <= 998
    bodies = raw[raw.index(b"Content-Transfer-Encoding") :].split(b"\r\n")
    assert max(map(len, (line for line in bodies if not line.startswith(b"Content-")))) <= 76
    for part in mail.walk():
        assert part.defects == []
        assert [value.defects for value in part.values() if getattr(value, "defects", ())] == []
    assert len(mail.keys()) == len(set(mail.keys()))


def _decoded(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert isinstance(part, MIMEPart)
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content.decode().replace("\r\n", "\n")
