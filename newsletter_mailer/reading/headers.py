"""The typed heads of an issue and an article, and checking data against any such model."""

import datetime as dt
import difflib
from collections.abc import Iterable
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from newsletter_mailer.findings import Finding
from newsletter_mailer.mailbox import Address
from newsletter_mailer.reading.source import Source
from newsletter_mailer.reading.yaml_lines import Marked

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


def _one_or_many(value: Any) -> Any:  # noqa: ANN401 - any YAML value
    """`for: gp` and `for: gp, ccg` mean the same as a list."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _language(tag: str) -> str:
    parts = tag.split("-")
    if not (parts[0].isalpha() and 2 <= len(parts[0]) <= 3 and all(p.isalnum() for p in parts)):  # noqa: PLR2004 - BCP 47
        raise ValueError("not a language tag such as en-GB")
    return tag


Agencies = Annotated[tuple[Slug, ...], BeforeValidator(_one_or_many), Field(min_length=1)]
"""Ids of agencies, sectors or groups, in a list or with commas between."""


class _Head(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class IssueSender(_Head):
    """Where one issue's sender differs from the settings."""

    name: Words | None = None
    reply_to: Address | None = None


class IssueHead(_Head):
    """`issue.yaml`: what the issue is, and the order of its articles."""

    number: Annotated[int, Field(ge=0, le=99_999)]
    title: Annotated[Words, Field(max_length=100)]
    date: dt.date
    season: Words | None = None
    subject: Annotated[Words, Field(max_length=150)]
    preheader: Annotated[Words, Field(max_length=200)]
    language: Annotated[str, AfterValidator(_language)] = "en-GB"
    opening: Slug | None = None
    articles: Annotated[tuple[Slug, ...], Field(min_length=1)]
    sender: IssueSender = IssueSender()


class ArticleHead(_Head):
    """The front matter of an article."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    title: Annotated[Words, Field(max_length=200)]
    summary: Words | None = None
    for_: Annotated[Agencies | None, Field(alias="for")] = None
    first_for: Agencies | None = None


Model = TypeVar("Model", bound=BaseModel)

_MENDS = {
    "missing": "Add the line `{name}: …`.",
    "date_from_datetime_parsing": "Write the date as 2019-01-31.",
    "date_parsing": "Write the date as 2019-01-31.",
    "date_from_datetime_inexact": "Write the date as 2019-01-31, without a time.",
    "int_parsing": "Write a whole number.",
    "string_pattern_mismatch": "Use small letters, digits and single hyphens, such as early-years.",
    "too_short": "Name at least one.",
    "tuple_type": "Write a list, one `- item` a line.",
    "string_type": "Write text.",
    "string_too_long": "Shorten it.",
}


def checked(
    model: type[Model], marked: Marked, source: Source, findings: list[Finding]
) -> Model | None:
    """The data as `model`; None, with a finding for each mistake, where it does not fit."""
    data = marked.data
    if not isinstance(data, dict):
        place = source.at(marked.line(()))
        keys = ", ".join(_names(model))
        findings.append(Finding(place, "not-keys", "no `key: value` lines", f"some of: {keys}"))
        return None
    try:
        return model.model_validate(data)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            findings.append(_finding(model, marked, source, detail))
        return None


def _finding(model: type[BaseModel], marked: Marked, source: Source, detail: Any) -> Finding:  # noqa: ANN401 - pydantic's loose shape
    loc = tuple(detail["loc"])
    name = str(loc[-1]) if loc else ""
    dotted = ".".join(str(part) for part in loc)
    place = source.at(marked.line(loc))
    kind = detail["type"]
    if kind == "missing":
        return Finding(
            place, "missing-key", f"no {dotted}", f"{dotted}", _MENDS["missing"].format(name=name)
        )
    if kind == "extra_forbidden":
        known = list(_names(model if len(loc) == 1 else IssueSender))
        near = difflib.get_close_matches(name, known, n=1)
        mend = f"Did you mean {near[0]}?" if near else "Take the line out."
        return Finding(place, "unknown-key", f"the key {name}", f"one of {', '.join(known)}", mend)
    value = detail["input"]
    shown = repr(value) if isinstance(value, (str, int, type(None))) else f"{len(value)} values"
    message = str(detail["msg"]).removeprefix("Value error, ")
    found = f"{dotted} is {shown}" if shown != "''" else f"{dotted} is empty"
    return Finding(
        place, "bad-value", found, message[:1].lower() + message[1:], _MENDS.get(kind, "")
    )


def _names(model: type[BaseModel]) -> Iterable[str]:
    return (field.alias or name for name, field in model.model_fields.items())
