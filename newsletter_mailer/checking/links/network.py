"""Whether this machine has a network: otherwise each link would look broken."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

CONTROL_NAME = "example.com"
"""A name that is there (RFC 2606, 3). It is looked up, never asked for a page, and only
where no other name was found."""

_MANY_HOSTS = 3
_GLANCE = 0.05


@dataclass(slots=True)
class Network:
    """Collects signs of a network while links are looked at. `patience` is in seconds.

    The signs: a name that was found, and a host that took or refused a connection.
    """

    patience: float
    names_found: int = 0
    names_missed: int = 0
    answered: bool = False
    tried: set[str] = field(default_factory=set)
    """Hosts to which connections were tried."""

    def name_heard(self, found: bool) -> None:
        """A lookup came to its end."""
        if found:
            self.names_found += 1
        else:
            self.names_missed += 1

    async def lost(
        self, control: Callable[[], "asyncio.Future[bool]"], awaited: Callable[[], int]
    ) -> bool:
        """Wait until it is plain whether there is a network; True where there is none.

        `control` looks the control name up, `awaited` is how many lookups have not ended.
        There is no network where

        - a name is missed and none is found, not even the control name;
        - no name is found or missed in all the patience, since questions are dropped;
        - of three hosts or more, none takes or refuses a connection in that time.
        """
        loop = asyncio.get_running_loop()
        begin = loop.time()
        asked: asyncio.Future[bool] | None = None
        missed_at: float | None = None
        while not self.answered:
            waited = loop.time() - begin
            late = waited >= self.patience
            if not self.names_found:
                if asked is None and (self.names_missed or waited >= self.patience / 2):
                    asked = control()
                missed = asked is not None and asked.done() and not asked.result()
                if missed and missed_at is None:
                    missed_at = waited
                # A name that is still being looked up may yet be found, for a little while.
                enough = missed_at is not None and waited - missed_at >= self.patience / 4
                if late or enough or (missed and not awaited()):
                    return True
            elif late:
                return len(self.tried) >= _MANY_HOSTS
            await asyncio.sleep(_GLANCE)
        return False
