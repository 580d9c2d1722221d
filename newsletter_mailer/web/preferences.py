"""Preferences: what readers see and change of themselves, behind the link in each mail."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response

from newsletter_mailer.audience import preferences as kept
from newsletter_mailer.sending.personal_links import PersonalLinks
from newsletter_mailer.web import fields
from newsletter_mailer.web.agencies import choice
from newsletter_mailer.web.fields import Problem
from newsletter_mailer.web.own import Own
from newsletter_mailer.web.site import Site

_SAVED = {
    "name": "Your name and role are saved.",
    "agency": "Your agency is saved. The next issue comes as it suits that agency.",
    "tracking": "Your choice about recording opens is saved, and counts from now on.",
    "pause": "Your pause is saved.",
    "unpaused": "The pause has ended. You get the next issue.",
}


def routes(site: Site) -> APIRouter:
    """The routes of the overview, the name and the agency."""
    router = APIRouter(prefix="/preferences/{token}")
    own = Own(site)
    links = PersonalLinks("", site.keys[0])

    @router.get("")
    def preferences(token: str, saved: str = "") -> Response:
        """Everything at a glance."""
        with site.reading() as connection:
            campaign_id, who = own.person(connection, token)
        return own.page(
            "preferences.html",
            token,
            who,
            agency=site.registry.agency(who.agency),
            saved=_SAVED.get(saved, ""),
            unsubscribe=links.unsubscribe(campaign_id, who.id),
        )

    @router.get("/name")
    def ask_name(token: str) -> Response:
        """The name and the role."""
        who = own.whom(token)
        return own.page("preference-name.html", token, who, name=who.name, role=who.role)

    @router.post("/name")
    def change_name(
        token: str, name: Annotated[str, Form()] = "", role: Annotated[str, Form()] = ""
    ) -> Response:
        """Save them."""
        new = fields.short(name, "name", "Your name")
        part = fields.short(role, "role", "Your role")
        if isinstance(new, Problem) or isinstance(part, Problem):
            problems = [each for each in (new, part) if isinstance(each, Problem)]
            who = own.whom(token)
            return own.page("preference-name.html", token, who, problems, name=name, role=role)
        with site.writing() as connection:
            _, who = own.person(connection, token)
            kept.change_name(connection, who, new, part, site.clock())
        return own.saved(token, "name")

    def agencies(
        token: str, search: str, agency: str, problems: list[Problem] | None = None
    ) -> Response:
        who = own.whom(token)
        chosen = agency or who.agency
        offered = choice(site.registry, who.email, fields.line(search), chosen)
        return own.page(
            "preference-agency.html", token, who, problems, choice=offered, chosen=chosen
        )

    @router.get("/agency")
    def ask_agency(token: str, search: str = "") -> Response:
        """The agency, to be searched."""
        return agencies(token, search, "")

    @router.post("/agency")
    def change_agency(
        token: str,
        agency: Annotated[str, Form()] = "",
        search: Annotated[str, Form()] = "",
        go: Annotated[str, Form()] = "",
    ) -> Response:
        """Save it, or search."""
        if go == "search" and search:
            return agencies(token, search, agency)
        if agency not in site.registry.by_id:
            missing = [Problem("agency", "Choose the agency that you work for")]
            return agencies(token, search, "", missing)
        with site.writing() as connection:
            _, who = own.person(connection, token)
            kept.change_agency(connection, who, agency, site.clock())
        return own.saved(token, "agency")

    return router
