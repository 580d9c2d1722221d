"""What others put around an address: wrappers of mail filters and networks, and tracking."""

import base64
import re
import string
from collections.abc import Callable
from itertools import islice
from urllib.parse import parse_qs, unquote, urlsplit

from newsletter_mailer.reading.urls import WEB, safe_url

SHORTENERS = frozenset(
    {
        "amzn.to", "bit.do", "bit.ly", "bitly.com", "buff.ly", "cutt.ly", "dlvr.it", "eepurl.com",
        "fb.me", "goo.gl", "ht.ly", "ift.tt", "is.gd", "j.mp", "lnkd.in", "ow.ly",
        "po.st", "qrco.de", "rb.gy", "rebrand.ly", "s.id", "shorturl.at", "snip.ly", "soo.gd",
        "surl.li", "t.co", "t.ly", "tiny.cc", "tinyurl.com", "trib.al", "v.gd",
    }
)  # fmt: skip
"""Hosts that shorten addresses of any site (2026). Those of one site only, such as `youtu.be`,
are not among them."""

PERSONAL = frozenset(
    {
        "_ga", "_gl", "_hsenc", "dclid", "ef_id", "fbclid", "gbraid", "gclid", "gclsrc",
        "hsctatracking", "igsh", "igshid", "li_fat_id", "mc_eid", "mkt_tok", "ml_subscriber",
        "ml_subscriber_hash", "msclkid", "oly_anon_id", "oly_enc_id", "rb_clickid", "srsltid",
        "ttclid", "twclid", "vero_id", "wbraid", "wickedid", "yclid", "__hssc", "__hstc", "__hsfp",
    }
)  # fmt: skip
"""They name a person or a click: whoever opens the link is taken for the one who copied it."""

CAMPAIGN = frozenset({"_hsmi", "_openstat", "mc_cid"})
"""They name a campaign, as all that begin with `utm_` do."""

_DEEPEST = 10
"""Wrappers in each other; mails that were forwarded often have three."""

_RUNS = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
_V3 = re.compile(r"/v3/__(.+?)__;(.*?)!", re.DOTALL)
_ONE_SLASH = re.compile(r"^([a-z][a-z0-9+.-]*:/)(?=[^/])", re.IGNORECASE)


def is_shortened(url: str) -> bool:
    """Whether a link hides where it leads behind a shortener; only the network can tell."""
    host = _host(url)
    return host.removeprefix("www.") in SHORTENERS


def wrapper(url: str) -> str:
    """Who wrapped an address, such as `Outlook Safe Links`; empty where nobody did."""
    known = _known(url)
    return known[0] if known else ""


def hidden_host(url: str) -> str:
    """The host that a wrapper names beside an address that cannot be read (Mimecast)."""
    return _query(url, "domain") if wrapper(url) == "Mimecast" else ""


def unwrapped(url: str) -> str | None:
    """The address inside a wrapped one; None where it is not wrapped, or cannot be read.

    Reads Outlook Safe Links, Proofpoint URL Defense 1 to 3 (as its published decoder
    does), Google, Facebook and Barracuda, also inside each other. Mimecast keeps its
    addresses to itself. Never raises; what it returns is not wrapped.
    """
    inner = url
    for _ in range(_DEEPEST):
        known = _known(inner)
        if known is None:
            return None if inner == url else inner
        try:
            inner = safe_url(known[1](inner).strip(), WEB)
        except (ValueError, IndexError):
            return None
    return None


def _known(url: str) -> tuple[str, Callable[[str], str]] | None:
    host = _host(url)
    path = urlsplit(url).path if host else ""
    if host.endswith(".safelinks.protection.outlook.com"):
        return "Outlook Safe Links", lambda link: _query(link, "url")
    if host in ("urldefense.proofpoint.com", "urldefense.com", "urldefense.us"):
        return "Proofpoint", _proofpoint
    if host.endswith((".mimecast.com", ".mimecastprotect.com")) and path.startswith("/s/"):
        return "Mimecast", _unreadable
    if re.fullmatch(r"(?:www\.)?google(?:\.[a-z]{2,3}){1,2}", host) and path == "/url":
        return "Google", lambda link: _query(link, "url") or _query(link, "q")
    if host in ("l.facebook.com", "lm.facebook.com") and path == "/l.php":
        return "Facebook", lambda link: _query(link, "u")
    if host == "linkprotect.cudasvc.com" and path == "/url":
        return "Barracuda", lambda link: _query(link, "a")
    return None


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        return parts.hostname or "" if parts.scheme in WEB else ""
    except ValueError:
        return ""


def _query(url: str, key: str) -> str:
    """The first value of a key of the query, decoded; empty where there is none."""
    return parse_qs(urlsplit(url).query, max_num_fields=100).get(key, [""])[0]


def _unreadable(url: str) -> str:
    message = f"{url} keeps its address to itself"
    raise ValueError(message)


def _proofpoint(url: str) -> str:
    if "/v1/" in url:
        return _query(url, "u")
    if "/v2/" in url:
        return unquote(_query(url, "u").translate(str.maketrans("-_", "%/")))
    found = _V3.search(url)
    if not found:
        return ""
    template = unquote(_ONE_SLASH.sub(r"\1/", found[1]))
    packed = found[2].encode() + b"=" * (-len(found[2]) % 4)
    signs = iter(base64.urlsafe_b64decode(packed).decode("utf-8"))

    def put_back(star: re.Match[str]) -> str:
        run = _RUNS.index(star[1]) + 2 if star[1] else 1
        found = "".join(islice(signs, run))
        if len(found) < run:
            raise ValueError("a part of the address is missing")
        return found

    return re.sub(r"\*(?:\*(.))?", put_back, template)


def _name(parameter: str) -> str:
    return unquote(parameter.partition("=")[0]).lower()


def _is_tracking(parameter: str) -> bool:
    name = _name(parameter)
    return name in PERSONAL or name in CAMPAIGN or name.startswith("utm_")


def without_tracking(url: str) -> str:
    """The web address without parameters that only track; all else stays as it is."""
    before, question, after = url.partition("?")
    if not question or "#" in before or not before.lower().startswith(("http://", "https://")):
        return url
    query, hash_sign, fragment = after.partition("#")
    kept = [part for part in query.split("&") if not _is_tracking(part)]
    if len(kept) == len(query.split("&")):
        return url
    query = "?" + "&".join(kept) if any(kept) else ""
    return f"{before}{query}{hash_sign}{fragment}"


def personal_parameters(url: str) -> tuple[str, ...]:
    """The names of those parameters that name a person or a click."""
    query = url.partition("#")[0].partition("?")[2]
    return tuple(name for name in map(_name, query.split("&")) if name in PERSONAL)
