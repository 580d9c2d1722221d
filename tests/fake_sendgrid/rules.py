"""Misbehaviour on command: what to do at which request instead of the right thing."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

CALLS = ("send", "batch", "schedule", "scopes")
"""Mail Send, making a batch id, pausing and cancelling and releasing, the key's permissions."""

DEEDS = {
    "429": "too many requests, with the X-RateLimit headers",
    "429-bare": "too many requests, and no word on how long",
    "400": "refuse the request and blame no address",
    "401": "the key is not known",
    "403": "the key may not do this",
    "413": "too large",
    "500": "take nothing and answer 500; also 503",
    "500-taken": "take it and answer 500; also 503",
    "500-unread": "answer 500 before the body is read, and close; also 503",
    "drop": "read the request, take nothing, and close without a word",
    "drop-taken": "take it, and close without a word",
    "drop-unread": "close before the body is read",
    "hang": "take nothing, and never answer",
    "hang-taken": "take it, and never answer",
    "half": "take the first half of the people, and close without a word",
    "slow": "do the right thing, after a second",
}


@dataclass(frozen=True)
class Rule:
    """What to do at a call: one of `DEEDS`.

    `nth` counts the times that the call was met, from 1; `since` is the first of all those
    for which the rule holds; `chance` is the share that it strikes by chance.
    """

    call: str
    do: str
    nth: int | None = None
    since: int | None = None
    chance: float | None = None

    def __post_init__(self) -> None:
        known = {*DEEDS, *(deed.replace("500", "503") for deed in DEEDS)}
        if self.call not in CALLS or self.do not in known:
            message = f"{self.call}:{self.do}: expected one of {CALLS}, and one of {sorted(known)}"
            raise ValueError(message)

    @classmethod
    def read(cls, text: str) -> Self:
        """A rule such as `send:0.01:drop-taken`, `send:#3:429` or `send:5+:401`."""
        call, when, do = text.split(":", 2)
        if when.startswith("#"):
            return cls(call, do, nth=int(when[1:]))
        if when.endswith("+"):
            return cls(call, do, since=int(when[:-1]))
        return cls(call, do, chance=float(when) if when else None)


class Moods:
    """The rules of a server, and how often each call was met. Not safe between threads."""

    def __init__(self, rules: Sequence[Rule], seed: int) -> None:
        self._rules = rules
        self._random = random.Random(seed)  # noqa: S311 - chance, not secrecy
        self.seen: Counter[str] = Counter()

    def at(self, call: str) -> str:
        """What to do at this call; empty for the right thing."""
        self.seen[call] += 1
        times = self.seen[call]
        for rule in self._rules:
            if rule.call != call:
                continue
            if rule.nth is not None:
                strikes = rule.nth == times
            elif rule.since is not None:
                strikes = times >= rule.since
            else:
                strikes = rule.chance is None or self._random.random() < rule.chance
            if strikes:
                return rule.do
        return ""
