"""Mail whose opens, and links if the office wants it, are counted for those who agreed.

The frozen content knows nothing of it: two merge fields are put in when a campaign's
letters are made. Who did not agree gets an empty one and the links as they are written.
"""

import html
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from newsletter_mailer.compiling.merge import PIXEL, Segments
from newsletter_mailer.sending.personal_links import PersonalLinks

LINK = "link:"
"""How the field of a counted link begins; its number in the campaign follows."""

_BODY = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
_HREF = re.compile(r'(<a\b[^>]*?\shref=")([^"{}]+)(")', re.IGNORECASE)


def with_pixel(mail: Segments) -> Segments:
    """The HTML with the field of the pixel as the first thing in its body.

    Gmail clips long mails, and what stands late in them is never loaded.
    """
    for at, literal in enumerate(mail.literals):
        found = _BODY.search(literal)
        if found:
            before, after = literal[: found.end()], literal[found.end() :]
            return Segments(
                (*mail.literals[:at], before, after, *mail.literals[at + 1 :]),
                (*mail.fields[:at], PIXEL, *mail.fields[at:]),
            )
    return mail


def pixel_html(url: str) -> str:
    """The picture, one point wide, which no screen reader mentions."""
    return (
        '<div style="height:1px;line-height:1px;font-size:1px;overflow:hidden">'
        f'<img src="{html.escape(url)}" width="1" height="1" alt="" '
        'style="display:block;width:1px;height:1px;border:0"></div>'
    )


def countable(mail: Segments, base_url: str) -> list[str]:
    """The web addresses that a mail's links lead to, in their order, each once.

    Only pages of others: never `mailto:`, nothing at our own address (the archive,
    preferences, unsubscribing), and no link with a merge field in it.
    """
    own = urlsplit(base_url).netloc.lower()
    found: dict[str, None] = {}
    for literal in mail.literals:
        for match in _HREF.finditer(literal):
            url = html.unescape(match[2])
            parts = urlsplit(url)
            if parts.scheme in {"http", "https"} and parts.netloc.lower() != own:
                found[url] = None
    return list(found)


def with_links(mail: Segments, numbers: Mapping[str, int]) -> Segments:
    """The HTML with fields for the links that have a number."""
    parts: list[Segments] = []
    for at, literal in enumerate(mail.literals):
        literals, fields, done = [], [], 0
        for match in _HREF.finditer(literal):
            number = numbers.get(html.unescape(match[2]))
            if number is not None:
                literals.append(literal[done : match.start(2)])
                fields.append(f"{LINK}{number}")
                done = match.end(2)
        parts.append(Segments((*literals, literal[done:]), tuple(fields)))
        if at < len(mail.fields):
            parts.append(Segments(("", ""), (mail.fields[at],)))
    return Segments.joined(parts)


def countable_html(mail: Segments, numbers: Mapping[str, int], *, pixel: bool) -> Segments:
    """The HTML with the fields that `Counted` fills; `pixel` is whether opens are counted."""
    return with_links(with_pixel(mail) if pixel else mail, numbers)


class Counted:
    """The values of these fields, for each reader of one campaign.

    `urls` are its counted links, by their numbers from 0; none where clicks are not counted.
    """

    def __init__(self, links: PersonalLinks, campaign_id: int, urls: Sequence[str]) -> None:
        self._links = links
        self._campaign_id = campaign_id
        self._plain = {f"{LINK}{number}": url for number, url in enumerate(urls)}

    def fill(self, values: dict[str, str], subscriber_id: int, *, agreed: bool) -> None:
        """Add what fills the fields for one reader."""
        if not agreed:
            values[PIXEL] = ""
            values |= self._plain
            return
        values[PIXEL] = pixel_html(self._links.open(self._campaign_id, subscriber_id))
        for number in range(len(self._plain)):
            url = self._links.click(self._campaign_id, subscriber_id, number)
            values[f"{LINK}{number}"] = url
