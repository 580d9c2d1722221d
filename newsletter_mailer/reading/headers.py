"""The typed heads of an issue and an article, and the kinds of values they hold."""

import datetime as dt
import re
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from newsletter_mailer.mailbox import checked_address

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def wrong(expected: str, mend: str) -> PydanticCustomError:
    """The error of a validator: what it expected, and what to do, for the finding."""
    return PydanticCustomError("value", "{expected}", {"expected": expected, "mend": mend})


def one_line(value: Any) -> Any:  # noqa: ANN401 - any YAML value
    """Text with its line ends as spaces: a title or a subject has none."""
    return re.sub(r"[ \t\r\n]+", " ", value) if isinstance(value, str) else value


def one_or_many(value: Any) -> Any:  # noqa: ANN401 - any YAML value
    """`for: gp` and `for: gp, ccg` mean the same as a list."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def day(value: Any) -> dt.date:  # noqa: ANN401 - any YAML value
    """A day written `YYYY-MM-DD`, and not as the other things that pass for a date."""
    mend = "Write the date as 2019-01-31."
    if not isinstance(value, str) or not _DAY.fullmatch(value.strip()):
        raise wrong("a date such as 2019-01-31", mend)
    try:
        return dt.date.fromisoformat(value.strip())
    except ValueError as error:
        raise wrong("a day that the calendar has", mend) from error


def _language(tag: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*", tag):
        raise wrong("a language tag such as en-GB", "Write en-GB for British English.")
    return tag


def _email(address: str) -> str:
    try:
        return checked_address(address)
    except ValueError as error:
        reason = str(error).partition(" is not an e-mail address: ")[2]
        raise wrong("an e-mail address", reason or "Write it as name@example.org.") from error


Lines = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
"""Text that may have line ends."""

Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1), BeforeValidator(one_line)
]
"""Text on one line, however it was written."""

SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"
Slug = Annotated[str, StringConstraints(pattern=SLUG)]
Day = Annotated[dt.date, BeforeValidator(day)]
Email = Annotated[
    str, AfterValidator(_email), WithJsonSchema({"type": "string", "format": "email"})
]

Agencies = Annotated[
    tuple[Words, ...],
    BeforeValidator(one_or_many),
    Field(min_length=1),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
                {"type": "string", "minLength": 1},
            ]
        }
    ),
]
"""Ids of agencies, sectors or groups, in a list or with commas between."""


class _Head(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class IssueSender(_Head):
    """Where one issue's sender differs from the settings."""

    name: Words | None = None
    reply_to: Email | None = None


REASON_LENGTH = 10
"""Characters that a waiver's reason has at least."""


def _reason(text: str) -> str:
    if len(text) < REASON_LENGTH:
        raise wrong(
            f"a reason of at least {REASON_LENGTH} characters",
            "Say in a sentence why this issue need not keep the rule.",
        )
    return text


class Waiver(_Head):
    """A rule that this issue need not keep: which, why, and who answers for it."""

    rule: Words
    reason: Annotated[
        Words,
        AfterValidator(_reason),
        WithJsonSchema({"type": "string", "minLength": REASON_LENGTH}),
    ]
    by: Words


class IssueHead(_Head):
    """`issue.yaml`: what the issue is, and the order of its articles."""

    number: Annotated[int, Field(ge=0, le=99_999)]
    title: Annotated[Words, Field(max_length=100)]
    date: Day
    season: Words | None = None
    subject: Annotated[Words, Field(max_length=150)]
    preheader: Annotated[Words, Field(max_length=200)]
    language: Annotated[str, AfterValidator(_language)] = "en-GB"
    opening: Slug | None = None
    articles: Annotated[tuple[Slug, ...], Field(min_length=1)]
    sender: IssueSender = IssueSender()
    waive: tuple[Waiver, ...] = ()


class ArticleHead(_Head):
    """The front matter of an article."""

    title: Annotated[Words, Field(max_length=200)]
    summary: Words | None = None
    for_: Annotated[Agencies | None, Field(alias="for")] = None
    first_for: Agencies | None = None
    read_button: bool = False
