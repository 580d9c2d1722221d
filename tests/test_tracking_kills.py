"""Servers that are killed: what was answered is on the disk, what was not is repeated."""

import asyncio
import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random

import httpx
import pytest

from newsletter_mailer.store.tables import delivery
from newsletter_mailer.store.tracking_tables import feedback, provider_event
from tests.event_model import generate
from tests.tracked import KEY, OUTLOOK, Desk, Sendgrid, open_desk, post

ROOT = Path(__file__).parent.parent


@contextmanager
def _serving(desk: Desk, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A server that takes requests; it is killed at the latest when the block ends."""
    settings = desk.settings.model_copy(update={"database_wait": 30.0})
    (settings.root / "settings.json").write_text(settings.model_dump_json(), encoding="utf-8")
    words = [str(settings.root), str(port), KEY, desk.at.isoformat()]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.tracking_server", *words], cwd=ROOT, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(2_400):
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait()


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_killed_while_ingesting_and_repeated_nothing_is_lost(tmp_path: Path) -> None:
    """Killed twice at random moments, and what had no 2xx posted again: the model's states."""
    provider = Sendgrid()
    desk = open_desk(tmp_path, 100, campaigns=2, sendgrid_keys=(provider.public,))
    desk.set_status("in_doubt", *range(1, 30))
    requests, model = generate(1_500, 100, 2, provider, seed=5, largest=60)
    waiting = [each for each in requests if each.good]
    chance, port = Random(3), _free_port()  # noqa: S311 - test data
    broken = 0
    for _ in range(2):
        with _serving(desk, port) as process, httpx.Client(timeout=60) as client:
            last = chance.randint(5, len(waiting) // 3)
            left = []
            for at, each in enumerate(waiting):
                if at == last:  # it comes whatever the server is doing then
                    threading.Timer(chance.random() / 50, process.kill).start()
                try:
                    answer = client.post(
                        f"http://127.0.0.1:{port}/hooks/sendgrid",
                        content=each.body,
                        headers=dict(each.headers),
                    )
                    done = answer.status_code == 204
                except httpx.TransportError:
                    done = False
                    broken += 1
                if not done:
                    left.append(each)
            waiting = left
    assert set(post(desk, ((each.body, each.headers) for each in waiting))) == {204}
    assert broken > 0
    states = {(r.campaign_id, r.subscriber_id): r.state for r in desk.rows(feedback)}
    assert states == model.states
    assert desk.suppressed() == model.suppressed()
    assert {row.event_id for row in desk.rows(provider_event)} == model.ids
    assert len(desk.rows(provider_event)) == len(model.ids)
    left_in_doubt = {
        (r.campaign_id, r.subscriber_id) for r in desk.rows(delivery) if r.status == "in_doubt"
    }
    assert left_in_doubt == {(c, n) for c in (1, 2) for n in range(1, 30)} - model.touched
    desk.engine.dispose()


def test_an_open_that_was_answered_outlives_a_kill(tmp_path: Path) -> None:
    """Of many opens at once, every one that was answered before the kill is in the database."""
    people = 1_200
    desk = open_desk(tmp_path, people)
    desk.agree(*range(1, people + 1))
    port = _free_port()
    answered: set[int] = set()

    async def load() -> None:
        numbers = itertools.count(1)
        async with httpx.AsyncClient(timeout=10) as client:

            async def reader() -> None:
                while (number := next(numbers)) <= people:
                    url = f"http://127.0.0.1:{port}{desk.links.open(1, number)}"
                    try:
                        answer = await client.get(url, headers={"user-agent": OUTLOOK})
                    except httpx.TransportError:
                        return
                    assert answer.status_code == 200
                    answered.add(number)
                    if len(answered) == 300:
                        os.kill(process.pid, signal.SIGKILL)

            await asyncio.gather(*(reader() for _ in range(40)))

    with _serving(desk, port) as process:
        asyncio.run(load())
        assert process.wait(timeout=30) == -signal.SIGKILL
    assert 300 <= len(answered) < people
    assert answered <= set(desk.opens())
    desk.engine.dispose()


@pytest.mark.parametrize("locked", [True, False])
def test_a_locked_database_holds_nobody_up_for_long(tmp_path: Path, *, locked: bool) -> None:
    """While another process writes for seconds, opens are answered in time, and counted after."""
    desk = open_desk(tmp_path, 5)
    desk.agree(1)
    writer = desk.engine.raw_connection()
    writer.driver_connection.isolation_level = None  # type: ignore[union-attr]

    async def load() -> float:
        app = desk.app()
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app), base_url="http://127.0.0.1"
            ) as client,
        ):
            began = time.monotonic()
            if locked:
                writer.cursor().execute("BEGIN IMMEDIATE")
            answer = await client.get(desk.links.open(1, 1), headers={"user-agent": OUTLOOK})
            took = time.monotonic() - began
            assert answer.status_code == 200
            if locked:
                assert desk.opens() == {}
                writer.cursor().execute("ROLLBACK")
                while not desk.opens() and time.monotonic() - began < 30:
                    await asyncio.sleep(0.1)
            return took

    took = asyncio.run(load())
    assert (took >= 1.9) == locked
    assert set(desk.opens()) == {1}
    writer.close()
    desk.engine.dispose()
