"""Messages (RFC 5322) with text and HTML, joined from parts that are encoded once.

What all readers of a variant share is encoded when the campaign starts; for each reader
only the values of the merge fields and a few header fields are made.
"""

import base64
import datetime as dt
import email.utils
import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from newsletter_mailer.compiling.merge import IMAGE, PIXEL, READ, Segments, for_text, one_line
from newsletter_mailer.sending import headers
from newsletter_mailer.sending.campaign import FrozenImage
from newsletter_mailer.sending.counted import LINK
from newsletter_mailer.sending.quoted_printable import (
    LONGEST_LINE,
    SOFT_BREAK,
    encoded,
    in_lines,
    joinable,
)
from newsletter_mailer.sending.transports.contract import Letter, Message


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What the header of every message of a campaign says."""

    token: str
    sender_name: str
    sender_address: str
    reply_to: str | None
    list_name: str
    list_id: str
    unsubscribe_address: str | None = None

    def fields(self) -> bytes:
        """The header fields that all messages share."""
        parts = [
            headers.mailbox("From", self.sender_name, self.sender_address),
            headers.mailbox("Reply-To", "", self.reply_to) if self.reply_to else b"",
            headers.mailbox("List-Id", self.list_name, self.list_id),
            headers.verbatim("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
            headers.verbatim("MIME-Version", "1.0"),
        ]
        return b"".join(parts)


class MessageMaker:
    """Makes the messages of one variant."""

    def __init__(
        self,
        letterhead: Letterhead,
        subject: Segments,
        text: Segments,
        html_part: Segments,
        images: Sequence[FrozenImage] = (),
    ) -> None:
        self._shared = letterhead.fields()
        # A delivery's Message-ID is always the same, and its alone.
        domain = letterhead.sender_address.rpartition("@")[2]
        self._before_number = f"Message-ID: <{letterhead.token}."
        self._after_number = f"@{domain}>\r\nList-Unsubscribe: "
        self._mail_to_leave = headers.mail_to_leave(letterhead.unsubscribe_address)
        self._subject = subject
        self._fixed_subject = b"" if subject.fields else headers.field("Subject", str(subject))
        here = f"@{letterhead.token}"
        settled = html_part.settle(
            lambda name: f"cid:{name.removeprefix(IMAGE)}{here}" if name.startswith(IMAGE) else None
        )
        self._encoders = tuple(
            (
                name,
                _encoded_link if name.startswith((LINK, READ)) else _ENCODERS.get(name, _encoded),
            )
            for name in dict.fromkeys((*text.fields, *settled.fields))
        )
        # Quoted-printable can hold no "=_", so the boundaries stand in no part.
        outer, inner = (f"=_{kind}_{letterhead.token}" for kind in ("alternative", "related"))
        before_text = (
            f'Content-Type: multipart/alternative; boundary="{outer}"\r\n\r\n--{outer}\r\n{_PLAIN}'
        ).encode("ascii")
        before_html, after_html = f"\r\n--{outer}\r\n".encode("ascii"), b""
        if images:
            before_html += (
                f'Content-Type: multipart/related; type="text/html"; boundary="{inner}"\r\n\r\n'
                f"--{inner}\r\n"
            ).encode("ascii")
            for image in images:
                after_html += f"\r\n--{inner}\r\n".encode("ascii") + _image(image, here)
            after_html += f"\r\n--{inner}--\r\n".encode("ascii")
        before_html += _HTML.encode("ascii")
        after_html += f"\r\n--{outer}--\r\n".encode("ascii")
        literals = _literals(text)
        literals[0] = before_text + literals[0]
        first, *rest = _literals(settled)
        literals[-1] += before_html + first
        literals += rest
        literals[-1] += after_html
        # The reader's own header fields first; from the third piece on every second is a value.
        self._pieces = [b""] * (2 * len(literals))
        self._pieces[1::2] = literals
        self._size = sum(map(len, literals))
        # Each field's value is encoded for both parts, so that the two lie side by side.
        at = {name: 2 * place for place, (name, _) in enumerate(self._encoders)}
        self._places = [
            *[at[name] for name in text.fields],
            *[at[name] + 1 for name in settled.fields],
        ]

    def at(self, now: dt.datetime) -> Callable[[Letter], Message]:
        """What makes the message of a letter, dated `now`: it is the letter's `make`.

        Most pieces of a message are the same objects for every reader.
        """
        return partial(self._message, now)

    def _message(self, now: dt.datetime, letter: Letter) -> Message:
        values = letter.values
        subject = self._fixed_subject
        if not subject:
            subject = headers.field("Subject", self._subject.fill(for_text(values)))
        encoded_values: list[bytes] = []
        for name, encode in self._encoders:
            encoded_values += encode(values[name])
        filled = [encoded_values[at] for at in self._places]
        to = headers.mailbox("To", one_line(letter.name), letter.recipient)
        ways = headers.ways_to_leave(values["unsubscribe_url"], self._mail_to_leave)
        own = f"{self._before_number}{letter.subscriber_id}{self._after_number}{ways}\r\n"
        head = b"".join((self._shared, to, subject, _date(now), own.encode("ascii")))
        pieces = self._pieces.copy()
        pieces[0] = head
        pieces[2::2] = filled
        return Message(pieces, self._size + len(head) + sum(map(len, filled)))


def _literals(segments: Segments) -> list[bytes]:
    """The literals of a text in quoted-printable, so that encoded values fit between them."""
    *before, last = segments.literals
    return [*map(joinable, before), encoded(last)]


def _encoded(value: str) -> tuple[bytes, bytes]:
    """A value as the text part has it, and as the HTML part does."""
    value = one_line(value)
    in_text = joinable(value)
    return in_text, joinable(html.escape(value)) if _MARKUP.search(value) else in_text


def _encoded_address(address: str) -> tuple[bytes, bytes]:
    """The same for an e-mail address, in which as a rule nothing needs encoding."""
    if len(address) < LONGEST_LINE and _PLAIN_ADDRESS.fullmatch(address):
        found = address.encode("ascii") + SOFT_BREAK
        return found, found
    return _encoded(address)


def _encoded_link(url: str) -> tuple[bytes, bytes]:
    """The same for a reader's own link, which is long, and in which nothing needs encoding."""
    if not _LINK.fullmatch(url):
        return _encoded(url)
    found = in_lines(url.encode("ascii"))
    return found, found


def _in_html(value: str) -> tuple[bytes, bytes]:
    """A value that is HTML itself; there is nothing of it in the text part."""
    return b"", joinable(value)


_often = lru_cache(maxsize=1024)(_encoded)

_ENCODERS: Mapping[str, Callable[[str], tuple[bytes, bytes]]] = {
    "greeting": _often,  # many readers share these three
    "first_name": _often,
    "agency_name": _often,
    "email": _encoded_address,
    "preferences_url": _encoded_link,
    "unsubscribe_url": _encoded_link,
    PIXEL: _in_html,
}

_LINK = re.compile(r"[A-Za-z0-9:/._~-]+")
_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*@[A-Za-z0-9.-]+")

_MARKUP = re.compile("[&<>\"']")
"""What `html.escape` changes; looking is quicker than five replacements."""

_PLAIN = (
    "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
)
_HTML = (
    "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
)


@lru_cache(maxsize=8)
def _date(moment: dt.datetime) -> bytes:
    """The Date field, which letters that were claimed together have in common."""
    return headers.verbatim("Date", email.utils.format_datetime(moment.astimezone(dt.UTC)))


def _image(image: FrozenImage, here: str) -> bytes:
    head = (
        f'Content-Type: {image.media_type}; name="{image.name}"\r\n'
        "Content-Transfer-Encoding: base64\r\n"
        f"Content-ID: <{image.name}{here}>\r\n"
        f'Content-Disposition: inline; filename="{image.name}"\r\n\r\n'
    )
    return head.encode("ascii") + base64.encodebytes(image.content).replace(b"\n", b"\r\n")
