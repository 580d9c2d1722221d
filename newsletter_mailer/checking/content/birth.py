"""Dates of birth: a date that a word such as DOB names, or that stands right after a name."""

import re
from collections.abc import Iterator

from newsletter_mailer.checking.content.hit import Hit

RULES = frozenset({"birth-date"})

_MONTH = (
    "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    "|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DAY = "(?:0?[1-9]|[12][0-9]|3[01])"
_YEAR = "(?:(?:19|20)[0-9]{2}|['’]?[0-9]{2})"
_DATE = (
    rf"(?<![0-9A-Za-z])(?:{_DAY}(?: ?(?:st|nd|rd|th))?(?: of)?[ .-]{{1,2}}(?i:{_MONTH})"
    rf"[ .,-]{{1,3}}{_YEAR}"
    rf"|(?i:{_MONTH})[ .-]{{1,2}}{_DAY}(?:st|nd|rd|th)?[ ,]{{1,2}}{_YEAR}"
    rf"|{_DAY} ?[/.-] ?(?:0?[1-9]|1[0-2]) ?[/.-] ?{_YEAR}"
    r"|(?:19|20)[0-9]{2}[/.-](?:0[1-9]|1[0-2])[/.-](?:0[1-9]|[12][0-9]|3[01])"
    r")(?![0-9A-Za-z])"
)
_WORD = r"(?i:\b(?:d\.? ?o\.? ?b\b\.?|dates? of birth|birth ?dates?))"
_NAME = r"(?<!\w)[A-ZÀ-ÖØ-Þ][\w'’.-]*(?: [A-ZÀ-ÖØ-Þ][\w'’.-]*){1,5}"

_NAMED = re.compile(rf"{_WORD}(?P<gap>(?:[^.!?;]|(?<=\b[A-Z])\.){{0,40}}?)(?P<date>{_DATE})")
_BEFORE_WORD = re.compile(rf"(?P<date>{_DATE})[ ,(\[]{{1,3}}{_WORD}")
_AFTER_NAME = re.compile(
    rf"{_NAME}(?:(?: ?[,(] ?| (?:was|is) |,? who was )(?:born(?: on)?(?: the)?|b\.?)| b\.)"
    rf" ?(?P<date>{_DATE})"
)
_ANY_WORD = re.compile(r"born|birth|\bb\.|\bb |d\.? ?o\.? ?b", re.IGNORECASE)

_RANGE_BEFORE = re.compile(
    r"\b(?:after|before|between|from|since|until|till|by|to|than)(?:\W|\b\w+day\b)*$", re.IGNORECASE
)
_RANGE_AFTER = re.compile(
    rf"\s*(?:,? ?(?:or|and) (?:after|before|later|earlier|onwards|younger|older)\b|onwards?\b"
    rf"|(?:to|until|-) {{0,2}}{_DATE})"
)


def birth_dates(text: str) -> Iterator[Hit]:
    """Every date of birth of one person.

    Periods, such as `born on or after 1 September 2018` or `dates of birth from 1 May 2010
    to 30 June 2011`, say who is meant by a rule and are none.
    """
    if not _ANY_WORD.search(text):
        return
    seen: set[int] = set()
    for pattern in (_NAMED, _BEFORE_WORD, _AFTER_NAME):
        for match in pattern.finditer(text):
            gap = match["gap"] if pattern is _NAMED else ""
            if (
                match.start("date") in seen
                or _RANGE_BEFORE.search(gap)
                or _RANGE_AFTER.match(text, match.end("date"))
            ):
                continue
            seen.add(match.start("date"))
            what = "after a name" if pattern is _AFTER_NAME else "beside the words that say so"
            yield Hit("birth-date", match.start("date"), match["date"], f"a date of birth {what}")
