"""Signing up: the address, the agency, a few details, and a mail to confirm it."""

import datetime as dt
import logging
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel

from newsletter_mailer.audience import joining
from newsletter_mailer.audience.consent import words
from newsletter_mailer.audience.joining import Wish
from newsletter_mailer.audience.limits import hashed, network_of
from newsletter_mailer.web import fields, tokens
from newsletter_mailer.web.agencies import choice
from newsletter_mailer.web.fields import Problem
from newsletter_mailer.web.floods import Floods
from newsletter_mailer.web.site import Site

log = logging.getLogger(__name__)


class SignUp(BaseModel):
    """The form, over its three pages. `go` is the button, `website` what only robots fill in."""

    step: str = "email"
    go: str = ""
    email: str = ""
    agency: str = ""
    search: str = ""
    name: str = ""
    role: str = ""
    newsletter: str = ""
    tracking: str = ""
    wording: str = ""
    form: str = ""
    website: str = ""


def routes(site: Site) -> APIRouter:
    """The routes of signing up."""
    router = APIRouter()
    pages = _SignUpPages(site)
    floods = Floods(site.settings.web, site.keys[0])

    @router.get("/")
    def start() -> HTMLResponse:
        """The first question: the address."""
        return pages.email(SignUp())

    @router.get("/sign-up")
    def begin_again() -> RedirectResponse:
        """Whoever comes back to a later page without its form begins anew."""
        return RedirectResponse("/", 303)

    @router.post("/sign-up")
    async def sign_up(request: Request, form: Annotated[SignUp, Form()]) -> Response:
        """The answer to one page, and the next."""
        host = request.client.host if request.client else ""
        # A flood shall not even take a thread.
        if form.step == "details":
            wait = floods.refused(f"network {network_of(host)}", site.clock())
            if wait:
                return pages.wait(wait)
        return await run_in_threadpool(go_on, form, host)

    def go_on(form: SignUp, host: str) -> Response:
        email = fields.address(form.email)
        if form.go == "email":
            return pages.email(form)
        if isinstance(email, Problem):
            return pages.email(form, [email])
        form.email = email
        if form.step == "email" or form.go == "agency":
            return pages.agency(form)
        if form.step == "agency" and form.go == "search" and (form.search or not form.agency):
            return pages.agency(form)
        if form.agency not in site.registry.by_id:
            return pages.agency(form, [Problem("agency", "Choose the agency that you work for")])
        if form.step == "agency":
            return pages.details(form)
        problems = _tidy(site, form)
        if problems:
            return pages.details(form, problems)
        return finish(form, host)

    def finish(form: SignUp, host: str) -> Response:
        now, network = site.clock(), network_of(host)
        if form.website:
            log.warning("A robot filled in a form, from network %s", network)
            return pages.sent(form)
        domain = form.email.rpartition("@")[2]
        wait = floods.refused(f"domain {domain}", now)
        if wait:
            return pages.wait(wait)
        with site.writing() as connection:
            wait = floods.count(connection, network, domain, now)
            if not wait:
                joining.ask(
                    connection,
                    _wish(site, form, network),
                    nonce=site.random(),
                    now=now,
                    most_a_day=site.settings.web.per_address,
                    again=form.go == "again",
                )
        if wait:
            return pages.wait(wait)
        site.wake()
        return pages.sent(form)

    return router


class _SignUpPages:
    """The pages, each with what was typed so far."""

    def __init__(self, site: Site) -> None:
        self._site = site
        names = {"status": 429, "title": "Please wait a little"}
        self._wait = site.pages.text("error.html", names)

    def email(self, form: SignUp, problems: list[Problem] | None = None) -> HTMLResponse:
        return self._page("sign-up-email.html", form, problems)

    def agency(self, form: SignUp, problems: list[Problem] | None = None) -> HTMLResponse:
        offered = choice(self._site.registry, form.email, fields.line(form.search), form.agency)
        return self._page("sign-up-agency.html", form, problems, choice=offered)

    def details(self, form: SignUp, problems: list[Problem] | None = None) -> HTMLResponse:
        return self._page(
            "sign-up-details.html",
            form,
            problems,
            shown=words(self._site.settings.office.name),
            agency=self._site.registry.agency(form.agency),
        )

    def sent(self, form: SignUp) -> HTMLResponse:
        return self._page("sign-up-sent.html", form)

    def wait(self, seconds: int) -> HTMLResponse:
        return HTMLResponse(self._wait, status_code=429, headers={"retry-after": str(seconds)})

    def _page(
        self,
        name: str,
        form: SignUp,
        problems: list[Problem] | None = None,
        **more: object,
    ) -> HTMLResponse:
        if tokens.form_age(self._site, form.form) is None:
            form.form = tokens.new_form(self._site)
        names = {"form": form, "problems": problems or [], **more}
        # Unlike `no-store`, this lets the browser go back without sending a form again.
        return self._site.pages.page(
            name,
            names,
            status=422 if problems else 200,
            headers={"cache-control": "private, no-cache"},
        )


def _tidy(site: Site, form: SignUp) -> list[Problem]:
    """Clean the details, and say what is wrong with them."""
    problems = []
    for field, label in (("name", "Your name"), ("role", "Your role")):
        typed = fields.short(getattr(form, field), field, label)
        if isinstance(typed, Problem):
            problems.append(typed)
        else:
            setattr(form, field, typed)
    if not form.newsletter:
        problems.append(Problem("newsletter", "Tick the box if you want the newsletter"))
    age = tokens.form_age(site, form.form)
    if age is None or age < dt.timedelta(seconds=site.settings.web.quickest):
        problems.append(Problem("send", "Look over what you entered, and send it once more"))
    return problems


def _wish(site: Site, form: SignUp, network: str) -> Wish:
    return Wish(
        form.email,
        form.name,
        form.agency,
        form.role,
        bool(form.tracking),
        words("", form.wording).version,
        hashed(f"network {network}", site.keys[0]),
    )
