"""The targets of links: checked, and encoded so that every mail client opens them."""

import re
from collections.abc import Iterator
from urllib.parse import quote, unquote, urlsplit

from pydantic import HttpUrl

from newsletter_mailer.findings import Finding, Place, brief
from newsletter_mailer.mailbox import checked_address
from newsletter_mailer.reading.fields import LINK_FIELDS, braced

WEB = frozenset({"http", "https"})
SCHEMES = WEB | {"mailto", "tel"}

TOP_LEVEL = frozenset(
    {
        "app", "ac", "biz", "charity", "co", "com", "cymru", "edu", "eu", "gov", "ie", "info",
        "int", "io", "london", "ly", "mil", "net", "ngo", "online", "org", "scot", "site",
        "tv", "uk", "wales",
    }
)  # fmt: skip
"""Top-level domains that make a word a web address: those that a newsletter in the United
Kingdom meets, chosen in 2026 from IANA's root zone. Endings that are also English words
(`is`, `it`, `me`, `so`) or endings of files (`zip`, `py`) are left out on purpose."""

DOMAIN = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}"
"""A host of at least two labels, as a pattern."""

_SIGNS = "/?%:@!$&'()*+,;=~-._"
_HOST = re.compile(r"([A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_FIELD = re.compile(r"\{\{([a-z_]+)\}\}")
_BARE = re.compile(rf"({DOMAIN})(?P<port>:[0-9]{{1,5}})?(?P<rest>[/?#].*)?", re.DOTALL)
_SCHEMES = re.compile(r"(?:h(?:t{1,3}|xx)p(s?)(?:[:;]+/*|/+))+", re.IGNORECASE)
_MAIL = re.compile(r"(?:mailto:/*)?([^\s@/:]+@" + DOMAIN + ")", re.IGNORECASE)
_FILE = re.compile(r"file:|[A-Za-z]:[\\/]|\\\\", re.IGNORECASE)
_FOREIGN = re.compile(r"\{\{|\{%|\*\|[^|]*\|\*|<%")


def safe_url(url: str, schemes: frozenset[str] = SCHEMES) -> str:
    """The URL with every character encoded that may not stand in one (RFC 3986).

    Raises:
        ValueError: it cannot be opened from a mail, or names a user before its host.
    """
    parts = urlsplit(url)
    if parts.scheme not in schemes:
        raise ValueError(f"no scheme of {', '.join(sorted(schemes))}")
    host = parts.netloc
    if parts.scheme in WEB:
        if not host.isascii():
            host = urlsplit(str(HttpUrl(f"{parts.scheme}://{host}"))).netloc
        if not _HOST.fullmatch(host):
            raise ValueError("no host")
        _ = parts.port  # it may be too high
    elif host or not parts.path.strip("/ "):
        raise ValueError("nobody to reach")
    if parts.scheme == "mailto":
        for address in parts.path.split(","):
            checked_address(unquote(address))
    return parts._replace(
        netloc=host,
        path=_encoded(parts.path),
        query=_encoded(parts.query),
        fragment=_encoded(parts.fragment),
    ).geturl()


def _encoded(part: str) -> str:
    """A part of a URL; what is encoded already stays so."""
    return quote(re.sub("%(?![0-9A-Fa-f]{2})", "%25", part), safe=_SIGNS)


def checked_target(target: str, place: Place, findings: list[Finding]) -> str:
    """A link's target: a whole merge field of the link kind, or a URL without any."""
    found = unquote(target)
    field = _FIELD.fullmatch(found)
    if field and field[1] in LINK_FIELDS:
        return found
    if _FOREIGN.search(found):
        findings.append(
            Finding(
                place,
                "merge-field-in-link",
                f"a merge field inside the link {brief(found)!r}",
                f"a URL, or one of {braced(LINK_FIELDS)} alone",
                "A name or an address in a URL ends up in servers' logs: take it out.",
            )
        )
        return "#"
    try:
        return safe_url(target)
    except ValueError:
        nowhere = not target or target.startswith("#")
        shown = f"a link to {brief(found)!r}" if target else "a link to nothing"
        findings.append(
            Finding(
                place,
                "link-target",
                f"{shown}, which leads nowhere" if nowhere else shown,
                "a whole address that begins with https://, http://, mailto: or tel:",
                "Write where the link leads." if nowhere else _mend(found),
            )
        )
        return "#"


def _mend(found: str) -> str:
    if _FILE.match(found):
        return (
            "It is a file on your own network, which readers cannot open: "
            "put it on a website, and write its address there in full."
        )
    likely = likely_urls(found)
    return f"Write the address in full{f', such as {either(likely)}' if likely else ''}."


def likely_urls(found: str) -> tuple[str, ...]:
    """What a target that cannot be opened was probably meant to be, the likeliest first.

    It mends a scheme that is missing, doubled, disguised (`hxxp`) or short of a slash, and
    backslashes. At most three; none where nothing can be told.
    """
    return tuple(dict.fromkeys(_likely(found.strip().replace("\\", "/"))))[:3]


def either(urls: tuple[str, ...]) -> str:
    """URLs as a sentence offers them."""
    return " or ".join(urls)


def _likely(found: str) -> Iterator[str]:
    found = found.replace("[.]", ".")
    scheme = _SCHEMES.match(found)
    starts: tuple[str, ...]
    if scheme:
        found, starts = found[scheme.end() :], (f"http{scheme[1].lower()}://",)
    elif mail := _MAIL.fullmatch(found):
        found, starts = mail[1], ("mailto:",)
    else:
        found = found.removeprefix("//")
        bare = _BARE.fullmatch(found)
        if bare is None or top_level(bare[1]) not in TOP_LEVEL:
            return
        found = found if bare["rest"] else f"{found}/"
        starts = ("https://", "http://")
        if not found.lower().startswith("www."):
            starts = ("https://", "https://www.", "http://www.")
    for start in starts:
        try:
            yield safe_url(start + found)
        except ValueError:
            continue


def top_level(host: str) -> str:
    """The last label of a host, in small letters."""
    return host.rpartition(".")[2].lower()
