"""A subscriber, and the first name by which a mail greets one."""

import re
from dataclasses import dataclass

ACTIVE = "active"
UNSUBSCRIBED = "unsubscribed"


@dataclass(frozen=True, slots=True)
class Subscriber:
    """One reader. `agency` is an id of the registry, `status` one of the two words above."""

    id: int
    email: str
    name: str
    agency: str
    role: str
    status: str


def first_name(name: str) -> str:
    """The name to greet a person by; empty where `name` is.

    Titles and ranks are dropped, "Patel, Asha" is turned round, and "JOHN SMITH" becomes
    "John". A title with one word behind it is kept, for that word may be a surname:
    "Mrs Jones" is greeted as "Mrs Jones".
    """
    first, _, last = name.partition(" ")
    # Most names, for which nothing more has to be looked at.
    usual = first and last and not first.isupper() and first.casefold() not in _TITLES
    if usual and f"{first}{last}".replace("-", "").isalpha():
        return first
    words, turned = _given_first(_INVISIBLE.sub("", name))
    if not words:
        return ""
    titles = 0
    while titles < len(words) - 1 and _is_title(words[titles]):
        titles += 1
    rest = " ".join(words[titles:])
    if rest.isupper() and sum(map(str.isalpha, rest)) > _INITIALS:
        words = [word if _RANK.fullmatch(word) else word.title() for word in words]
    if titles == len(words) - 1 and not turned:
        return " ".join(words)
    return words[titles]


def _given_first(name: str) -> tuple[list[str], bool]:
    """The words of a name from its title or given name on, and whether it was turned round."""
    before, _, after = name.partition(",")
    family, given = before.split(), after.replace(",", " ").split()
    if not given or all(map(_LETTERS_AFTER.fullmatch, given)):
        return family, False
    if all(map(_is_title, given)):
        return [*given, *family], False
    return given, True


def _is_title(word: str) -> bool:
    return bool(_TITLE.fullmatch(word) or _RANK.fullmatch(word))


_INITIALS = 2
"""As many capital letters may be initials, as in AJ, which are not to become Aj."""

_WRITTEN_TITLES = (
    "dr|mr|mrs|ms|miss|mx|prof|professor|rev|revd|reverend|cllr|councillor|sir|dame|lord|lady"
    "|sgt|sergeant|insp|inspector|supt|superintendent"
)
_TITLES = frozenset(_WRITTEN_TITLES.split("|"))
_TITLE = re.compile(rf"(?:{_WRITTEN_TITLES})\.?", re.IGNORECASE)

# Capitals only: Di is a given name.
_RANK = re.compile(r"(?:W?PC|PCSO|DC|DS|DI|DCI|DSU|CI)\.?")

_LETTERS_AFTER = re.compile(
    r"(?:[MOCKD]BE|BEM|[QK]PM|[QK]C|JP|DL|MP|Ph\.?D|MD|BA|BSc|MA|MSc|RN|RGN|RMN|Esq|Jr|Sr)\.?"
)

# Zero-width characters and those that turn the direction of text: in a greeting they can
# only do harm. Joiners stay between letters of scripts that need them, as in ශ්‍රී.
_INVISIBLE = re.compile(
    r"[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
    r"|(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
)
