"""The style sheets and the script that pages load."""

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response

from newsletter_mailer.web.site import Site

_A_YEAR = "public, max-age=31536000, immutable"


def routes(site: Site) -> APIRouter:
    """The route of static files. Their addresses change with what is in them."""
    router = APIRouter()

    @router.get("/static/{name}", include_in_schema=False)
    async def static(name: str) -> Response:
        if name not in site.pages.static:
            raise HTTPException(404)
        content, media_type = site.pages.static[name]
        return Response(content, media_type=media_type, headers={"cache-control": _A_YEAR})

    return router
