"""The web application, put together."""

import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response

from newsletter_mailer.errors import StoreError
from newsletter_mailer.web import (
    archive,
    choices,
    confirming,
    counting,
    editions,
    feeds,
    having_read,
    hooks,
    leaving,
    own_data,
    preferences,
    signup,
    static,
)
from newsletter_mailer.web.guard import Guard, security_headers
from newsletter_mailer.web.site import Site
from newsletter_mailer.web.tokens import DeadLink

log = logging.getLogger(__name__)

ROUTES: tuple[Callable[[Site], APIRouter], ...] = (
    static.routes,
    signup.routes,
    confirming.routes,
    preferences.routes,
    choices.routes,
    own_data.routes,
    leaving.routes,
    having_read.routes,
    feeds.routes,
    archive.routes,
    editions.routes,
    counting.routes,
    hooks.routes,
)
"""What makes the routes of each part of the application."""

OPEN_TO_ALL = ("/unsubscribe/",)
"""Paths whose posts may come from anywhere: a token in them is the proof (RFC 8058, 3.2)."""

LARGER = {"/hooks/": hooks.LARGEST_BODY}
"""Bytes of the largest body, by the beginning of a path that takes more than a form."""

_TITLES = {
    400: "This did not arrive as it should",
    403: "This form came from another site",
    404: "Page not found",
    405: "Page not found",
    413: "That is too much at once",
    422: "This did not arrive as it should",
    429: "Please wait a little",
    503: "Please try again in a minute",
}
_TROUBLE = "Sorry, something went wrong on our side"


def application(
    site: Site,
    *,
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None,
) -> FastAPI:
    """The web application of a project."""
    app = FastAPI(
        title=f"The newsletter of {site.settings.office.name}",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    for routes in ROUTES:
        app.include_router(routes(site))

    def trouble(status: int) -> HTMLResponse:
        names = {"status": status, "title": _TITLES.get(status, _TROUBLE)}
        return site.pages.page("error.html", names, status=status)

    @app.exception_handler(404)
    @app.exception_handler(405)
    @app.exception_handler(HTTPException)
    async def refused(_request: Request, error: HTTPException) -> Response:
        answer = trouble(error.status_code)
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(DeadLink)
    async def leads_nowhere(_request: Request, _error: DeadLink) -> Response:
        return site.pages.page("dead-link.html", status=404)

    @app.exception_handler(RequestValidationError)
    async def malformed(_request: Request, _error: RequestValidationError) -> Response:
        return trouble(422)

    @app.exception_handler(StoreError)
    async def store_fails(_request: Request, error: StoreError) -> Response:
        log.error("%s", error)
        answer = trouble(503)
        answer.headers["retry-after"] = "60"
        return answer

    @app.exception_handler(Exception)
    async def failed(_request: Request, _error: Exception) -> Response:
        # This answer is made outside the guard, which would have added them.
        answer = trouble(500)
        answer.headers.update(security_headers(site.settings.base_url))
        return answer

    app.add_middleware(
        Guard,
        base_url=site.settings.base_url,
        refuse=trouble,
        open_to_all=OPEN_TO_ALL,
        larger=LARGER,
    )
    return app
