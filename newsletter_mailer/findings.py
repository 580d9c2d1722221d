"""A finding: something in the user's files that is wrong or doubtful, and how to mend it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is. An error stops `check`, `build` and `send`; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something stands: a file, shown from the project's folder, and a line from 1."""

    file: str
    line: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing to mend: where, what was found, what was expected, and what to do.

    `rule` is a stable name for programs, such as `unknown-agency`. `expected` may be
    empty where the sentence in `mend` says it all.
    """

    place: Place
    rule: str
    found: str
    expected: str = ""
    mend: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        parts = [f"{self.place}: {self.severity}: {self.found}"]
        if self.expected:
            parts.append(f"expected {self.expected}")
        if self.mend:
            parts.append(self.mend)
        return "; ".join(parts)

    def as_dict(self) -> dict[str, str | int]:
        """The finding for `--json`."""
        return {
            "rule": self.rule,
            "severity": str(self.severity),
            "file": self.place.file,
            "line": self.place.line,
            "found": self.found,
            "expected": self.expected,
            "mend": self.mend,
        }


def brief(text: str, most: int = 60) -> str:
    """The text on one line and cut to a line's worth, to be quoted in a finding."""
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def errors_in(findings: Iterable[Finding]) -> list[Finding]:
    """The findings that are errors."""
    return [finding for finding in findings if finding.severity is Severity.ERROR]
