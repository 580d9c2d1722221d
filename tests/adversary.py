"""A reader who wants to know of single people: adds and subtracts all that reports publish."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm

Group = frozenset[str]
"""People of one or more kinds, each known by a name."""

Terms = dict[str, Fraction]

_ROUNDS = 20


@dataclass(frozen=True)
class _Sum:
    """A sum of whole multiples of kinds, and what it lies between."""

    terms: tuple[tuple[str, int], ...]
    least: int
    most: int | None


@dataclass
class Adversary:
    """What can be known of counts of people that are nowhere published.

    `learn` takes in what is published of a group; `bounds` says what follows for another. Two
    ways are combined: exact elimination over everything that is known as a number, and
    bounds passed from sum to part and back until nothing changes.
    """

    _facts: dict[Group, tuple[int, int | None]] = field(default_factory=dict)
    _basis: dict[str, tuple[Terms, Fraction]] = field(default_factory=dict)
    _low: dict[str, int] = field(default_factory=dict)
    _high: dict[str, int | None] = field(default_factory=dict)
    _equal: list[_Sum] = field(default_factory=list)

    def learn(self, group: Iterable[str], least: int, most: int | None) -> None:
        """Somewhere it says that so many people are in this group."""
        kinds = frozenset(group)
        known_least, known_most = self._facts.get(kinds, (0, None))
        top = min((each for each in (most, known_most) if each is not None), default=None)
        fact = max(least, known_least), top
        if self._facts.get(kinds) == fact:
            return
        self._facts[kinds] = fact
        self._meet(kinds)
        if least == most:
            self._equate(dict.fromkeys(kinds, Fraction(1)), Fraction(least))

    def equal(self, one: Iterable[str], other: Iterable[str]) -> None:
        """The same people, told apart in two ways."""
        terms = dict.fromkeys(one, 1) | dict.fromkeys(other, -1)
        self._meet(terms)
        self._equal.append(_Sum(tuple(terms.items()), 0, 0))
        self._equate({kind: Fraction(sign) for kind, sign in terms.items()}, Fraction(0))

    def think(self) -> None:
        """Work out all bounds."""
        sums = [
            *self._equal,
            *(_Sum(tuple((k, 1) for k in kinds), *fact) for kinds, fact in self._facts.items()),
            *(_whole(terms, value) for terms, value in self._basis.values()),
        ]
        for _ in range(_ROUNDS):
            news = [self._pass(each) for each in sums]
            if not any(news):
                return

    def bounds(self, group: Iterable[str]) -> tuple[int, int | None]:
        """The fewest and the most people that may be in a group; None for no limit."""
        kinds = frozenset(group)
        left, value = self._less(dict.fromkeys(kinds, Fraction(1)), Fraction(0))
        if not left:
            return int(-value), int(-value)
        low, high = self._fewest(kinds), self._highest(kinds)
        for whole, (least, most) in self._facts.items():
            if whole >= kinds:
                around = whole - kinds
                beside = self._highest(around)
                if beside is not None:
                    low = max(low, least - beside)
                if most is not None:
                    rest = most - self._fewest(around)
                    high = rest if high is None else min(high, rest)
            elif whole <= kinds:
                low = max(low, least + self._fewest(kinds - whole))
        return low, high

    def _meet(self, kinds: Iterable[str]) -> None:
        for kind in kinds:
            self._low.setdefault(kind, 0)
            self._high.setdefault(kind, None)

    def _fewest(self, kinds: Iterable[str]) -> int:
        return sum(self._low.get(kind, 0) for kind in kinds)

    def _highest(self, kinds: Iterable[str]) -> int | None:
        total = 0
        for kind in kinds:
            high = self._high.get(kind)
            if high is None:
                return None
            total += high
        return total

    def _equate(self, terms: Terms, value: Fraction) -> None:
        """Add an equation; each row of the basis leads with a kind that no other row has."""
        left, rest = self._less(terms, value)
        if not left:
            assert rest == 0, "what is published contradicts itself"
            return
        lead = min(left)
        factor = left[lead]
        new = {kind: each / factor for kind, each in left.items()}
        number = rest / factor
        for other, (known, much) in self._basis.items():
            if lead in known:
                share = known[lead]
                self._basis[other] = _minus(known, new, share), much - share * number
        self._basis[lead] = new, number

    def _less(self, terms: Terms, value: Fraction) -> tuple[Terms, Fraction]:
        """What is left of a sum after taking away all that is known as a number."""
        left = dict(terms)
        for lead in [kind for kind in terms if kind in self._basis]:
            known, number = self._basis[lead]
            factor = left[lead]
            left = _minus(left, known, factor)
            value -= factor * number
        return left, value

    def _pass(self, known: _Sum) -> bool:
        """Let a sum tell its parts what they can be; whether that was anything new."""
        news = False
        least, endless_down = self._reach(known.terms, up=False)
        most, endless_up = self._reach(known.terms, up=True)
        for kind, factor in known.terms:
            low, high = self._low[kind], self._high[kind]
            down, up = (low, high) if factor > 0 else (high, low)
            others_least = least - factor * (down or 0)
            others_most = most - factor * (up or 0)
            floor = None if endless_up - (up is None) else known.least - others_most
            ceiling = None
            if known.most is not None and not endless_down - (down is None):
                ceiling = known.most - others_least
            if factor < 0:
                floor, ceiling = ceiling, floor
            begin = None if floor is None else -(-floor // factor)
            end = None if ceiling is None else ceiling // factor
            if (begin is not None and begin > low) or (
                end is not None and (high is None or end < high)
            ):
                self._low[kind] = max(low, begin if begin is not None else low)
                self._high[kind] = min((e for e in (high, end) if e is not None), default=None)
                least, endless_down = self._reach(known.terms, up=False)
                most, endless_up = self._reach(known.terms, up=True)
                news = True
        return news

    def _reach(self, terms: Iterable[tuple[str, int]], *, up: bool) -> tuple[int, int]:
        """How far a sum can go by its parts' bounds, and how many parts have none."""
        total = endless = 0
        for kind, factor in terms:
            end = self._high[kind] if (factor > 0) is up else self._low[kind]
            endless += end is None
            total += factor * (end or 0)
        return total, endless


def _minus(terms: Terms, other: Terms, factor: Fraction) -> Terms:
    left = dict(terms)
    for kind, each in other.items():
        rest = left.pop(kind, Fraction(0)) - factor * each
        if rest:
            left[kind] = rest
    return left


def _whole(terms: Terms, value: Fraction) -> _Sum:
    """The same sum in whole numbers."""
    scale = lcm(*(each.denominator for each in terms.values()), value.denominator)
    number = int(value * scale)
    return _Sum(tuple((kind, int(each * scale)) for kind, each in terms.items()), number, number)


def size(group: Iterable[str], world: Mapping[str, int]) -> int:
    """How many people really are in a group."""
    return sum(world[kind] for kind in group)
