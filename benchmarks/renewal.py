"""An issue in which every text is new, so that nothing remembered helps to compile it."""

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_args

from newsletter_mailer.reading.document import Inline, Issue

_INLINE = get_args(Inline)

_AS_IT_IS = re.compile(r"-{3,}$|:::+$|:::+ only|\|[ :|-]+$| *- \d{4}-|$")
"""Lines with no words to change: rules, ends of blocks, agencies, dates."""

_KEYS = "title|summary|subject|preheader|name|offers|note|text|role|about|place"
_WORDS_OF_A_KEY = re.compile(rf' *(?:- )?(?:{_KEYS}): "?')
_OTHER_KEY = re.compile(r" *(?:- )?[a-z_]+:(?: |$)")
_LISTED = re.compile(r"  - [a-z-]+$")
_LINK = re.compile(r"\[(?=[^\]]*\]\()")
_MARKS = re.compile(r"(?:[ >]|[-*] |\d+\. |#+ |-- |:::+ [a-z-]+(?: |$))*(?:\[[a-z, -]+\] )?")


def write_renewed(folder: Path, copy: Path, number: int) -> None:
    """Write the issue in `folder` to `copy`, `number` in every title, line, list item and cell."""
    for path in (*folder.glob("*.yaml"), *folder.glob("articles/*.md")):
        lines = path.read_text(encoding="utf-8").split("\n")
        text = "\n".join(_renewed(line, number) for line in lines)
        (copy / path.relative_to(folder)).write_text(text, encoding="utf-8")


def _renewed(line: str, number: int) -> str:
    if _AS_IT_IS.match(line) or _LISTED.match(line):
        return line
    if words := _WORDS_OF_A_KEY.match(line):
        return f"{words[0]}{number} {line[words.end() :]}"
    if _OTHER_KEY.match(line):
        return line
    if line.startswith("|"):  # a figure stays one
        line = re.sub(r"\| (£?\d)", rf"| \g<1>{number}", line)
        return re.sub(r"\| (?=[^£\d\s])", f"| {number} ", line)
    line = _LINK.sub(f"[{number} ", line).replace(" -- ", f" -- {number} ")
    marks = _MARKS.match(line)
    at = marks.end() if marks else 0
    is_done = at == len(line) or line.startswith(("![", "["), at)
    return line if is_done else f"{line[:at]}{number} {line[at:]}"


def repeated(one: Issue, other: Issue) -> set[object]:
    """The texts that two issues have in common."""
    return set(_texts((one.subject, one.preheader, one.every_article))) & set(
        _texts((other.subject, other.preheader, other.every_article))
    )


def _texts(part: object) -> Iterator[object]:
    """Every run of inline content, wherever it stands."""
    if isinstance(part, tuple) and part and isinstance(part[0], _INLINE):
        yield part
    elif isinstance(part, tuple):
        for inner in part:
            yield from _texts(inner)
    elif is_dataclass(part):
        for field in fields(part):
            yield from _texts(getattr(part, field.name))
