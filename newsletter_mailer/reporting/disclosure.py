"""Disclosure control: what of a campaign's counts may be published, without any small group.

**The rule.** One table is drawn up for a whole campaign. What is published of it are sizes of
blocks: sets of people that lie within or beside each other, never across, each with nobody
in it or at least five. Filters choose from the table and add up what they chose. So
whatever a reader adds and subtracts, over all filters and formats together, comes out as the
size of a union of blocks; a group that cuts through a block can have anything from
nobody to five people and more.

The table is a tree of **cuts**, each of which divides people into two parts:

    recipients ─ agreed ─ may have opened it (most) ─ probably did (least)
        └ others ─ not arrived

and at the same time by sector and by agency (`agency_groups.py`). A cut is published for the
campaign if both parts are large enough: *9 of 12 opened it* tells of the three who did not.
It is published for a sector, or an agency in it, if that holds there, and if the cut before is
published there; and if those of whom it is *not* published are together large enough as well,
for their sum can be had by subtraction. Where it is not, the smallest that might have been shown
is hidden with them. What is finer than this tree (classes, days, kinds of outcome, links) is
published for the whole campaign only, each within one of its parts.

**Nought** is shown for a whole campaign: that nobody's mail came back, or that nobody agreed,
singles nobody out. It is hidden for sectors and agencies, where it would say of each of a few
people what they did; unless it is nought everywhere. That nobody did *not* open it is never
shown. So for a campaign "fewer than five" means 1 to 4, and "hidden" may be anything.

**What is not protected.** Two reports of one campaign, drawn up one after the other, differ
by what happened in between: who draws up a report before and after one person opened the mail,
or withdrew, sees it in the difference. The same goes for two campaigns with almost the same
recipients. Who already knows something of single people, such as all but one of a group,
can work out the rest. The certificate, `newsletter status` and the lists of subscribers are for
the office, and exact.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from newsletter_mailer.reporting.shown import FEW, HIDDEN, SMALLEST, Reach, Shown, almost
from newsletter_mailer.reporting.tally import Tally, total

_CHAIN = ("agreed", "most", "least")
_CHOICES = (
    ("agreed", "most", "least"),
    ("agreed", "most"),
    ("agreed", "least"),
    ("agreed",),
    ("most", "least"),
    ("most",),
    ("least",),
    (),
)
"""Which cuts to publish, the best first. A part that is too small goes with its neighbour."""

NOT_ARRIVED = "not_arrived"


@dataclass(frozen=True, slots=True)
class Cut:
    """A division of people in two: those `inside` it, and the others.

    `of` is what is divided, `after` the cut that must be published before it. `nought_inside`
    and `nought_outside` say whether there is nobody of this kind in the whole campaign, and
    whether that may be told.
    """

    name: str
    of: str
    after: str | None
    nought_inside: bool
    nought_outside: bool

    def parts(self, tally: Tally) -> tuple[int, int]:
        """How many people are in the one and in the other part."""
        inside = _count(tally, self.name)
        return inside, _count(tally, self.of) - inside

    def may_cut(self, tally: Tally) -> bool:
        """Whether both parts are large enough."""
        inside, outside = self.parts(tally)
        return _enough(inside, nought=self.nought_inside) and _enough(
            outside, nought=self.nought_outside
        )


Published = frozenset[str]
"""The names of the cuts that are published for some people."""


def cuts(whole: Tally) -> tuple[Cut, ...]:
    """The cuts that are published for a campaign, in their order."""
    if whole.recipients < SMALLEST:
        return ()
    chain = next(names for names in _CHOICES if _fine(whole, names))
    made = []
    of, after = "recipients", None
    for name in chain:
        inside = _count(whole, name)
        outside = _count(whole, of) - inside
        made.append(Cut(name, of, after, inside == 0, outside == 0))
        of = after = name
    first = chain[0] if chain else None
    others = f"not {first}" if first else "recipients"
    arrived = _count(whole, others) - whole.not_arrived
    missing = Cut(
        NOT_ARRIVED,
        others,
        first,
        whole.not_arrived == 0,
        arrived == 0 and first not in {"most", "least"},
    )
    return (*made, missing) if missing.may_cut(whole) else tuple(made)


def publish(
    parts: Mapping[str, Tally], published: Published, wanted: Sequence[Cut]
) -> dict[str, Published]:
    """Which cuts are published for each part of some people, for whom `published` are.

    Those that a cut is not published for must not be a small group together.
    """
    found: dict[str, Published] = dict.fromkeys(parts, frozenset())
    for cut in wanted:
        if cut.name not in published:
            continue
        shown = {
            name
            for name, tally in parts.items()
            if (cut.after is None or cut.after in found[name]) and cut.may_cut(tally)
        }
        while shown:
            others = total(tally for name, tally in parts.items() if name not in shown)
            if others == Tally() or cut.may_cut(others):
                break
            shown.remove(min(shown, key=lambda name: (min(cut.parts(parts[name])), name)))
        for name in shown:
            found[name] |= {cut.name}
    return found


def reach(tally: Tally, published: Published, *, of_all: bool) -> Reach:
    """The published range of these people; `of_all` for the whole campaign."""
    agreed, most, least = (
        _shown(tally, name, published, of_all=of_all) for name in ("agreed", "most", "least")
    )
    return Reach(agreed, least, most)


def not_arrived(tally: Tally, published: Published, *, of_all: bool) -> Shown:
    """How many did not get it."""
    if NOT_ARRIVED in published:
        return Shown.exactly(tally.not_arrived)
    return FEW if of_all and 0 < tally.not_arrived < SMALLEST else HIDDEN


def recipients(people: int) -> Shown:
    """How many it was for."""
    return Shown.exactly(people) if people >= SMALLEST or not people else FEW


def range_of(of: int, most: int, least: int) -> tuple[Shown, Shown]:
    """What may be shown of `most` and `least` of a campaign's people: a link's followers."""
    tally = Tally(of, of, most, least)
    names = next(
        (names for names in (("most", "least"), ("most",), ("least",)) if _fine(tally, names)), ()
    )
    published = frozenset(names)
    return (
        _shown(tally, "most", published, of_all=True),
        _shown(tally, "least", published, of_all=True),
    )


def _shown(tally: Tally, name: str, published: Published, *, of_all: bool) -> Shown:
    """A count of the chain, or words. Only of a whole campaign do they say why."""
    number = _count(tally, name)
    if name in published:
        return Shown.exactly(number)
    if not of_all:
        return HIDDEN
    if 0 < number < SMALLEST:
        return FEW
    before = ["recipients", *(each for each in _CHAIN if each in published)]
    place = _CHAIN.index(name)
    above = [each for each in before if each not in _CHAIN[place:]]
    around = _count(tally, above[-1])
    return almost(around) if number and around - number < SMALLEST else HIDDEN


def _fine(whole: Tally, names: Sequence[str]) -> bool:
    """Whether all parts of a campaign are large enough if it is cut in these places."""
    counts = [whole.recipients, *(_count(whole, name) for name in names)]
    ends = ["recipients", *names]
    for at, name in enumerate(ends):
        inner = ends[at + 1] if at + 1 < len(ends) else None
        people = counts[at] - (counts[at + 1] if inner else 0)
        if not _enough(people, nought=_nought_may_be_told(whole, name, inner)):
            return False
    return True


def _nought_may_be_told(whole: Tally, name: str, inner: str | None) -> bool:
    """Whether that nobody is inside `name` and outside `inner` says nothing of a person.

    That nobody left it unopened says of each that they did open it.
    """
    if name in {"recipients", "agreed"} and inner in {"most", "least"}:
        return whole.agreed == 0
    return True


def _enough(people: int, *, nought: bool) -> bool:
    return people >= SMALLEST or (people == 0 and nought)


def _count(tally: Tally, name: str) -> int:
    """One of a tally's counts by its name, or all others with `not` in front."""
    if name.startswith("not "):
        return tally.recipients - _count(tally, name.removeprefix("not "))
    counts: dict[str, int] = {
        "recipients": tally.recipients,
        "agreed": tally.agreed,
        "most": tally.most,
        "least": tally.least,
        NOT_ARRIVED: tally.not_arrived,
    }
    return counts[name]
