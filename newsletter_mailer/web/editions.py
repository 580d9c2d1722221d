"""An issue in the archive as each of its agencies gets it, with its pictures and calendars."""

import gzip
import re
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from newsletter_mailer.archive import shelf
from newsletter_mailer.archive.shelf import Edition, Page
from newsletter_mailer.store.engine import reading
from newsletter_mailer.web.archive import version
from newsletter_mailer.web.caching import A_DAY, A_MINUTE, AN_HOUR, kept, still_good
from newsletter_mailer.web.site import Site

_QUICK = 1
"""How hard gzip tries: a page is compressed anew each time, with the bar above it."""

_GZIP = re.compile(r"(?:^|[,\s])(?:gzip|\*)(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))", re.IGNORECASE)

# Mails show these pictures in web mail, on pages that are not ours.
_FOR_ALL_PAGES = {"cross-origin-resource-policy": "cross-origin"}


def routes(site: Site) -> APIRouter:
    """The routes of issues and their files."""
    router = APIRouter(default_response_class=HTMLResponse)
    shows = _Shows(site)

    @router.get("/archive/{issue}")
    def issue(
        request: Request, issue: str, agency: Annotated[str, Query(alias="for")] = ""
    ) -> Response:
        return shows.switched(issue, agency) if agency else shows.page(request, issue, None)

    @router.get("/archive/{issue}/{agency}")
    def issue_for(request: Request, issue: str, agency: str) -> Response:
        return shows.page(request, issue, agency)

    @router.get("/archive/{issue}/images/{name}", response_class=Response)
    def picture(request: Request, issue: str, name: str) -> Response:
        return shows.file(request, issue, f"images/{name}")

    @router.get("/archive/{issue}/events/{name}", response_class=Response)
    def event(request: Request, issue: str, name: str) -> Response:
        return shows.file(request, issue, f"events/{name}")

    return router


class _Shows:
    """What the routes answer with."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._look = version(site)
        self._content = _policy(site.settings.base_url)
        self._styles = site.pages.text("archive-head.html", {}).encode()

    def page(self, request: Request, issue: str, agency: str | None) -> Response:
        """An agency's page; the default's for None."""
        known, wanted, page = self._found(issue, agency)
        if page is None:
            # The issue is there, but not as this agency would get it: a mail of another
            # campaign may still lead here.
            return RedirectResponse(f"/archive/{known.issue}", status_code=303)
        tag = f"{self._look}-{page.digest}-{wanted}"
        seconds = AN_HOUR if known.listed else A_MINUTE
        headers = kept(tag, known.sent_at, seconds=seconds) | {
            "content-security-policy": self._content,
            "vary": "accept-encoding",
        }
        if not known.listed:
            headers["x-robots-tag"] = "noindex"
        if answer := still_good(request, headers):
            return answer
        bar = self._site.pages.text("archive-bar.html", {"edition": known, "agency": wanted})
        body = _with_bar(page, self._styles, bar)
        if _GZIP.search(request.headers.get("accept-encoding", "")):
            body = gzip.compress(body, _QUICK, mtime=0)
            headers["content-encoding"] = "gzip"
        return HTMLResponse(body, headers=headers)

    def switched(self, issue: str, agency: str) -> Response:
        """The way to the page of the agency that was chosen."""
        known, wanted, page = self._found(issue, agency)
        if page is None:
            raise HTTPException(404)
        return RedirectResponse(f"/archive/{known.issue}/{wanted}", status_code=303)

    def file(self, request: Request, issue: str, path: str) -> Response:
        """A picture or a calendar file."""
        with reading(self._site.engine) as connection:
            found = shelf.file_of(connection, issue, path)
        if found is None:
            raise HTTPException(404)
        headers = kept(found.digest, seconds=A_DAY) | _FOR_ALL_PAGES
        if answer := still_good(request, headers):
            return answer
        return Response(found.content, media_type=found.media_type, headers=headers)

    def _found(self, issue: str, agency: str | None) -> tuple[Edition, str, Page | None]:
        with reading(self._site.engine) as connection:
            known = shelf.edition(connection, issue)
            if known is None:
                raise HTTPException(404)
            wanted = agency or known.default
            page = shelf.page_of(connection, known.campaign_id, wanted)
        if page is None and wanted not in self._site.registry.by_id:
            raise HTTPException(404)
        return known, wanted, page


def _policy(base_url: str) -> str:
    """What an issue's page may load: the styles that it brings along, and its own pictures."""
    parts = urlsplit(base_url)
    return (
        "default-src 'none'; style-src 'self' 'unsafe-inline'; "
        f"img-src 'self' {parts.scheme}://{parts.netloc}; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )


def _with_bar(page: Page, styles: bytes, bar: str) -> bytes:
    """A page with the archive's bar as the first thing in its body, and the bar's styles."""
    html = gzip.decompress(page.html)
    head = html.index(b"</head>")
    body = html.index(b">", html.index(b"<body", head)) + 1
    return b"".join((html[:head], styles, html[head:body], bar.encode(), html[body:]))
