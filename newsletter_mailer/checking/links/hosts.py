"""Addresses that open inside one organisation only."""

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import urlsplit

RULES = frozenset({"link-local"})
"""Every rule of this module."""

_INNER = frozenset(
    {"corp", "home", "internal", "intranet", "invalid", "lan", "local", "localdomain", "localhost"}
)
"""Last labels that no public name has: RFC 6761, RFC 6762, ICANN's `internal`, and custom."""

LOCAL_FILE = re.compile(
    r"\bfile:/+[^\s\ufffc]*"
    r"|(?<![A-Za-z0-9])[A-Za-z]:\\[^\s\ufffc]+"
    r"|(?<!\S)\\\\?[A-Za-z0-9][A-Za-z0-9_.-]*\\[^\s\ufffc]+",
    re.IGNORECASE,
)
"""A file in a text: `file://`, a drive's letter or a share, of whose two backslashes Markdown
takes one."""


def inner_host(url: str, allowed: Collection[str] = ()) -> str:
    """The host of a web address if only some networks can reach it; empty otherwise.

    Those are names of one label, names that no public server has, and addresses that are
    not public. Hosts in `allowed` pass.
    """
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    if not host or host in {name.casefold() for name in allowed}:
        return ""
    try:
        return "" if ipaddress.ip_address(host).is_global else host
    except ValueError:
        labels = host.rstrip(".").split(".")
    return host if len(labels) == 1 or labels[-1] in _INNER or host.endswith(".home.arpa") else ""
