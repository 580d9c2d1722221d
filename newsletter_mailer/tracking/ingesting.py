"""Taking in events: each counts once, whatever their order, and all that follows is done.

Everything that follows from an event may follow twice without harm, and nothing depends on
which of two events came first. So a process that is killed loses nothing that the reporter
repeats, and two that take in the same events at once agree.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, Row, and_, bindparam, exists, or_, select, update
from sqlalchemy.dialects.postgresql import Insert

from newsletter_mailer.sending.sealing import ERASED
from newsletter_mailer.sending.transitions import DeliveryStep, may, taking
from newsletter_mailer.store.staging_tables import staged_batch
from newsletter_mailer.store.tables import campaign, delivery
from newsletter_mailer.store.tracking_tables import feedback, provider_event
from newsletter_mailer.store.upsert import among, insert_into
from newsletter_mailer.tracking.classing import Load
from newsletter_mailer.tracking.consequences import CONSEQUENCES, RANK, FeedbackStep
from newsletter_mailer.tracking.events import Event, Kind
from newsletter_mailer.tracking.opens import Hit, Record
from newsletter_mailer.tracking.suppressing import Dead, SoftLimit, leave, softly_dead, suppress

_AT_ONCE = 500

_LONGEST_DETAIL = 300

_Delivery = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Ingested:
    """How many events came, and of them how many had been known and how many are of nobody."""

    events: int = 0
    known: int = 0
    unknown: int = 0


def ingest(
    connection: Connection,
    events: Sequence[Event],
    now: dt.datetime,
    limit: SoftLimit,
    record: Record,
) -> Ingested:
    """Take in events that were verified; the caller commits before it answers.

    `record` writes down opens that a provider saw, where the reader agreed.
    """
    events = _named(connection, events)
    ours = _deliveries(connection, {each.delivery for each in events if each.delivery})
    # Of who was erased there is nothing to suppress, and words may hold the address.
    erased = {whose for whose, row in ours.items() if row.email == ERASED}
    events = [
        replace(each, detail="", raw={}) if each.delivery in erased else each for each in events
    ]
    fresh = _new(connection, events, ours, now)
    mine = [each for each in fresh if each.delivery in ours]
    _confirm(connection, mine, ours, now)
    _feed_back(connection, mine)
    soft = sorted({e.subscriber_id or 0 for e in mine if CONSEQUENCES[e.kind].soft})
    dead = [
        Dead(
            ours[each.delivery].email,
            CONSEQUENCES[each.kind].suppress,
            each.code,
            each.detail[:_LONGEST_DETAIL],
            each.campaign_id or 0,
        )
        for each in mine
        if each.delivery and each.delivery not in erased and CONSEQUENCES[each.kind].suppress
    ]
    suppress(connection, [*dead, *softly_dead(connection, soft, limit)], now)
    leave(
        connection, sorted({e.subscriber_id or 0 for e in mine if CONSEQUENCES[e.kind].leaves}), now
    )
    hits = [
        Hit(*each.delivery, each.at, Load(each.agent, each.address, flagged=each.flagged))
        for each in mine
        if each.delivery and each.kind is Kind.OPENED
    ]
    if hits:
        record(connection, hits)
    return Ingested(len(events), len(events) - len(fresh), len(fresh) - len(mine))


def _named(connection: Connection, events: Sequence[Event]) -> list[Event]:
    """The events with their campaigns' numbers in the place of tokens."""
    tokens = sorted({each.token for each in events if each.token})[:_AT_ONCE]
    if not tokens:
        return list(events)
    rows = connection.execute(
        select(campaign.c.token, campaign.c.id).where(campaign.c.token.in_(tokens))
    )
    numbers: dict[str, int] = {row.token: row.id for row in rows}
    return [
        replace(each, campaign_id=numbers.get(each.token)) if each.token else each
        for each in events
    ]


def _deliveries(
    connection: Connection, asked: Iterable[_Delivery]
) -> Mapping[_Delivery | None, Row[int, int, str, str, int]]:
    """Those of these deliveries that there are."""
    by_campaign: dict[int, list[int]] = {}
    for campaign_id, subscriber_id in sorted(asked):
        by_campaign.setdefault(campaign_id, []).append(subscriber_id)
    found: dict[_Delivery | None, Row[int, int, str, str, int]] = {}
    for campaign_id, numbers in by_campaign.items():
        for begin in range(0, len(numbers), _AT_ONCE):
            rows = connection.execute(
                _WANTED, {"campaign": campaign_id, "numbers": numbers[begin : begin + _AT_ONCE]}
            )
            found.update({(row.campaign_id, row.subscriber_id): row for row in rows})
    return found


_WANTED = select(
    delivery.c.campaign_id,
    delivery.c.subscriber_id,
    delivery.c.email,
    delivery.c.status,
    delivery.c.attempts,
).where(
    delivery.c.campaign_id == bindparam("campaign"),
    delivery.c.subscriber_id.in_(bindparam("numbers", expanding=True)),
)


def _new(
    connection: Connection,
    events: Sequence[Event],
    ours: Mapping[_Delivery | None, object],
    now: dt.datetime,
) -> list[Event]:
    """Keep each event, and find those that were not known."""
    rows: dict[tuple[dt.datetime, str, str], dict[str, object]] = {}
    first: dict[tuple[dt.datetime, str, str], Event] = {}
    for each in events:
        mine = each.delivery in ours
        key = (each.at, each.provider, each.event_id)
        first.setdefault(key, each)
        rows[key] = {
            "provider": each.provider,
            "event_id": each.event_id,
            "at": each.at,
            "received_at": now,
            "kind": each.kind.value,
            "campaign_id": each.campaign_id if mine else None,
            "subscriber_id": each.subscriber_id if mine else None,
            "raw": dict(each.raw) if mine else None,
        }
    if not rows:
        return []
    unknown = connection.execute(_KEEPING, list(rows.values()))
    return [first[row.at, row.provider, row.event_id] for row in unknown]


_KEEPING = (
    insert_into(provider_event)
    .on_conflict_do_nothing(index_elements=["at", "provider", "event_id"])
    .returning(provider_event.c.at, provider_event.c.provider, provider_event.c.event_id)
)


def _confirm(
    connection: Connection,
    events: Iterable[Event],
    ours: Mapping[_Delivery | None, Row[int, int, str, str, int]],
    now: dt.datetime,
) -> None:
    """What is reported of a message proves that it left: its delivery is sent.

    Of a campaign that the provider ever held back (`sending/staging.py`), only what can be said
    of no message that never leaves proves it: what was recalled may still be reported as
    processed or dropped, and is to be sent anew.
    """
    left: dict[_Delivery, bool] = {}
    for each in events:
        whose = each.delivery
        if whose is None:
            continue
        row = ours[whose]
        if row.status in DeliveryStep.CONFIRM.value.sources and row.attempts:
            left[whose] = left.get(whose, False) or not CONSEQUENCES[each.kind].held
    for surely, statement in ((True, _CONFIRMING), (False, _CONFIRMING_UNLESS_STAGED)):
        rows = [
            {"campaign": campaign_id, "number": subscriber_id, "now": now}
            for (campaign_id, subscriber_id), proved in sorted(left.items())
            if proved is surely
        ]
        if rows:
            connection.execute(statement, rows)


_CONFIRMING = (
    update(delivery)
    .where(
        delivery.c.campaign_id == bindparam("campaign"),
        delivery.c.subscriber_id == bindparam("number"),
        delivery.c.attempts > 0,
        may(DeliveryStep.CONFIRM),
    )
    .values(
        taking(DeliveryStep.CONFIRM)
        | {"settled_at": bindparam("now"), "code": "", "error": "", "next_try": None}
    )
)

_CONFIRMING_UNLESS_STAGED = _CONFIRMING.where(
    ~exists().where(staged_batch.c.campaign_id == bindparam("campaign"))
)


def _feed_back(connection: Connection, events: Iterable[Event]) -> None:
    """Move the feedback of each delivery as far as these events take it."""
    furthest: dict[_Delivery, tuple[FeedbackStep, Event]] = {}
    soft: dict[_Delivery, dt.datetime] = {}
    for each in events:
        follows = CONSEQUENCES[each.kind]
        whose = each.delivery
        if whose is None or follows.step is None:
            continue
        known = furthest.get(whose)
        if known is None or RANK[follows.step] > RANK[known[0]]:
            furthest[whose] = (follows.step, each)
        if follows.soft:
            soft[whose] = min(soft.get(whose, each.at), each.at)
    by_step: dict[FeedbackStep, list[dict[str, object]]] = {}
    for whose, (step, each) in sorted(furthest.items(), key=lambda item: item[0]):
        by_step.setdefault(step, []).append(
            {
                "campaign_id": whose[0],
                "subscriber_id": whose[1],
                "state": step.value.target,
                "code": each.code,
                "detail": each.detail[:_LONGEST_DETAIL],
                "at": each.at,
            }
        )
    for step, rows in by_step.items():
        connection.execute(_MOVING[step], rows)
    if soft:
        connection.execute(
            _SOFT,
            [{"campaign": c, "number": s, "moment": at} for (c, s), at in sorted(soft.items())],
        )


def _moving(step: FeedbackStep) -> Insert:
    statement = insert_into(feedback)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["campaign_id", "subscriber_id"],
        set_={name: new[name] for name in ("state", "code", "detail", "at")},
        where=among(feedback.c.state, step.value.sources),
    )


_MOVING = {step: _moving(step) for step in FeedbackStep}

_SOFT = (
    update(feedback)
    .where(
        and_(
            feedback.c.campaign_id == bindparam("campaign"),
            feedback.c.subscriber_id == bindparam("number"),
            or_(feedback.c.soft_at.is_(None), feedback.c.soft_at > bindparam("moment")),
        )
    )
    .values(soft_at=bindparam("moment"))
)
