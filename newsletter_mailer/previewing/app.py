"""The preview as a web application: the page, what it is told, and what it can ask for."""

import datetime as dt
import json
from collections.abc import AsyncIterator, Callable
from typing import Annotated

from fastapi import APIRouter, Body, FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse

from newsletter_mailer.drafting.gallery import gallery
from newsletter_mailer.errors import ContentError, NewsletterError, StoreError
from newsletter_mailer.previewing import messages
from newsletter_mailer.previewing.exporting import script, write_folder
from newsletter_mailer.previewing.facts import state_facts, version_facts
from newsletter_mailer.previewing.guard import MAIL_POLICY
from newsletter_mailer.previewing.live import Live
from newsletter_mailer.previewing.page import ASSETS, FRAME, PAGE, asset, policy_for, web_view
from newsletter_mailer.previewing.readers import reader_facts, subscribers
from newsletter_mailer.previewing.shown import MEDIA_TYPES, Shown
from newsletter_mailer.settings import Settings

_HEARTBEAT = 15.0
"""Seconds between two signs of life for a page that hears nothing else."""

_FILE_POLICY = "default-src 'none'; sandbox"


def preview_app(live: Live, settings: Settings, clock: Callable[[], dt.datetime]) -> FastAPI:
    """The application around a living preview. Its door (`guard.py`) is put before it."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    shown = Shown(live, settings, clock)
    app.add_exception_handler(NewsletterError, _refused)
    for router in (_telling(shown), _mails(shown), _doing(shown), _own_files(shown)):
        app.include_router(router)
    return app


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    """An error of ours in words, for the page to show."""
    findings = error.findings if isinstance(error, ContentError) else ()
    told = [finding.as_dict() for finding in findings]
    return JSONResponse({"error": str(error), "findings": told}, 400)


def _telling(shown: Shown) -> APIRouter:
    """What the page is told of the issue."""
    router = APIRouter()

    @router.get("/facts.js")
    async def facts_script() -> Response:
        content = script("previewFacts", await shown.facts())
        return Response(content, media_type=ASSETS["preview.js"])

    @router.get("/facts.json")
    async def facts() -> JSONResponse:
        return JSONResponse(await shown.facts())

    @router.get("/events")
    async def events() -> StreamingResponse:
        told = _told(shown.live, shown.settings)
        return StreamingResponse(told, media_type="text/event-stream")

    @router.get("/readers.json")
    async def readers(agency: str) -> JSONResponse:
        of = await shown.edition()
        try:
            found = await shown.live.aside(lambda: subscribers(of.settings, agency))
        except StoreError as error:
            return JSONResponse({"readers": [], "error": str(error)})
        told = [reader_facts(each, of.registry.agency(agency), of.settings) for each in found]
        return JSONResponse({"readers": told})

    return router


def _mails(shown: Shown) -> APIRouter:
    """The mails, as data for the page and as files."""
    router = APIRouter()

    @router.get("/version/{agency}.json")
    async def version(agency: str) -> JSONResponse:
        return JSONResponse(version_facts(*await shown.version(agency)))

    @router.get("/web/{agency}.json")
    async def web(agency: str) -> JSONResponse:
        of = await shown.edition()
        if agency not in of.by_agency:
            raise HTTPException(404, "There is no such agency.")
        pages = await shown.web_pages(of)
        return JSONResponse({"html": web_view(of, pages[of.by_agency[agency].name])})

    @router.get("/images/{name}")
    async def image(name: str) -> Response:
        found = await shown.image(name)
        try:
            content = found.path.read_bytes()
        except OSError as error:
            raise HTTPException(404, "The picture has gone.") from error
        return Response(content, media_type=found.media_type)

    @router.get("/message/{agency}.json")
    async def message(agency: str, reader: str = "") -> JSONResponse:
        content, _ = await shown.file(agency, "eml", reader)
        return JSONResponse({"raw": content.decode("ascii")})

    @router.get("/files/{agency}.{ending}")
    async def file(agency: str, ending: str, reader: str = "") -> Response:
        content, name = await shown.file(agency, ending, reader)
        headers = {
            "content-disposition": f'attachment; filename="{name}"',
            "content-security-policy": _FILE_POLICY,
        }
        return Response(content, media_type=MEDIA_TYPES[ending], headers=headers)

    return router


def _doing(shown: Shown) -> APIRouter:
    """What the page can ask for."""
    router = APIRouter()
    live = shown.live

    @router.post("/test")
    async def test(
        address: Annotated[str, Body(max_length=320)], agency: Annotated[str, Body()]
    ) -> JSONResponse:
        of, found = await shown.edition(), live.state.findings
        if agency not in of.by_agency:
            raise HTTPException(404, "There is no such agency.")
        said = await live.aside(
            lambda: messages.send_test(of, found, address=address, agency=agency, now=shown.clock())
        )
        return JSONResponse({"said": said})

    @router.post("/links")
    async def links() -> JSONResponse:
        live.look_again_at_links()
        return JSONResponse({})

    @router.post("/folder")
    async def folder() -> JSONResponse:
        of = await shown.edition()
        facts, pages = await live.facts(of), await shown.web_pages(of)
        where = shown.settings.state / "preview" / of.issue.name
        begin = await live.aside(lambda: write_folder(of, facts, pages, where, shown.clock()))
        return JSONResponse({"link": begin.as_uri(), "folder": str(where)})

    return router


def _own_files(shown: Shown) -> APIRouter:
    """The page's own files, the frame into which mails are put, and the gallery of blocks."""
    router = APIRouter()
    settings = shown.settings

    @router.get("/frame")
    async def frame() -> HTMLResponse:
        return HTMLResponse(FRAME, headers={"content-security-policy": MAIL_POLICY})

    @router.get("/")
    async def page() -> Response:
        return Response(asset(settings, PAGE), media_type=ASSETS[PAGE])

    @router.get("/blocks")
    async def blocks() -> HTMLResponse:
        of = await shown.edition()
        html = await shown.live.aside(lambda: gallery(of.settings, of.registry))
        return HTMLResponse(html, headers={"content-security-policy": policy_for(html)})

    @router.get("/{name}")
    async def own_file(name: str) -> Response:
        if name not in ASSETS:
            raise HTTPException(404, "There is nothing here.")
        return Response(asset(settings, name), media_type=ASSETS[name])

    return router


async def _told(live: Live, settings: Settings) -> AsyncIterator[bytes]:
    """Server-sent events (the HTML standard, 9.2): each state, and comments in between."""
    yield b"retry: 1000\n\n"
    async for state in live.states(_HEARTBEAT):
        if state is None:
            yield b": still here\n\n"
        else:
            yield f"data: {json.dumps(state_facts(state, settings.office.zone))}\n\n".encode()
