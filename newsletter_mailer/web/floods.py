"""Floods: sign-ups that come too fast from one network, or for one domain."""

import datetime as dt
import logging
from dataclasses import dataclass

from sqlalchemy import Connection

from newsletter_mailer.audience.limits import count, hashed
from newsletter_mailer.settings import Web

log = logging.getLogger(__name__)

AN_HOUR = dt.timedelta(hours=1)
_REMEMBERED = 10_000
"""Refused networks; with more, the oldest are looked up in the database again."""


@dataclass(slots=True)
class _Refusal:
    until: dt.datetime
    number: int = 0


class Floods:
    """Counts sign-ups in the database, and remembers who is refused until their hour is over.

    What is refused costs the database nothing any more.
    """

    def __init__(self, limits: Web, key: str) -> None:
        """`key` hashes what is kept in the database."""
        self._limits = limits
        self._key = key
        self._refused: dict[str, _Refusal] = {}

    def refused(self, what: str, now: dt.datetime) -> int:
        """For how many more seconds this network or domain is refused; 0 if it is not."""
        refusal = self._refused.get(what)
        if refusal is None:
            return 0
        if refusal.until <= now:
            log.warning("Sign-ups from %s: %s refused in all", what, f"{refusal.number:,}")
            del self._refused[what]
            return 0
        refusal.number += 1
        if str(refusal.number).strip("0") == "1":  # 1, 10, 100, ...
            log.warning(
                "Sign-ups from %s are slowed: %s refused so far, until %s",
                what,
                f"{refusal.number:,}",
                f"{refusal.until:%H:%M} UTC",
            )
        return int((refusal.until - now).total_seconds()) + 1

    def count(self, connection: Connection, network: str, domain: str, now: dt.datetime) -> int:
        """Count a sign-up; for how many seconds it is refused, 0 where it is within the limits."""
        for what, most in (
            (f"network {network}", self._limits.per_network),
            (f"domain {domain}", self._limits.per_domain),
        ):
            key = f"signup:{hashed(what, self._key)}"
            number, until = count(connection, key, now, AN_HOUR)
            if number > most:
                if len(self._refused) >= _REMEMBERED:
                    del self._refused[next(iter(self._refused))]
                self._refused[what] = _Refusal(until)
                return self.refused(what, now)
        return 0
