"""Addresses on government domains that have been switched off."""

import re

from newsletter_mailer.findings import Finding, Place, brief

RULES = frozenset({"link-retired-domain"})
"""Every rule of this module."""

_RETIRED = re.compile(
    r"(?<![\w-])(?:g(?:si|sx|csx|se)\.(?=gov\.uk(?![\w-]|\.\w))"
    r"|pnn\.(?=(?:police|gov)\.uk(?![\w-]|\.\w)))",
    re.IGNORECASE,
)
"""Secure domains of the Public Services Network, all switched off: gsi, gsx, gcsx and gse.gov.uk,
pnn.police.uk and pnn.gov.uk. CJSM is still in use."""


def current_address(address: str) -> str | None:
    """An address or host without its retired part; None where it has none.

    `name@leicester.gcsx.gov.uk` becomes `name@leicester.gov.uk`. Where nothing would be
    left but `gov.uk` or `police.uk`, the answer is empty.
    """
    mended = _RETIRED.sub("", address)
    if mended == address:
        return None
    return "" if mended.lower().rpartition("@")[2] in ("gov.uk", "police.uk") else mended


def retired(place: Place, shown: str, office: str) -> Finding | None:
    """The finding for an address or a host on a retired domain, if it is on one."""
    mended = current_address(shown)
    if mended is None:
        return None
    other = f"give the office's own, {office}" if office else "ask for the new one"
    mend = (
        f"Confirm {mended} with its owner, or {other}."
        if mended
        else f"{other[0].upper()}{other[1:]}."
    )
    return Finding(
        place,
        "link-retired-domain",
        f"{brief(shown)!r} on a government domain that has been switched off",
        "an address that still takes mail" if "@" in shown else "an address that is still there",
        mend,
    )
