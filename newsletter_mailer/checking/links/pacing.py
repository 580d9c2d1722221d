"""How fast other people's servers are asked: few requests at a time, and pauses they ask for."""

import asyncio
import datetime as dt
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime

AT_ONCE = 20
AT_ONCE_A_HOST = 2


class Pacer:
    """Hands out turns: at most two at a time a host, and twenty in all."""

    def __init__(self) -> None:
        self._all = asyncio.Semaphore(AT_ONCE)
        self._hosts: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(AT_ONCE_A_HOST)
        )
        self._closed_until: dict[str, float] = {}

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        """Wait for a turn at the host, and hold it.

        The host's turn comes first, so that links waiting for a busy host do not keep
        others from theirs.
        """
        async with self._hosts[host]:
            while (wait := self._closed_until.get(host, 0.0) - _now()) > 0:
                await asyncio.sleep(wait)
            async with self._all:
                yield

    def close(self, host: str, seconds: float) -> None:
        """Give no turn at a host for so long: it asked for a pause."""
        self._closed_until[host] = max(self._closed_until.get(host, 0.0), _now() + seconds)


def _now() -> float:
    return asyncio.get_running_loop().time()


def seconds_to_wait(header: str | None, clock: Callable[[], dt.datetime]) -> float | None:
    """What `Retry-After` asks for: seconds, or a date (RFC 9110, 10.2.3). None if unreadable."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=dt.UTC)
    return max(0.0, (when - clock()).total_seconds())
