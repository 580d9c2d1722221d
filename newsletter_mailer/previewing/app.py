"""The preview as a web application: the page, what it is told, and what it can ask for."""

import datetime as dt
import json
from collections.abc import AsyncIterator, Callable
from typing import Annotated

from fastapi import Body, FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse

from newsletter_mailer.errors import ContentError, NewsletterError, StoreError
from newsletter_mailer.previewing import messages
from newsletter_mailer.previewing.exporting import script, write_folder
from newsletter_mailer.previewing.facts import Facts, trouble_facts, version_facts
from newsletter_mailer.previewing.guard import MAIL_POLICY
from newsletter_mailer.previewing.live import Live, State
from newsletter_mailer.previewing.page import ASSETS, FRAME, PAGE, asset, web_view
from newsletter_mailer.previewing.printing import chromium, pdf
from newsletter_mailer.previewing.readers import SAMPLES, Reader, reader_facts, subscribers
from newsletter_mailer.previewing.workshop import Edition
from newsletter_mailer.settings import Settings

_HEARTBEAT = 15.0
"""Seconds between two signs of life for a page that hears nothing else."""

_ENDINGS = {
    "eml": "message/rfc822",
    "html": "text/html; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "pdf": "application/pdf",
}


def preview_app(live: Live, settings: Settings, clock: Callable[[], dt.datetime]) -> FastAPI:
    """The application around a living preview. Its door (`guard.py`) is put before it."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    web_pages: dict[int, dict[str, str]] = {}

    def edition() -> Edition:
        if live.state.edition is None:
            raise HTTPException(404, "There is nothing to see yet.")
        return live.state.edition

    async def facts() -> Facts:
        await live.begun.wait()
        state = live.state
        made = {} if state.edition is None else await live.facts(state.edition)
        return {**made, **_surroundings(live, settings), "state": state_facts(live.state, settings)}

    async def pages(of: Edition) -> dict[str, str]:
        if of.number not in web_pages:
            made = await live.make(lambda: live.workshop.web_pages(of))
            web_pages.clear()
            web_pages[of.number] = made
        return web_pages[of.number]

    async def reader_named(key: str, agency: str, of: Edition) -> Reader:
        known = {reader.key: reader for reader in SAMPLES}
        if key not in known:
            found = await live.aside(lambda: subscribers(of.settings, agency))
            known |= {reader.key: reader for reader in found}
        return known.get(key, SAMPLES[0])

    @app.exception_handler(NewsletterError)
    async def refused(_request: Request, error: Exception) -> JSONResponse:
        findings = error.findings if isinstance(error, ContentError) else ()
        told = [finding.as_dict() for finding in findings]
        return JSONResponse({"error": str(error), "findings": told}, 400)

    @app.get("/")
    async def page() -> Response:
        return Response(asset(settings, PAGE), media_type=ASSETS[PAGE])

    @app.get("/facts.js")
    async def facts_script() -> Response:
        return Response(script("previewFacts", await facts()), media_type=ASSETS["preview.js"])

    @app.get("/facts.json")
    async def facts_json() -> JSONResponse:
        return JSONResponse(await facts())

    @app.get("/frame")
    async def frame() -> HTMLResponse:
        return HTMLResponse(FRAME, headers={"content-security-policy": MAIL_POLICY})

    @app.get("/events")
    async def events() -> StreamingResponse:
        return StreamingResponse(_told(live, settings), media_type="text/event-stream")

    @app.get("/version/{name}.json")
    async def version(name: str) -> JSONResponse:
        of = edition()
        email = next((email for email in of.emails if email.name == name), None)
        if email is None:
            raise HTTPException(404, "There is no such version.")
        return JSONResponse(version_facts(of, email))

    @app.get("/web/{name}.json")
    async def web(name: str) -> JSONResponse:
        of = edition()
        made = await pages(of)
        if name not in made:
            raise HTTPException(404, "There is no such version.")
        return JSONResponse({"html": web_view(of, made[name])})

    @app.get("/images/{name}")
    async def image(name: str) -> Response:
        found = edition().images.get(name)
        if found is None:
            raise HTTPException(404, "The mail has no such picture.")
        try:
            content = found.path.read_bytes()
        except OSError as error:
            raise HTTPException(404, "The picture has gone.") from error
        return Response(content, media_type=found.media_type)

    @app.get("/readers.json")
    async def readers(agency: str) -> JSONResponse:
        of = edition()
        try:
            found = await live.aside(lambda: subscribers(of.settings, agency))
        except StoreError as error:
            return JSONResponse({"readers": [], "error": str(error)})
        told = [reader_facts(each, of.registry.agency(agency), of.settings) for each in found]
        return JSONResponse({"readers": told})

    @app.get("/message/{agency}.json")
    async def message(agency: str, reader: str = "") -> JSONResponse:
        content, _ = await made(agency, "eml", reader)
        return JSONResponse({"raw": content.decode("ascii")})

    @app.get("/files/{agency}.{ending}")
    async def file(agency: str, ending: str, reader: str = "") -> Response:
        content, name = await made(agency, ending, reader)
        headers = {
            "content-disposition": f'attachment; filename="{name}"',
            "content-security-policy": "default-src 'none'; sandbox",
        }
        return Response(content, media_type=_ENDINGS[ending], headers=headers)

    async def made(agency: str, ending: str, key: str) -> tuple[bytes, str]:
        of = edition()
        if agency not in of.by_agency or ending not in _ENDINGS:
            raise HTTPException(404, "There is no such file.")
        reader = await reader_named(key, agency, of)
        name = messages.file_name(of, agency, ending)
        if ending == "eml":
            return messages.message(of, agency, reader, clock()), name
        if ending == "txt":
            return messages.text(of, agency, reader).encode(), name
        html = messages.page(of, agency, reader)
        return (await pdf(html) if ending == "pdf" else html.encode()), name

    @app.post("/test")
    async def test(
        address: Annotated[str, Body(max_length=320)], agency: Annotated[str, Body()]
    ) -> JSONResponse:
        of, found = edition(), live.state.findings
        if agency not in of.by_agency:
            raise HTTPException(404, "There is no such agency.")
        said = await live.aside(
            lambda: messages.send_test(of, found, address=address, agency=agency, now=clock())
        )
        return JSONResponse({"said": said})

    @app.post("/links")
    async def links() -> JSONResponse:
        live.look_again_at_links()
        return JSONResponse({})

    @app.post("/folder")
    async def folder() -> JSONResponse:
        of = edition()
        told, made_pages = await live.facts(of), await pages(of)
        where = settings.state / "preview" / of.issue.name
        begin = await live.aside(lambda: write_folder(of, told, made_pages, where, clock()))
        return JSONResponse({"link": begin.as_uri(), "folder": str(where)})

    @app.get("/{name}")
    async def own_file(name: str) -> Response:
        if name not in ASSETS:
            raise HTTPException(404, "There is nothing here.")
        return Response(asset(settings, name), media_type=ASSETS[name])

    return app


def _surroundings(live: Live, settings: Settings) -> Facts:
    """What the page can do here, which it cannot where it is a folder."""
    return {
        "live": True,
        "root": str(settings.root),
        "folder": live.workshop.shown,
        "editor": settings.preview.editor,
        "pdf": chromium() is not None,
        "transport": settings.transport,
    }


def state_facts(state: State, settings: Settings) -> Facts:
    """What a page is told at once of each new state; it asks for the rest."""
    made_at = state.made_at and state.made_at.astimezone(settings.office.zone)
    return {
        "serial": state.serial,
        "edition": state.edition.number if state.edition else 0,
        "made": f"{made_at:%H:%M:%S}" if made_at else "",
        "looked": state.looked,
        "checking": state.checking,
        "links": {"done": state.links_done, "all": state.links_all, "unlooked": state.unlooked},
        "trouble": trouble_facts(state.trouble),
    }


async def _told(live: Live, settings: Settings) -> AsyncIterator[bytes]:
    """Server-sent events (the HTML standard, 9.2): each state, and comments in between."""
    yield b"retry: 1000\n\n"
    async for state in live.states(_HEARTBEAT):
        if state is None:
            yield b": still here\n\n"
        else:
            yield f"data: {json.dumps(state_facts(state, settings))}\n\n".encode()
