"""The archive for programs: Atom and RSS feeds, the sitemap, and a calendar of all events."""

from collections.abc import Iterator
from email.utils import format_datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse
from markupsafe import escape

from newsletter_mailer.archive import shelf
from newsletter_mailer.store.engine import reading
from newsletter_mailer.web.archive import stamp, version
from newsletter_mailer.web.caching import kept, still_good
from newsletter_mailer.web.site import Site

_IN_A_FEED = 20

_CALENDAR_HEAD = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//newsletter-mailer//archive//EN\r\n"
    b"METHOD:PUBLISH\r\n"
)
_BEGIN, _END = b"BEGIN:VEVENT", b"END:VEVENT"


def routes(site: Site) -> APIRouter:
    """The routes of feeds, sitemap and calendar."""
    router = APIRouter(default_response_class=Response)
    look = version(site)
    base = site.settings.base_url

    def headers_now(kind: str) -> dict[str, str]:
        with reading(site.engine) as connection:
            now = shelf.standing(connection)
        return kept(f"{kind}-{look}-{now.issues}-{stamp(now)}", now.sent_at)

    def feed(request: Request, template: str, media_type: str) -> Response:
        headers = headers_now(template)
        if answer := still_good(request, headers):
            return answer
        with reading(site.engine) as connection:
            found = shelf.editions(connection, limit=_IN_A_FEED)
        names = {
            "editions": found,
            "updated": max((each.sent_at for each in found if each.sent_at), default=None),
            "mail_date": lambda moment: format_datetime(moment, usegmt=True),
        }
        return Response(site.pages.text(template, names), media_type=media_type, headers=headers)

    @router.get("/archive/feed.atom")
    def atom(request: Request) -> Response:
        return feed(request, "archive-feed.xml", "application/atom+xml")

    @router.get("/archive/feed.rss")
    def rss(request: Request) -> Response:
        return feed(request, "archive-rss.xml", "application/rss+xml")

    @router.get("/sitemap.xml")
    def sitemap(request: Request) -> Response:
        headers = headers_now("sitemap")
        if answer := still_good(request, headers):
            return answer
        return StreamingResponse(_sitemap(site), media_type="application/xml", headers=headers)

    @router.get("/archive/events.ics")
    def events(request: Request) -> Response:
        headers = headers_now("events")
        if answer := still_good(request, headers):
            return answer
        return StreamingResponse(_events(site), media_type="text/calendar", headers=headers)

    @router.get("/robots.txt")
    def robots() -> Response:
        text = (
            "User-agent: *\nDisallow: /preferences/\nDisallow: /unsubscribe/\n"
            f"Disallow: /read/\nDisallow: /archive/search\nSitemap: {base}/sitemap.xml\n"
        )
        return Response(text, media_type="text/plain", headers=kept(look))

    return router


def _sitemap(site: Site) -> Iterator[bytes]:
    """The protocol of sitemaps.org, 0.9: at most 50,000 addresses in a file."""
    base = site.settings.base_url
    yield (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    )
    for path in ("/", "/archive"):
        yield f"<url><loc>{escape(base + path)}</loc></url>\n".encode()
    for issue, agency, sent_at in shelf.canonical_pages(site.engine):
        where = escape(f"{base}/archive/{issue}/{agency}")
        yield f"<url><loc>{where}</loc><lastmod>{sent_at:%Y-%m-%d}</lastmod></url>\n".encode()
    yield b"</urlset>\n"


def _events(site: Site) -> Iterator[bytes]:
    """All calendar files as one: each holds one event, which is taken as it stands."""
    yield _CALENDAR_HEAD
    for content in shelf.calendars(site.engine):
        begin, end = content.find(_BEGIN), content.rfind(_END)
        yield content[begin : end + len(_END)] + b"\r\n"
    yield b"END:VCALENDAR\r\n"
