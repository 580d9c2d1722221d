"""Agencies to choose from: those that an address suggests, and all by sector, searched."""

from dataclasses import dataclass
from itertools import groupby

from newsletter_mailer.reading.agencies import Agency, Registry


@dataclass(frozen=True, slots=True)
class Choice:
    """The agencies of a page. `suggested` stand on top, and not in `sectors` again."""

    suggested: tuple[Agency, ...]
    sectors: tuple[tuple[str, tuple[Agency, ...]], ...]
    search: str
    found: int


def choice(registry: Registry, email: str, search: str = "", chosen: str = "") -> Choice:
    """What to offer to somebody with this address who looks for these words.

    The agency that is `chosen` is always there. Where nothing is found, all are.
    """
    words = search.casefold().split()
    hits = [
        agency
        for agency in registry.agencies
        if all(word in f"{agency.name} {agency.sector_name}".casefold() for word in words)
    ]
    shown = [agency for agency in registry.agencies if agency in hits or agency.id == chosen]
    if not hits:
        shown = list(registry.agencies)
    suggested = tuple(agency for agency in shown if suggests(agency, email))
    others = [agency for agency in shown if agency not in suggested]
    sectors = tuple(
        (name, tuple(group)) for name, group in groupby(others, lambda agency: agency.sector_name)
    )
    return Choice(suggested, sectors, search, len(hits) if words else 0)


def suggests(agency: Agency, email: str) -> bool:
    """Whether the address is at one of the agency's domains or below one."""
    domain = f".{email.rpartition('@')[2].casefold()}"
    return any(domain.endswith(f".{known}") for known in agency.domains)
