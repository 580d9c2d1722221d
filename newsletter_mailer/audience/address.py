"""Checking addresses by the million."""

import re

from email_validator import SPECIAL_USE_DOMAIN_NAMES
from email_validator.rfc_constants import CASE_INSENSITIVE_MAILBOX_NAMES

from newsletter_mailer.mailbox import LONGEST_ADDRESS, checked_address

_ATOM = r"[A-Za-z0-9_!#$%&'*+\-/=?^`{|}~]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ORDINARY = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@((?:{_LABEL}\.)+[A-Za-z]{{2,63}})")
_RESERVED = tuple(f".{name}" for name in SPECIAL_USE_DOMAIN_NAMES)


def quickly_checked(address: str) -> str:
    """What `checked_address` gives, some fifty times as fast for ordinary addresses.

    Those are ASCII, with labels of letters, digits and single hyphens. All others, and all
    that are wrong, go to `checked_address` itself.

    Raises:
        ValueError: it is not an address; the message says why.
    """
    text = address.strip()
    if len(text) > LONGEST_ADDRESS:
        raise ValueError(
            f"{text[:40]!r}… is not an e-mail address: it has {len(text):,} characters, and at "
            f"most {LONGEST_ADDRESS} are allowed"
        )
    match = _ORDINARY.fullmatch(text)
    if match is None:
        return checked_address(text)
    local, domain = match[1], match[2].lower()
    # Two hyphens may mean Punycode; `Info` and its like are written small.
    if (
        "--" in domain
        or f".{domain}".endswith(_RESERVED)
        or local.lower() in CASE_INSENSITIVE_MAILBOX_NAMES
    ):
        return checked_address(text)
    return f"{local}@{domain}"
