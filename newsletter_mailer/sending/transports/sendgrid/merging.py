"""Merge fields as the provider's substitution tags, and each letter as a personalization.

The provider replaces tags in the subject and both parts, one after the other, and escapes
nothing: so a field that stands in HTML has a tag of its own beside that in plain text, and
a tag has to be a string that no text and no reader's name holds.
"""

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring_ascii as quoted

from newsletter_mailer.compiling.merge import IMAGE, PIXEL, Segments, one_line
from newsletter_mailer.sending import headers
from newsletter_mailer.sending.transports.contract import Letter
from newsletter_mailer.sending.transports.sendgrid.mailing import Mailing, VariantContent

MOST_SUBSTITUTED = 10_000
"""Bytes that the substitutions of one recipient may have, by the reference of Mail Send."""

_IN_NO_NAME = re.compile("[;,]")
"""The provider refuses these in a recipient's name (its page "Limitations" of Mail Send)."""

_MARKUP = re.compile("[&<>\"']")

_LISTED = '"List-Id":%s,"List-Unsubscribe":%%s,"List-Unsubscribe-Post":"List-Unsubscribe=One-Click"'
_OWN = '"Auto-Submitted":"auto-generated"'
"""Headers of a mail that answers what somebody did (RFC 3834, 5)."""

_UNTRACKED = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
    "ganalytics": {"enable": False},
}
"""Said with each request: what is left out falls to the account, whose defaults track."""


class Variant:
    """One variant in the provider's terms.

    `head` and `tail` are the request's JSON around its personalizations.
    """

    def __init__(self, mailing: Mailing, name: str, extra: dict[str, object]) -> None:
        """`extra` is what else stands in each request, such as `send_at`."""
        content = mailing.variants[name]
        stem = _stem(mailing.token, content)
        here = f"@{mailing.token}"
        settled = content.html.settle(
            lambda field: (
                f"cid:{field.removeprefix(IMAGE)}{here}" if field.startswith(IMAGE) else None
            )
        )
        in_text = dict.fromkeys((*content.subject.fields, *content.text.fields))
        fields = [
            *in_text,
            *(field for field in dict.fromkeys(settled.fields) if field not in in_text),
        ]
        text_tags = {field: f"{stem}t{at}-" for at, field in enumerate(fields) if field in in_text}
        html_tags = {
            field: f"{stem}h{at}-"
            for at, field in enumerate(fields)
            if field in settled.fields and not (field in in_text and field in mailing.same_in_html)
        }
        self._fields = [(field, field in text_tags, field in html_tags) for field in fields]
        in_html = {**text_tags, **html_tags}
        request: dict[str, object] = {
            "from": {"email": mailing.sender_address, "name": mailing.sender_name},
            "subject": content.subject.fill(text_tags),
            "content": [
                {"type": "text/plain", "value": content.text.fill(text_tags)},
                {"type": "text/html", "value": settled.fill(in_html)},
            ],
            "tracking_settings": _UNTRACKED,
            **extra,
        }
        if mailing.reply_to:
            request["reply_to"] = {"email": mailing.reply_to}
        if content.images:
            request["attachments"] = [
                {
                    "content": base64.b64encode(image.content).decode("ascii"),
                    "type": image.media_type,
                    "filename": image.name,
                    "disposition": "inline",
                    "content_id": f"{image.name}{here}",
                }
                for image in content.images
            ]
        self.head = json.dumps(request)[:-1].encode("ascii") + b', "personalizations": ['
        self.tail = b"]}"
        tags = [
            tag for field in fields for tag in (text_tags.get(field), html_tags.get(field)) if tag
        ]
        self._tags = sum(map(len, tags))
        self._listed = bool(mailing.list_header)
        self._mail_to_leave = headers.mail_to_leave(mailing.unsubscribe_address)
        # For each letter only the values are written; all else stands ready around them.
        self._template = (
            '{"to":[{"email":%s%s}],"headers":{'
            + (_LISTED % quoted(mailing.list_header).replace("%", "%%") if self._listed else _OWN)
            + f'}},"custom_args":{{"campaign":{quoted(mailing.token)},"delivery":"%d"}},'
            + '"substitutions":{'
            + ",".join(f'"{tag}":%s' for tag in tags)
            + "}}"
        )

    def personalization(self, letter: Letter) -> bytes | None:
        """A letter's part of a request, in JSON; None where its values are too long for one."""
        values = letter.values
        name = letter.name and one_line(_IN_NO_NAME.sub(" ", letter.name))
        put: list[str] = []
        for field, in_text, in_html in self._fields:
            value = one_line(values[field])
            plain = quoted(value)
            if in_text:
                put.append(plain)
            if in_html:
                escaped = field != PIXEL and _MARKUP.search(value)
                put.append(quoted(html.escape(value)) if escaped else plain)
        # In JSON a value is never shorter than what it stands for.
        if self._tags + sum(map(len, put)) > MOST_SUBSTITUTED:
            return None
        own = (
            quoted(letter.recipient),
            f',"name":{quoted(name)}' if name else "",
            *((quoted(self._ways_to_leave(values)),) if self._listed else ()),
            letter.subscriber_id,
        )
        return (self._template % (*own, *put)).encode("ascii")

    def _ways_to_leave(self, values: Mapping[str, str]) -> str:
        return headers.ways_to_leave(values["unsubscribe_url"], self._mail_to_leave)


def _stem(token: str, content: VariantContent) -> str:
    """How the tags of a variant begin: with what stands nowhere in it.

    Hyphens and letters have no meaning in HTML, in a URL or in a header, so nothing on the
    way encodes them.
    """
    texts: Sequence[Segments] = (content.subject, content.html, content.text)
    stem = f"-{token[:16]}"
    while any(stem in literal for text in texts for literal in text.literals):
        stem = f"-{hashlib.sha256(stem.encode()).hexdigest()[:16]}"
    return stem
