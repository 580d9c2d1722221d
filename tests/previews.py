"""A living preview inside a test, without a port: its application is asked directly."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from newsletter_mailer.previewing.app import preview_app
from newsletter_mailer.previewing.guard import Door
from newsletter_mailer.previewing.live import Live, Pace
from newsletter_mailer.previewing.state import State
from newsletter_mailer.reading.issue import find_issue
from newsletter_mailer.settings import load_settings

NOW = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
HOME = "http://127.0.0.1:8420"
QUICK = Pace(gather=0.01, settle=0.1, quiet=0.05, links=0.1)
PATIENCE = 60.0
"""Seconds in which whatever is waited for must come, also on a busy machine."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Preview:
    """A preview of an issue's folder, and a browser's way of asking it."""

    live: Live
    client: httpx.AsyncClient
    folder: Path

    async def get(self, path: str, status: int = 200, **headers: str) -> httpx.Response:
        """What is at a path."""
        answer = await self.client.get(path, headers=headers)
        assert answer.status_code == status, answer.text
        return answer

    async def json(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        """The data at a path."""
        return (await self.get(path)).json()

    async def post(self, path: str, status: int = 200, **body: str) -> Any:  # noqa: ANN401
        """The answer to something that is asked for."""
        answer = await self.client.post(path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def until(self, holds: Callable[[State], object]) -> State:
        """The first state of which something holds."""
        async with asyncio.timeout(PATIENCE):
            async for state in self.live.states(PATIENCE):
                if state is not None and holds(state):
                    return state
        raise AssertionError("the preview ended")

    async def looked_over(self) -> State:
        """The state once the newest edition was checked."""
        return await self.until(lambda state: state.looked and not state.checking)


def with_preview(
    project: Path, work: Callable[[Preview], Awaitable[Result]], issue: str = "6"
) -> Result:
    """Do some work with a preview of an issue."""

    async def run() -> Result:
        async with _previewed(project, issue) as preview:
            return await work(preview)

    return asyncio.run(run())


@asynccontextmanager
async def _previewed(project: Path, issue: str) -> AsyncIterator[Preview]:
    settings = load_settings(project)
    folder = find_issue(settings.issues, issue)
    live = Live(settings, folder, lambda: NOW, QUICK)
    door = Door(preview_app(live, settings, lambda: NOW), "127.0.0.1", 8420)
    living = asyncio.create_task(live.run())
    transport = httpx.ASGITransport(app=door)
    try:
        async with httpx.AsyncClient(transport=transport, base_url=HOME) as client:
            yield Preview(live, client, folder)
    finally:
        live.stop()
        await living
