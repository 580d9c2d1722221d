"""What a link shows against where it leads.

Words that say nothing, and the same words for different targets, are found in the
finished mails by `checking/accessibility.py`.
"""

import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from newsletter_mailer.checking.links.mailto import ADDRESS
from newsletter_mailer.checking.links.mention import Mention
from newsletter_mailer.checking.links.wrappers import unwrapped, wrapper
from newsletter_mailer.findings import Finding, Severity, brief
from newsletter_mailer.reading.urls import DOMAIN, TOP_LEVEL, WEB, top_level

RULES = frozenset({"link-shows-other"})
"""Every rule of this module."""

_SHOWN = re.compile(rf"(?:https?://)?({DOMAIN})(?::\d+)?((?:[/?#]\S*)?)", re.IGNORECASE)
_NUMBER = re.compile(r"[+0(][\d\s()–-]{6,24}\d")


def wording_findings(mention: Mention) -> Iterator[Finding]:
    """The finding for words that show another address, mailbox or number than the target."""
    scheme, _, rest = mention.url.partition(":")
    if scheme in WEB:
        yield from _web(mention)
    elif scheme == "mailto":
        shown = ADDRESS.search(mention.words)
        real = unquote(rest.partition("?")[0]).casefold()
        if shown and shown[0].casefold().rstrip(".") not in real:
            yield _finding(mention, shown[0], real)
    elif scheme == "tel":
        number = _NUMBER.search(mention.words)
        if number and _dialled(number[0]) != _dialled(unquote(rest)):
            yield _finding(mention, number[0], unquote(rest))


def _web(mention: Mention) -> Iterator[Finding]:
    words = mention.words.strip("<>()[]\"'“”‘’.,;: \u2026")
    match = _SHOWN.fullmatch(words)
    if not match or top_level(match[1]) not in TOP_LEVEL:
        return
    if wrapper(mention.url) and unwrapped(mention.url) is None:
        return
    target = urlsplit(unwrapped(mention.url) or mention.url)
    shown, real = _site(match[1]), _site(target.hostname or "")
    if shown != real and not real.endswith(f".{shown}"):
        yield _finding(mention, words, target.geturl())
        return
    path = unquote(match[2]).strip("/").casefold()
    whole = unquote(target._replace(scheme="", netloc="").geturl()).strip("/").casefold()
    if path and not whole.startswith(path):
        yield _finding(mention, words, target.geturl(), Severity.WARNING)


def _site(host: str) -> str:
    return host.lower().rstrip(".").removeprefix("www.")


def _dialled(number: str) -> str:
    number = re.sub(r"[^0-9+]", "", number.replace("(0)", ""))
    return re.sub(r"^(?:\+|00)440?", "0", number)


def _finding(
    mention: Mention, shown: str, real: str, severity: Severity = Severity.ERROR
) -> Finding:
    return Finding(
        mention.place,
        "link-shows-other",
        f"a link that shows {brief(shown)!r} and leads to {brief(real)!r}",
        "what it shows, or words that are no address",
        f"Correct whichever is wrong, or name what is there: [words]({mention.url}).",
        severity,
    )
