"""Merge fields: a compiled text is split at them once, and joined for each reader."""

import html
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from newsletter_mailer.errors import CompileError

READER_FIELDS = frozenset(
    {"greeting", "first_name", "name", "agency_name", "email", "preferences_url", "unsubscribe_url"}
)
"""Every field that is filled in for each reader."""

PIXEL = "open_pixel"
"""The field of the picture that counts opens: HTML as it is, empty for who did not agree.

It stands in no template; `sending/counted.py` puts it into mail that is about to leave.
"""

IMAGE = "image:"
"""How the field of a picture's address begins; the picture's name follows."""

READ = "read:"
"""How the field of the reader's own link to say "I have read this" begins; the article's id
follows."""

WEB_URL = "web_url"
"""The field of the address of a mail's own web page, which is settled while compiling."""

NOTICE_FIELDS = frozenset({"action_url"})
"""Fields of notices only: where their button leads."""

_FIELDS = READER_FIELDS | NOTICE_FIELDS | {WEB_URL}
_FIELD = re.compile(r"\{\{([a-z_]+|image:[a-z0-9.-]+|read:[a-z0-9-]+)\}\}")
# No issue can hold these control characters: reading removes them.
_OPEN, _CLOSE = "\x02", "\x03"
MARK = re.compile(rf"{_OPEN}([^{_CLOSE}]*){_CLOSE}")
"""What `marked` writes, with the field's name."""
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Segments:
    """A text cut at its merge fields: always one literal more than fields."""

    literals: tuple[str, ...]
    fields: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Self:
        """Cut `text` at its fields.

        Raises:
            CompileError: a field that nothing fills.
        """
        literals, fields = [], []
        done = at = 0
        while (at := text.find("{", at)) >= 0:  # quicker by far than a pattern's search
            field = _FIELD.match(text, at)
            if field is None:
                at += 1
                continue
            if field[1] not in _FIELDS and not field[1].startswith((IMAGE, READ)):
                raise CompileError(
                    f"The merge field {field[0]} is in a template, but nothing fills it."
                )
            literals.append(text[done:at])
            fields.append(field[1])
            done = at = field.end()
        return cls((*literals, text[done:]), tuple(fields))

    @classmethod
    def of_marked(cls, text: str) -> Self:
        """Cut `text` where `marked` put fields."""
        parts = MARK.split(text)
        return cls(tuple(parts[::2]), tuple(parts[1::2]))

    @classmethod
    def joined(cls, parts: Iterable[Self]) -> Self:
        """Texts one after the other."""
        literals, fields, open_ = [], [], [""]
        for part in parts:
            open_.append(part.literals[0])
            for name, literal in zip(part.fields, part.literals[1:], strict=True):
                literals.append("".join(open_))
                fields.append(name)
                open_ = [literal]
        return cls((*literals, "".join(open_)), tuple(fields))

    def fill(self, values: Mapping[str, str]) -> str:
        """The text with each field's value, exactly as it is given."""
        parts = [self.literals[0]]
        for name, literal in zip(self.fields, self.literals[1:], strict=True):
            parts.append(values[name])
            parts.append(literal)
        return "".join(parts)

    @property
    def read_fields(self) -> tuple[str, ...]:
        """The fields of links to say "I have read this", each once."""
        return tuple(dict.fromkeys(name for name in self.fields if name.startswith(READ)))

    def after(self, words: str) -> Self:
        """The text with words put before it."""
        return type(self)((words + self.literals[0], *self.literals[1:]), self.fields)

    def settle(self, known: Callable[[str], str | None]) -> Self:
        """Join the fields for which `known` gives a value; keep the others open."""
        literals, fields = [self.literals[0]], []
        for name, literal in zip(self.fields, self.literals[1:], strict=True):
            value = known(name)
            if value is None:
                fields.append(name)
                literals.append(literal)
            else:
                literals[-1] += value + literal
        return type(self)(tuple(literals), tuple(fields))

    def __str__(self) -> str:
        return self.fill({name: f"{{{{{name}}}}}" for name in self.fields})


def marked(name: str) -> str:
    """What stands for a field in plain text that is still being written."""
    return f"{_OPEN}{name}{_CLOSE}"


def for_html(values: Mapping[str, str]) -> dict[str, str]:
    """Values escaped for HTML text and quoted attributes."""
    return {
        name: value if name == PIXEL else html.escape(one_line(value))
        for name, value in values.items()
    }


def for_text(values: Mapping[str, str]) -> dict[str, str]:
    """Values for plain text and the subject: raw, on one line, without control characters."""
    return {name: one_line(value) for name, value in values.items()}


def one_line(value: str) -> str:
    """A value without line ends and control characters, so it can forge no header."""
    # Most values are printable, and looking is much quicker than replacing.
    return (value if value.isprintable() else _INVISIBLE.sub(" ", value)).strip()


def count_fields(text: str) -> Mapping[str, int]:
    """How often each field stands in a text."""
    return Counter(match[1] for match in _FIELD.finditer(text))
