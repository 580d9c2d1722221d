"""What every transport promises: the same tests over all of them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from itertools import chain
from pathlib import Path

import pytest

from newsletter_mailer.compiling.merge import Segments
from newsletter_mailer.sending.transports.contract import (
    Letter,
    Message,
    Outcome,
    Receipt,
    Transport,
)
from newsletter_mailer.sending.transports.outbox import Outbox
from newsletter_mailer.sending.transports.sendgrid.client import Account
from newsletter_mailer.sending.transports.sendgrid.mailing import Mailing, VariantContent
from newsletter_mailer.sending.transports.sendgrid.transport import SendgridTransport
from newsletter_mailer.sending.transports.smtp.connecting import read_url
from newsletter_mailer.sending.transports.smtp.transport import SmtpTransport
from newsletter_mailer.settings import Sendgrid, Smtp
from tests.fake_sendgrid import FakeSendgrid
from tests.fake_sendgrid.server import KEY
from tests.fake_smtp import FakeSmtp, Rule
from tests.letters import letter, letters, message_for, send


@dataclass(frozen=True)
class Way:
    """A transport, and how to look at what arrived at its other end: content by subscriber."""

    transport: Transport
    arrived: Callable[[], dict[int, bytes]]


@contextmanager
def outbox(folder: Path, *, broken: bool = False) -> Iterator[Way]:
    """Into a folder, or one that cannot be made."""
    box = Outbox(folder / "outbox")
    if broken:
        box.folder.write_text("in the way", encoding="utf-8")
    yield Way(box, lambda: {int(path.stem): path.read_bytes() for path in box.folder.glob("*.eml")})


@contextmanager
def smtp(folder: Path, *, broken: bool = False) -> Iterator[Way]:  # noqa: ARG001
    """To the fake server, or to one that refuses us."""
    rules = [Rule("mail", "550 5.7.1 We do not know you")] if broken else []
    with FakeSmtp(rules) as server:
        relay = read_url(f"smtp://127.0.0.1:{server.port}")
        limits = Smtp(connections=4, ehlo_name="client.example.org", timeout=5)
        yield Way(
            SmtpTransport(relay, limits, lambda _: "bounces@example.org", first_wait=0.01),
            lambda: {int(one.recipient[6:].partition("@")[0]): one.content for one in server.taken},
        )


@contextmanager
def sendgrid(folder: Path, *, broken: bool = False) -> Iterator[Way]:  # noqa: ARG001
    """To the fake provider, or to one that does not know our key.

    It merges by itself, so what arrived is looked at there, and stands for the message.
    """
    words = VariantContent(
        Segments.of("News"), Segments.of("<p>{{name}}</p>"), Segments.of("Dear {{name}}")
    )
    mailing = Mailing(
        "0123456789abcdef", "Office", "office@example.org", None, "<l.example.org>", {"a": words}
    )

    def arrived() -> dict[int, bytes]:
        for one in server.messages():
            number = one.args["delivery"]
            assert one.to == f"reader{number}@example.org"
            assert one.part("text/plain") == f"Dear Reader {number}"
            assert one.part("text/html") == f"<p>Reader {number}</p>"
        return {
            int(one.args["delivery"]): message_for(int(one.args["delivery"]))
            for one in server.messages()
        }

    with FakeSendgrid(key="SG.other" if broken else KEY) as server:
        limits = Sendgrid(batch=10, connections=4)
        yield Way(SendgridTransport(Account(server.url, KEY, 20), limits, mailing), arrived)


WAYS: dict[str, Callable[..., AbstractContextManager[Way]]] = {
    "outbox": outbox,
    "smtp": smtp,
    "sendgrid": sendgrid,
}
every_transport = pytest.mark.parametrize("name", WAYS)
those_that_are_given_messages = pytest.mark.parametrize("name", ["outbox", "smtp"])


@every_transport
def test_every_letter_gets_one_receipt_and_arrives(name: str, tmp_path: Path) -> None:
    """All are accepted, begun before they arrive, and their content is unchanged."""
    with WAYS[name](tmp_path) as way:
        sent = send(way.transport, letters(130))
        assert sent.outcomes == {Outcome.ACCEPTED: 130}
        assert sorted(sent.begun) == list(range(1, 131))
        assert way.arrived() == {number: message_for(number) for number in range(1, 131)}


@those_that_are_given_messages
def test_lines_that_once_began_with_a_dot_arrive(name: str, tmp_path: Path) -> None:
    """As messages are made a dot at a line's start is encoded; what is read is the dot."""
    raw = (
        b"From: office@example.org\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n"
        b"\r\n=2E\r\n=2E.\r\nend=2E\r\n" + b"y" * 998 + b"\r\n"
    )
    with WAYS[name](tmp_path) as way:
        send(way.transport, [letter(1, content=raw)])
        parsed = message_from_bytes(way.arrived()[1], policy=policy.default)
    assert parsed.get_content().splitlines() == [".", "..", "end.", "y" * 998]


@every_transport
def test_nothing_to_send(name: str, tmp_path: Path) -> None:
    """No letters, no receipts, no error."""
    with WAYS[name](tmp_path) as way:
        sent = send(way.transport, [])
        assert (sent.receipts, sent.error, way.arrived()) == ([], "", {})


@every_transport
def test_receipts_come_while_letters_are_still_to_come(name: str, tmp_path: Path) -> None:
    """Where the next letters wait for the receipts of the first, nothing stands still."""
    had: list[int] = []

    def in_groups() -> Iterator[Letter | None]:
        for start in range(1, 61, 20):
            yield from (letter(number) for number in range(start, start + 20))
            while len(had) < start + 19:
                yield None

    with WAYS[name](tmp_path) as way:
        sent = send(way.transport, in_groups(), lambda one: had.append(one.subscriber_id))
    assert sent.outcomes == {Outcome.ACCEPTED: 60}


@every_transport
def test_when_nothing_can_leave(name: str, tmp_path: Path) -> None:
    """An error that says what to do; every letter taken has a receipt, and nobody is to blame."""
    with WAYS[name](tmp_path, broken=True) as way:
        sent = send(way.transport, letters(200))
    assert "nobody will get it twice" in sent.error
    assert set(sent.outcomes) <= {Outcome.UNSENT, Outcome.RETRY}
    assert 0 < len(sent.receipts) < 200


@every_transport
def test_memory_does_not_grow_with_letters(name: str, tmp_path: Path) -> None:
    """Letters are taken as they can leave: only a few are ever between taking and receipt."""
    out = most = 0

    def counted() -> Iterator[Letter]:
        nonlocal out, most
        for one in letters(400):
            out += 1
            most = max(most, out)
            yield one

    with WAYS[name](tmp_path) as way:
        for receipts in way.transport.send(counted(), lambda *_: None):
            out -= len(receipts)
    assert most <= 51


@every_transport
def test_letters_that_cannot_be_made(name: str, tmp_path: Path) -> None:
    """An error while letters are made comes through as it is, once those before it are settled."""

    def spoil(_: Letter) -> Message:
        raise LookupError("made up")

    def spoilt() -> Iterator[Letter]:
        yield from letters(3)
        raise LookupError("made up")

    class Spoilt(dict[str, str]):
        def __getitem__(self, name: str) -> str:
            raise LookupError("made up")

    bad = letter(4)._replace(make=spoil, values=Spoilt())
    for given in (spoilt(), iter([*letters(3), bad])):
        got: list[Receipt] = []
        with WAYS[name](tmp_path) as way, pytest.raises(LookupError, match="made up"):
            got.extend(chain.from_iterable(way.transport.send(given, lambda *_: None)))
        assert {one.subscriber_id for one in got} >= {1, 2, 3}
        for one in got:
            assert (one.outcome is Outcome.ACCEPTED) is (one.subscriber_id in way.arrived())


@every_transport
def test_what_was_taken(name: str, tmp_path: Path) -> None:
    """What a transport says about letters of a dead process is true, and may be nothing."""
    with WAYS[name](tmp_path) as way:
        send(way.transport, letters(5))
        for id_, taken in way.transport.taken([1, 5, 6]).items():
            assert taken is (id_ in way.arrived())


def test_the_outbox_knows_and_tidies_up(tmp_path: Path) -> None:
    """It can tell of each letter, and removes what a dead process had half written."""
    box = Outbox(tmp_path)
    send(box, letters(2))
    half = box.path(3).with_suffix(".part")
    half.write_bytes(b"half")
    assert box.taken([1, 2, 3]) == {1: True, 2: True, 3: False}
    assert not half.exists()


def test_the_outbox_never_holds_two_of_a_delivery(tmp_path: Path) -> None:
    """The same letter written again replaces its file."""
    box = Outbox(tmp_path)
    send(box, letters(3))
    send(box, letters(3))
    assert len(list(tmp_path.iterdir())) == 3
