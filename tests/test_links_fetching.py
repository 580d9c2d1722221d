"""Every kind of server gets the right verdict, and none is asked for more than it need be."""

import gzip
import socket
import time
import zlib
from collections.abc import Iterator

import hypothesis
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from newsletter_mailer.checking.links.looking import Conditions, look_at, no_network
from newsletter_mailer.checking.links.page import READ, Unpacker
from newsletter_mailer.checking.links.verdict import LinkResult, Verdict
from newsletter_mailer.settings import Settings
from tests.link_server import (
    IMPATIENT,
    NOW,
    LinkServer,
    Names,
    Play,
    again_and_again,
    by_method,
    conditions,
    in_turn,
    page,
    raw,
    reply,
    send_to,
    settings_for,
)

GONE = page("Page not found", "<h1>Sorry</h1><p>The page you requested cannot be found.</p>")
SECTIONS = page("Guide", '<h2 id="fees">Fees</h2><a name="caf%C3%A9"></a><p id="übung">x</p>')
CHALLENGE = page("Just a moment...", "<p>Checking your browser.</p>")
PDF = b"%PDF-1.7" + bytes(4_000)
BOMB = gzip.compress(bytes(200_000_000), 9)


def raw_deflate(text: str) -> bytes:
    """Deflate without zlib's head, as some servers send it."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(text.encode()) + packer.flush()


def chunked(body: bytes) -> Play:
    """A page whose body claims to be in chunks."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"
    return raw(head + body)


OK, MOVED, TEMPORARY = Verdict.OK, Verdict.MOVED, Verdict.TEMPORARY
LOGIN, UNKNOWN, BROKEN, SUSPECT = Verdict.LOGIN, Verdict.UNKNOWN, Verdict.BROKEN, Verdict.SUSPECT

CASES: dict[str, tuple[Play | None, Verdict, str]] = {
    # a link, how its server behaves, the verdict, and words of the reason
    "good.example/": (reply(200, page()), OK, "200"),
    "good.example/path%2Fkept/a%20b?q=1%2B1&r=%C3%A9+x": (reply(200, page()), OK, "200"),
    "good.example/naïve page": (reply(200, page()), OK, "200"),
    "partial.example/x": (reply(206, page()), OK, "206"),
    "empty.example/x": (reply(204), SUSPECT, "without any page"),
    "choices.example/x": (reply(300, page()), UNKNOWN, "300"),
    "moved.example/old": (send_to("/new"), MOVED, "http://moved.example/new"),
    "moved.example/308": (send_to("http://good.example/news/1", 308), MOVED, "good.example"),
    "chain.example/1": (send_to("/2"), MOVED, "301, 308"),
    "temporary.example/x": (send_to("/new", 302), TEMPORARY, "/new"),
    "mixed.example/x": (send_to("/new", 301), TEMPORARY, "301, 307"),
    "loop.example/x": (send_to("/y", 302), BROKEN, "in a circle"),
    "cookies.example/x": (send_to("/x", 302, Set_Cookie="seen=1"), UNKNOWN, "cookies"),
    "onandon.example/0": (None, BROKEN, "on and on"),
    "nowhere.example/x": (send_to("", 302), BROKEN, "without saying where"),
    "tomail.example/x": (send_to("mailto:office@example.org", 302), UNKNOWN, "mailto:"),
    "tofile.example/x": (send_to("file:///etc/passwd", 302), BROKEN, "file:"),
    "toftp.example/x": (send_to("ftp://good.example/x", 302), BROKEN, "ftp:"),
    "refresh.example/x": (
        reply(200, page() + '<meta http-equiv="refresh" content="0;url=/gone">'),
        OK,
        "200",
    ),
    "login.example/x": (reply(401, WWW_Authenticate="Basic"), LOGIN, "401"),
    "members.example/x": (send_to("/account/Sign-In?back=x", 302), LOGIN, "sign-in"),
    "proxy.example/x": (reply(407), LOGIN, "407"),
    "forbidden.example/x": (reply(403, page("No")), UNKNOWN, "403"),
    "challenge.example/x": (
        reply(403, CHALLENGE, cf_mitigated="challenge"),
        UNKNOWN,
        "prove themselves",
    ),
    "challenge.example/503": (reply(503, CHALLENGE), UNKNOWN, "prove themselves"),
    "method.example/x": (reply(405), UNKNOWN, "405"),
    "accept.example/x": (reply(406), UNKNOWN, "406"),
    "legal.example/x": (reply(451), UNKNOWN, "legal"),
    "linked.example/x": (reply(999), UNKNOWN, "999"),
    "often.example/x": (
        in_turn(reply(429, Retry_After="0"), reply(200, page())),
        OK,
        "200",
    ),
    "toooften.example/x": (reply(429, Retry_After="3600"), UNKNOWN, "asked too often"),
    "closed.example/x": (
        reply(503, Retry_After="Mon, 02 Mar 2026 19:00:00 GMT"),
        UNKNOWN,
        "closed for now",
    ),
    "gone.example/x": (reply(404, page("Not found")), BROKEN, "404"),
    "takenaway.example/x": (reply(410), BROKEN, "410"),
    "nosuch.nowhere.example/x": (None, BROKEN, "no host nosuch.nowhere.example"),
    "failing.example/x": (reply(500), BROKEN, "again and again"),
    "recovers.example/x": (in_turn(reply(502), reply(200, page())), OK, "200"),
    "soft.example/minutes/old.html": (reply(200, GONE), SUSPECT, "Page not found"),
    "honest.example/guide/404-pages": (
        reply(200, page("404 errors: how to design them", "<p>Be kind to your readers.</p>")),
        OK,
        "200",
    ),
    "homeward.example/deep/page.html": (send_to("/", 301), SUSPECT, "home page"),
    "bit.ly.example/3xYz12": (send_to("http://good.example/", 301), MOVED, "good.example"),
    "parked.example/x": (
        reply(200, page("parked.example", "<p>This domain is for sale!</p>")),
        SUSPECT,
        "parked",
    ),
    "slow.example/x": (raw(b"", hold=600), BROKEN, "in time"),
    "drip.example/x": (
        again_and_again(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", b"a", 0.05),
        BROKEN,
        "in time",
    ),
    "headers.example/x": (again_and_again(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", 0.05), BROKEN, ""),
    "hugeheaders.example/x": (
        reply(200, page(), X_Long="x" * 20_000),
        OK,
        "200",
    ),
    "monster.example/x": (reply(200, page(), X_Long="x" * 200_000), BROKEN, "no browser"),
    "endless.example/x": (
        again_and_again(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<title>Long</title>",
            b"<p>more</p>" * 2_000,
            0,
        ),
        OK,
        "200",
    ),
    "bomb.example/x": (reply(200, BOMB, Content_Encoding="gzip"), OK, "200"),
    "packed.example/x": (
        reply(200, gzip.compress(GONE.encode()), Content_Encoding="gzip"),
        SUSPECT,
        "not found",
    ),
    "deflated.example/x": (
        reply(200, raw_deflate(GONE), Content_Encoding="deflate"),
        SUSPECT,
        "not found",
    ),
    "wrongly.example/packed": (reply(200, b"no gzip", Content_Encoding="gzip"), OK, "200"),
    "drops.example/x": (raw(b""), BROKEN, "hangs up"),
    "half.example/x": (raw(b"HTTP/1.1 200 OK\r\nContent-Ty"), BROKEN, ""),
    "short.example/x": (
        raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 999\r\n\r\n<p>x"),
        OK,
        "200",
    ),
    "chunks.example/x": (chunked(b"zz\r\nno hexadecimal\r\n"), BROKEN, "no browser"),
    "old.example/x": (raw(b"<html>HTTP/0.9 was like this</html>\r\n\r\n"), BROKEN, "no browser"),
    "bücher.example/x": (reply(200, page()), OK, "200"),
}

SILENT = frozenset({"slow.example/x", "drip.example/x", "headers.example/x"})
"""Cases whose servers never answer, or never come to an end of it."""

STARTS = [
    b"",
    b"HTTP/1.1 ",
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: ",
    b"HTTP/1.1 301 Found\r\nConnection: close\r\nLocation: http://[",
    b"HTTP/1.1 301 Found\r\nConnection: close\r\nLocation: gopher://[::\r\n\r\n",
    b"HTTP/1.1 301 Found\r\nConnection: close\r\nLocation: http://\xff\xfe/\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=",
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=no-such\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08",
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.1 429 Slow\r\nContent-Length: 0\r\nRetry-After: 0",
]
"""How answers begin; anything may follow."""

MORE_PLAYS: dict[str, Play] = {
    "moved.example/new": reply(200, page()),
    "good.example/news/1": reply(200, page()),
    "chain.example/2": send_to("http://chain.example/3", 308),
    "chain.example/3": reply(200, page()),
    "temporary.example/new": reply(200, page()),
    "mixed.example/new": send_to("/newer", 307),
    "mixed.example/newer": reply(200, page()),
    "loop.example/y": send_to("/x", 302),
    "members.example/account/Sign-In": reply(200, page("Sign in")),
    "soft.example": reply(200, GONE),
    "packed.example": reply(200, GONE),
    "deflated.example": reply(200, GONE),
    "homeward.example/": reply(200, page()),
    "good.example/na%C3%AFve%20page": reply(200, page()),
    "moved.example/place": send_to("http://good.example/guide#fees"),
    "good.example/guide": reply(200, SECTIONS),
    "good.example/app": reply(200, page("App", "<script>start()</script>")),
    "xn--bcher-kva.example/x": reply(200, page()),
    **{f"onandon.example/{n}": send_to(f"/{n + 1}", 302) for n in range(20)},
    "docs.example/told.pdf": reply(200, PDF, "application/pdf"),
    "docs.example/untold.pdf": by_method(
        HEAD=reply(200, b"", "application/pdf", Content_Length=""),
        GET=reply(206, b"%", "application/pdf", Content_Range="bytes 0-0/123456"),
    ),
    "docs.example/refused.docx": by_method(HEAD=reply(405), GET=reply(200, PDF, "x/y")),
    "docs.example/lied.pdf": by_method(HEAD=reply(404), GET=reply(200, PDF, "application/pdf")),
    "docs.example/dropped.pdf": by_method(HEAD=raw(b""), GET=reply(200, PDF, "application/pdf")),
    "docs.example/soft.pdf": reply(200, GONE),
    "docs.example": reply(200, GONE),
}


def hosts_of(*plays: str) -> set[str]:
    """The hosts in `host/path` keys."""
    return {key.partition("/")[0] for key in plays}


@pytest.fixture(scope="module")
def server() -> Iterator[LinkServer]:
    """A server that plays every case."""
    plays = {key.partition("?")[0]: play for key, (play, *_) in CASES.items() if play}
    with LinkServer(plays | MORE_PLAYS).running() as running:
        yield running


def look(
    server: LinkServer,
    settings: Settings,
    *urls: str,
    names: Names | None = None,
    **links: object,
) -> dict[str, LinkResult]:
    """Look at URLs whose hosts the server plays."""
    hosts = {*hosts_of(*server.plays), *hosts_of(*CASES)}
    return look_at(
        urls,
        settings_for(settings, *hosts, **links),
        clock=lambda: NOW,
        resolver=names or Names(),
        conditions=conditions(server.port),
    )


@pytest.fixture(scope="module")
def looked(server: LinkServer, settings: Settings) -> dict[str, LinkResult]:
    """Every case. Only where no whole answer ever comes is the waiting short."""
    silent = look(server, settings, *(f"http://{key}" for key in SILENT), timeout=IMPATIENT)
    others = look(server, settings, *(f"http://{key}" for key in CASES.keys() - SILENT))
    return silent | others


@pytest.mark.parametrize("case", CASES)
def test_every_case_gets_its_verdict(looked: dict[str, LinkResult], case: str) -> None:
    """Good, bad, slow, endless and lying servers are each judged rightly, with the reason."""
    _, verdict, words = CASES[case]
    result = looked[f"http://{case}"]
    assert result.verdict is verdict, result
    assert words in result.reason
    assert result.checked_at == NOW
    assert bool(result.suggestion) == (verdict is not OK)


def test_what_is_replaced_is_safe(looked: dict[str, LinkResult]) -> None:
    """A replacement is offered for links that moved for good to a page, and for no others."""
    offered = {url: result.replacement for url, result in looked.items() if result.replacement}
    assert offered == {
        "http://moved.example/old": "http://moved.example/new",
        "http://moved.example/308": "http://good.example/news/1",
        "http://chain.example/1": "http://chain.example/3",
        "http://bit.ly.example/3xYz12": "http://good.example/",
    }


def test_the_way_is_told(looked: dict[str, LinkResult]) -> None:
    """A result names every stop with its status, where it ended, and survives JSON."""
    result = looked["http://mixed.example/x"]
    assert [(hop.url, hop.status) for hop in result.chain] == [
        ("http://mixed.example/x", 301),
        ("http://mixed.example/new", 307),
    ]
    assert result.final_url == "http://mixed.example/newer"
    assert result.status == 200
    assert result.seconds > 0
    assert LinkResult.from_dict(result.as_dict()) == result


@pytest.mark.usefixtures("looked")
def test_requests_are_few_and_come_as_they_are_written(server: LinkServer) -> None:
    """One request a good page, with path and query untouched; tries and redirects are bounded."""
    assert server.asked("good.example/path%2Fkept/a%20b?q=1%2B1&r=%C3%A9+x") == ["GET"]
    assert server.asked("failing.example/x") == ["GET"] * 3
    assert server.asked("gone.example/x") == ["GET"]
    assert server.asked("toooften.example/x") == ["GET"]
    assert server.asked("refresh.example/gone") == []
    assert len([one for one in server.requests if one.host == "onandon.example"]) == 11
    made_up = [one.path for one in server.requests if "made-up" in one.path]
    assert len([path for path in made_up if path.startswith("/minutes/made-up")]) == 1


@pytest.mark.usefixtures("looked")
def test_requests_carry_the_program_s_name_and_no_cookies(server: LinkServer) -> None:
    """Servers see who asks and where to ask back; what they set is never sent again."""
    assert all("cookie" not in one.headers for one in server.requests)
    agents = {one.headers["user-agent"] for one in server.requests}
    (agent,) = agents
    assert agent.startswith("newsletter_mailer/")
    assert "(link check; +http" in agent


def test_the_settings_name_the_user_agent(server: LinkServer, settings: Settings) -> None:
    """An office may choose the name that servers see."""
    look(server, settings, "http://good.example/?agent", user_agent="Office check")
    assert server.requests[-1].headers["user-agent"] == "Office check"


def test_documents_tell_type_and_size(server: LinkServer, settings: Settings) -> None:
    """A PDF costs one HEAD; where that tells too little or is refused, GET tells the rest."""
    found = look(
        server,
        settings,
        *(f"http://docs.example/{name}" for name in ("told.pdf#page=3", "untold.pdf")),
        *(f"http://docs.example/{name}" for name in ("refused.docx", "lied.pdf", "dropped.pdf")),
    )
    assert {result.verdict for result in found.values()} == {OK}
    sizes = {url.rpartition("/")[2]: result.size for url, result in found.items()}
    size = len(PDF)
    assert sizes == {
        "told.pdf#page=3": size,
        "untold.pdf": 123_456,
        "refused.docx": size,
        "lied.pdf": size,
        "dropped.pdf": size,
    }
    assert found["http://docs.example/told.pdf#page=3"].media_type == "application/pdf"
    assert server.asked("docs.example/told.pdf") == ["HEAD"]
    assert server.asked("docs.example/untold.pdf") == ["HEAD", "GET"]


def test_a_document_that_is_a_page_saying_not_found(server: LinkServer, settings: Settings) -> None:
    """A PDF's address that answers 200 with a "not found" page is suspect."""
    (result,) = look(server, settings, "http://docs.example/soft.pdf").values()
    assert result.verdict is SUSPECT


@pytest.mark.parametrize(
    ("fragment", "verdict"),
    [
        ("fees", OK),
        ("caf%C3%A9", OK),
        ("%C3%BCbung", OK),
        ("übung", OK),
        ("", OK),
        ("top", OK),
        (":~:text=fees", OK),
        ("/route", OK),
        ("Fees", SUSPECT),
        ("prices", SUSPECT),
    ],
)
def test_fragments_are_places_of_the_page(
    server: LinkServer, settings: Settings, fragment: str, verdict: Verdict
) -> None:
    """A fragment must be an id or a name in the page, unless it is the top or a script's."""
    (result,) = look(server, settings, f"http://good.example/guide#{fragment}").values()
    assert result.verdict is verdict
    assert (f"#{fragment}" in result.reason) == (verdict is SUSPECT)


def test_a_scripted_page_is_not_blamed_for_places(server: LinkServer, settings: Settings) -> None:
    """A page that a script has still to write may well have the place."""
    (result,) = look(server, settings, "http://good.example/app#fees").values()
    assert result.verdict is OK


def test_one_page_is_fetched_once_for_all_its_fragments(
    server: LinkServer, settings: Settings
) -> None:
    """The same URL is asked for once, however often and with whatever fragments it stands."""
    before = len(server.requests)
    page_url = "http://good.example/guide"
    heard: list[int] = []
    look_at(
        [page_url, f"{page_url}#fees", page_url, f"{page_url}#prices"],
        settings_for(settings, "good.example"),
        clock=lambda: NOW,
        progress=heard.append,
        resolver=Names(),
        conditions=conditions(server.port),
    )
    assert len(server.requests) - before == 1
    assert heard == [3]


def test_a_moved_link_keeps_its_fragment(server: LinkServer, settings: Settings) -> None:
    """Browsers carry the fragment along, and so does the replacement."""
    (result,) = look(server, settings, "http://moved.example/old#top").values()
    assert result.replacement == "http://moved.example/new#top"


def test_a_redirect_s_own_fragment_is_kept(server: LinkServer, settings: Settings) -> None:
    """A redirect may name a place in the new page, and the replacement names it too."""
    (result,) = look(server, settings, "http://moved.example/place").values()
    assert result.replacement == "http://good.example/guide#fees"


@hypothesis.settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(replies=st.lists(st.tuples(st.sampled_from(STARTS), st.binary(max_size=200)), min_size=6))
def test_nothing_that_a_server_says_raises(
    settings: Settings, replies: list[tuple[bytes, bytes]]
) -> None:
    """Whatever bytes come back, each link gets a verdict and the run goes on."""
    plays = {f"odd.example/{at}": raw(b"".join(parts)) for at, parts in enumerate(replies)}
    with LinkServer(plays).running() as server:
        urls = [f"http://odd.example/{at}#x" for at in range(len(replies))]
        found = look(server, settings, *urls)
    assert set(found) == set(urls)
    assert not no_network(found)


def test_a_refused_connection_is_broken(settings: Settings) -> None:
    """A port where nobody listens is broken, and asked once for all its links."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        found = look_at(
            ["http://shut.example/a", "http://shut.example/b"],
            settings_for(settings, "shut.example"),
            clock=lambda: NOW,
            resolver=Names(),
            conditions=conditions(port),
        )
    assert {result.verdict for result in found.values()} == {BROKEN}
    assert "takes no connections" in found["http://shut.example/a"].reason


def test_servers_are_never_pressed(settings: Settings) -> None:
    """Two requests at a time a host, twenty in all, and each URL once."""
    plays = {f"host{n}.example": reply(200, page()) for n in range(30)}
    with LinkServer(plays, latency=0.05, crowd=20).running() as server:
        urls = [f"http://host{n % 30}.example/{n // 30}" for n in range(180)]
        look(server, settings, *urls)
        assert server.most_at_once == 20
        assert server.most_at_once_a_host <= 2
        asked = [f"http://{one.host}{one.path}" for one in server.requests]
        assert sorted(asked) == sorted(urls)
        look(server, settings, *(f"http://host1.example/{n}" for n in range(8)))
        assert server.most_at_once_a_host == 2


def test_a_host_that_asks_for_a_pause_gets_it(settings: Settings) -> None:
    """After a Retry-After of a second no request comes for a second, for no link."""
    limited = in_turn(reply(429, Retry_After="1"), reply(200, page()))
    with LinkServer({"busy.example": limited}).running() as server:
        begin = time.monotonic()
        found = look_at(
            ["http://busy.example/1", "http://busy.example/2", "http://busy.example/3"],
            settings_for(settings, "busy.example"),
            clock=lambda: NOW,
            resolver=Names(),
            conditions=Conditions(pauses=(0.01,), longest_wait=2, doors={80: server.port, 443: 9}),
        )
        assert {result.verdict for result in found.values()} == {OK}
        assert time.monotonic() - begin >= 0.95


def test_a_bomb_stays_small() -> None:
    """Of 200 megabytes in a packed page no more is unpacked than is read of any page."""
    unpacker = Unpacker("gzip", READ)
    unpacker.feed(BOMB)
    unpacker.feed(BOMB)
    assert unpacker.full
    assert len(unpacker.data) == READ
