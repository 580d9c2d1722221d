"""Which links are worth fetching, and which must be left alone for what opening them does."""

import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from newsletter_mailer.checking.links.mention import Mention
from newsletter_mailer.reading.urls import WEB

_LEAVING = re.compile(
    r"(?:un-?subscribe|opt-?out|manage-(?:preferences|subscriptions?))(?:\.\w{2,5})?"
)
_SIGN_IN = re.compile(
    r"(?:magic|one-?time|single-use|passwordless|email|login|signin)-?(?:link|login|token)"
    r"|(?:reset|verify|confirm|activate)-?(?:password|email|account|subscription)?"
    r"|preferences|invite|otp"
)
_KEYS = re.compile(
    r"(?:access|auth|confirmation|id|invite|login|magic|one-?time|reset|sign-?in)?-?"
    r"(?:token|otp|jwt)|un-?subscribe|opt-?out"
)
_SECRET = re.compile(r"[0-9a-f-]{16,}|(?=.*[0-9])(?=.*[A-Z])(?=.*[a-z])[A-Za-z0-9._~=+-]{16,}")


def to_fetch(mentions: Iterable[Mention]) -> tuple[str, ...]:
    """The distinct web addresses worth fetching, with their fragments, in order."""
    urls = dict.fromkeys(mention.url for mention in mentions)
    return tuple(url for url in urls if urlsplit(url).scheme in WEB and not is_personal(url))


def is_personal(url: str) -> bool:
    """Whether opening a web address could do something in one person's name.

    The rule is narrow. A path names leaving a list (`unsubscribe`, `opt-out`) as a whole
    segment and goes on behind it; or it names a one-time sign-in, a confirmation or a
    preferences page, and then a secret (16 characters or more, hexadecimal or of small
    and capital letters and figures); or a query key says `token`, `otp`, `unsubscribe`
    and the like. A page *about* leaving a list is not personal.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    segments = [unquote(segment) for segment in parts.path.split("/") if segment]
    for at, segment in enumerate(segments):
        rest = segments[at + 1 :]
        name = segment.lower().replace("_", "-")
        if _LEAVING.fullmatch(name) and (rest or parts.query):
            return True
        if _SIGN_IN.fullmatch(name) and any(map(_SECRET.fullmatch, rest)):
            return True
    values = [pair.partition("=") for pair in re.split("[&;]", parts.query) if pair]
    return any(
        _KEYS.fullmatch(key.lower().replace("_", "-"))
        and (value or "sub" in key.lower() or "opt" in key.lower())
        for key, _, value in values
    ) or any(
        _SIGN_IN.fullmatch(segment.lower().replace("_", "-"))
        and any(_SECRET.fullmatch(unquote(value)) for _, _, value in values)
        for segment in segments
    )
