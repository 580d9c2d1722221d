"""Somebody's own data: to be taken along, or erased (UK GDPR, articles 15, 17 and 20)."""

import contextlib
import json

from fastapi import APIRouter
from fastapi.responses import Response

from newsletter_mailer.audience.audit import THEMSELVES
from newsletter_mailer.audience.personal_data import personal_data
from newsletter_mailer.sending.erasing import erase, outbox_copies
from newsletter_mailer.web.own import WAY, Own
from newsletter_mailer.web.site import Site
from newsletter_mailer.web.tokens import DeadLink

_AS_FILE = {"content-disposition": 'attachment; filename="my-newsletter-data.json"'}


def routes(site: Site) -> APIRouter:
    """The routes of data and erasing."""
    router = APIRouter(prefix="/preferences/{token}")
    own = Own(site)

    @router.get("/data.json")
    def data(token: str) -> Response:
        """Everything that is held, as a file."""
        with site.reading() as connection:
            _, who = own.person(connection, token)
            held = personal_data(connection, who.id, site.registry)
        if held is None:
            raise DeadLink
        text = json.dumps(held.as_dict(), ensure_ascii=False, indent=2) + "\n"
        return Response(text, media_type="application/json", headers=_AS_FILE)

    @router.get("/erase")
    def ask_erase(token: str) -> Response:
        """What erasing means, and a button."""
        return own.page("erase.html", token, own.whom(token))

    @router.post("/erase")
    def erase_all(token: str) -> Response:
        """Erase everything."""
        with site.writing() as connection:
            _, who = own.person(connection, token)
            copies = list(outbox_copies(connection, site.settings, who.id))
            erase(connection, [who.id], site.keys[0], WAY, THEMSELVES, site.clock())
        for path in copies:
            with contextlib.suppress(OSError):
                path.unlink()
        return site.pages.page("erased.html")

    return router
