"""No report tells of 1 to 4 people, whatever is added, subtracted and chosen."""

import csv
import datetime as dt
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import pytest
from hypothesis import example, given
from hypothesis import settings as trying
from hypothesis import strategies as st

from newsletter_mailer.reading.agencies import Agency
from newsletter_mailer.reporting.as_csv import write_csv
from newsletter_mailer.reporting.as_json import as_dict
from newsletter_mailer.reporting.choosing import Only
from newsletter_mailer.reporting.drawing_up import Link, report
from newsletter_mailer.reporting.report import Report, Row
from newsletter_mailer.reporting.shown import SMALLEST, Shown
from newsletter_mailer.reporting.tally import Exact, Tally, arrived
from newsletter_mailer.tracking.agents import Class
from tests.adversary import Adversary, size
from tests.projects import small_registry
from tests.report_worlds import AGENCIES, CAMPAIGN, NOW, SENT, ZONE

LINKS = tuple(Link(n, f"https://{n}.example/", f"link {n}", ("News",)) for n in range(2))

CELLS = ("lost", "quiet", "rest", "maybe", "human")
"""Every recipient is one of these: not reached; not agreed; agreed, by what was loaded."""

LOST = ("failed", "bounced", "soft_bounced", "suppressed", "in_doubt")
GOT = ("delivered", "unheard", "complained")
DAYS = (0, 1, 4, 16)


@dataclass(frozen=True)
class World:
    """How it really was. `cells` is by agency; the others divide all people of some cells."""

    cells: Mapping[str, tuple[int, ...]]
    outcomes: Mapping[str, int]
    days: Mapping[tuple[Class, int], int]
    links: Mapping[int, tuple[int, int]]
    kinds: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        found = {
            f"{agency} {cell}": people
            for agency, counts in self.cells.items()
            for cell, people in zip(CELLS, counts, strict=True)
        }
        found |= dict(self.outcomes)
        found |= {f"{class_} {day}": people for (class_, day), people in self.days.items()}
        found["none"] = self.all("rest") - self.of(Class.MACHINE)
        agreed = sum(map(self.all, CELLS[2:]))
        for number, (most, least) in self.links.items():
            found |= {
                f"link {number} least": least,
                f"link {number} maybe": most - least,
                f"link {number} not": agreed - most,
            }
        object.__setattr__(self, "kinds", found)

    def all(self, cell: str) -> int:
        """People of one cell, of all agencies."""
        return sum(counts[CELLS.index(cell)] for counts in self.cells.values())

    def of(self, class_: Class) -> int:
        """People of one class."""
        return sum(people for (each, _), people in self.days.items() if each is class_)

    def exact(self) -> Exact:
        """What the program would count."""
        days: dict[Class, dict[dt.date, int]] = {}
        for (class_, day), people in self.days.items():
            days.setdefault(class_, {})[SENT.date() + dt.timedelta(days=day)] = people
        return Exact(
            {agency: _tally(counts) for agency, counts in self.cells.items()},
            self.outcomes,
            days,
            {number: (least, most) for number, (most, least) in self.links.items()},
        )


def _tally(counts: Sequence[int]) -> Tally:
    lost, _, rest, maybe, human = counts
    return Tally(sum(counts), rest + maybe + human, maybe + human, human, lost)


NUMBERS = st.one_of(st.integers(0, 4), st.integers(0, 12), st.integers(5, 60))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Campaigns, most of them with many small groups."""
    cells = {
        agency: draw(
            st.one_of(
                st.just((0, 0, 0, 0, 0)),
                st.tuples(st.integers(0, 7), NUMBERS, NUMBERS, NUMBERS, NUMBERS),
            )
        )
        for agency in AGENCIES
    }
    sums = [sum(counts[at] for counts in cells.values()) for at in range(len(CELLS))]
    lost, quiet, rest, maybe, human = sums
    outcomes = _split(draw, lost, LOST) | _split(draw, quiet + rest + maybe + human, GOT)
    machine = draw(st.integers(0, rest))
    proxied = draw(st.integers(0, maybe))
    days: dict[tuple[Class, int], int] = {}
    for class_, people in (
        (Class.HUMAN, human),
        (Class.PROXIED, proxied),
        (Class.UNKNOWN, maybe - proxied),
        (Class.MACHINE, machine),
    ):
        split = _split(draw, people, tuple(map(str, DAYS)))
        days |= {(class_, int(day)): number for day, number in split.items()}
    links = {}
    for number in range(len(LINKS)):
        most = draw(st.one_of(st.integers(0, min(9, rest + maybe + human)), st.just(human)))
        links[number] = most, draw(st.integers(0, most))
    return World(cells, outcomes, days, links)


def _split(draw: st.DrawFn, people: int, names: Sequence[str]) -> dict[str, int]:
    """People over some names; often a few at all but one of them."""
    found = {}
    for name in names[1:]:
        some = draw(st.one_of(st.integers(0, min(5, people)), st.integers(0, people)))
        found[name] = some
        people -= some
    return {names[0]: people, **found}


def draw_up(world: World, only: Only | None = None) -> Report:
    """The report of a world, or some of it."""
    return report(
        CAMPAIGN,
        world.exact(),
        small_registry(),
        NOW,
        zone=ZONE,
        only=only or Only(),
        links=LINKS,
        earlier=(),
    )


def every_report(world: World) -> Iterator[Report]:
    """One for each choice of agencies and sectors that somebody may make: one, two, mixed, all."""
    registry = small_registry()
    sectors = list(dict.fromkeys(each.sector for each in registry.agencies))
    yield draw_up(world)
    for size_ in (1, 2):
        for agencies in combinations(AGENCIES, size_):
            yield draw_up(world, Only(agencies))
        for chosen in combinations(sectors, size_):
            yield draw_up(world, Only((), chosen))
    for sector in sectors:
        for agency in AGENCIES:
            yield draw_up(world, Only((agency,), (sector,)))


def kinds_of(members: Iterable[str], cells: Iterable[str]) -> list[str]:
    """The people of these agencies and cells, as the adversary calls them."""
    return [f"{agency} {cell}" for agency in members for cell in cells]


def adversary(reports: Iterable[Report]) -> Adversary:
    """Somebody who has read all of these reports, and knows how their figures hang together."""
    made = Adversary()
    made.equal(kinds_of(AGENCIES, ("lost",)), LOST)
    made.equal(kinds_of(AGENCIES, CELLS[1:]), GOT)
    for cell, classes in (
        ("human", (Class.HUMAN,)),
        ("maybe", (Class.PROXIED, Class.UNKNOWN)),
    ):
        made.equal(kinds_of(AGENCIES, (cell,)), _days(classes))
    made.equal(kinds_of(AGENCIES, ("rest",)), [*_days((Class.MACHINE,)), "none"])
    for number in range(len(LINKS)):
        made.equal(
            kinds_of(AGENCIES, CELLS[2:]),
            [f"link {number} {part}" for part in ("least", "maybe", "not")],
        )
    names = {each.name: each for each in small_registry().agencies}
    for each in reports:
        _read(made, each, names)
    made.think()
    return made


def _days(classes: Iterable[Class]) -> list[str]:
    return [f"{class_} {day}" for class_ in classes for day in DAYS]


def _read(reader: Adversary, made: Report, names: Mapping[str, Agency]) -> None:
    """Learn all that one report says."""

    def learn(kinds: Iterable[str], shown: Shown) -> None:
        if shown.most is not None or shown.least:
            reader.learn(kinds, shown.least, shown.most)

    for row in (made.overall, *made.sectors, *made.agencies):
        members = [names[member].id for member in row.members]
        if row.id == "all":
            members = AGENCIES
        if not members:
            continue
        learn(kinds_of(members, CELLS), row.recipients)
        learn(kinds_of(members, ("lost",)), row.not_arrived)
        learn(kinds_of(members, CELLS[2:]), row.reach.agreed)
        learn(kinds_of(members, CELLS[3:]), row.reach.most)
        learn(kinds_of(members, CELLS[4:]), row.reach.least)
    for thin in made.thin:
        most = 0 if thin.nobody else 9
        reader.learn(kinds_of([names[thin.agency].id], CELLS), 0 if thin.nobody else 1, most)
    for agency in {each.id for each in names.values()} if made.thin or made.agencies else ():
        if not made.only and agency not in {names[each.agency].id for each in made.thin}:
            reader.learn(kinds_of([agency], CELLS), 10, None)
    for outcome in made.outcomes:
        if outcome.key in {*LOST, *GOT}:
            learn([outcome.key], outcome.people)
    for total in made.classes:
        learn(_class(total.class_), total.people)
    for strip in made.over_time:
        for period in strip.periods:
            last = period.last or NOW.date()
            learn(
                [
                    kind
                    for kind in _class(strip.class_)
                    for day in DAYS
                    if kind.endswith(f" {day}")
                    and period.first <= SENT.date() + dt.timedelta(days=day) <= last
                ],
                period.people,
            )
    for link in made.followed:
        number = link.url.removeprefix("https://")[0]
        learn([f"link {number} least", f"link {number} maybe"], link.reach.most)
        learn([f"link {number} least"], link.reach.least)


def _class(key: str) -> list[str]:
    maybe = (Class.PROXIED, Class.UNKNOWN)
    return {
        "human": _days((Class.HUMAN,)),
        "proxied": _days((Class.PROXIED,)),
        "unknown": _days((Class.UNKNOWN,)),
        "unclear": _days(maybe),
        "opened": _days((Class.HUMAN, *maybe)),
        "machine": _days((Class.MACHINE,)),
        "none": ["none"],
        "rest": [*_days((Class.MACHINE,)), "none"],
    }[key]


def groups(world: World) -> Iterator[frozenset[str]]:
    """Whom somebody may want to know of: each kind of people, and each that a report names."""
    yield from (frozenset([kind]) for kind in world.kinds)
    registry = small_registry()
    for names in (*registry.members.values(), *({agency} for agency in AGENCIES)):
        for begin in range(len(CELLS)):
            for end in range(begin + 1, len(CELLS) + 1):
                yield frozenset(kinds_of(names, CELLS[begin:end]))
        yield frozenset(kinds_of(names, ("quiet", "rest")))
    for class_ in Class:
        yield frozenset(_days((class_,)))
    for number in range(len(LINKS)):
        yield frozenset({f"link {number} least", f"link {number} maybe"})
    yield frozenset({*LOST})


def given_away(world: World, reader: Adversary) -> list[str]:
    """The groups of 1 to 4 people that the adversary has pinned down."""
    found = []
    for group in groups(world):
        least, most = reader.bounds(group)
        truth = size(group, world.kinds)
        assert least <= truth, (sorted(group), least, truth)
        assert most is None or truth <= most, (sorted(group), truth, most)
        if least == most and 0 < truth < SMALLEST:
            found.append(f"{sorted(group)}: {truth}")
    return found


def _one_agency(*counts: int) -> World:
    """Police, with these cells; and nobody else."""
    cells = dict.fromkeys(AGENCIES, (0,) * len(CELLS)) | {"police": counts}
    return _plain(cells)


def _plain(cells: Mapping[str, tuple[int, ...]]) -> World:
    lost, *reached = (sum(counts[at] for counts in cells.values()) for at in range(len(CELLS)))
    outcomes = dict.fromkeys((*LOST, *GOT), 0) | {"failed": lost, "delivered": sum(reached)}
    days = {(class_, day): 0 for class_ in Class for day in DAYS}
    days |= {(Class.HUMAN, 0): reached[3], (Class.PROXIED, 0): reached[2]}
    return World(cells, outcomes, days, dict.fromkeys(range(len(LINKS)), (0, 0)))


COMPLEMENT = _one_agency(0, 20, 3, 0, 9)
"""Nine of twelve opened it: three did not."""

BESIDE = _plain(
    {
        **dict.fromkeys(AGENCIES, (0,) * len(CELLS)),
        "gp": (0, 20, 20, 9, 9),
        "police": (0, 20, 20, 9, 3),
        "other": (0, 20, 20, 9, 9),
    }
)
"""All but one agency has enough readers: the last follows from the sum."""


@trying(max_examples=150)
@given(worlds())
@example(COMPLEMENT)
@example(BESIDE)
@example(_one_agency(2, 30, 30, 30, 30))
def test_no_report_gives_a_small_group_away(world: World) -> None:
    """Who reads the reports of all choices, and reckons, pins down no group of 1 to 4 people."""
    assert given_away(world, adversary(every_report(world))) == []


@pytest.mark.parametrize("world", [COMPLEMENT, BESIDE])
def test_the_adversary_is_worth_its_name(world: World) -> None:
    """Where small counts are hidden and nothing else, it finds them: by the rest, by the sum."""
    careless = Adversary()
    for names in (*small_registry().members.values(), *({agency} for agency in AGENCIES)):
        for begin in (0, 2, 3, 4):
            kinds = kinds_of(names, CELLS[begin:])
            people = size(kinds, world.kinds)
            if people >= SMALLEST or not people:
                careless.learn(kinds, people, people)
            else:
                careless.learn(kinds, 1, SMALLEST - 1)
    careless.think()
    assert given_away(world, careless)
    assert given_away(world, adversary(every_report(world))) == []


@trying(max_examples=25)
@given(worlds())
def test_files_say_no_more_than_pages(world: World) -> None:
    """JSON and CSV hold the counts of the report, the hidden ones as words, and no others."""
    made = draw_up(world)
    allowed = {shown.words for shown in _counts(made)}
    numbers = {str(shown.number) for shown in _counts(made) if shown.number is not None}
    stream = io.StringIO()
    write_csv(made, stream)
    head, *lines = csv.reader(io.StringIO(stream.getvalue()))
    at = head.index("people")
    thin = {each.words for each in made.thin}
    for line in lines:
        assert {cell for cell in line[at:] if cell} <= allowed | numbers | thin
    for count in _objects(as_dict(made)):
        assert count["words"] in allowed
        assert str(count["number"]) in numbers | {"None"}


def _counts(made: Report) -> Iterator[Shown]:
    for row in (made.overall, *made.sectors, *made.agencies):
        yield from _of_row(row)
    yield from (each.people for each in made.classes)
    yield from (each.people for each in made.outcomes)
    yield from (each.people for each in made.to_mend)
    yield from (period.people for strip in made.over_time for period in strip.periods)
    for link in made.followed:
        yield from (link.reach.agreed, link.reach.least, link.reach.most)


def _of_row(row: Row) -> tuple[Shown, ...]:
    return (row.recipients, row.not_arrived, row.reach.agreed, row.reach.least, row.reach.most)


def _objects(data: object) -> Iterator[Mapping[str, object]]:
    if isinstance(data, dict):
        if "words" in data and "number" in data:
            yield data
        data = list(data.values())
    if isinstance(data, list):
        for each in data:
            yield from _objects(each)


def test_all_outcomes_are_told_apart() -> None:
    """Whether mail arrived is decided for every outcome that the adversary knows."""
    assert all(arrived(key) for key in GOT)
    assert not any(arrived(key) for key in LOST)
