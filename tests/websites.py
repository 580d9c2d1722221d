"""A web application in this process: its pages are asked for without a network."""

import asyncio
import datetime as dt
import html
import itertools
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response
from sqlalchemy import Engine, Row, Table, insert, select

from newsletter_mailer.reading.agencies import read_registry
from newsletter_mailer.sending.notices import NoticePost
from newsletter_mailer.sending.personal_links import PersonalLinks
from newsletter_mailer.settings import Settings, load_settings
from newsletter_mailer.store.engine import reading, writing
from newsletter_mailer.store.tables import subscriber
from newsletter_mailer.web.app import application
from newsletter_mailer.web.pages import Pages
from newsletter_mailer.web.site import Site
from tests.ledgers import store_of
from tests.office import part_of, read_mail

KEY = "k" * 40
BASE = "https://newsletter.example.org"
NOW = dt.datetime(2031, 3, 3, 9, 0, tzinfo=dt.UTC)
NETWORK = "203.0.113.9"


class Client:
    """Sends requests into an application, from any thread."""

    def __init__(self, app: FastAPI, host: str = NETWORK) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        transport = ASGITransport(app, client=(host, 50_000))
        self._client = AsyncClient(transport=transport, base_url=BASE)

    def request(self, method: str, path: str, **more: Any) -> Response:  # noqa: ANN401 - httpx's own
        """Send a request; redirects are not followed."""
        asked = self._client.request(method, path, **more)
        return asyncio.run_coroutine_threadsafe(asked, self._loop).result(60)

    def close(self) -> None:
        """Stop."""
        asyncio.run_coroutine_threadsafe(self._client.aclose(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@dataclass
class Website:
    """The pages of a project, with a clock that a test turns."""

    settings: Settings
    engine: Engine
    site: Site
    app: FastAPI
    client: Client
    moments: list[dt.datetime] = field(default_factory=lambda: [NOW])

    @property
    def links(self) -> PersonalLinks:
        """The links that mails carry."""
        return PersonalLinks("", KEY)

    def later(self, **much: float) -> None:
        """Let time pass, as in `later(days=3)`."""
        self.moments[0] += dt.timedelta(**much)

    def get(self, path: str) -> Response:
        """Ask for a page."""
        return self.client.request("GET", path)

    def post(self, path: str, **fields: str) -> Response:
        """Send a form."""
        return self.client.request("POST", path, data=fields)

    def fill_in(self, email: str, **fields: str) -> Response:
        """Send the last page of signing up, a while after the first was opened."""
        token = hidden(self.get("/").text, "form")
        self.later(seconds=30)
        filled = {
            "step": "details",
            "email": email,
            "agency": "health-visitors",
            "newsletter": "yes",
            "wording": "2026-1",
            "form": token,
        }
        return self.post("/sign-up", **(filled | fields))

    def send(self) -> list[Path]:
        """Send what waits; the messages in the outbox."""
        while self.notices.send_due(self.engine, self.site.clock()):
            pass
        return sorted((self.settings.outbox / "notices").glob("*.eml"))

    @cached_property
    def notices(self) -> NoticePost:
        """What sends notices."""
        return NoticePost(self.settings, KEY)

    def confirm_link(self) -> str:
        """The path of the link in the newest message."""
        return link_in(self.send()[-1])

    def joined(self, email: str, **fields: str) -> int:
        """Sign up and confirm; the subscriber's number."""
        assert self.fill_in(email, **fields).status_code == 200
        answer = self.post(self.confirm_link())
        assert "You get the newsletter" in answer.text
        return int(self.person(email).id)

    def subscribed(self, email: str, **values: str) -> int:
        """Somebody who was imported; their number."""
        row = {
            "email": email,
            "email_key": email,
            "agency": "health-visitors",
            "status": "active",
            "source": "test",
            "created_at": NOW,
            "changed_at": NOW,
        }
        with writing(self.engine) as connection:
            connection.execute(insert(subscriber).values(row | values))
        return int(self.person(email).id)

    def person(self, email: str) -> Any:  # noqa: ANN401 - a row
        """The one subscriber with this address."""
        (found,) = [row for row in self.rows(subscriber) if row.email == email]
        return found

    def rows(self, table: Table) -> list[Row[Any]]:
        """Everything in a table."""
        with reading(self.engine) as connection:
            return list(connection.execute(select(table)))


@contextmanager
def website(
    project: Path, *, base: str = BASE, now: dt.datetime = NOW, **limits: float
) -> Iterator[Website]:
    """The pages of a project folder; `limits` are settings of `web`."""
    settings = load_settings(project)
    changed = {"base_url": base, "web": settings.web.model_copy(update=limits)}
    settings = settings.model_copy(update=changed)
    registry = read_registry(settings.agencies_file, "subscribers/agencies.yaml")
    engine = store_of(settings)
    moments = [now]
    numbers = itertools.count(1)
    site = Site(
        settings,
        registry,
        engine,
        Pages(settings),
        (KEY,),
        lambda: moments[0],
        lambda: f"random-{next(numbers)}",
    )
    app = application(site)
    client = Client(app)
    try:
        yield Website(settings, engine, site, app, client, moments)
    finally:
        client.close()
        engine.dispose()


@contextmanager
def served(web: Website, listening: socket.socket) -> Iterator[None]:
    """The pages at a real socket, for a browser."""
    config = uvicorn.Config(web.app, log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()


def free_socket() -> tuple[socket.socket, str]:
    """A listening socket of this machine, and its address."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    return listening, f"http://127.0.0.1:{listening.getsockname()[1]}"


def hidden(page: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)">', page)
    assert found, page
    return html.unescape(found[1])


def link_in(path: Path) -> str:
    """The path of the button's link in a notice."""
    found = re.search(
        r"https?://[^/\s]+(/confirm/\S+|/preferences/\S+)", part_of(read_mail(path), "plain")
    )
    assert found
    return found[1]
