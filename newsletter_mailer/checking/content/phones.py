"""Personal mobile numbers, by Ofcom's National Telephone Numbering Plan, part A.

Mobiles begin with 071 to 075 and 077 to 079, and with 07624 on the Isle of Man. 070
(personal numbering) and the rest of 076 (pagers) are no mobiles.
"""

import re
from collections.abc import Iterator

from newsletter_mailer.checking.content.hit import Hit, masked

RULES = frozenset({"personal-mobile"})

_GAP = r"[ \n.()-]{0,2}"
_MOBILE = re.compile(
    rf"(?<![A-Za-z0-9_+])(?:(?:\+|00)?44{_GAP}(?:\(0\){_GAP}|0)?|\(?0\)? ?)"
    rf"(?:7[1-57-9](?:{_GAP}[0-9]){{2}}|7624)(?:{_GAP}[0-9]){{6}}(?![A-Za-z0-9_])"
)


def mobiles(text: str) -> Iterator[Hit]:
    """Every UK mobile number in a text, however it is spaced after its first three digits."""
    for match in _MOBILE.finditer(text):
        shown = f"{masked(match[0])}, a mobile number"
        yield Hit("personal-mobile", match.start(), match[0], shown)
