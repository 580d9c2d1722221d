"""The HTTP client as links are looked at with: it carries nothing and goes only where it may."""

import ssl

import aiohttp

import newsletter_mailer
from newsletter_mailer.checking.links.guard import Guard
from newsletter_mailer.checking.links.network import Network
from newsletter_mailer.settings import Settings

_LONGEST_LINE = 64 * 1024
"""Bytes of a header that are read; browsers take more than aiohttp's usual 8 KiB."""


def open_session(
    settings: Settings, guard: Guard, network: Network, tls: ssl.SSLContext | None
) -> aiohttp.ClientSession:
    """A session whose connections all go through the guard; to be opened in a running loop."""

    async def connected(*_: object) -> None:
        network.answered = True

    trace: aiohttp.TraceConfig = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(connected)
    agent = settings.links.user_agent or (
        f"newsletter_mailer/{newsletter_mailer.__version__} (link check; +{settings.base_url})"
    )
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            resolver=guard,
            # The guard remembers names itself: aiohttp's memory would run out and ask again.
            use_dns_cache=False,
            limit=0,
            ssl=tls or True,
        ),
        # Of what browsers send, what some servers insist on.
        headers={
            "User-Agent": agent,
            "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "Accept-Language": "en-GB,en;q=0.8",
            "Accept-Encoding": "gzip, deflate",
        },
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=settings.links.timeout / 2),
        # Bodies are unpacked here, with a limit: a few packed bytes may become gigabytes.
        auto_decompress=False,
        # A proxy of the environment would choose the address, and the guard could not.
        trust_env=False,
        max_line_size=_LONGEST_LINE,
        max_field_size=_LONGEST_LINE,
        trace_configs=[trace],
    )
