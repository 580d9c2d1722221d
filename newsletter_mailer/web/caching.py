"""Answers that browsers and caches may keep, and the short answer that theirs is still good."""

import datetime as dt
from collections.abc import Mapping
from email.utils import format_datetime, parsedate_to_datetime

from fastapi import Request
from fastapi.responses import Response

AN_HOUR = 3_600
A_DAY = 24 * AN_HOUR
A_MINUTE = 60


def kept(tag: str, changed: dt.datetime | None = None, *, seconds: int = AN_HOUR) -> dict[str, str]:
    """The headers of an answer that anybody may keep for so long, and then ask about.

    The tag is weak, as the same page may come compressed or not (RFC 9110, 8.8.1).
    """
    headers = {"etag": f'W/"{tag}"', "cache-control": f"public, max-age={seconds}"}
    if changed:
        headers["last-modified"] = format_datetime(changed.astimezone(dt.UTC), usegmt=True)
    return headers


def still_good(request: Request, headers: Mapping[str, str]) -> Response | None:
    """The answer 304 if what the asker holds is what they would get (RFC 9110, 13.2.2)."""
    asked = request.headers.get("if-none-match")
    if asked is not None:
        tags = {tag.strip().removeprefix("W/") for tag in asked.split(",")}
        good = "*" in tags or headers["etag"].removeprefix("W/") in tags
    else:
        good = _unchanged(request.headers.get("if-modified-since"), headers.get("last-modified"))
    return Response(status_code=304, headers=dict(headers)) if good else None


def _unchanged(since: str | None, changed: str | None) -> bool:
    if not since or not changed:
        return False
    try:
        return parsedate_to_datetime(changed) <= parsedate_to_datetime(since)
    except (TypeError, ValueError):
        return False  # a date that cannot be read asks for nothing
