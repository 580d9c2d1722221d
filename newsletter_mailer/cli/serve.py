"""The command `serve`."""

import asyncio
import datetime as dt
import logging
import secrets
import signal
import socket
from typing import Annotated

import typer

from newsletter_mailer.cli.console import say
from newsletter_mailer.cli.project import Project
from newsletter_mailer.errors import UsageError
from newsletter_mailer.signing_key import signing_keys

_STOPPING = 5
"""Seconds that requests under way get to end."""


def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes any free one.")] = 8000,
) -> None:
    """Serve the pages for signing up, preferences, leaving, and the archive, until stopped."""
    import uvicorn  # noqa: PLC0415 - the web framework takes a while to import

    from newsletter_mailer.web.app import application  # noqa: PLC0415
    from newsletter_mailer.web.pages import Pages  # noqa: PLC0415
    from newsletter_mailer.web.posting import posting  # noqa: PLC0415
    from newsletter_mailer.web.site import Site  # noqa: PLC0415

    project = context.ensure_object(Project)
    settings = project.settings
    keys = signing_keys(settings)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    with (
        _listening(host, port) as listening,
        project.store() as engine,
        posting(settings, engine, keys[0], _now) as wake,
    ):
        site = Site(
            settings,
            project.registry,
            engine,
            Pages(settings),
            keys,
            _now,
            lambda: secrets.token_urlsafe(16),
            wake,
        )
        # No access log: the addresses of personal pages are as good as passwords.
        server = uvicorn.Server(
            uvicorn.Config(
                application(site),
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=bool(settings.web.proxies),
                forwarded_allow_ips=list(settings.web.proxies),
                timeout_graceful_shutdown=_STOPPING,
            )
        )
        # uvicorn raises the signal that stopped it again, for whoever was there before it.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        bound = listening.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        say(f"Serving at http://{shown}:{bound}/ as {settings.base_url}/; stop with Ctrl+C.")
        asyncio.run(server.serve(sockets=[listening]))
    say("Stopped.")


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _listening(host: str, port: int) -> socket.socket:
    """A socket at this address.

    Raises:
        UsageError: it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen()  # so that who comes before the first answer waits for it
    except (OSError, UnicodeError) as error:
        listening.close()
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(
            f"Cannot listen at {host}, port {port}: {reason}. "
            "Stop what listens there, or choose another with --host and --port."
        ) from error
    return listening
