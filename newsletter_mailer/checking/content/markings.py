"""Protective markings of government and NHS papers: whoever sees one has seen too much.

The markings are those of the Government Security Classifications Policy, those of the
Protective Marking Scheme before 2014, and the NHS's own. `NOT PROTECTIVELY MARKED` and
`UNCLASSIFIED` harm nobody.
"""

import re
from collections.abc import Iterator

from newsletter_mailer.checking.content.hit import Hit

RULES = frozenset({"protective-marking"})

_HANDLED = re.compile(
    r"\b(?:(?i:official-sensitive)|(?:OFFICIAL|Official) ?[-:/ _] ?(?:SENSITIVE|Sensitive))\b"
)
_STRICT = re.compile(r"\bOFFICIAL[-_ :+/]{1,3}SENSITIVE\b")

_LEVEL = "(?:UK )?(?:TOP SECRET|SECRET)|(?:NHS )?CONFIDENTIAL|RESTRICTED"
_DESCRIPTOR = r"(?: ?[-:/] ?[A-Z][A-Z ]{1,40})?"
_ALONE = rf"(?P<mark>(?:{_LEVEL}|PROTECT|OFFICIAL){_DESCRIPTOR})"
_WHOLE = re.compile(rf"[\W_]*{_ALONE}[\W_]*")
_BRACKETED = re.compile(rf"[\[(] ?{_ALONE} ?[\])]")
_AT_START = re.compile(rf"[\W_]*(?P<mark>{_LEVEL})(?: ?:| -) ?\S")
_AT_END = re.compile(rf"\S(?: ?:| -) ?(?P<mark>{_LEVEL})[\W_]*$")
_SIGNS = ("SECRET", "CONFIDENTIAL", "RESTRICTED", "PROTECT", "OFFICIAL")


def markings(text: str, *, strict: bool = False) -> Iterator[Hit]:
    """Every marking in a text whose lines are told apart by line feeds.

    OFFICIAL-SENSITIVE counts anywhere; with `strict`, for URLs and file names, in capitals
    only. The others are common words: they count in capitals, where they are all that a
    line says, stand in brackets, or are set off at its beginning or end by a colon or dash
    (OFFICIAL and PROTECT only in the first two).
    """
    capitals = text.upper()
    if not any(sign in capitals for sign in _SIGNS):
        return
    if strict:
        for match in _STRICT.finditer(text):
            yield _hit(match.start(), match[0])
        return
    start = 0
    for line in text.split("\n"):
        found = list(_HANDLED.finditer(line))
        for match in found:
            yield _hit(start + match.start(), match[0])
        if not found:
            other = (
                _WHOLE.fullmatch(line)
                or _BRACKETED.search(line)
                or _AT_START.match(line)
                or _AT_END.search(line)
            )
            if other:
                yield _hit(start + other.start("mark"), other["mark"])
        start += len(line) + 1


def _hit(start: int, mark: str) -> Hit:
    return Hit("protective-marking", start, mark, f"the protective marking {mark.strip()!r}")
