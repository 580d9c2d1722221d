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
from collections.abc import Sequence
from json.encoder import encode_basestring_ascii as quoted

from newsletter_mailer.compiling.merge import IMAGE, Segments, one_line
from newsletter_mailer.sending.transports.contract import Letter
from newsletter_mailer.sending.transports.sendgrid.mailing import Mailing, VariantContent

MOST_SUBSTITUTED = 10_000
"""Bytes that the substitutions of one recipient may have, by the reference of Mail Send."""

_IN_NO_NAME = re.compile("[;,]")
"""The provider refuses these in a recipient's name (its page "Limitations" of Mail Send)."""

_MARKUP = re.compile("[&<>\"']")

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
        plain = dict.fromkeys((*content.subject.fields, *content.text.fields))
        self._in_text = [(field, f"{stem}t{at}-") for at, field in enumerate(plain)]
        marked = dict.fromkeys(settled.fields)
        self._in_html = [(field, f"{stem}h{at}-") for at, field in enumerate(marked)]
        text_tags, html_tags = dict(self._in_text), dict(self._in_html)
        request: dict[str, object] = {
            "from": {"email": mailing.sender_address, "name": mailing.sender_name},
            "subject": content.subject.fill(text_tags),
            "content": [
                {"type": "text/plain", "value": content.text.fill(text_tags)},
                {"type": "text/html", "value": settled.fill(html_tags)},
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
        self._tags = sum(len(tag) for _, tag in (*self._in_text, *self._in_html))
        # For each letter only the values are written; all else stands ready, in quotes.
        self._before_value = [
            (field, f'{"," if at else ""}"{tag}":', field_in_html)
            for at, (field, tag, field_in_html) in enumerate(
                [(field, tag, False) for field, tag in self._in_text]
                + [(field, tag, True) for field, tag in self._in_html]
            )
        ]
        self._listed = bool(mailing.list_header)
        self._after_address = (
            f'}}],"headers":{{"List-Id":{quoted(mailing.list_header)},"List-Unsubscribe":'
            if self._listed
            else '}],"headers":{"Auto-Submitted":"auto-generated"'
        )
        self._after_links = (
            ',"List-Unsubscribe-Post":"List-Unsubscribe=One-Click"' if self._listed else ""
        ) + f'}},"custom_args":{{"campaign":{quoted(mailing.token)},"delivery":"'

    def personalization(self, letter: Letter) -> bytes | None:
        """A letter's part of a request, in JSON; None where its values are too long for one."""
        values = letter.values
        in_text: dict[str, str] = {}
        in_html: dict[str, str] = {}
        for field in values:
            value = one_line(values[field])
            in_text[field] = in_html[field] = quoted(value)
            if _MARKUP.search(value):
                in_html[field] = quoted(html.escape(value))
        name = one_line(_IN_NO_NAME.sub(" ", letter.name))
        parts = ['{"to":[{"email":', quoted(letter.recipient)]
        if name:
            parts += (',"name":', quoted(name))
        parts += (
            self._after_address,
            quoted(f"<{values['unsubscribe_url']}>") if self._listed else "",
            self._after_links,
            str(letter.subscriber_id),
            '"},"substitutions":{',
        )
        size = self._tags
        for field, before, field_in_html in self._before_value:
            value = in_html[field] if field_in_html else in_text[field]
            size += len(value)  # in JSON it is never shorter than what it stands for
            parts += (before, value)
        if size > MOST_SUBSTITUTED:
            return None
        parts.append("}}")
        return "".join(parts).encode("ascii")


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
