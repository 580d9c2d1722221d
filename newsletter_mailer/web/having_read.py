"""The page of the button "I have read this": looking at it says nothing, only a press does."""

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection

from newsletter_mailer.audience import having_read
from newsletter_mailer.audience.having_read import Asked
from newsletter_mailer.web import tokens
from newsletter_mailer.web.site import Site


def routes(site: Site) -> APIRouter:
    """The routes of saying that one has read an article, and of taking it back."""
    router = APIRouter(prefix="/read/{token}")

    def asked(connection: Connection, token: str) -> Asked:
        found = having_read.find_asked(connection, *tokens.to_read(site, token))
        if found is None:
            raise tokens.DeadLink
        return found

    @router.get("")
    def ask(token: str, done: str = "") -> Response:
        """A page with a button. Scanners follow links, so looking at it changes nothing."""
        with site.reading() as connection:
            found = asked(connection, token)
        names = {
            "token": token,
            "asked": found,
            "agency": site.registry.agency(found.agency).name,
            "days": site.settings.tracking.keep_days,
            "done": done,
        }
        return site.pages.page("read.html", names)

    @router.post("")
    def say(token: str) -> Response:
        """Somebody pressed the button."""
        with site.writing() as connection:
            day = site.clock().astimezone(site.settings.office.zone).date()
            having_read.say(connection, asked(connection, token), day)
        return RedirectResponse(f"/read/{token}?done=said", 303)

    @router.post("/undo")
    def take_back(token: str) -> Response:
        """It was a mistake, or they would rather not have said so."""
        with site.writing() as connection:
            having_read.take_back(connection, asked(connection, token))
        return RedirectResponse(f"/read/{token}?done=back", 303)

    return router
