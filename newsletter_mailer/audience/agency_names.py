"""Which agency a subscriber's row means."""

import difflib
from collections import Counter
from dataclasses import dataclass

from newsletter_mailer.reading.agencies import Registry


@dataclass(frozen=True)
class AgencyNames:
    """The registry's agencies by all that a row may call them, and the one for an empty cell."""

    default: str
    ids: dict[str, str]

    def id_of(self, cell: str) -> str:
        """The id of the agency with this id or name, in any letter case.

        Raises:
            ValueError: there is none; the message suggests the nearest.
        """
        id_ = self.ids.get(cell) or self.ids.get(cell.casefold())
        if id_ is None:
            near = difflib.get_close_matches(cell.casefold()[:100], self.ids, n=1)
            mend = f"did you mean {self.ids[near[0]]}?" if near else "check its spelling there"
            raise ValueError(
                f"the agency {cell[:60]!r} is not in subscribers/agencies.yaml; expected the id "
                f"or the name of one, or an empty cell; {mend}"
            )
        return id_


def agency_names(registry: Registry) -> AgencyNames:
    """The names to look up. A name that two agencies share means neither; an id always counts."""
    names = Counter(agency.name.casefold() for agency in registry.agencies)
    ids = {
        agency.name.casefold(): agency.id
        for agency in registry.agencies
        if names[agency.name.casefold()] == 1
    }
    ids |= {agency.id: agency.id for agency in registry.agencies}
    return AgencyNames(registry.default.id, ids)
