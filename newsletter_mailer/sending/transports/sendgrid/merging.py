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
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted

from newsletter_mailer.compiling.merge import IMAGE, PIXEL, Segments, one_line
from newsletter_mailer.sending import headers
from newsletter_mailer.sending.counted import LINK
from newsletter_mailer.sending.transports.contract import Letter
from newsletter_mailer.sending.transports.sendgrid.mailing import Mailing, VariantContent

MOST_SUBSTITUTED = 10_000
"""Bytes that the substitutions of one recipient may have, by the reference of Mail Send."""

_IN_NO_NAME = re.compile("[;,]")
"""The provider refuses these in a recipient's name (its page "Limitations" of Mail Send)."""

_MARKUP = re.compile("[&<>\"']")

_LISTED = '"List-Unsubscribe-Post":"List-Unsubscribe=One-Click","List-Id":%s,"List-Unsubscribe":"'
_OWN = '"Auto-Submitted":"auto-generated"'
"""Headers of a mail that answers what somebody did (RFC 3834, 5)."""

_AROUND = len('"":,')
"""What stands in JSON around the tag and the value of a substitution."""

_COMMON = frozenset({"greeting", "first_name", "agency_name"})
"""Fields of which many readers have the same values."""

_KEPT = 1_024
"""Combinations of these that are kept for each variant, written."""

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
            if field in settled.fields and not (field in in_text and field in mailing.plain)
        }
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
        # For each letter only the values are written; all else stands ready around them.
        self._common = [field for field in fields if field in _COMMON]
        own = [field for field in fields if field not in _COMMON]
        self._writers = [(field, _writer(field, mailing)) for field in own]
        self._places: list[int] = []
        self._pieces = [""]
        for at, field in enumerate(own):
            for place, tags in ((2 * at, text_tags), (2 * at + 1, html_tags)):
                if field in tags:
                    comma = "," if self._common or self._places else ""
                    self._pieces += [f'{comma}"{tags[field]}":', ""]
                    self._places.append(place)
        self._written = lru_cache(_KEPT)(_together(self._common, text_tags, html_tags))
        self._most = MOST_SUBSTITUTED + _AROUND * (len(text_tags) + len(html_tags))
        self._listed = bool(mailing.list_header)
        self._mail_to_leave = headers.mail_to_leave(mailing.unsubscribe_address)
        self._plain_to_leave = "unsubscribe_url" in mailing.plain
        header = _LISTED % quoted(mailing.list_header) if self._listed else _OWN
        self._before = f'}}],"headers":{{{header}'
        self._between = (
            '"' if self._listed else ""
        ) + f'}},"custom_args":{{"campaign":{quoted(mailing.token)},"delivery":"'

    def personalization(self, letter: Letter) -> bytes | None:
        """A letter's part of a request, in JSON; None where its values are too long for one."""
        number, recipient, name, _, values, _ = letter
        of = values.__getitem__
        made: list[str] = []
        for field, write in self._writers:
            made += write(values[field])
        pieces = self._pieces.copy()
        pieces[0] = self._written(*map(of, self._common))
        pieces[2::2] = [made[place] for place in self._places]
        substituted = "".join(pieces)
        # In JSON a value is never shorter than what it stands for.
        if len(substituted) > self._most:
            return None
        if name:
            if ";" in name or "," in name:
                name = _IN_NO_NAME.sub(" ", name)
            name = f',"name":{quoted(one_line(name))}'
        unsubscribe = ""
        if self._listed:
            ways = headers.ways_to_leave(values["unsubscribe_url"], self._mail_to_leave)
            unsubscribe = ways if self._plain_to_leave else quoted(ways)[1:-1]
        return (
            f'{{"to":[{{"email":{quoted(recipient)}{name}{self._before}{unsubscribe}'
            f'{self._between}{number}"}},"substitutions":{{{substituted}}}}}'
        ).encode("ascii")


_Writer = Callable[[str], tuple[str, str]]


def _written(value: str) -> tuple[str, str]:
    """A value in JSON, as it is for plain text, and escaped for HTML."""
    value = one_line(value)
    plain = quoted(value)
    return plain, quoted(html.escape(value)) if _MARKUP.search(value) else plain


def _written_html(value: str) -> tuple[str, str]:
    """A value that is HTML."""
    plain = quoted(value)
    return plain, plain


def _written_plain(value: str) -> tuple[str, str]:
    """A value that has nothing to escape, in HTML or in JSON."""
    plain = f'"{value}"'
    return plain, plain


_kept_link = lru_cache(512)(_written)
"""For links, which are the same for everybody who did not agree that clicks are counted."""


def _writer(field: str, mailing: Mailing) -> _Writer:
    if field in mailing.plain:
        return _written_plain
    if field == PIXEL:
        return _written_html
    return _kept_link if field.startswith(LINK) else _written


def _together(
    fields: Sequence[str], text_tags: Mapping[str, str], html_tags: Mapping[str, str]
) -> Callable[..., str]:
    """What writes the substitutions of some fields, given their values."""

    def written(*values: str) -> str:
        made = [
            f'"{tags[field]}":{one}'
            for field, value in zip(fields, values, strict=True)
            for tags, one in zip((text_tags, html_tags), _written(value), strict=True)
            if field in tags
        ]
        return ",".join(made)

    return written


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
