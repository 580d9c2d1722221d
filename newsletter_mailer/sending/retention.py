"""Taking away what has been kept as long as the settings allow."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, exists, or_, select, update

from newsletter_mailer.audience.audit import record
from newsletter_mailer.audience.reconfirming import take_off_unanswered
from newsletter_mailer.audience.states import UNCONFIRMED
from newsletter_mailer.audience.subscriber import UNSUBSCRIBED
from newsletter_mailer.sending.erasing import erase, erase_left_behind, outbox_copies
from newsletter_mailer.sending.recipients import audience_hash
from newsletter_mailer.sending.sealing import ERASED, WORDS_ERASED, seal
from newsletter_mailer.settings import Settings
from newsletter_mailer.store.engine import reading, writing
from newsletter_mailer.store.scrubbing import overwrite_what_is_deleted, scrub
from newsletter_mailer.store.tables import campaign, delivery, subscriber
from newsletter_mailer.store.web_tables import audit, signup, tally

WAY = "newsletter tidy"
BY = "retention times"

_SERVERS_WORDS = ("sent", "failed", "in_doubt")
"""States of a delivery in which `error` holds what a server said."""

_TALLIES = dt.timedelta(days=2)
_OWN_FOLDERS = ("notices", "test")
"""Of the outbox: what is in them belongs to no campaign."""


@dataclass(frozen=True, slots=True)
class Tidied:
    """How many of each were taken away. `files` are messages in the outbox."""

    unconfirmed: int = 0
    left: int = 0
    unanswered: int = 0
    ledger: int = 0
    left_behind: int = 0
    trail: int = 0
    files: int = 0

    @property
    def anything(self) -> bool:
        """Whether there was anything to take away."""
        return any(getattr(self, field.name) for field in fields(self))


def tidy(
    engine: Engine, settings: Settings, key: str, *, now: dt.datetime, dry_run: bool = False
) -> Tidied:
    """Apply the retention times; with `dry_run`, only count what they would take away.

    Each kind has a transaction of its own, so other work goes on between them. Whatever is
    cut off half-way is done by the next run.

    Args:
        engine: the database.
        settings: for the times, and where the outbox is.
        key: the signing key in use, for the hashes of who is erased.
        now: the moment from which days are counted back.
        dry_run: change nothing.

    Raises:
        StoreError: the database refused.
    """
    keep = settings.retention

    def ago(days: int) -> dt.datetime:
        return now - dt.timedelta(days=days)

    def once(step: Callable[[Connection], int]) -> int:
        with writing(engine) as connection:
            overwrite_what_is_deleted(connection)
            done = step(connection)
            if dry_run:
                connection.rollback()
        return done

    copies: list[Path] = []
    unanswered = 0
    if keep.unanswered is not None:
        asked_before = ago(keep.unanswered)
        unanswered = once(lambda c: take_off_unanswered(c, asked_before, way=WAY, by=BY, now=now))
    done = Tidied(
        unconfirmed=once(lambda c: _unconfirmed(c, ago(keep.unconfirmed), now)),
        left=once(lambda c: _left(c, settings, ago(keep.left), key, now, copies)),
        unanswered=unanswered,
        ledger=once(lambda c: _ledger(c, ago(keep.ledger), now)),
        left_behind=once(lambda c: erase_left_behind(c, now=now)),
        trail=once(lambda c: c.execute(delete(audit).where(audit.c.at < ago(keep.trail))).rowcount),
        files=_outbox(engine, settings, ago(keep.outbox), copies, dry_run=dry_run),
    )
    once(lambda c: c.execute(delete(tally).where(tally.c.since < now - _TALLIES)).rowcount)
    if not dry_run:
        scrub(engine)
    return done


def _unconfirmed(connection: Connection, before: dt.datetime, now: dt.datetime) -> int:
    """Sign-ups that nobody confirmed go without a trace: nobody there ever agreed to anything."""
    still_open = exists().where(
        signup.c.email_key == subscriber.c.email_key, signup.c.mailed_at >= before
    )
    ids = connection.scalars(
        select(subscriber.c.id).where(
            subscriber.c.status == UNCONFIRMED, subscriber.c.changed_at < before, ~still_open
        )
    ).all()
    for id_ in ids:
        connection.execute(delete(subscriber).where(subscriber.c.id == id_))
        record(connection, id_, "never confirmed, deleted", WAY, BY, now)
    # What a sign-up said was taken over when it was confirmed.
    old = or_(signup.c.confirmed_at < before, signup.c.expires_at < before)
    connection.execute(delete(signup).where(signup.c.mailed_at < before, old))
    return len(ids)


def _left(  # noqa: PLR0917 - one step of `tidy`
    connection: Connection,
    settings: Settings,
    before: dt.datetime,
    key: str,
    now: dt.datetime,
    copies: list[Path],
) -> int:
    ids = connection.scalars(
        select(subscriber.c.id).where(
            subscriber.c.status == UNSUBSCRIBED, subscriber.c.changed_at < before
        )
    ).all()
    for id_ in ids:
        copies.extend(outbox_copies(connection, settings, id_))
    return erase(connection, ids, key, WAY, BY, now)


def _ledger(connection: Connection, before: dt.datetime, now: dt.datetime) -> int:
    """Names and addresses of whole campaigns; see `sealing` for what stays true of them."""
    taken = 0
    ended = select(campaign.c.id, campaign.c.audience_hash).where(
        campaign.c.state.in_(("done", "cancelled")), campaign.c.finished_at < before
    )
    for row in connection.execute(ended).all():
        whose = (
            delivery.c.campaign_id == row.id,
            delivery.c.email != ERASED,
            delivery.c.status != "sending",
        )
        if connection.scalar(select(delivery.c.subscriber_id).where(*whose).limit(1)) is None:
            continue
        held = audience_hash(connection, row.id) == row.audience_hash
        connection.execute(
            update(delivery)
            .where(
                *whose,
                delivery.c.status.in_(_SERVERS_WORDS),
                delivery.c.error != "",
                ~delivery.c.error.startswith("settled by "),
            )
            .values(error=WORDS_ERASED)
        )
        people = connection.execute(
            update(delivery).where(*whose).values(email=ERASED, name="", provider_id="")
        ).rowcount
        if held:
            seal(connection, row.id, row.audience_hash, people, now)
        taken += people
    return taken


def _outbox(
    engine: Engine,
    settings: Settings,
    before: dt.datetime,
    copies: list[Path],
    *,
    dry_run: bool,
) -> int:
    with reading(engine) as connection:
        ended = connection.scalars(
            select(campaign.c.name).where(
                campaign.c.state.in_(("done", "cancelled")), campaign.c.finished_at < before
            )
        ).all()
    files = {path for name in ended for path in (settings.outbox / name).glob("*.eml")}
    files.update(copies)
    for name in _OWN_FOLDERS:
        files.update(_older(settings.outbox / name, before))
    if not dry_run:
        for path in files:
            path.unlink(missing_ok=True)
    return len(files)


def _older(folder: Path, before: dt.datetime) -> Iterator[Path]:
    for path in folder.glob("*.eml"):
        if path.stat().st_mtime < before.timestamp():
            yield path
