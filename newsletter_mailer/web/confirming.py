"""Confirming a sign-up: the link opens a page, and only its button counts."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from newsletter_mailer.audience import joining
from newsletter_mailer.audience.joining import Joined
from newsletter_mailer.sending.personal_links import PersonalLinks
from newsletter_mailer.web import tokens
from newsletter_mailer.web.site import Site

_NO_CAMPAIGN = 0


def routes(site: Site) -> APIRouter:
    """The routes of confirming."""
    router = APIRouter()
    links = PersonalLinks("", site.keys[0])

    def page(token: str, found: Joined, name: str = "", **names: object) -> HTMLResponse:
        template = name or f"confirm-{found.name.lower()}.html"
        return site.pages.page(template, {"token": token, **names})

    @router.get("/confirm/{token}")
    def ask(token: str) -> Response:
        """A page with a button; looking at it changes nothing."""
        signup_id, nonce = tokens.to_confirm(site, token)
        with site.reading() as connection:
            found = joining.look(connection, signup_id, nonce, site.clock())
            wish = joining.waiting(connection, signup_id, nonce)
        if found is not Joined.CONFIRMED or wish is None:
            return page(token, found)
        agency = site.registry.agency(wish.agency)
        return page(token, found, "confirm.html", wish=wish, agency=agency)

    @router.post("/confirm/{token}")
    def confirm(token: str) -> Response:
        """Somebody pressed the button."""
        signup_id, nonce = tokens.to_confirm(site, token)
        with site.writing() as connection:
            found, id_ = joining.confirm(
                connection,
                signup_id,
                nonce,
                office=site.settings.office.name,
                keys=site.keys,
                now=site.clock(),
            )
        return page(token, found, preferences=links.preferences(_NO_CAMPAIGN, id_) if id_ else "")

    @router.post("/confirm/{token}/again")
    def send_again(token: str) -> Response:
        """A new link, in the place of one that has expired."""
        signup_id, nonce = tokens.to_confirm(site, token)
        with site.writing() as connection:
            if joining.look(connection, signup_id, nonce, site.clock()) is Joined.EXPIRED:
                joining.ask_again(connection, signup_id, nonce=site.random(), now=site.clock())
        site.wake()
        return site.pages.page("confirm-again.html")

    return router
