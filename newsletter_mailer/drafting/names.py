"""Names for files, made from words: small letters, digits and single hyphens."""

import re
import unicodedata
from collections.abc import Collection

_LONGEST = 48
"""Characters in a name; longer ones are cut between two words."""

_ALSO = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "&": " and "})
_SMALL = frozenset({"a", "an", "and", "at", "for", "in", "of", "on", "or", "the", "to", "with"})


def file_name(words: str, fallback: str) -> str:
    """A file's name, without its ending; `fallback` where no Latin letter or digit is left."""
    plain = unicodedata.normalize("NFKD", words.casefold().translate(_ALSO))
    plain = re.sub(r"['’‘]", "", "".join(sign for sign in plain if not unicodedata.combining(sign)))
    parts = re.findall(r"[a-z0-9]+", plain)
    name = "-".join(parts)
    if len(name) > _LONGEST:
        kept = name[: _LONGEST + 1].rpartition("-")[0] or name[:_LONGEST]
        parts = kept.split("-")
        while len(parts) > 1 and parts[-1] in _SMALL:
            parts.pop()
        name = "-".join(parts)
    return name or fallback


def unique(name: str, taken: Collection[str]) -> str:
    """The name, or with the first number from 2 on that nobody has."""
    number, free = 2, name
    while free in taken:
        free = f"{name}-{number}"
        number += 1
    return free
