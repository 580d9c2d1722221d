"""A diagnosis: how one thing is that a campaign leans on, and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How a thing is. Only `FAILING` makes the command end with 1."""

    FINE = "fine"
    WARNING = "warning"
    """It works, but not for long or not for everybody."""

    FAILING = "failing"
    """A campaign cannot be sent, or many of its messages would be refused."""

    UNKNOWN = "cannot check"
    """It could not be seen from here, such as DNS without a network."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was looked at, how it is, what was found, and what to do (empty where nothing is)."""

    name: str
    health: Health
    found: str
    mend: str = ""

    def as_dict(self) -> dict[str, str]:
        """The diagnosis for `--json`."""
        return {
            "name": self.name,
            "health": str(self.health),
            "found": self.found,
            "mend": self.mend,
        }


@dataclass(frozen=True, slots=True)
class Area:
    """Diagnoses that belong together, under a heading."""

    title: str
    diagnoses: tuple[Diagnosis, ...]


def fine(name: str, found: str) -> Diagnosis:
    """All is well."""
    return Diagnosis(name, Health.FINE, found)


def warning(name: str, found: str, mend: str) -> Diagnosis:
    """Somebody should look at it."""
    return Diagnosis(name, Health.WARNING, found, mend)


def failing(name: str, found: str, mend: str = "") -> Diagnosis:
    """It must be mended; `mend` may be empty where `found` is an error's whole message."""
    return Diagnosis(name, Health.FAILING, found, mend)


def unknown(name: str, found: str, mend: str = "") -> Diagnosis:
    """It could not be seen."""
    return Diagnosis(name, Health.UNKNOWN, found, mend)


def count(areas: Iterable[Area], health: Health) -> int:
    """How many diagnoses are so."""
    return sum(each.health is health for area in areas for each in area.diagnoses)
