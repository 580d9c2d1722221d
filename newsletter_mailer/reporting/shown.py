"""A count as a report may show it: a number, or words in its place."""

from dataclasses import dataclass
from typing import Self

SMALLEST = 5
"""The smallest group of people that a report tells of."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A count of people. `number` is None where it is hidden; `words` is what to print.

    `least` and `most` are what a reader may know of it; `most` is None where that is nothing.
    """

    number: int | None
    words: str
    least: int = 0
    most: int | None = None

    @classmethod
    def exactly(cls, number: int) -> Self:
        """A number that may be shown."""
        return cls(number, f"{number:,}", number, number)

    @property
    def hidden(self) -> bool:
        """Whether there is no number to show."""
        return self.number is None


FEW = Shown(None, "fewer than five", 0, SMALLEST - 1)
"""A group that is too small to be counted, in the place of 1 to 4."""

HIDDEN = Shown(None, "hidden")
"""A count that would give away a small group, were it only by subtraction."""


def almost(number: int) -> Shown:
    """All but a few of so many."""
    least = max(number - SMALLEST + 1, 0)
    return Shown(None, f"{least:,} or more", least, number)


def added(counts: "list[Shown]") -> Shown:
    """The sum of counts that are all shown; hidden where one of them is."""
    total = 0
    for each in counts:
        if each.number is None:
            return HIDDEN
        total += each.number
    return Shown.exactly(total)


@dataclass(frozen=True, slots=True)
class Reach:
    """How many opened a mail, of those who agreed to be counted: a range, never one number.

    `least` are human-likely. `most` are these, and all whose mail was loaded by a proxy or by
    something unknown. Nobody can tell where between the two the truth is.
    """

    agreed: Shown
    least: Shown
    most: Shown

    @property
    def least_share(self) -> float | None:
        """The lower end, from 0 to 1; None where it is hidden."""
        return _share(self.least, self.agreed)

    @property
    def most_share(self) -> float | None:
        """The upper end, from 0 to 1; None where it is hidden."""
        return _share(self.most, self.agreed)

    @property
    def percent(self) -> str:
        """`34 – 61 %`, `at least 34 %`, `at most 61 %`, or `hidden`."""
        least, most = self.least_share, self.most_share
        if least is not None and most is not None:
            low, high = f"{least:.0%}"[:-1], f"{most:.0%}"[:-1]
            return f"{low} %" if low == high else f"{low} – {high} %"
        if least is not None:
            return f"at least {least:.0%}".replace("%", " %")
        if most is not None:
            return f"at most {most:.0%}".replace("%", " %")
        return HIDDEN.words

    @property
    def sentence(self) -> str:
        """In words: between 34 % and 61 % opened it, of the 812 who agreed to be counted."""
        least, most = self.least_share, self.most_share
        of = f"of the {self.agreed.words} who agreed to be counted."
        if self.agreed.number == 0:
            return "Nobody whom it was sent to agreed to be counted, so nothing is known of opens."
        if least is not None and most is not None:
            low, high = (f"{share:.0%}".replace("%", " %") for share in (least, most))
            return (
                f"About {low} opened it, {of}"
                if low == high
                else (f"Between {low} and {high} opened it, {of}")
            )
        if least is not None:
            return f"At least {least:.0%}".replace("%", " %") + f" opened it, {of}"
        if most is not None:
            return f"At most {most:.0%}".replace("%", " %") + f" opened it, {of}"
        return "How many opened it is hidden: the groups are too small."


def _share(part: Shown, whole: Shown) -> float | None:
    if part.number is None or not whole.number:
        return None
    return part.number / whole.number
