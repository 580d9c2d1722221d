"""A mistake in a template or in a rendered mail."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong in a text, on which line, and in which tag and attribute."""

    line: int
    rule: str
    found: str
    expected: str
    mend: str
    tag: str = ""
    attributes: str = ""
