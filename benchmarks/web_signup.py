"""Sign-ups a second beside a bare FastAPI route with one insert.

The bare route is FastAPI with a form of one field and one insert into SQLite by the program's
own engine, on the disk before the answer, as a sign-up's are. Both are asked in this process
without a network, in turns, so that a busy machine slows both.
"""

import asyncio
import datetime as dt
import html
import re
import secrets
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import perf_counter
from typing import Annotated

from fastapi import FastAPI, Form
from httpx import ASGITransport, AsyncClient, Response
from sqlalchemy import Engine, func, insert, select

from benchmarks.report import ROOT, ratios, table
from newsletter_mailer.reading.agencies import read_registry
from newsletter_mailer.settings import load_settings
from newsletter_mailer.store.engine import open_store, reading, writing
from newsletter_mailer.store.web_tables import leaving_reason, notice
from newsletter_mailer.web.app import application
from newsletter_mailer.web.pages import Pages
from newsletter_mailer.web.posting import posting
from newsletter_mailer.web.site import Site

ROUNDS = 7
A_ROUND = 100
AT_ONCE = 20
_UNLIMITED = 10**9


def measure() -> None:
    """Run all rounds, and print them."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("templates", "subscribers"):
            shutil.copytree(ROOT / name, Path(folder) / name)
        shutil.copy(ROOT / "newsletter.toml", folder)
        asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> None:
    loaded = load_settings(folder)
    limits = {"per_network": _UNLIMITED, "per_domain": _UNLIMITED, "quickest": 0}
    settings = loaded.model_copy(update={"web": loaded.web.model_copy(update=limits)})
    registry = read_registry(settings.agencies_file, "agencies.yaml")
    engine = open_store(settings)
    key = "k" * 40
    bare = FastAPI()

    @bare.post("/")
    def one_insert(email: Annotated[str, Form()]) -> dict[str, str]:
        with writing(engine) as connection:
            connection.execute(insert(leaving_reason).values(reason=email, agency="gp", at=_now()))
        return {"status": "kept"}

    with posting(settings, engine, key, _now) as wake:
        site = Site(
            settings, registry, engine, Pages(settings), (key,), _now, secrets.token_urlsafe, wake
        )
        pages, inserts = _client(application(site)), _client(bare)
        found = re.search(r'name="form" value="([^"]+)"', (await pages.get("/")).text)
        form = {
            "step": "details",
            "agency": "gp",
            "name": "Asha Patel",
            "newsletter": "yes",
            "form": html.unescape(found[1]) if found else "",
        }

        async def insert_one() -> Response:
            return await inserts.post("/", data={"email": _address()})

        async def sign_up() -> Response:
            return await pages.post("/sign-up", data={**form, "email": _address()})

        seconds: dict[str, list[float]] = {
            name: []
            for name in ("one insert", "a sign-up", f"inserts, {AT_ONCE} at once",
                         f"sign-ups, {AT_ONCE} at once")
        }  # fmt: skip
        one, sign, inserts_at_once, signs_at_once = seconds.values()
        for _ in range(ROUNDS):
            one.append(await _timed(insert_one, 1))
            sign.append(await _timed(sign_up, 1))
            inserts_at_once.append(await _timed(insert_one, AT_ONCE))
            signs_at_once.append(await _timed(sign_up, AT_ONCE))
        begin = perf_counter()
        while _waiting(engine):
            await asyncio.sleep(0.05)
        rest = perf_counter() - begin
    engine.dispose()
    table(
        f"Sign-ups with their mails behind them, {A_ROUND} a round, {ROUNDS} rounds in turns",
        ("ratio: sign-ups a second : inserts a second", "median", "lowest", "highest"),
        [
            ("one after the other", *ratios(one, sign)),
            (f"{AT_ONCE} at once", *ratios(inserts_at_once, signs_at_once)),
        ],
    )
    table(
        "The times behind them",
        ("what", "a second, median"),
        [(name, f"{A_ROUND / sorted(each)[ROUNDS // 2]:,.0f}") for name, each in seconds.items()],
    )
    print(f"\n  The last mail had left {rest:.1f} s after the last answer.")


async def _timed(ask: Callable[[], Awaitable[Response]], at_once: int) -> float:
    """The seconds of a round, each answer of which is good."""
    begin = perf_counter()
    for _ in range(A_ROUND // at_once):
        for answer in await asyncio.gather(*(ask() for _ in range(at_once))):
            answer.raise_for_status()
    return perf_counter() - begin


def _waiting(engine: Engine) -> int:
    """How many mails are due and have not left."""
    due = select(func.count()).select_from(notice).where(notice.c.due_at <= _now())
    with reading(engine) as connection:
        return connection.scalar(due) or 0


def _address() -> str:
    return f"{secrets.token_hex(8)}@example.org"


def _client(app: FastAPI) -> AsyncClient:
    return AsyncClient(transport=ASGITransport(app), base_url="https://newsletter.example.org")


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
