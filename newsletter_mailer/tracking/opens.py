"""Opens and clicks on their way into the database: consent first, then class, then one row.

What a load was classed by, its address and its user agent, ends here.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Table, bindparam, or_, select
from sqlalchemy.dialects.postgresql import Insert

from newsletter_mailer.audience.tracking_consent import agreed
from newsletter_mailer.store.tables import delivery, subscriber
from newsletter_mailer.store.tracking_tables import clicked, opened
from newsletter_mailer.store.upsert import among, insert_into
from newsletter_mailer.tracking.agents import Agents, Class
from newsletter_mailer.tracking.classing import TELLING, Classed, Load, classify, more_telling

_AT_ONCE = 500
"""People in one question to the database."""

_Key = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """A load of a pixel, or with `link` of a link by its number, that was just asked for.

    `burst` has the other links of the same message that were followed within the moment.
    """

    campaign_id: int
    subscriber_id: int
    at: dt.datetime
    load: Load
    link: int | None = None
    burst: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Best:
    classed: Classed
    day: dt.date


def record(connection: Connection, hits: Sequence[Hit], agents: Agents, zone: ZoneInfo) -> int:
    """Write down hits of people who agree to it; how many of the hits were theirs.

    Consent is looked up here, at the time of the load. Days are those of the office's `zone`.
    The caller commits.
    """
    handed_over = _consenting(connection, {(h.campaign_id, h.subscriber_id) for h in hits})
    opens: dict[_Key, _Best] = {}
    clicks: dict[_Key, _Best] = {}
    counted = 0
    for hit in hits:
        whose = (hit.campaign_id, hit.subscriber_id)
        if whose not in handed_over:
            continue
        counted += 1
        since = handed_over[whose]
        # What comes before we noted that the message left came at once.
        seconds = (hit.at - since).total_seconds() if since else 0.0
        load = hit.load
        load = Load(
            load.agent, load.address, seconds, load.links, load.head, load.prefetch, load.flagged
        )
        found = _Best(classify(load, agents), hit.at.astimezone(zone).date())
        if hit.link is None:
            _keep(opens, whose, found)
        else:
            _keep(clicks, (*whose, hit.link), found)
            if found.classed.rule == "burst":
                _take_back(connection, clicks, whose, hit.burst, found)
    _write(connection, opened, opens)
    _write(connection, clicked, clicks)
    return counted


def _consenting(
    connection: Connection, asked: Iterable[tuple[int, int]]
) -> Mapping[tuple[int, int], dt.datetime | None]:
    """Of these deliveries those whose readers agree, and when each was handed over."""
    by_campaign: dict[int, list[int]] = {}
    for campaign_id, subscriber_id in sorted(asked):
        by_campaign.setdefault(campaign_id, []).append(subscriber_id)
    found = {}
    for campaign_id, numbers in by_campaign.items():
        for begin in range(0, len(numbers), _AT_ONCE):
            rows = connection.execute(
                _AGREED, {"campaign": campaign_id, "numbers": numbers[begin : begin + _AT_ONCE]}
            )
            found.update({(campaign_id, number): since for number, since in rows})
    return found


_AGREED = (
    select(delivery.c.subscriber_id, delivery.c.settled_at)
    .join(subscriber, subscriber.c.id == delivery.c.subscriber_id)
    .where(
        delivery.c.campaign_id == bindparam("campaign"),
        delivery.c.subscriber_id.in_(bindparam("numbers", expanding=True)),
        agreed(),
    )
)


def _keep(best: dict[_Key, _Best], key: _Key, found: _Best) -> None:
    known = best.get(key)
    if known is not None and known.classed.class_ is found.classed.class_:
        later = found.day > known.day
    else:
        later = known is None or more_telling(found.classed, known.classed)
    if later:
        best[key] = found


def _take_back(
    connection: Connection,
    clicks: dict[_Key, _Best],
    whose: tuple[int, int],
    links: Sequence[int],
    found: _Best,
) -> None:
    """The first links of a burst looked like a person's until the last came."""
    for link in links:
        clicks[*whose, link] = found
    if links:
        connection.execute(
            clicked.update()
            .where(
                clicked.c.campaign_id == whose[0],
                clicked.c.subscriber_id == whose[1],
                clicked.c.link.in_(links),
                clicked.c.day == found.day,
            )
            .values({"class": Class.MACHINE.value, "rule": "burst"})
        )


def _write(connection: Connection, table: Table, best: Mapping[_Key, _Best]) -> None:
    """Put rows in, or change those that tell less of a person, or the same of an earlier day."""
    names = [column.name for column in table.primary_key]
    by_class: dict[Class, list[dict[str, object]]] = {}
    for key, found in sorted(best.items()):
        row: dict[str, object] = dict(zip(names, key, strict=True))
        row |= {"class": found.classed.class_.value, "rule": found.classed.rule, "day": found.day}
        by_class.setdefault(found.classed.class_, []).append(row)
    for class_, rows in by_class.items():
        connection.execute(_WRITING[table.name, class_], rows)


def _writing(table: Table, class_: Class) -> Insert:
    statement = insert_into(table)
    new = statement.excluded
    less = [other.value for other in TELLING[: TELLING.index(class_)]]
    return statement.on_conflict_do_update(
        index_elements=[column.name for column in table.primary_key],
        set_={"class": new["class"], "rule": new.rule, "day": new.day},
        where=or_(
            among(table.c["class"], less),
            among(table.c["class"], [class_.value]) & (table.c.day < new.day),
        ),
    )


_WRITING = {
    (table.name, class_): _writing(table, class_) for table in (opened, clicked) for class_ in Class
}

Record = Callable[[Connection, Sequence[Hit]], int]
"""What writes hits down, in a transaction of its caller's."""
