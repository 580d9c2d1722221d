"""Tracking in tests: a campaign that was sent, pages that count it, a provider with a key."""

import asyncio
import base64
import datetime as dt
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI
from sqlalchemy import Engine, insert, select, update

from newsletter_mailer.audience.consent import prefer
from newsletter_mailer.sending.personal_links import PersonalLinks
from newsletter_mailer.settings import Settings
from newsletter_mailer.store.engine import reading, writing
from newsletter_mailer.store.postgres import make_partition
from newsletter_mailer.store.tables import batch, campaign, delivery, subscriber, suppression
from newsletter_mailer.store.tracking_tables import clicked, feedback, opened
from newsletter_mailer.web.app import application
from newsletter_mailer.web.pages import Pages
from newsletter_mailer.web.site import Site
from tests.ledgers import NOW, settings_for, store_of
from tests.projects import small_registry

ROOT = Path(__file__).parent.parent
KEY = "k" * 32
BETWEEN = dt.timedelta(days=40)
"""Between one campaign and the one before; the first is the newest."""

OUTLOOK = "Mozilla/4.0 (compatible; ms-office; MSOffice 16)"


@dataclass
class Sendgrid:
    """The provider's side: a key pair, and events signed with it."""

    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    @property
    def public(self) -> str:
        """The public key as SendGrid shows it."""
        spki = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(spki).decode("ascii")

    def headers(self, body: bytes, at: dt.datetime) -> dict[str, str]:
        """The headers that prove a body."""
        stamp = str(int(at.timestamp()))
        signed = self.key.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return {
            "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signed).decode("ascii"),
            "Content-Type": "application/json",
        }


@dataclass
class Desk:
    """What the routes work with: a project with one campaign that was handed over an hour ago."""

    engine: Engine
    settings: Settings
    keys: tuple[str, ...] = (KEY,)
    at: dt.datetime = NOW

    @property
    def clock(self) -> Callable[[], dt.datetime]:
        """The time of day, which tests move by setting `at`."""
        return lambda: self.at

    @property
    def links(self) -> PersonalLinks:
        """The links of readers."""
        return PersonalLinks("", KEY)

    def app(self) -> FastAPI:
        """The web application."""
        looks = self.settings.model_copy(update={"root": ROOT})
        site = Site(
            looks,
            small_registry(),
            self.engine,
            Pages(looks),
            self.keys,
            self.clock,
            lambda: "random",
        )
        return application(site)

    def states(self) -> dict[int, str]:
        """What was heard of each delivery, by subscriber."""
        return {row.subscriber_id: row.state for row in self.rows(feedback)}

    def statuses(self) -> dict[int, str]:
        """What the ledger says of each delivery of the first campaign."""
        rows = self.rows(delivery)
        return {row.subscriber_id: row.status for row in rows if row.campaign_id == 1}

    def suppressed(self) -> dict[str, str]:
        """The reason of each suppression."""
        return {row.email_key: row.reason for row in self.rows(suppression)}

    def opens(self) -> dict[int, tuple[str, str]]:
        """The class of each person's open, and the rule."""
        return {row.subscriber_id: (row[2], row.rule) for row in self.rows(opened)}

    def clicks(self) -> dict[tuple[int, int], tuple[str, str]]:
        """The class of each click by person and link, and the rule."""
        return {(row.subscriber_id, row.link): (row[3], row.rule) for row in self.rows(clicked)}

    def rows(self, table: Any) -> Sequence[Any]:  # noqa: ANN401 - any table, any rows
        """All rows of a table."""
        with reading(self.engine) as connection:
            return connection.execute(select(table)).all()

    def agree(self, *numbers: int) -> None:
        """Let people agree that opens are counted."""
        with writing(self.engine) as connection:
            for number in numbers:
                prefer(connection, number, tracking=True)

    def withdraw(self, number: int) -> None:
        """Let somebody take that back."""
        with writing(self.engine) as connection:
            prefer(connection, number, tracking=False)

    def set_status(self, status: str, *numbers: int) -> None:
        """Put deliveries into another state of the ledger."""
        with writing(self.engine) as connection:
            connection.execute(
                update(delivery).where(delivery.c.subscriber_id.in_(numbers)).values(status=status)
            )


def open_desk(folder: Path, people: int, campaigns: int = 1, **tracking: object) -> Desk:
    """A desk with so many people and campaigns; whoever opens it disposes of its engine."""
    settings = settings_for(folder).model_copy(
        update={"tracking": settings_for(folder).tracking.model_copy(update=dict(tracking))}
    )
    engine = store_of(settings)
    with writing(engine) as connection:
        connection.execute(
            insert(subscriber),
            [
                {
                    "id": n,
                    "email": f"reader{n}@example.org",
                    "email_key": f"reader{n}@example.org",
                    "name": "",
                    "agency": "gp" if n % 2 else "police",
                    "status": "active",
                    "source": "test",
                    "created_at": NOW,
                    "changed_at": NOW,
                }
                for n in range(1, people + 1)
            ],
        )
        for number in range(1, campaigns + 1):
            connection.execute(insert(campaign).values(_campaign(number)))
            make_partition(connection, number)
            connection.execute(
                insert(batch).values(campaign_id=number, number=1, state="done", epoch=1)
            )
            connection.execute(
                insert(delivery),
                [
                    {
                        "campaign_id": number,
                        "subscriber_id": n,
                        "batch": 1,
                        "variant": "a",
                        "email": f"reader{n}@example.org",
                        "name": "",
                        "agency": "gp" if n % 2 else "police",
                        "status": "sent",
                        "epoch": 1,
                        "attempts": 1,
                        "settled_at": NOW - dt.timedelta(hours=1),
                    }
                    for n in range(1, people + 1)
                ],
            )
    return Desk(engine, settings)


def _campaign(number: int) -> dict[str, object]:
    return {
        "id": number,
        "name": f"issue-{number}",
        "issue": f"issue-{number}",
        "number": number,
        "title": "News",
        "state": "done",
        "token": f"token{number}",
        "content_hash": "",
        "transport": "smtp",
        "sender_name": "Office",
        "sender_address": "office@example.org",
        "greeting": {},
        "frozen_at": NOW - (number - 1) * BETWEEN,
    }


@asynccontextmanager
async def visiting(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A visitor of an application that is running."""
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client,
    ):
        yield client


def visit(desk: Desk, visitor: Callable[[httpx.AsyncClient], Awaitable[Any]]) -> Any:  # noqa: ANN401 - what the visitor brings home
    """Run the application, let a visitor in, and stop it again."""

    async def go() -> Any:  # noqa: ANN401
        async with visiting(desk.app()) as client:
            return await visitor(client)

    return asyncio.run(go())


def get(desk: Desk, *urls: str, method: str = "GET", **headers: str) -> list[httpx.Response]:
    """Ask for addresses, one after the other, as Outlook does where nothing else is said."""

    async def go(client: httpx.AsyncClient) -> list[httpx.Response]:
        shown = {"user-agent": OUTLOOK, **{k.replace("_", "-"): v for k, v in headers.items()}}
        return [await client.request(method, url, headers=shown) for url in urls]

    answers: list[httpx.Response] = visit(desk, go)
    return answers


def post(
    desk: Desk, requests: Iterable[tuple[bytes, Mapping[str, str]]], hook: str = "sendgrid"
) -> list[int]:
    """Post bodies to a hook, one after the other; the status of each answer."""

    async def go(client: httpx.AsyncClient) -> list[int]:
        return [
            (await client.post(f"/hooks/{hook}", content=body, headers=dict(headers))).status_code
            for body, headers in requests
        ]

    statuses: list[int] = visit(desk, go)
    return statuses


def report(desk: Desk, provider: Sendgrid, *events: Mapping[str, Any]) -> int:
    """Let the provider report events in one request; the status of the answer."""
    body = json.dumps(events).encode()
    (status,) = post(desk, [(body, provider.headers(body, desk.at))])
    return status


def event(word: str, number: int, event_id: str = "", **fields: object) -> dict[str, Any]:
    """An event of the first campaign, as SendGrid writes it."""
    return {
        "email": f"reader{number}@example.org",
        "timestamp": int(NOW.timestamp()) - 60,
        "event": word,
        "sg_event_id": event_id or f"{word}-{number}",
        "sg_message_id": f"m{number}.filter.0",
        "smtp-id": f"<m{number}@example.org>",
        "category": ["news"],
        "campaign": "token1",
        "delivery": str(number),
        **fields,
    }
