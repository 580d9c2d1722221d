"""What was found out about a link: a verdict with its reasons, never a bare yes or no."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """What to think of a link. Only `broken` is sure to fail a reader."""

    OK = "ok"
    MOVED = "moved"
    TEMPORARY = "temporary redirect"
    LOGIN = "needs login"
    UNKNOWN = "unknown"
    BROKEN = "broken"
    TLS = "TLS problem"
    SUSPECT = "suspect"
    UNCHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Hop:
    """An answer that sent the fetcher on: from where, and with which status."""

    url: str
    status: int


@dataclass(frozen=True, slots=True)
class LinkResult:
    """One URL looked at.

    `reason` says in plain words what happened. `status` is that of the last answer, None
    where there was none. `final_url` is where the chain ended. `size` is in bytes where
    the server told it, `seconds` the time that it all took. `suggestion` says what to do;
    `replacement` is a URL that may safely take the link's place, None where there is none.
    """

    url: str
    verdict: Verdict
    reason: str
    checked_at: dt.datetime
    status: int | None = None
    chain: tuple[Hop, ...] = ()
    final_url: str = ""
    media_type: str = ""
    size: int | None = None
    seconds: float = 0.0
    suggestion: str = ""
    replacement: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The result for JSON and the store; `from_dict` reads it back."""
        return asdict(self) | {
            "verdict": str(self.verdict),
            "checked_at": self.checked_at.isoformat(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "LinkResult":
        """The result that `as_dict` wrote."""
        return cls(
            **{
                **data,
                "verdict": Verdict(data["verdict"]),
                "checked_at": dt.datetime.fromisoformat(data["checked_at"]),
                "chain": tuple(Hop(**hop) for hop in data["chain"]),
            }
        )
