"""Data checked against a model: each mistake becomes a finding that a person understands."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from newsletter_mailer.findings import Finding, brief
from newsletter_mailer.reading.source import Source
from newsletter_mailer.reading.yaml_lines import Marked

Model = TypeVar("Model", bound=BaseModel)

_WORDS: Mapping[str, tuple[str, str]] = {
    "int_parsing": ("a whole number", "Write it in digits."),
    "int_parsing_size": ("a whole number", "Write a smaller number."),
    "int_type": ("a whole number", "Write it in digits."),
    "greater_than_equal": ("at least {ge}", "Write a larger number."),
    "less_than_equal": ("at most {le}", "Write a smaller number."),
    "string_type": ("text", "Write it after the colon, on the same line."),
    "string_too_short": ("some text", "Write it, or take the line out."),
    "too_long": ("at most {max_length} characters", "Shorten it."),
    "string_pattern_mismatch": (
        "small letters, digits and single hyphens",
        "Write it like early-years.",
    ),
    "bool_parsing": ("true or false", "Write true, or take the line out."),
    "bool_type": ("true or false", "Write true, or take the line out."),
    "tuple_type": ("a list", "Write one `- item` a line."),
    "too_short": ("at least one item", "Name one."),
    "model_type": ("`key: value` lines", "Write them indented by two spaces."),
}
"""What was expected and what to do, by pydantic's name for the error."""


def checked(
    model: type[Model], marked: Marked, source: Source, findings: list[Finding]
) -> Model | None:
    """The data as `model`; None, with a finding for each mistake, where it does not fit."""
    if not isinstance(marked.data, dict):
        keys = ", ".join(_names(model))
        findings.append(
            Finding(
                source.at(marked.line(())),
                "not-keys",
                "no `key: value` lines",
                f"some of: {keys}",
                "Write one key a line, a colon and a space after it.",
            )
        )
        return None
    try:
        return model.model_validate(marked.data)
    except ValidationError as error:
        findings.extend(
            _finding(model, marked, source, detail)
            for detail in error.errors(include_url=False)
            # A list of wrong items alone is called too short besides.
            if not (detail["type"] == "too_short" and detail["input"])
        )
        return None


def _finding(model: type[BaseModel], marked: Marked, source: Source, detail: Any) -> Finding:  # noqa: ANN401 - pydantic's loose shape
    loc = tuple(detail["loc"])
    place = source.at(marked.line(loc))
    key = ".".join(part for part in loc if isinstance(part, str))
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "missing":
        return Finding(
            place, "missing-key", f"no {key}", f"`{loc[-1]}: …`", f"Add the line `{loc[-1]}: …`."
        )
    if kind == "extra_forbidden":
        known = sorted(_names(_model_around(model, loc)))
        near = difflib.get_close_matches(str(loc[-1]), known, n=1)
        mend = f"Did you mean {near[0]}?" if near else "Take the line out."
        found = f"the key {brief(key)}"
        return Finding(place, "unknown-key", found, f"one of {', '.join(known)}", mend)
    expected, mend = _WORDS.get(kind, (str(detail["msg"]), ""))
    return Finding(
        place,
        "bad-value",
        f"{_shown(detail['input'])} as {key}",
        context.get("expected") or expected.format(**context),
        context.get("mend") or mend,
    )


def _shown(value: object) -> str:
    if isinstance(value, str):
        return repr(brief(value)) if value else "nothing"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    return "`key: value` lines" if value else "nothing"


def _names(model: type[BaseModel]) -> Iterator[str]:
    return (field.alias or name for name, field in model.model_fields.items())


def _model_around(model: type[BaseModel], loc: tuple[str | int, ...]) -> type[BaseModel]:
    """The model that holds the value at `loc`."""
    for part in loc[:-1]:
        for name, field in model.model_fields.items():
            if part == (field.alias or name):
                model = next(_models(field.annotation), model)
    return model


def _models(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - any type
    """The models that a type such as `tuple[Model, ...]` names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
