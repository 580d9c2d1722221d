"""Telephone numbers behind links."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from newsletter_mailer.checking.links.mention import Mention
from newsletter_mailer.findings import Finding, brief

RULES = frozenset({"link-phone"})
"""Every rule of this module."""

_SHORT_NUMBER = re.compile(r"1\d{2,5}|999|[6-8]\d{4}")
_SHORT_FREE = frozenset({"08001111", "08454647"})
"""Childline and the old NHS Direct: the plan's only numbers of seven digits behind 0."""

_EXTENSION = re.compile(r"\d[\s,;.(]*(?<!\w)(?:ext(?:ension)?|x|option)\b", re.IGNORECASE)
_LONGEST_NUMBER = 15
_SHORTEST_ABROAD = 7


def phone_findings(mention: Mention) -> Iterator[Finding]:
    """What is wrong with a `tel:` link (RFC 3966), by the lengths of the United Kingdom's plan.

    A number in the plan is 0 and nine or ten digits, or +44 and the same without the 0;
    one of another country has 7 to 15 digits (ITU-T E.164). Emergency numbers and other
    short ones pass.
    """
    written = unquote(mention.url.removeprefix("tel:")).partition(";")[0]
    shown = mention.words if _digits(mention.words) == _digits(written) else written
    number = re.sub(r"[\s\u00a0().‐-―/-]", "", written)
    problem, better = _number_problem(number, shown)
    if not problem and re.search(r"\s", written):
        problem, better = "spaces in it, which some telephones do not take", number
    if problem:
        yield Finding(
            mention.place,
            "link-phone",
            f"the telephone number {brief(shown)!r} with {problem}",
            "0 and nine or ten digits, or +44 and the same without the 0",
            f"Write {better}." if better else "Look the number up, and write it in full.",
        )


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _number_problem(number: str, shown: str) -> tuple[str, str]:
    """What is wrong with a number without spaces, and the number that was probably meant."""
    if extension := _EXTENSION.search(shown):
        before = shown[: extension.start() + 1].strip()
        return "an extension, which would be dialled with it", before
    if re.search(r"[A-Za-z]", number):
        return "letters in it", ""
    if not re.fullmatch(r"\+?\d+", number):
        return "signs in it that no telephone dials", ""
    number = re.sub("^00", "+", number)
    if number.startswith("+440"):
        return "a 0 behind +44", f"+44{number[4:]}"
    if number.startswith("+44"):
        rest = number[3:]
    elif number.startswith("+"):
        long = len(number) - 1
        if _SHORTEST_ABROAD <= long <= _LONGEST_NUMBER:
            return "", ""
        return f"{long} digits", ""
    elif _SHORT_NUMBER.fullmatch(number) or number in _SHORT_FREE:
        return "", ""
    elif re.fullmatch(r"44[1-9]\d{8,9}", number):
        return "44 without its +", f"+{number}"
    elif number.startswith("0"):
        rest = number[1:]
    else:
        return "no 0 or + at its beginning", f"0{number}" if len(number) in (9, 10) else ""
    if len(rest) in (9, 10):
        return "", ""
    count = "few" if len(rest) < 9 else "many"  # noqa: PLR2004 - the plan's lengths
    return f"too {count} digits ({len(_digits(number))})", ""
