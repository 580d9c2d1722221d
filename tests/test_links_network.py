"""A machine without a network is told from links that are broken."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from newsletter_mailer.checking.links.looking import Conditions, look_at, no_network
from newsletter_mailer.checking.links.verdict import Verdict
from newsletter_mailer.settings import Settings
from tests.link_server import (
    IMPATIENT,
    NOW,
    LinkServer,
    Names,
    conditions,
    page,
    reply,
    settings_for,
)

BROKEN = Verdict.BROKEN


def test_no_network_is_told_from_broken_links(settings: Settings) -> None:
    """Where no name is found at all, nothing is called broken, and it takes no time."""

    def lost(name: str) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, name)

    begin = time.monotonic()
    found = look_at(
        [f"https://host{n}.example/" for n in range(60)],
        settings,
        clock=lambda: NOW,
        resolver=lost,
    )
    assert {result.verdict for result in found.values()} == {Verdict.UNCHECKED}
    assert no_network(found)
    assert time.monotonic() - begin < 2


def test_dropped_questions_for_names_end_soon(settings: Settings) -> None:
    """Where name servers are silent, the check ends within five seconds, unchecked."""

    def silent(_: str) -> list[str]:
        time.sleep(8)
        return []

    begin = time.monotonic()
    found = look_at(
        [f"https://host{n}.example/" for n in range(60)],
        settings,
        clock=lambda: NOW,
        resolver=silent,
    )
    assert no_network(found)
    assert {result.verdict for result in found.values()} == {Verdict.UNCHECKED}
    assert time.monotonic() - begin < 5


def test_a_lone_missing_host_is_broken_where_names_work(settings: Settings) -> None:
    """One link to a host that is not there: the control name shows that the network is."""
    names = Names()
    found = look_at(["https://www.nowhere.example/"], settings, clock=lambda: NOW, resolver=names)
    assert found["https://www.nowhere.example/"].verdict is BROKEN
    assert not no_network(found)
    assert names.asked["example.com"] == 1


@contextmanager
def deaf_port() -> Iterator[int]:
    """A port where connections are neither taken nor refused, as behind a wall."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):  # the queue is full after one or two
            knocking = stack.enter_context(socket.socket())
            knocking.setblocking(False)
            knocking.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@pytest.mark.parametrize(("hosts", "verdict"), [(1, BROKEN), (3, Verdict.UNCHECKED)])
def test_a_wall_around_everything_is_no_network(
    settings: Settings, hosts: int, verdict: Verdict
) -> None:
    """One host that does not answer is broken; where none of several does, it is the network."""
    with deaf_port() as port:
        urls = [f"http://deaf{n}.example/{m}" for n in range(hosts) for m in range(3)]
        found = look_at(
            urls,
            settings_for(settings, *(url.split("/")[2] for url in urls), timeout=IMPATIENT),
            clock=lambda: NOW,
            resolver=Names(),
            conditions=Conditions(pauses=(0.2, 0.3), patience=0.6, doors={80: port}),
        )
    assert {result.verdict for result in found.values()} == {verdict}
    assert no_network(found) == (verdict is Verdict.UNCHECKED)


def test_what_answers_shows_that_there_is_a_network(settings: Settings) -> None:
    """One link that answers is enough: the hosts that are not there are broken then."""
    with LinkServer({"good.example": reply(200, page())}).running() as server:
        found = look_at(
            ["http://good.example/", "http://a.nowhere.example/"],
            settings_for(settings, "good.example"),
            clock=lambda: NOW,
            resolver=Names(),
            conditions=conditions(server.port),
        )
    assert [result.verdict for result in found.values()] == [Verdict.OK, BROKEN]
