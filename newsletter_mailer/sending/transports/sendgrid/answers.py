"""What an answer of the provider's Mail Send means for the people of a request.

Sources: the provider's OpenAPI description and its pages "Errors" and "Rate Limits". It has
no idempotency key, so whatever happens after a whole request has left is ambiguous.
"""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from newsletter_mailer.sending.transports.sendgrid.client import Answer

LONGEST_WAIT = 900.0
"""Seconds; the provider counts by the minute, so a wish for longer is a mistake."""

_ACCEPTED = frozenset({200, 202})
"""200 is the sandbox's."""

_KEYS = frozenset({401, 403})
_TOO_MANY = 429
_TOO_LARGE = 413
_BAD = 400
_SERVER = 500
_LONGEST_TEXT = 300
_ADDRESS = re.compile(r"personalizations\.(\d+)\.to\b")


class Fate(Enum):
    """What became of a request."""

    TAKEN = "taken"
    BROKEN = "broken"
    """It surely did not arrive whole: the way to the provider is to blame."""

    DOUBTFUL = "doubtful"
    SLOW_DOWN = "slow down"
    HALVE = "halve"
    NAMED = "named"
    """Refused whole, for the sake of some addresses, which are named."""

    OURS = "ours"
    """Refused for something that lies with us, and would meet every request."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A fate with what goes with it.

    `named` are places in the request, each with what is wrong with the address there;
    `message_id` is the provider's, and `wait` how many seconds it asks for, None where it
    does not say.
    """

    fate: Fate
    words: str = ""
    message_id: str = ""
    wait: float | None = None
    named: Mapping[int, str] | None = None


def judged(answer: Answer, people: int) -> Judgement:
    """What the answer to a request for so many people means."""
    status = answer.status
    if status in _ACCEPTED:
        return Judgement(Fate.TAKEN, message_id=_header(answer, "x-message-id")[:100])
    if not status:
        return Judgement(Fate.DOUBTFUL if answer.left else Fate.BROKEN, answer.why)
    errors = _errors(answer.content)
    words = f"{status} {'; '.join(message for message, _ in errors)}".strip()[:_LONGEST_TEXT]
    if status == _TOO_MANY:
        return Judgement(Fate.SLOW_DOWN, words, wait=_reset(answer))
    if status == _TOO_LARGE:
        return Judgement(Fate.HALVE if people > 1 else Fate.OURS, words)
    if status == _BAD:
        named = _named(errors, people)
        return Judgement(Fate.NAMED if named else Fate.OURS, words, named=named)
    if status in _KEYS:
        return Judgement(Fate.OURS, f"{words}: is NEWSLETTER_SENDGRID_API_KEY right, and may it?")
    if _BAD < status < _SERVER:
        return Judgement(Fate.OURS, words)
    return Judgement(Fate.DOUBTFUL, words)


def explained(answer: Answer) -> str:
    """An answer that is no success, in words."""
    if not answer.status:
        return answer.why
    messages = "; ".join(message for message, _ in _errors(answer.content))
    return f"{answer.status} {messages}".strip()[:_LONGEST_TEXT]


def _errors(content: bytes) -> list[tuple[str, str]]:
    """The messages of an answer, and the field that each is about."""
    try:
        found = json.loads(content)["errors"]
        return [(_printable(each["message"]), str(each.get("field") or "")) for each in found]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        text = _printable(content[:_LONGEST_TEXT].decode("utf-8", "replace"))
        return [(text, "")] if text.strip() else []


def _named(errors: list[tuple[str, str]], people: int) -> Mapping[int, str]:
    """The places that are to blame; none where anything else is, too."""
    named = {}
    for message, field in errors:
        found = _ADDRESS.match(field)
        if found is None or int(found[1]) >= people:
            return {}
        named[int(found[1])] = message[:_LONGEST_TEXT]
    return named


def _reset(answer: Answer) -> float | None:
    """Seconds until the provider takes requests again, where it says."""
    try:
        after = float(_header(answer, "retry-after") or _header(answer, "x-ratelimit-reset"))
    except ValueError:
        return None
    if after > LONGEST_WAIT:  # a moment, in seconds since 1970
        after -= time.time()
    return after if 0 <= after <= LONGEST_WAIT else None


def _header(answer: Answer, name: str) -> str:
    return next((value for key, value in answer.headers.items() if key.lower() == name), "")


def _printable(text: object) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in str(text))
