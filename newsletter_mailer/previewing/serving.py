"""Serving a preview: one process, one port, ended by Ctrl-C however many pages are open."""

import asyncio
import datetime as dt
import logging
import socket
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from types import FrameType

import uvicorn

from newsletter_mailer.errors import UsageError
from newsletter_mailer.previewing.app import preview_app
from newsletter_mailer.previewing.guard import Door
from newsletter_mailer.previewing.live import Live
from newsletter_mailer.settings import Settings

FIRST_PORT = 8420
_PORTS = 20
"""Ports that are tried where none was named: each open preview has its own."""

_LAST_WORDS = 1
"""Seconds that answers under way get when the preview ends."""


def listen(host: str, port: int | None) -> socket.socket:
    """A socket that listens at a port: the one that was named, or the first that is free.

    Raises:
        UsageError: the port is taken, or this machine has no such address.
    """
    ports = [port] if port is not None else range(FIRST_PORT, FIRST_PORT + _PORTS)
    why = ""
    for number in ports:
        try:
            family, _, _, _, address = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM)[0]
            made = socket.socket(family, socket.SOCK_STREAM)
            try:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                made.bind(address)
                made.listen()
            except OSError:
                made.close()
                raise
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or str(error)
            continue
        return made
    named = f"port {port}" if port is not None else f"ports from {FIRST_PORT}"
    raise UsageError(
        f"The preview cannot listen at {host}, {named}: {why}. Name another with --port or --host."
    )


def address_of(listening: socket.socket, host: str) -> str:
    """The preview's address for a browser."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listening.getsockname()[1]}/"


def serve(
    settings: Settings,
    folder: Path,
    listening: socket.socket,
    host: str,
    *,
    clock: Callable[[], dt.datetime],
    ready: Callable[[], None],
) -> None:
    """Serve the preview of an issue's folder until Ctrl-C; `ready` is called once it answers."""
    # Uvicorn raises the signal again at its end, for whoever else may wait for it.
    with closing(listening), suppress(KeyboardInterrupt):
        asyncio.run(_serve(settings, folder, listening, host, clock=clock, ready=ready))


async def _serve(
    settings: Settings,
    folder: Path,
    listening: socket.socket,
    host: str,
    *,
    clock: Callable[[], dt.datetime],
    ready: Callable[[], None],
) -> None:
    live = Live(settings, folder, clock)
    door = Door(preview_app(live, settings, clock), host, listening.getsockname()[1])
    config = uvicorn.Config(
        door,
        lifespan="off",
        log_level="error",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_LAST_WORDS,
    )
    server = _Server(config, live, asyncio.get_running_loop())
    living = asyncio.create_task(live.run())
    saying = asyncio.create_task(_say_when_started(server, ready))
    try:
        await server.serve(sockets=[listening])
    finally:
        live.stop()
        saying.cancel()
        await living


async def _say_when_started(server: uvicorn.Server, ready: Callable[[], None]) -> None:
    while not server.started:
        await asyncio.sleep(0.01)
    ready()


class _Server(uvicorn.Server):
    """Lets go of the pages that listen for news as soon as it is to end.

    Uvicorn would wait for them, and they wait for news.
    """

    def __init__(self, config: uvicorn.Config, live: Live, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(config)
        self._live = live
        self._loop = loop

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End at a signal. Answers that are cut short from now on are no errors to report."""
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        self._loop.call_soon_threadsafe(self._live.stop)
        super().handle_exit(sig, frame)
