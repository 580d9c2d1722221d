"""Which agencies are counted together, so that no count of a report tells of 1 to 4 people.

Pages name the agencies that get the mail, those that nobody gets it at, and those that
fewer than ten people get it at (`THIN`). So a reader knows a little of each agency in a group:
none, 1 to 9, or 10 and more. A group is large enough when that and its sum leave open
that any of its agencies has five people, and when it has not got the highest sum that very small
agencies can have.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from newsletter_mailer.reading.agencies import Agency
from newsletter_mailer.reporting.shown import SMALLEST

THIN = 10
"""An agency with fewer recipients than these is named as one that the issue hardly reaches."""

_SPARE = SMALLEST - 1


@dataclass(frozen=True, slots=True)
class Sized:
    """An agency with at least one recipient, and how many."""

    agency: Agency
    people: int


@dataclass(frozen=True, slots=True)
class Group:
    """Agencies that make up one row of a report."""

    agencies: tuple[Sized, ...]

    @property
    def people(self) -> int:
        """Recipients in it."""
        return sum(each.people for each in self.agencies)


@dataclass(frozen=True, slots=True)
class Block:
    """Groups of one sector, or of several that are counted together."""

    sectors: tuple[str, ...]
    groups: tuple[Group, ...]


def large_enough(group: Iterable[Sized]) -> bool:
    """Whether the sum of these agencies says nothing of one that has 1 to 4 people."""
    sizes = [each.people for each in group]
    people = sum(sizes)
    if len(sizes) == 1:
        return people >= SMALLEST
    known = sum(THIN if size >= THIN else 1 for size in sizes)
    tiny = max(sizes, default=0) < SMALLEST
    return people >= known + _SPARE and not (tiny and people > _SPARE * (len(sizes) - 1))


def blocks(agencies: Sequence[Sized]) -> tuple[Block, ...]:
    """Agencies by sector, the small ones together; none where all of them are too few.

    Sectors that cannot stand by themselves make up a block at the end, if need be with the
    smallest that could.
    """
    by_sector: dict[str, list[Sized]] = {}
    for each in agencies:
        by_sector.setdefault(each.agency.sector, []).append(each)
    standing: dict[str, tuple[Group, ...]] = {}
    rest: dict[str, list[Sized]] = {}
    for sector, members in by_sector.items():
        groups = _groups(members)
        if groups:
            standing[sector] = groups
        else:
            rest[sector] = members
    while rest and not large_enough(each for members in rest.values() for each in members):
        if not standing:
            return ()
        smallest = min(standing, key=lambda name: (sum(g.people for g in standing[name]), name))
        del standing[smallest]
        rest[smallest] = by_sector[smallest]
    made = [Block((sector,), groups) for sector, groups in standing.items()]
    if rest:
        everyone = tuple(each for sector in by_sector if sector in rest for each in rest[sector])
        made.append(Block(tuple(name for name in by_sector if name in rest), (Group(everyone),)))
    return tuple(made)


def _groups(members: Sequence[Sized]) -> tuple[Group, ...]:
    """The groups of one sector: single agencies, and at the end small ones together, if any."""
    alone = [each for each in members if each.people >= SMALLEST]
    small = [each for each in members if each.people < SMALLEST]
    while small and not large_enough(small):
        if not alone:
            return ()
        smallest = min(alone, key=lambda each: (each.people, each.agency.id))
        alone.remove(smallest)
        small.append(smallest)
    made = [Group((each,)) for each in alone]
    if small:
        made.append(Group(tuple(each for each in members if each in small)))
    return tuple(made)
