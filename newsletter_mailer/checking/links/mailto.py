"""E-mail addresses behind links."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from newsletter_mailer.checking.links.mention import Mention
from newsletter_mailer.findings import Finding, Severity, brief
from newsletter_mailer.mailbox import checked_address
from newsletter_mailer.reading.urls import DOMAIN

RULES = frozenset({"link-mailto"})
"""Every rule of this module."""

ADDRESS = re.compile(rf"(?<![\w.+'&-])[\w.+'&-]{{1,64}}@{DOMAIN}")
"""An e-mail address in a text."""

_MAIL_KEYS = frozenset({"subject", "body", "cc", "bcc", "to"})
"""What mail programs take from a mailto (RFC 6068, sections 2 and 4)."""


def mail_findings(mention: Mention) -> Iterator[Finding]:
    """What is wrong with a `mailto:` link (RFC 6068)."""
    path, _, query = mention.url.removeprefix("mailto:").partition("?")
    addresses = [unquote(part) for part in path.split(",")]
    clean = [re.sub(r"[\s\u00a0\u00ad\u200b-\u200f\u2060\ufeff]", "", a) for a in addresses]
    clean = [address.strip("<>.,;:\"'“”‘’") for address in clean]
    if clean != addresses or not all(map(_is_address, clean)):
        good = ",".join(clean) if all(map(_is_address, clean)) else ""
        yield Finding(
            mention.place,
            "link-mailto",
            f"a link to {brief(unquote(mention.url))!r}, which is not an address",
            "mailto:name@example.org",
            f"Write mailto:{good}." if good else "Write the address as name@example.org.",
        )
    keys = [pair.partition("=")[0].lower() for pair in query.split("&") if pair]
    unknown = [key for key in keys if key not in _MAIL_KEYS]
    if unknown:
        yield Finding(
            mention.place,
            "link-mailto",
            f"{brief(unknown[0])!r} in the link {brief(mention.url)!r}",
            "subject, body, cc or bcc, with & between them",
            "Take it out: mail programs pass over it.",
            Severity.WARNING,
        )


def _is_address(address: str) -> bool:
    try:
        checked_address(address)
    except ValueError:
        return False
    return True
