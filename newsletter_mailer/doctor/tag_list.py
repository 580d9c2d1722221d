"""Tag lists, `a=b; c=d`, as DKIM keys (RFC 6376, 3.2), DMARC and MTA-STS records are written."""

import re

_TAG = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*)\s*=\s*(.*?)\s*", re.DOTALL)


def read_tags(text: str) -> dict[str, str] | None:
    """The tags in their order, names in small letters; None where it is no tag list.

    A list may end with a semicolon. A tag that stands twice makes the whole list invalid.
    """
    parts = text.split(";")
    if not parts[-1].strip():
        parts.pop()
    tags: dict[str, str] = {}
    for part in parts:
        found = _TAG.fullmatch(part)
        if not found or found[1].lower() in tags:
            return None
        tags[found[1].lower()] = found[2]
    return tags
