"""The archive: the list of past issues, and searching them."""

import hashlib
from functools import lru_cache
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup, escape

from newsletter_mailer.archive import shelf
from newsletter_mailer.archive.search import BEGIN, END, Hit, search
from newsletter_mailer.store.engine import reading
from newsletter_mailer.web.caching import kept, still_good
from newsletter_mailer.web.site import Site

ON_A_PAGE = 20
"""Issues, or results of a search."""

_REMEMBERED = 64
"""Pages of the list that are kept as they were written, some 15 KB each."""

PageNumber = Annotated[int, Query(ge=1, le=10_000)]
Words = Annotated[str, Query(max_length=200)]


def routes(site: Site) -> APIRouter:
    """The routes of the list and of searching."""
    router = APIRouter(default_response_class=HTMLResponse)
    look = version(site)

    @router.get("/archive")
    def past_issues(request: Request, page: PageNumber = 1) -> Response:
        with reading(site.engine) as connection:
            now = shelf.standing(connection)
        tag = f"{look}-{now.issues}-{page}-{stamp(now)}"
        headers = kept(tag, now.sent_at, seconds=300)
        if answer := still_good(request, headers):
            return answer
        return HTMLResponse(listed(tag, page, _pages(now.issues)), headers=headers)

    @lru_cache(maxsize=_REMEMBERED)
    def listed(_tag: str, page: int, pages: int) -> str:
        """A page of the list; its tag says which issues there were, so it is written once."""
        with reading(site.engine) as connection:
            found = shelf.editions(connection, offset=(page - 1) * ON_A_PAGE, limit=ON_A_PAGE)
        if not found and page > 1:
            raise HTTPException(404)
        names = {"editions": found, "page": page, "pages": pages, "asked": ""}
        return site.pages.text("archive.html", names)

    @router.get("/archive/search")
    def found_articles(q: Words = "", page: PageNumber = 1) -> Response:
        with reading(site.engine) as connection:
            hits = search(connection, q, shelf.listed_campaigns(connection))
            shown = hits[(page - 1) * ON_A_PAGE : page * ON_A_PAGE]
            known = {
                id_: shelf.edition_of(connection, id_) for id_ in {h.campaign_id for h in shown}
            }
        if hits and not shown:
            raise HTTPException(404)
        names = {
            "hits": [(hit, known[hit.campaign_id], _excerpt(hit)) for hit in shown],
            "number": len(hits),
            "page": page,
            "pages": _pages(len(hits)),
            "asked": q,
        }
        return site.pages.page("archive-search.html", names)

    return router


def version(site: Site) -> str:
    """A word that changes with the templates, the colours and the office's details."""
    digest = hashlib.sha256()
    for path in sorted(site.settings.web_templates.rglob("archive*")):
        digest.update(path.read_bytes())
    digest.update((site.settings.web_templates / "layout.html").read_bytes())
    digest.update(site.settings.office.model_dump_json().encode())
    for content, _ in site.pages.static.values():
        digest.update(content)
    return digest.hexdigest()[:12]


def stamp(standing: shelf.Standing) -> str:
    """When the newest issue was sent, in whole microseconds."""
    return f"{standing.sent_at.timestamp():.6f}" if standing.sent_at else "none"


def _pages(number: int) -> int:
    return max(1, -(-number // ON_A_PAGE))


def _excerpt(hit: Hit) -> Markup:
    """What was found, with marks around the words that fit; all else is text."""
    marked = str(escape(hit.excerpt)).replace(BEGIN, "<mark>").replace(END, "</mark>")
    return Markup(marked)  # noqa: S704 - escaped
