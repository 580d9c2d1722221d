"""Numbers by which the state knows a person: NHS numbers, UPNs, National Insurance numbers."""

import re
from collections.abc import Iterator

from newsletter_mailer.checking.content.hit import Hit, masked
from newsletter_mailer.findings import Severity

RULES = frozenset({"nhs-number", "upn", "ni-number"})

_GAP = r"[ \n.-]{0,3}"
_ALONE = r"(?<![A-Za-z0-9_])"
_ENDS = r"(?![A-Za-z0-9_])"

_TEN_DIGITS = re.compile(
    rf"(?:{_ALONE}|(?<=NHS)|(?<=nhs))(?<![0-9][.,/-])(?<![£$€+])"
    rf"[0-9]{{3}}{_GAP}[0-9]{{3}}{_GAP}[0-9]{{4}}{_ENDS}(?![.,/-][0-9])(?! ?%)"
)
_NAMED = re.compile(
    r"\b(?:NHS|CHI|H&C)\b(?:\W{0,3}|\W{0,3}(?:number|no|num|id)\b[^0-9!?]{0,30})$|NHS$",
    re.IGNORECASE,
)
_ABROAD = re.compile(r"(?:\+[0-9]{1,3}|\b00[1-9][0-9]{0,2})[ .-]{0,2}(?:\(0\) ?)?$|\(0\) ?$")
_BOOK = re.compile(r"\bISBN(?:-?10)?\W{0,3}$", re.IGNORECASE)
_BEFORE = 60
"""Characters before a number that may say what it is."""

_ISSUED = "4679"
"""First digits that no UK phone number without its 0 has, but for 7 (mobiles)."""

_CHECK_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
_UPN = re.compile(
    rf"{_ALONE}[A-HJ-NP-RT-Z]{_GAP}[0-9]{{3}}{_GAP}[0-9]{{4}}{_GAP}[0-9]{{2}}{_GAP}"
    rf"[0-9]{{2}}[0-9A-HJ-NP-RT-Z]{_ENDS}",
    re.IGNORECASE,
)
_NI = re.compile(
    rf"{_ALONE}(?:(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PRSTW-Z][A-CEGHJ-NPRSTW-Z]"
    rf"{_GAP}[0-9]{{2}}{_GAP}[0-9]{{2}}{_GAP}[0-9]{{2}}{_GAP}[A-D]"
    rf"|TN{_GAP}[0-9]{{2}}{_GAP}[0-9]{{2}}{_GAP}[0-9]{{2}}{_GAP}[FM]){_ENDS}",
    re.IGNORECASE,
)
_NI_NAMED = re.compile(r"\b(?:NI|NINO|National Insurance)\b[^0-9!?]{0,30}$", re.IGNORECASE)


def identifiers(text: str, *, only_named: bool = False) -> Iterator[Hit]:
    """Every number of a person in a text.

    With `only_named` ten digits count only where the words before say that they are an
    NHS number: in a URL's query any number may stand.
    """
    yield from _nhs_numbers(text, only_named=only_named)
    for match in _UPN.finditer(text):
        if is_upn(_compact(match[0])):
            yield Hit("upn", match.start(), match[0], f"{masked(match[0])}, a pupil's UPN")
    for match in _NI.finditer(text):
        # "at 10 11 12 a" is a time of day in small letters, and not spaced like this by chance.
        is_tight = match[0].isalnum() or match[0] == match[0].upper()
        if is_tight or _NI_NAMED.search(text[max(0, match.start() - _BEFORE) : match.start()]):
            shown = f"{masked(match[0])}, a National Insurance number"
            yield Hit("ni-number", match.start(), match[0], shown)


def is_nhs_number(digits: str) -> bool:
    """Whether ten digits pass the check of the NHS Data Dictionary, "NHS NUMBER".

    The first nine are weighted 10 to 2; 11 less the remainder by 11 is the last one. An 11
    is written 0, and with a 10 there is no such number.
    """
    total = sum(
        int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=False)
    )
    check = (11 - total % 11) % 11
    return check == int(digits[9])


def is_upn(upn: str) -> bool:
    """Whether 13 signs pass the check of the DfE's guide to unique pupil numbers.

    The 12 signs after the check letter are weighted 2 to 13; the remainder by 23 counts
    into the alphabet without I, O and S. A temporary UPN ends in a letter, which counts
    as its place in that alphabet.
    """
    values = [
        int(sign) if sign.isdigit() else _CHECK_LETTERS.index(sign) for sign in upn[1:].upper()
    ]
    total = sum(value * weight for weight, value in enumerate(values, start=2))
    return _CHECK_LETTERS[total % 23] == upn[0].upper()


def _nhs_numbers(text: str, *, only_named: bool) -> Iterator[Hit]:
    for match in _TEN_DIGITS.finditer(text):
        digits = _compact(match[0])
        before = text[max(0, match.start() - _BEFORE) : match.start()]
        if not is_nhs_number(digits) or _BOOK.search(before) or _ABROAD.search(before):
            continue
        named = _NAMED.search(before) is not None
        if not named and (only_named or digits[0] == "0"):
            continue
        shown, severity = f"{masked(match[0])}, an NHS number", Severity.ERROR
        if digits.startswith("999"):
            shown, severity = f"{masked(match[0])}, an NHS number for tests", Severity.WARNING
        elif not named and digits[0] not in _ISSUED:
            shown = f"{masked(match[0])}, an NHS number or a phone number without its first 0"
            severity = Severity.WARNING
        yield Hit("nhs-number", match.start(), match[0], shown, severity)


def _compact(text: str) -> str:
    return "".join(sign for sign in text if sign.isalnum())
