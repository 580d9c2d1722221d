"""Reports to make pages of: one as an office has it, and the largest that is likely."""

import datetime as dt
from dataclasses import replace

from newsletter_mailer.reading.agencies import read_registry
from newsletter_mailer.reporting.outcomes import NAMES
from newsletter_mailer.reporting.report import (
    CampaignFacts,
    ClassTotal,
    Earlier,
    Followed,
    Mend,
    Outcome,
    OverTime,
    Period,
    Report,
    Row,
    Thin,
)
from newsletter_mailer.reporting.shown import FEW, HIDDEN, Reach, Shown, almost
from newsletter_mailer.reporting.tally import arrived
from tests.projects import ROOT

SENT = dt.date(2018, 10, 15)
AT = dt.datetime(2018, 11, 20, 9, 30, tzinfo=dt.UTC)
"""When the reports are drawn up."""

exactly = Shown.exactly


def reach(agreed: int, least: int, most: int) -> Reach:
    """A range of which all is shown."""
    return Reach(exactly(agreed), exactly(least), exactly(most))


UNKNOWN = Reach(FEW, HIDDEN, HIDDEN)
"""Of a group that is too small."""


def row(name: str, people: int, of: Reach, *, number: int = 0) -> Row:
    """An agency's figures."""
    return Row(f"agency-{number}", name, "health", "Health", (name,), exactly(people), FEW, of)


def issue(number: int, title: str = "Safeguarding news") -> CampaignFacts:
    """A campaign whose issues go out every three months."""
    sent = dt.date(2018 - (6 - number) // 4, 10 - (6 - number) % 4 * 3, 15)
    return CampaignFacts(f"{number:02}-issue", number, title, "done", sent, ())


STARTS = (0, 1, 2, 3, 7, 14, 28)
"""Days after sending with which periods begin."""


def strip(class_: str, name: str, *counts: int | None) -> OverTime:
    """Opens of a class, from one period to the next; the last one given is not over."""
    begins = [SENT + dt.timedelta(days=days) for days in STARTS[: len(counts)]]
    ends = [each - dt.timedelta(days=1) for each in begins[1:]]
    people = [HIDDEN if count is None else exactly(count) for count in counts]
    return OverTime(class_, name, tuple(map(Period, begins, [*ends, None], people)))


def outcomes(**counts: int | None) -> tuple[Outcome, ...]:
    """All outcomes in their order; None is hidden, and those that are not named nobody had."""
    return tuple(
        Outcome(
            key,
            name,
            arrived(key),
            FEW if (count := counts.get(key, 0)) is None else exactly(count),
        )
        for key, name in NAMES.items()
    )


def usual() -> Report:
    """Issue 6 as the office may have it: 1,240 readers, some agencies too small to be shown."""
    registry = read_registry(ROOT / "subscribers" / "agencies.yaml", "agencies.yaml")
    names = [agency.name for agency in registry.agencies]
    agencies = [
        row(names[at], people, reach(agreed, least, most), number=at)
        for at, people, agreed, least, most in (
            (0, 180, 121, 44, 78), (1, 40, 23, 8, 15), (4, 260, 190, 62, 131), (5, 140, 96, 30, 61),
            (9, 30, 21, 6, 14), (10, 210, 140, 41, 97), (15, 44, 30, 12, 12), (18, 90, 66, 24, 37),
        )
    ]  # fmt: skip
    agencies[4:4] = [
        row(names[13], 12, Reach(exactly(8), HIDDEN, exactly(6)), number=13),
        row(names[20], 25, Reach(exactly(19), exactly(7), HIDDEN), number=20),
        row(names[22], 9, Reach(exactly(6), HIDDEN, HIDDEN), number=22),
    ]
    agencies += [
        row("11 others together", 39, reach(24, 9, 16), number=90),
        row(names[28], 4, UNKNOWN, number=28),
    ]
    return Report(
        issue(6),
        AT,
        (),
        row("Everybody", 1_240, reach(812, 276, 495)),
        (
            row("Children's services", 260, reach(170, 60, 101)),
            row("Health", 400, reach(240, 77, 150)),
        ),
        tuple(agencies),
        (
            ClassTotal("human", "human-likely", exactly(276)),
            ClassTotal("proxied", "loaded by a mail provider", exactly(186)),
            ClassTotal("unknown", "unknown", exactly(33)),
            ClassTotal("machine", "machines only", exactly(102)),
            ClassTotal("none", "nothing was loaded", exactly(215)),
        ),
        (
            strip("human", "human-likely", 121, 60, 33, 31, 15, 9, 7),
            strip("proxied", "proxied", 96, 50, 22, 13, None, None, 0),
            strip("unknown", "unknown", 13, None, None, 9, 0, 0, 0),
            strip("machine", "machine", 88, 12, None, None, None, None, None),
        ),
        outcomes(delivered=1_004, unheard=201, bounced=19, soft_bounced=12, failed=None),
        (
            *(
                Earlier(
                    issue(number),
                    exactly(1_000),
                    FEW,
                    reach(700 + 15 * number, 210 + 9 * number, 420 + 12 * number),
                )
                for number in (5, 4, 3, 2)
            ),
            Earlier(issue(1), exactly(40), FEW, UNKNOWN),
        ),
        (
            Thin(names[24], "Adults and communities", True, "nobody"),
            Thin(names[27], "Adults and communities", False, "fewer than five"),
            Thin(names[31], "Participation", True, "nobody"),
        ),
        True,
        True,
        (
            Followed(
                "https://www.example.org/film",
                "a film about grooming",
                ("Online grooming",),
                False,
                reach(812, 61, 90),
            ),
            Followed(
                "https://www.example.org/procedures",
                "the procedures",
                ("Procedures", "Training"),
                False,
                Reach(exactly(812), exactly(22), almost(40)),
            ),
            Followed(
                "https://www.example.org/book",
                "book a place",
                ("Training",),
                True,
                reach(812, 17, 20),
            ),
        ),
        (
            Mend(
                "bounced",
                "Addresses that are dead",
                exactly(19),
                "Ask the agency for the new ones, or let them go.",
                "newsletter bounces 06-issue",
            ),
            Mend(
                "blocked",
                "Mail that was refused for reasons of ours",
                FEW,
                "Look at what the doctor says.",
                "newsletter doctor",
            ),
        ),
        ("Agencies with fewer than five readers are counted together with others.",),
    )


def largest() -> Report:
    """33 agencies with names of over a hundred letters, and 12 earlier issues."""
    base = usual()
    long = (
        "Neighbourhood partnership for the safety and the health of families, children and young"
        " people, region"
    )
    agencies = tuple(
        row(f"{long} {at}", 90_000 + at, reach(51_000 + at, 17_000 + at, 41_000 + at), number=at)
        for at in range(33)
    )
    earlier = tuple(
        Earlier(
            issue(number, long),
            exactly(1_000_000),
            exactly(9),
            reach(800_000, 200_000 + number, 500_000),
        )
        for number in range(12)
    )
    return replace(
        base,
        campaign=replace(base.campaign, number=124, title=f"{long} and beyond"),
        overall=row("Everybody", 1_240_000, reach(812_345, 276_543, 495_678)),
        agencies=agencies,
        earlier=earlier,
        outcomes=outcomes(
            **dict.fromkeys(NAMES, 10_001) | {"delivered": 1_104_004, "in_doubt": None}
        ),
        thin=tuple(Thin(f"{long} {at}", long, at % 2 == 0, "fewer than five") for at in range(33)),
        over_time=tuple(
            strip(each.class_, each.name, 123_456, 54_321, 23_456, 54_321, 9_999, 12_345, 6)
            for each in base.over_time
        ),
        notes=(*base.notes, *(f"{long} {at} is counted together with others." for at in range(20))),
    )  # fmt: skip


def fullest() -> Report:
    """The most that is set widely on paper: with one more agency all would stand closer."""
    large = largest()
    return replace(
        large,
        agencies=large.agencies[:12],
        earlier=large.earlier[:6],
        outcomes=outcomes(**dict.fromkeys(list(NAMES)[:7], 1_001)),
    )
