"""Messages (RFC 5322) with text and HTML, joined from parts that are encoded once.

What all readers of a variant share is encoded when the campaign starts; for each reader
only the values of the merge fields and a few header fields are made.
"""

import base64
import datetime as dt
import email.utils
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from newsletter_mailer.compiling.merge import IMAGE, PIXEL, Segments, for_text, one_line
from newsletter_mailer.sending import headers
from newsletter_mailer.sending.campaign import FrozenImage
from newsletter_mailer.sending.quoted_printable import encoded, joinable


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What the header of every message of a campaign says."""

    token: str
    sender_name: str
    sender_address: str
    reply_to: str | None
    list_name: str
    list_id: str

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

    def message_id(self, subscriber_id: int) -> str:
        """The Message-ID of a delivery: always the same for it, and its alone."""
        domain = self.sender_address.rpartition("@")[2]
        return f"<{self.token}.{subscriber_id}@{domain}>"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom one message is for, and the values of the merge fields."""

    subscriber_id: int
    email: str
    name: str
    values: Mapping[str, str]


class _Part:
    """A body part in quoted-printable: encoded literals, and the fields between them."""

    def __init__(self, segments: Segments) -> None:
        *before, last = segments.literals
        self._pieces = [b""] * (2 * len(before)) + [encoded(last)]
        self._pieces[:-1:2] = map(joinable, before)
        self._fields = segments.fields

    def pieces(self, values: Mapping[str, bytes]) -> list[bytes]:
        """What, joined, is the part with these values, which are encoded by `joinable`."""
        pieces = self._pieces.copy()
        pieces[1::2] = [values[name] for name in self._fields]
        return pieces


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
        self._letterhead = letterhead
        self._shared = letterhead.fields()
        self._subject = subject
        self._fixed_subject = b"" if subject.fields else headers.field("Subject", str(subject))
        self._text = _Part(text)
        here = f"@{letterhead.token}"
        settled = html_part.settle(
            lambda name: f"cid:{name.removeprefix(IMAGE)}{here}" if name.startswith(IMAGE) else None
        )
        self._html = _Part(settled)
        self._fields = tuple(dict.fromkeys((*text.fields, *settled.fields)))
        # Quoted-printable can hold no "=_", so the boundaries stand in no part.
        outer, inner = (f"=_{kind}_{letterhead.token}" for kind in ("alternative", "related"))
        self._before_text = (
            f'Content-Type: multipart/alternative; boundary="{outer}"\r\n\r\n--{outer}\r\n{_PLAIN}'
        ).encode("ascii")
        self._before_html = f"\r\n--{outer}\r\n".encode("ascii")
        self._after_html = b""
        if images:
            self._before_html += (
                f'Content-Type: multipart/related; type="text/html"; boundary="{inner}"\r\n\r\n'
                f"--{inner}\r\n"
            ).encode("ascii")
            for image in images:
                self._after_html += f"\r\n--{inner}\r\n".encode("ascii") + _image(image, here)
            self._after_html += f"\r\n--{inner}--\r\n".encode("ascii")
        self._before_html += _HTML.encode("ascii")
        self._after_html += f"\r\n--{outer}--\r\n".encode("ascii")

    def content(self, recipient: Recipient, now: dt.datetime) -> bytes:
        """The message for one reader, dated `now`: CRLF line ends, no line begins with a dot."""
        values = recipient.values
        subject = self._fixed_subject
        if not subject:
            subject = headers.field("Subject", self._subject.fill(for_text(values)))
        message_id = self._letterhead.message_id(recipient.subscriber_id)
        in_text, in_html = {}, {}
        for name in self._fields:
            value = one_line(values[name])
            in_text[name] = in_html[name] = joinable(value)
            if _MARKUP.search(value) and name != PIXEL:
                in_html[name] = joinable(html.escape(value))
        # One join: a message is long, and each further one would copy it once more.
        return b"".join(
            (
                self._shared,
                headers.mailbox("To", one_line(recipient.name), recipient.email),
                subject,
                _date(now.replace(microsecond=0)),
                headers.verbatim("Message-ID", message_id),
                headers.verbatim("List-Unsubscribe", f"<{values['unsubscribe_url']}>"),
                self._before_text,
                *self._text.pieces(in_text),
                self._before_html,
                *self._html.pieces(in_html),
                self._after_html,
            )
        )


_MARKUP = re.compile("[&<>\"']")
"""What `html.escape` changes; looking is quicker than five replacements."""

_PLAIN = (
    "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
)
_HTML = (
    "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
)


@lru_cache(maxsize=8)
def _date(second: dt.datetime) -> bytes:
    return headers.verbatim("Date", email.utils.format_datetime(second))


def _image(image: FrozenImage, here: str) -> bytes:
    head = (
        f'Content-Type: {image.media_type}; name="{image.name}"\r\n'
        "Content-Transfer-Encoding: base64\r\n"
        f"Content-ID: <{image.name}{here}>\r\n"
        f'Content-Disposition: inline; filename="{image.name}"\r\n\r\n'
    )
    return head.encode("ascii") + base64.encodebytes(image.content).replace(b"\n", b"\r\n")
