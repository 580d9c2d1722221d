"""What is known of user agents and networks, by a dated file that ships with the program.

The file (`data/agents.json`) lists agents and networks in the order in which they are
tried; the first that fits decides. An agent is known by a part of its text (`contains`,
whatever the letter case) or by a regular expression (`pattern`).
"""

import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path

FILE = Path(__file__).parent / "data" / "agents.json"

_LONGEST = 512
"""Characters of a user agent that are looked at; a longer one is no honest program's."""


class Class(StrEnum):
    """What a load of a pixel or of a link is taken for."""

    HUMAN = "human"
    """Human-likely: a program in which somebody reads, at a time when somebody may."""

    PROXIED = "proxied"
    """Loaded by a mail provider for its user, who may have looked at it or not."""

    UNKNOWN = "unknown"
    """Nothing speaks for a person, and nothing against one."""

    MACHINE = "machine"
    """A scanner, a prefetch, a tool: nobody looked."""


@dataclass(frozen=True, slots=True)
class Known:
    """A program or a network, and what its loads are."""

    name: str
    class_: Class


@dataclass(frozen=True)
class Agents:
    """The whole file. Times are in seconds.

    `agents` and `networks` are tried in their order; a network is its IP version, its first
    and its last address as numbers.
    """

    dated: str
    too_soon: float
    burst_links: int
    burst_seconds: float
    agents: tuple[tuple[re.Pattern[str], Known], ...]
    networks: tuple[tuple[int, int, int, Known], ...]

    def __post_init__(self) -> None:
        # The same programs come again and again, so the last few hundred are remembered.
        object.__setattr__(self, "_by_agent", lru_cache(maxsize=512)(self._look_up))

    def by_agent(self, agent: str) -> Known | None:
        """What is known of a user agent."""
        found: Known | None = self._by_agent(agent[:_LONGEST].strip())  # type: ignore[attr-defined]
        return found

    def by_address(self, address: str) -> Known | None:
        """What is known of the network of an address; None for what is no address."""
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return None
        number = int(found)
        for version, first, last, known in self.networks:
            if first <= number <= last and version == found.version:
                return known
        return None

    def _look_up(self, agent: str) -> Known | None:
        return next((known for pattern, known in self.agents if pattern.search(agent)), None)


@cache
def known_agents(path: Path = FILE) -> Agents:
    """The file that ships with the program."""
    kept = json.loads(path.read_text(encoding="utf-8"))
    timing: Mapping[str, float] = kept["timing"]
    return Agents(
        kept["dated"],
        timing["too_soon_seconds"],
        int(timing["burst_links"]),
        timing["burst_seconds"],
        tuple(
            (_pattern(each), Known(each["name"], Class(each["class"]))) for each in kept["agents"]
        ),
        tuple(map(_network, kept["networks"])),
    )


def _network(entry: Mapping[str, str]) -> tuple[int, int, int, Known]:
    found = ipaddress.ip_network(entry["network"])
    known = Known(entry["name"], Class(entry["class"]))
    return found.version, int(found[0]), int(found[-1]), known


def _pattern(entry: Mapping[str, str]) -> re.Pattern[str]:
    text = entry["pattern"] if "pattern" in entry else re.escape(entry["contains"])
    return re.compile(text, re.IGNORECASE)
