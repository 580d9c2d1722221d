"""Two choices behind the link in each mail: whether opens are recorded, and a pause."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from newsletter_mailer.audience import preferences as kept
from newsletter_mailer.audience.consent import words
from newsletter_mailer.audience.limits import hashed, network_of
from newsletter_mailer.web import fields
from newsletter_mailer.web.fields import Problem
from newsletter_mailer.web.own import Own
from newsletter_mailer.web.site import Site


def routes(site: Site) -> APIRouter:
    """The routes of tracking and pauses."""
    router = APIRouter(prefix="/preferences/{token}")
    own = Own(site)
    shown = words(site.settings.office.name)

    @router.get("/tracking")
    def ask_tracking(token: str) -> Response:
        """Consent to recording opens."""
        return own.page("preference-tracking.html", token, own.whom(token), shown=shown)

    @router.post("/tracking")
    def choose_tracking(
        request: Request, token: str, tracking: Annotated[str, Form()] = ""
    ) -> Response:
        """Give it or withdraw it."""
        if tracking not in {"yes", "no"}:
            missing = [Problem("tracking", "Choose yes or no")]
            return own.page(
                "preference-tracking.html", token, own.whom(token), missing, shown=shown
            )
        network = network_of(request.client.host if request.client else "")
        with site.writing() as connection:
            _, who = own.person(connection, token)
            kept.choose_tracking(
                connection,
                who,
                tracking == "yes",
                shown,
                network=hashed(f"network {network}", site.keys[0]),
                now=site.clock(),
            )
        return own.saved(token, "tracking")

    @router.get("/pause")
    def ask_pause(token: str) -> Response:
        """A pause."""
        return own.page("preference-pause.html", token, own.whom(token), until="")

    @router.post("/pause")
    def pause(
        token: str, until: Annotated[str, Form()] = "", go: Annotated[str, Form()] = ""
    ) -> Response:
        """Begin it or end it."""
        zone = site.settings.office.zone
        end = None if go == "end" else fields.day_to_come(until, site.clock(), zone)
        if isinstance(end, Problem):
            return own.page("preference-pause.html", token, own.whom(token), [end], until=until)
        with site.writing() as connection:
            _, who = own.person(connection, token)
            kept.pause(connection, who, end, site.clock())
        return own.saved(token, "pause" if end else "unpaused")

    return router
