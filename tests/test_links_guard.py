"""No request leaves for an address that links must not lead to, whatever the trick."""

import asyncio
import datetime as dt
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_socket import SocketConnectBlockedError

from newsletter_mailer.checking.links.address import is_public, literal
from newsletter_mailer.checking.links.guard import Ground, Guard, RefusedError
from newsletter_mailer.checking.links.looking import Conditions, look_at
from newsletter_mailer.checking.links.verdict import LinkResult, Verdict
from newsletter_mailer.settings import Settings
from tests.link_server import LinkServer, Names, Play, send_to, tripwire

NOW = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)

PRIVATE = [
    "0.0.0.0",  # noqa: S104 - nothing is bound
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.0.3",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:93.184.215.14",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::7f00:1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
PUBLIC = ["93.184.215.14", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:2800:21f:cb07::1"]


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_readers_cannot_reach_are_not_public(address: str) -> None:
    """Every special-purpose range counts as private, with all that embeds IPv4 in IPv6."""
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_that_readers_reach_are_public(address: str) -> None:
    """Neighbours of the special ranges stay reachable."""
    assert is_public(ip_address(address))


@given(st.ip_addresses(v=4))
def test_addresses_that_python_calls_private_are_private_here(address: IPv4Address) -> None:
    """Nothing that Python's own list calls private, reserved or multicast gets through."""
    if address.is_private or address.is_reserved or address.is_multicast or address.is_link_local:
        assert not is_public(address)


@given(st.ip_addresses(v=6))
def test_the_same_for_ipv6(address: IPv6Address) -> None:
    """Nothing that Python's own list calls private, reserved or multicast gets through."""
    if address.is_private or address.is_reserved or address.is_multicast or address.is_link_local:
        assert not is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "017700000001",
        "0x7f000001",
        "127.1",
        "127.0.1",
        "127.0.0.1.",
    ],
)
def test_numbers_are_read_as_browsers_read_them(host: str) -> None:
    """Decimal, octal and hexadecimal forms of 127.0.0.1 are all seen through."""
    assert literal(host) == IPv4Address("127.0.0.1")


@given(st.integers(0, 2**32 - 1))
def test_every_way_to_write_a_number_is_the_same_address(number: int) -> None:
    """Whatever the base, the address is the one the C library connects to."""
    expected = IPv4Address(number)
    a, rest = number >> 24, number & 0xFFFFFF
    for host in (str(number), hex(number), f"0{number:o}", f"{a}.{rest}", f"0x{a:x}.0{rest:o}"):
        assert literal(host) == expected


@given(st.text(max_size=30))
def test_any_text_is_either_let_through_or_refused(text: str) -> None:
    """The guard never fails in another way; what it lets through names a plain host."""
    guard = Guard(ports=(80, 443), allowed=())
    for candidate in (text, f"http://{text}", f"http://example.org/{text}"):
        try:
            url = guard.check(candidate)
        except RefusedError:
            continue
        assert url.scheme in {"http", "https"}
        assert url.port in {80, 443}
        assert not url.user
        assert url.raw_host
        assert url.raw_host.isascii()
        assert str(url).isascii()
        assert not set(str(url)) & set(" \r\n\t")


@pytest.mark.parametrize(
    ("url", "ground"),
    [
        ("http://127.0.0.1/", Ground.PRIVATE),
        ("http://127.0.0.1./", Ground.PRIVATE),
        ("http://2130706433/", Ground.PRIVATE),
        ("http://0x7f.1/", Ground.PRIVATE),
        ("http://017700000001/", Ground.PRIVATE),
        ("http://１２７.０.０.１/", Ground.PRIVATE),
        ("http://127。0。0。1/", Ground.PRIVATE),
        ("http://[::1]/", Ground.PRIVATE),
        ("http://[::ffff:7f00:1]/", Ground.PRIVATE),
        ("http://[64:ff9b::7f00:1]/", Ground.PRIVATE),
        ("http://169.254.169.254/latest/meta-data", Ground.PRIVATE),
        ("http://%31%32%37.0.0.1/", Ground.MALFORMED),
        ("http://127.0.0.1.5/", Ground.MALFORMED),
        ("http://1.2.3.999/", Ground.MALFORMED),
        ("http:///path", Ground.MALFORMED),
        ("http://exa mple.org/", Ground.MALFORMED),
        ("http://a..b/", Ground.MALFORMED),
        ("http://[::1/", Ground.MALFORMED),
        ("http://example.org:99999/", Ground.MALFORMED),
        ("http://example.org:x/", Ground.MALFORMED),
        ("www.example.org/x", Ground.MALFORMED),
        ("//example.org/x", Ground.MALFORMED),
        ("", Ground.MALFORMED),
        ("http://example.org:8080/", Ground.PORT),
        ("http://example.org:22/", Ground.PORT),
        ("https://example.org:6379/", Ground.PORT),
        ("http://user:word@example.org/", Ground.CREDENTIALS),
        ("http://www.example.org@127.0.0.1/", Ground.CREDENTIALS),
        ("http://example.org\\@127.0.0.1/", None),
        ("ftp://example.org/", Ground.SCHEME),
        ("file:///etc/passwd", Ground.SCHEME),
        ("gopher://127.0.0.1:6379/_x", Ground.SCHEME),
        ("javascript:alert(1)", Ground.SCHEME),
        ("HTTP://EXAMPLE.ORG/A", None),
        ("https://bücher.example/x", None),
        ("http://example.org.:80/", None),
    ],
)
def test_urls_are_refused_before_anything_leaves(url: str, ground: Ground | None) -> None:
    """Schemes, ports, credentials and addresses in a URL are judged by the URL alone."""
    guard = Guard(ports=(80, 443), allowed=())
    if ground is None:
        assert guard.check(url).raw_host in {"example.org", "xn--bcher-kva.example", "example.org."}
        return
    with pytest.raises(RefusedError) as refused:
        guard.check(url)
    assert refused.value.ground is ground


def look(settings: Settings, names: Names, trap: int, *urls: str) -> dict[str, LinkResult]:
    """Look at URLs, where ports 80 and 443 of every name lead to the trap.

    Only `public.example` is let through, at the server's own port.
    """
    own = settings.links.model_copy(update={"timeout": 0.5, "ports": (80, 443, trap)})
    return look_at(
        urls,
        settings.model_copy(update={"links": own, "links_allow": ("public.example",)}),
        clock=lambda: NOW,
        resolver=names,
        conditions=Conditions(
            pauses=(0.01,), patience=1, doors={80: trap, 443: trap}, made_up=lambda: "made-up"
        ),
    )


TRICKS = [
    "http://127.0.0.1:{trap}/",
    "http://127.0.0.1.:{trap}/",
    "http://2130706433:{trap}/",
    "http://0x7f.1:{trap}/",
    "http://017700000001:{trap}/",
    "http://0:{trap}/",
    "http://[::1]:{trap}/",
    "http://[::ffff:127.0.0.1]:{trap}/",
    "http://[::127.0.0.1]:{trap}/",
    "http://[64:ff9b::127.0.0.1]:{trap}/",
    "http://１２７.0.0.1:{trap}/",
    "http://%31%32%37.0.0.1:{trap}/",
    "http://user@127.0.0.1:{trap}/",
    "http://localhost:{trap}/",
    "http://localhost.:{trap}/",
    "http://inside.example:{trap}/",
    "https://inside.example/",
    "http://mapped.example:{trap}/",
    "http://nat.example:{trap}/",
    "ftp://127.0.0.1:{trap}/",
    "gopher://127.0.0.1:{trap}/_",
    "//127.0.0.1:{trap}/",
]
INSIDE = {
    "mapped_example": "::ffff:127.0.0.1",
    "nat_example": "64:ff9b::7f00:1",
    "inside_example": "127.0.0.1 ::1",
}


def test_no_trick_opens_a_connection(settings: Settings) -> None:
    """Addresses in all their forms, and names that lead to them: nobody is knocked at."""
    with tripwire() as (trap, knocks):
        urls = [trick.format(trap=trap) for trick in TRICKS]
        found = look(settings, Names(**INSIDE), trap, *urls)
        found |= look(settings, Names(**INSIDE), trap, "http://inside.example/")
    assert knocks == []
    verdicts = {url: result.verdict for url, result in found.items()}
    odd = {url for url, verdict in verdicts.items() if verdict is not Verdict.BROKEN}
    assert odd == {f"http://user@127.0.0.1:{trap}/", f"gopher://127.0.0.1:{trap}/_"}
    assert "private address" in found[f"http://inside.example:{trap}/"].reason


def test_no_redirect_opens_a_connection(settings: Settings) -> None:
    """After a redirect every address is checked again, at the first stop and at the second."""
    with tripwire() as (trap, knocks):
        tricks = [trick.format(trap=trap) for trick in TRICKS]
        plays: dict[str, Play] = {}
        for at, trick in enumerate(tricks):
            plays[f"public.example/{at}"] = send_to(trick.encode().decode("latin-1"), 302)
            plays[f"public.example/far/{at}"] = send_to(f"/{at}", 307)
        with LinkServer(plays).running() as server:
            base = f"http://public.example:{server.port}"
            urls = [f"{base}/{at}" for at in range(len(tricks))]
            urls += [f"{base}/far/{at}" for at in range(len(tricks))]
            found = look(settings, Names(**INSIDE), trap, *urls)
            assert len(server.requests) == 3 * len(tricks)
    assert knocks == []
    assert not any(result.verdict is Verdict.OK for result in found.values())
    assert all(result.chain for result in found.values())


class Rebinding(Names):
    """Gives a public address first, and 127.0.0.1 whenever it is asked again."""

    def __call__(self, name: str) -> list[str]:
        """The addresses of a name."""
        super().__call__(name)
        return ["127.0.0.1"] if self.asked[name] > 1 else ["93.184.215.14"]


def test_a_name_that_changes_its_mind_gains_nothing(settings: Settings) -> None:
    """A name is asked for once; the connection goes to the address that was checked."""
    names = Rebinding()
    with (
        tripwire() as (trap, knocks),
        pytest.warns(UserWarning, match='host "93.184.215.14"'),
        # Tests may not connect there, and so they learn that this is where it went.
        pytest.raises(SocketConnectBlockedError),
    ):
        look(settings, names, trap, "http://rebinding.example/")
    assert knocks == []
    assert names.asked["rebinding.example"] == 1


def test_a_name_is_remembered_for_the_whole_run() -> None:
    """Later connections to a host, and redirects back to it, use the first answer."""
    names = Rebinding()
    guard = Guard(ports=(80, 443), allowed=(), lookup=names)

    async def ask() -> None:
        for host in ("rebinding.example", "Rebinding.Example.", "rebinding.example"):
            assert [found["host"] for found in await guard.resolve(host)] == ["93.184.215.14"]
        await guard.close()

    asyncio.run(ask())


def test_only_checked_addresses_are_handed_over() -> None:
    """Of a name's addresses the private ones are dropped, and the same are given each time."""
    guard = Guard(
        ports=(80, 443),
        allowed=("friend.example",),
        lookup=Names(both_example="10.0.0.1 93.184.215.14 ::1", friend_example="127.0.0.1"),
    )

    async def resolve(host: str) -> list[str]:
        return [found["host"] for found in await guard.resolve(host, 80)]

    async def ask() -> None:
        assert await resolve("both.example") == ["93.184.215.14"]
        assert await resolve("BOTH.example.") == ["93.184.215.14"]
        assert await resolve("friend.example") == ["127.0.0.1"]
        with pytest.raises(RefusedError):
            await resolve("other.example")
        await guard.close()

    asyncio.run(ask())


def test_an_allowed_host_is_allowed_by_its_name_only(settings: Settings) -> None:
    """Allowing one name lets no other name through that leads to the same address."""
    with LinkServer({"friend.example": send_to("http://stranger.example/")}).running() as server:
        own = settings.model_copy(update={"links_allow": ("friend.example",)})
        (result,) = look_at(
            [f"http://friend.example:{server.port}/"],
            own,
            clock=lambda: NOW,
            resolver=Names(),
            conditions=Conditions(pauses=(), doors={80: server.port}),
        ).values()
        assert result.verdict is Verdict.BROKEN
        assert "private address" in result.reason
        assert len(server.requests) == 1


def test_a_proxy_of_the_environment_is_not_used(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy would choose the address in the guard's place; none is asked."""
    with LinkServer({}).running() as server, tripwire() as (trap, knocks):
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "https_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{trap}")
        url = f"http://public.example:{server.port}/"
        (result,) = look(settings, Names(), trap, url).values()
    assert knocks == []
    assert result.status == 404


def test_the_tripwire_notices(settings: Settings) -> None:
    """The port that counts who knocks does count, once the host is allowed."""
    with tripwire() as (trap, knocks):
        look(settings, Names(), trap, "http://public.example/")
    assert knocks
