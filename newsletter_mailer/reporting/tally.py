"""Exact counts of people, by agency. Nothing of it may be shown as it is."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.tracking.agents import Class
from newsletter_mailer.tracking.figures import Figures, Opens

WAITING = ("pending", "sending", "deferred")


@dataclass(frozen=True, slots=True)
class Tally:
    """People, each of these being some of the one before.

    `recipients` is the frozen audience, `agreed` those whom the mail reached and who agree
    to be counted, `most` those of them who may have opened it, `least` those who probably
    did. `not_arrived` is a part of the recipients that has nobody of `agreed` in it.
    """

    recipients: int = 0
    agreed: int = 0
    most: int = 0
    least: int = 0
    not_arrived: int = 0

    def __add__(self, other: Self) -> "Tally":
        return Tally(
            self.recipients + other.recipients,
            self.agreed + other.agreed,
            self.most + other.most,
            self.least + other.least,
            self.not_arrived + other.not_arrived,
        )


@dataclass(frozen=True, slots=True)
class Exact:
    """All exact counts of a campaign that a report is made of.

    `by_agency` has every agency of the registry, in its order. `outcomes` is by outcome,
    `days` by class and day, `clicks` by the link's number: at least, and at most.
    """

    by_agency: Mapping[str, Tally]
    outcomes: Mapping[str, int]
    days: Mapping[Class, Mapping[dt.date, int]]
    clicks: Mapping[int, tuple[int, int]]

    @property
    def whole(self) -> Tally:
        """Everybody."""
        return total(self.by_agency.values())

    def of_class(self, class_: Class) -> int:
        """People by the class of their most telling open."""
        return sum(self.days.get(class_, {}).values())


def total(tallies: Iterable[Tally]) -> Tally:
    """The sum."""
    return sum(tallies, Tally())


def outcome(status: str, state: str) -> str:
    """What became of a delivery, of the ledger's status and the feedback's state."""
    if status in WAITING:
        return "waiting"
    if status != "sent":
        return status
    return "unheard" if state in {"", "processed", "deferred"} else state


def arrived(key: str) -> bool:
    """Whether mail with this outcome was handed over, and did not come back."""
    return key in {"delivered", "unheard", "complained"}


def exact(found: Figures, registry: Registry) -> Exact:
    """Put figures together. An agency that left the registry counts as the default one.

    Old opens are only numbers, and who withdrew since is still in them. Where they are more
    than those who agree now, so many are taken to have agreed.
    """
    recipients, missing = Counter[str](), Counter[str]()
    agreed, loaded, most, least = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    outcomes = Counter[str]()
    for (agency, status, state), people in found.outcomes.items():
        id_, key = registry.agency(agency).id, outcome(status, state)
        recipients[id_] += people
        missing[id_] += 0 if arrived(key) else people
        outcomes[key] += people
    for agency, people in found.agreed.items():
        agreed[registry.agency(agency).id] += people
    days: dict[Class, Counter[dt.date]] = {}
    for (agency, class_, day), people in found.opens.items():
        id_ = registry.agency(agency).id
        loaded[id_] += people
        most[id_] += people if class_ is not Class.MACHINE else 0
        least[id_] += people if class_ is Class.HUMAN else 0
        days.setdefault(class_, Counter())[day] += people
    by_agency = {
        each.id: Tally(
            recipients[each.id],
            max(agreed[each.id], loaded[each.id]),
            most[each.id],
            least[each.id],
            missing[each.id],
        )
        for each in registry.agencies
    }
    return Exact(
        by_agency,
        outcomes,
        days,
        {link: _range(opens) for link, opens in found.clicks.items()},
    )


def _range(opens: Opens) -> tuple[int, int]:
    by_class = Counter[Class]()
    for (_, class_, _), people in opens.items():
        by_class[class_] += people
    least = by_class[Class.HUMAN]
    return least, least + by_class[Class.PROXIED] + by_class[Class.UNKNOWN]
