"""Leaving: one press of a button, here or in the mail program (RFC 8058), and back again."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response

from newsletter_mailer.audience import leaving, preferences
from newsletter_mailer.audience.subscriber import ACTIVE, UNSUBSCRIBED
from newsletter_mailer.web import tokens
from newsletter_mailer.web.masking import masked
from newsletter_mailer.web.site import Site

_WAY = "unsubscribe page"


def routes(site: Site) -> APIRouter:
    """The routes of leaving."""
    router = APIRouter()

    def left(token: str, subscriber_id: int, *, thanks: bool = False) -> HTMLResponse:
        with site.reading() as connection:
            can_undo = leaving.can_undo(connection, subscriber_id, site.clock())
        return site.pages.page(
            "left.html",
            {
                "token": token,
                "undo": tokens.signed(site, "undo", [subscriber_id]) if can_undo else "",
                "reasons": leaving.REASONS,
                "thanks": thanks,
            },
        )

    @router.get("/unsubscribe/{token}")
    def ask(token: str) -> Response:
        """A page with a button; looking at it changes nothing."""
        _, subscriber_id = tokens.personal(site, "unsubscribe", token)
        with site.reading() as connection:
            who = preferences.find(connection, subscriber_id, site.clock())
        if who is None:
            raise tokens.DeadLink
        if who.status == UNSUBSCRIBED:
            return left(token, subscriber_id)
        return site.pages.page("unsubscribe.html", {"token": token, "email": masked(who.email)})

    # The body is not looked at: mail programs send `List-Unsubscribe=One-Click` as they like,
    # or nothing. The token is the proof.
    @router.post("/unsubscribe/{token}")
    def unsubscribe(token: str) -> Response:
        """Somebody pressed the button, or their mail program did for them."""
        _, subscriber_id = tokens.personal(site, "unsubscribe", token)
        with site.writing() as connection:
            known = leaving.leave(connection, subscriber_id, now=site.clock(), way=_WAY)
        if not known:
            raise tokens.DeadLink
        return left(token, subscriber_id)

    @router.post("/unsubscribe/{token}/undo")
    def undo(token: str, undo: Annotated[str, Form()] = "") -> Response:
        """It was a mistake."""
        _, subscriber_id = tokens.personal(site, "unsubscribe", token)
        if tokens.read(site, "undo", undo) != [subscriber_id]:
            raise tokens.DeadLink
        with site.writing() as connection:
            done = leaving.undo(connection, subscriber_id, now=site.clock(), way=_WAY)
            who = preferences.find(connection, subscriber_id, site.clock())
        if who is None:
            raise tokens.DeadLink
        if not done and who.status != ACTIVE:
            return left(token, subscriber_id)
        return site.pages.page("back.html")

    @router.post("/unsubscribe/{token}/reason")
    def reason(token: str, reason: Annotated[str, Form()] = "") -> Response:
        """Why somebody left, if they like to say."""
        campaign_id, subscriber_id = tokens.personal(site, "unsubscribe", token)
        if reason in leaving.REASONS:
            with site.writing() as connection:
                who = preferences.find(connection, subscriber_id, site.clock())
                if who is not None and who.status == UNSUBSCRIBED:
                    leaving.give_reason(
                        connection, reason, who.agency, campaign_id, now=site.clock()
                    )
        return left(token, subscriber_id, thanks=True)

    return router
