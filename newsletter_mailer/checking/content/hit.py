"""A hit: something in a text that does not belong in an issue, and how it may be shown."""

from dataclasses import dataclass

from newsletter_mailer.findings import Severity

_FIRST = 3
_LAST = 2


@dataclass(frozen=True, slots=True)
class Hit:
    """What was found from `start` on in a text.

    `text` is what must not be repeated anywhere; `shown` is what a finding may say of it.
    """

    rule: str
    start: int
    text: str
    shown: str
    severity: Severity = Severity.ERROR


def masked(text: str) -> str:
    """A number with all but its first three and last two letters and digits as stars."""
    places = [at for at, sign in enumerate(text) if sign.isalnum()]
    hidden = set(places[_FIRST:-_LAST])
    return "".join("*" if at in hidden else sign for at, sign in enumerate(text)).replace("\n", " ")
