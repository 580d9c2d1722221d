"""Taking an answer in: what its headers tell, and as much of a page as is needed."""

import asyncio
import datetime as dt
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp

from newsletter_mailer.checking.links.answer import Answer
from newsletter_mailer.checking.links.failing import is_cut_short
from newsletter_mailer.checking.links.pacing import seconds_to_wait
from newsletter_mailer.checking.links.page import (
    READ,
    READ_FOR_FRAGMENTS,
    Page,
    Unpacker,
    read_page,
)

REDIRECTS = frozenset({301, 302, 303, 307, 308})
"""Statuses that browsers follow (Fetch, "redirect status")."""

_PARTIAL = 206
_OFF_THE_LOOP = 64 * 1024
"""Bytes of HTML that take some milliseconds to read."""


@dataclass(frozen=True, slots=True)
class Body:
    """The beginning of a page as it came, unpacked."""

    data: bytes
    charset: str | None
    whole: bool


def read_headers(response: aiohttp.ClientResponse, clock: Callable[[], dt.datetime]) -> Answer:
    """What the headers tell: type, size, where to go, how long to wait, who is asked for."""
    headers = response.headers
    packed = headers.get("Content-Encoding", "identity").strip().lower() not in {"", "identity"}
    size = None if packed else _size(response)
    return Answer(
        status=response.status,
        media_type=headers.get("Content-Type", "").partition(";")[0].strip().lower(),
        size=size,
        location=headers.get("Location") if response.status in REDIRECTS else None,
        wait=seconds_to_wait(headers.get("Retry-After"), clock),
        # Cloudflare's docs, "Detect a Challenge Page response"; and the page's own title.
        challenge=headers.get("cf-mitigated", "").strip().lower() == "challenge",
        sets_cookie="Set-Cookie" in headers,
    )


def _size(response: aiohttp.ClientResponse) -> int | None:
    """The whole size, also where a range of it is sent (RFC 9110, 14.4)."""
    if response.status == _PARTIAL:
        total = response.headers.get("Content-Range", "").rpartition("/")[2]
        return int(total) if total.isascii() and total.isdigit() else None
    return response.content_length


async def read_body(response: aiohttp.ClientResponse, *, for_places: bool) -> Body | None:
    """The beginning of a page; None where it is packed in an unknown or wrong way."""
    unpacker = Unpacker(
        response.headers.get("Content-Encoding", ""), READ_FOR_FRAGMENTS if for_places else READ
    )
    if not unpacker.readable:
        return None
    whole = False
    try:
        async for chunk in response.content.iter_any():
            unpacker.feed(chunk)
            if unpacker.full:
                break
        else:
            whole = True
    except aiohttp.ClientPayloadError as error:
        if not is_cut_short(error):
            raise
        # Shorter than it was said to be: browsers show what came.
    except zlib.error:
        return None
    return Body(unpacker.data, response.charset, whole)


async def parse(body: Body) -> Page | None:
    """The page in a body; a long one is read beside the loop, which goes on meanwhile."""
    if len(body.data) <= _OFF_THE_LOOP:
        return read_page(body.data, body.charset, whole=body.whole)
    return await asyncio.to_thread(read_page, body.data, body.charset, whole=body.whole)
