"""Pixels and counted links: always the same answer, and a note for those who agreed."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response
from sqlalchemy import Engine

from newsletter_mailer.sending.counted_links import counted_links
from newsletter_mailer.store.engine import reading
from newsletter_mailer.tracking.agents import known_agents
from newsletter_mailer.tracking.bursts import Bursts
from newsletter_mailer.tracking.classing import Load
from newsletter_mailer.tracking.opens import Hit, record
from newsletter_mailer.tracking.recorder import Recorder
from newsletter_mailer.tracking.tokens import Tokens
from newsletter_mailer.web.guard import ASKED_FOR_HEAD
from newsletter_mailer.web.site import Site

GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,"
    b"\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
"""A transparent point: 43 bytes."""

HEADERS = {
    "cache-control": "no-store, no-cache, private, max-age=0",
    # Mail in a browser shows it on a page of another site.
    "cross-origin-resource-policy": "cross-origin",
}
"""Of every answer here, so that each load asks anew."""

_PURPOSES = frozenset({b"sec-purpose", b"purpose", b"x-purpose", b"x-moz"})
"""Headers in which browsers say that nobody has looked yet."""

_MOST_LINKS = 64
"""Campaigns whose links are remembered; frozen links never change."""


def routes(site: Site) -> APIRouter:
    """The routes of pixels and of counted links.

    The pixel answers alike whatever the token is, and whether or not anything was noted.
    A link leads to a link of its own campaign, by number, or nowhere.
    """
    agents = known_agents()
    recorder = Recorder(site.engine, partial(record, agents=agents, zone=site.settings.office.zone))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        recorder.close()

    router = APIRouter(lifespan=lifespan)
    opens, clicks = Tokens(site.keys, "open"), Tokens(site.keys, "click")
    bursts = Bursts(agents.burst_seconds)
    links: dict[int, list[str]] = {}

    async def pixel(request: Request) -> Response:
        found = opens.read(request.path_params["token"])
        if found is not None and not _is_head(request):
            await recorder.note(Hit(found[0], found[1], site.clock(), _load(request)))
        return Response(GIF, media_type="image/gif", headers=HEADERS)

    async def click(request: Request) -> Response:
        found = clicks.read(request.path_params["token"], 3)
        url = _url(site.engine, links, found[0], found[2]) if found else None
        if found is None or url is None:
            return PlainTextResponse(
                "This link cannot be followed any more. The newsletter's archive has the page "
                f"it stood on: {site.settings.base_url}/archive",
                status_code=404,
                headers=HEADERS,
            )
        if not _is_head(request):
            campaign_id, subscriber_id, link = found
            burst = bursts.followed(campaign_id, subscriber_id, link, time.monotonic())
            load = _load(request, links=len(burst))
            await recorder.note(
                Hit(campaign_id, subscriber_id, site.clock(), load, link, tuple(burst))
            )
        return RedirectResponse(url, status_code=302, headers=HEADERS)

    # Plain routes: what FastAPI adds to a request takes as long as all the rest of a pixel.
    router.add_route("/open/{token}", pixel, methods=["GET", "HEAD"], include_in_schema=False)
    router.add_route("/click/{token}", click, methods=["GET", "HEAD"], include_in_schema=False)
    return router


def _is_head(request: Request) -> bool:
    return request.method == "HEAD" or ASKED_FOR_HEAD in request.scope


def _load(request: Request, links: int = 1) -> Load:
    agent = purpose = ""
    for name, value in request.scope["headers"]:
        if name == b"user-agent":
            agent = value.decode("latin-1")
        elif name in _PURPOSES:
            purpose = value.decode("latin-1").lower()
    return Load(
        agent,
        request.client.host if request.client else "",
        links=links,
        prefetch="prefetch" in purpose or "preview" in purpose,
    )


def _url(engine: Engine, links: dict[int, list[str]], campaign_id: int, link: int) -> str | None:
    if campaign_id not in links:
        with reading(engine) as connection:
            found = counted_links(connection, campaign_id)
        if len(links) >= _MOST_LINKS:
            del links[next(iter(links))]
        links[campaign_id] = found
    known = links[campaign_id]
    return known[link] if link < len(known) else None
