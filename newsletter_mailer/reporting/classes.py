"""Opens by class, and by class over time, without small groups."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from newsletter_mailer.reporting.disclosure import Published
from newsletter_mailer.reporting.report import ClassTotal, OverTime, Period
from newsletter_mailer.reporting.shown import SMALLEST, Shown
from newsletter_mailer.reporting.tally import Exact
from newsletter_mailer.tracking.agents import Class

_STARTS = (0, 1, 2, 3, 7, 14, 28)
"""Days after sending with which a period may begin. They do not depend on who opened when."""

_MAYBE = (Class.PROXIED, Class.UNKNOWN)


@dataclass(frozen=True, slots=True)
class _Kind:
    """Classes that are shown as one."""

    key: str
    name: str
    classes: tuple[Class, ...]


_HUMAN = _Kind("human", "human-likely", (Class.HUMAN,))
_PROXIED = _Kind("proxied", "loaded by a proxy", (Class.PROXIED,))
_UNKNOWN = _Kind("unknown", "unknown", (Class.UNKNOWN,))
_MACHINE = _Kind("machine", "a machine", (Class.MACHINE,))
_UNCLEAR = _Kind("unclear", "by a proxy, or unknown", _MAYBE)
_OPENED = _Kind("opened", "may have been opened", (Class.HUMAN, *_MAYBE))
_REST = "rest", "not opened, or by a machine only"
_NONE = "none", "nothing loaded"


def classes(exact: Exact, published: Published) -> tuple[ClassTotal, ...]:
    """Those who agreed by class, as finely as it may be shown; none where nothing may."""
    made = [
        ClassTotal(kind.key, kind.name, Shown.exactly(_people(exact, kind.classes)))
        for kind in _kinds(exact, published)
    ]
    if not {"agreed", "most"} <= published:
        return tuple(made)
    whole = exact.whole
    if _machine_alone(exact):
        nothing = whole.agreed - whole.most - exact.of_class(Class.MACHINE)
        return (*made, ClassTotal(*_NONE, Shown.exactly(nothing)))
    return (*made, ClassTotal(*_REST, Shown.exactly(whole.agreed - whole.most)))


def over_time(
    exact: Exact, published: Published, sent_on: dt.date, today: dt.date
) -> tuple[OverTime, ...]:
    """When each class last opened it. Periods with fewer than five go with their neighbours."""
    return tuple(
        OverTime(kind.key, kind.name, periods)
        for kind in _kinds(exact, published)
        if (periods := _periods(_days(exact, kind.classes), sent_on, today))
    )


def _kinds(exact: Exact, published: Published) -> list[_Kind]:
    made = []
    if "least" in published:
        made.append(_HUMAN)
    if {"most", "least"} <= published:
        counts = [exact.of_class(each) for each in _MAYBE]
        apart = all(people == 0 or people >= SMALLEST for people in counts)
        made += [_PROXIED, _UNKNOWN] if apart else [_UNCLEAR]
    elif "most" in published:
        made.append(_OPENED)
    if {"agreed", "most"} <= published and _machine_alone(exact):
        made.append(_MACHINE)
    return made


def _machine_alone(exact: Exact) -> bool:
    """Whether those whose mail only a machine loaded may be told from those with none."""
    whole, machine = exact.whole, exact.of_class(Class.MACHINE)
    nothing = whole.agreed - whole.most - machine
    return (machine == 0 or machine >= SMALLEST) and (nothing >= SMALLEST or not whole.agreed)


def _people(exact: Exact, classes: Iterable[Class]) -> int:
    return sum(exact.of_class(each) for each in classes)


def _days(exact: Exact, classes: Iterable[Class]) -> dict[dt.date, int]:
    found: dict[dt.date, int] = {}
    for each in classes:
        for day, people in exact.days.get(each, {}).items():
            found[day] = found.get(day, 0) + people
    return found


def _periods(days: Mapping[dt.date, int], sent_on: dt.date, today: dt.date) -> tuple[Period, ...]:
    """Periods of at least five people each; those who opened earlier count for the first."""
    if not any(days.values()):
        return ()
    last = max(today, *days)
    begins = [
        day for day in (sent_on + dt.timedelta(days=start) for start in _STARTS) if day <= last
    ] or [sent_on]
    counts = [0] * len(begins)
    for day, people in days.items():
        counts[max((at for at, begin in enumerate(begins) if begin <= day), default=0)] += people
    joined: list[tuple[dt.date, int]] = []
    for begin, people in zip(begins, counts, strict=True):
        if joined and joined[-1][1] < SMALLEST:
            joined[-1] = joined[-1][0], joined[-1][1] + people
        else:
            joined.append((begin, people))
    while len(joined) > 1 and joined[-1][1] < SMALLEST:
        _, people = joined.pop()
        joined[-1] = joined[-1][0], joined[-1][1] + people
    ends = [begin - dt.timedelta(days=1) for begin, _ in joined[1:]]
    return tuple(
        Period(begin, end, Shown.exactly(people))
        for (begin, people), end in zip(joined, [*ends, None], strict=True)
    )
