"""The targets of links: checked, and encoded so that every mail client opens them."""

import re
from urllib.parse import quote, unquote, urlsplit

from pydantic import HttpUrl

from newsletter_mailer.findings import Finding, Place, brief
from newsletter_mailer.mailbox import checked_address
from newsletter_mailer.reading.fields import LINK_FIELDS, braced

WEB = frozenset({"http", "https"})
SCHEMES = WEB | {"mailto", "tel"}

_SIGNS = "/?%:@!$&'()*+,;=~-._"
_HOST = re.compile(r"([A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_FIELD = re.compile(r"\{\{([a-z_]+)\}\}")
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
        findings.append(
            Finding(
                place,
                "link-target",
                f"a link to {brief(found)!r}" if target else "a link to nothing",
                "a whole address that begins with https://, http://, mailto: or tel:",
                "Write the address in full." if target else "Write where the link leads.",
            )
        )
        return "#"
