"""Everything that is held about one person, to be given to them (GDPR, articles 15 and 20)."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, select

from newsletter_mailer.audience.audit import trail
from newsletter_mailer.mailbox import address_key
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.store.office_tables import agency_confirmed, reconfirm_request
from newsletter_mailer.store.read_tables import asking_article, has_read
from newsletter_mailer.store.tables import campaign, delivery, import_run, subscriber, suppression
from newsletter_mailer.store.tracking_tables import clicked, feedback, opened, tracked_link
from newsletter_mailer.store.web_tables import consent, notice, preference, signup

_FORMAT = 1
"""Goes up when a field changes its meaning."""


@dataclass(frozen=True, slots=True)
class PersonalData:
    """What is held about one subscriber, part by part; moments are UTC, in ISO 8601.

    `mails` are the issues they got or were to get, `articles_read` what they said they have
    read, `history` is their part of the audit trail.
    """

    person: Mapping[str, Any]
    preferences: Mapping[str, Any]
    consents: Sequence[Mapping[str, Any]]
    sign_up: Mapping[str, Any] | None
    kept_off: Mapping[str, Any] | None
    mails: Sequence[Mapping[str, Any]]
    links_followed: Sequence[Mapping[str, Any]]
    articles_read: Sequence[Mapping[str, Any]]
    waiting: Sequence[Mapping[str, Any]]
    history: Sequence[Mapping[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """The same for a JSON file."""
        return {
            "format": _FORMAT,
            "person": dict(self.person),
            "preferences": dict(self.preferences),
            "consents": [dict(each) for each in self.consents],
            "sign_up": dict(self.sign_up) if self.sign_up else None,
            "kept_off": dict(self.kept_off) if self.kept_off else None,
            "mails": [dict(each) for each in self.mails],
            "links_followed": [dict(each) for each in self.links_followed],
            "articles_read": [dict(each) for each in self.articles_read],
            "mails_waiting": [dict(each) for each in self.waiting],
            "history": [dict(each) for each in self.history],
        }


def find_person(connection: Connection, address: str) -> int | None:
    """The number of the subscriber with this address, in any letter case."""
    key = address_key(address.strip())
    return connection.scalar(select(subscriber.c.id).where(subscriber.c.email_key == key))


def personal_data(
    connection: Connection, subscriber_id: int, registry: Registry
) -> PersonalData | None:
    """All that is held about a subscriber; None where nobody has this number.

    What stands in backups and in mails that were sent is not among it.
    """
    row = connection.execute(
        select(subscriber, import_run.c.file_name)
        .outerjoin(import_run, import_run.c.id == subscriber.c.import_id)
        .where(subscriber.c.id == subscriber_id)
    ).one_or_none()
    if row is None:
        return None
    waiting = connection.execute(select(notice).where(notice.c.email == row.email)).all()
    return PersonalData(
        {
            "number": row.id,
            "email": row.email,
            "name": row.name,
            "agency": row.agency,
            "agency_name": registry.agency(row.agency).name,
            "role": row.role,
            "status": row.status,
            "source": row.source,
            "last_imported_from": row.file_name,
            "since": _moment(row.created_at),
            "changed": _moment(row.changed_at),
        },
        _preferences(connection, subscriber_id),
        _consents(connection, subscriber_id),
        _sign_up(connection, row.email_key),
        _kept_off(connection, row.email_key),
        _mails(connection, subscriber_id),
        _links_followed(connection, subscriber_id),
        _articles_read(connection, subscriber_id),
        [{"kind": each.kind, "due": _moment(each.due_at)} for each in waiting],
        [
            {"at": _moment(each.at), "change": each.change, "way": each.way, "by": each.by}
            for each in trail(connection, subscriber_id)
        ],
    )


def _preferences(connection: Connection, subscriber_id: int) -> dict[str, Any]:
    chosen = connection.execute(
        select(preference).where(preference.c.subscriber_id == subscriber_id)
    ).one_or_none()
    right = connection.scalar(
        select(agency_confirmed.c.at).where(agency_confirmed.c.subscriber_id == subscriber_id)
    )
    asked = connection.scalar(
        select(reconfirm_request.c.asked_at).where(
            reconfirm_request.c.subscriber_id == subscriber_id
        )
    )
    return {
        "tracking": bool(chosen and chosen.tracking),
        "paused_until": _moment(chosen.paused_until) if chosen else None,
        "last_changed_by_themselves": _moment(chosen.seen_at) if chosen else None,
        "agency_looked_at_by_office": _moment(right),
        "asked_to_reconfirm": _moment(asked),
    }


def _consents(connection: Connection, subscriber_id: int) -> list[dict[str, Any]]:
    rows = connection.execute(
        select(consent).where(consent.c.subscriber_id == subscriber_id).order_by(consent.c.id)
    )
    return [
        {
            "kind": row.kind,
            "given": row.given,
            "at": _moment(row.at),
            "confirmed": _moment(row.confirmed_at),
            "wording": row.wording,
            "shown": row.shown,
            "source": row.source,
            "network_hash": row.network,
        }
        for row in rows
    ]


def _sign_up(connection: Connection, email_key: str) -> dict[str, Any] | None:
    row = connection.execute(select(signup).where(signup.c.email_key == email_key)).one_or_none()
    if row is None:
        return None
    return {
        "email": row.email,
        "name": row.name,
        "agency": row.agency,
        "role": row.role,
        "tracking": row.tracking,
        "asked": _moment(row.asked_at),
        "expires": _moment(row.expires_at),
        "confirmed": _moment(row.confirmed_at),
        "network_hash": row.network,
    }


def _kept_off(connection: Connection, email_key: str) -> dict[str, Any] | None:
    row = connection.execute(
        select(suppression).where(suppression.c.email_key == email_key)
    ).one_or_none()
    if row is None:
        return None
    return {"reason": row.reason, "words": row.detail, "since": _moment(row.since)}


def _mails(connection: Connection, subscriber_id: int) -> list[dict[str, Any]]:
    rows = connection.execute(
        select(
            campaign.c.name,
            campaign.c.title,
            campaign.c.number,
            delivery.c.email,
            delivery.c.name.label("person"),
            delivery.c.agency,
            delivery.c.status,
            delivery.c.error,
            delivery.c.settled_at,
            feedback.c.state,
            feedback.c.detail,
            opened.c["class"].label("opened_by"),
            opened.c.day,
        )
        .join(campaign, campaign.c.id == delivery.c.campaign_id)
        .outerjoin(feedback, _same(feedback))
        .outerjoin(opened, _same(opened))
        .where(delivery.c.subscriber_id == subscriber_id)
        .order_by(delivery.c.campaign_id)
    )
    return [
        {
            "campaign": row.name,
            "issue": row.number,
            "title": row.title,
            "email": row.email,
            "name": row.person,
            "agency": row.agency,
            "outcome": row.status,
            "words": row.error,
            "at": _moment(row.settled_at),
            "reported": row.state,
            "reported_words": row.detail,
            "opened_last": row.day.isoformat() if row.day else None,
            "opened_by": row.opened_by,
        }
        for row in rows
    ]


def _links_followed(connection: Connection, subscriber_id: int) -> list[dict[str, Any]]:
    rows = connection.execute(
        select(campaign.c.name, tracked_link.c.url, clicked.c["class"], clicked.c.day)
        .join(campaign, campaign.c.id == clicked.c.campaign_id)
        .join(
            tracked_link,
            (tracked_link.c.campaign_id == clicked.c.campaign_id)
            & (tracked_link.c.number == clicked.c.link),
        )
        .where(clicked.c.subscriber_id == subscriber_id)
        .order_by(clicked.c.campaign_id, clicked.c.link)
    )
    return [
        {"campaign": name, "link": url, "last": day.isoformat(), "by": by}
        for name, url, by, day in rows
    ]


def _articles_read(connection: Connection, subscriber_id: int) -> list[dict[str, Any]]:
    rows = connection.execute(
        select(campaign.c.name, asking_article.c.title, has_read.c.day)
        .join(campaign, campaign.c.id == has_read.c.campaign_id)
        .join(
            asking_article,
            (asking_article.c.campaign_id == has_read.c.campaign_id)
            & (asking_article.c.number == has_read.c.number),
        )
        .where(has_read.c.subscriber_id == subscriber_id)
        .order_by(has_read.c.campaign_id, has_read.c.number)
    )
    return [
        {"campaign": name, "article": title, "said": day.isoformat()} for name, title, day in rows
    ]


def _same(table: Table) -> ColumnElement[bool]:
    """The condition that a row of the table is of the delivery."""
    return (table.c.campaign_id == delivery.c.campaign_id) & (
        table.c.subscriber_id == delivery.c.subscriber_id
    )


def _moment(moment: dt.datetime | None) -> str | None:
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds") if moment else None
