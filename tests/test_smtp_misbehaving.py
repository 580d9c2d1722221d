"""Whatever the server does, the receipts say what the server itself holds for true."""

import socket
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

import pytest

from newsletter_mailer.sending.transports.contract import Letter, Outcome
from newsletter_mailer.sending.transports.smtp.connecting import read_url
from newsletter_mailer.sending.transports.smtp.transport import SmtpTransport
from newsletter_mailer.settings import Smtp
from tests.fake_smtp import FakeSmtp, Rule
from tests.letters import Sent, letter, letters, message_for, send

ALL = 24
"""Letters in a run."""

SILENT = {"hang", "take-hang", "silent", "drip"}

KINDS = {
    "pipelining": {"pipelining": True},
    "one-by-one": {"pipelining": False},
    "chunking": {"pipelining": True, "chunking": True},
    "chunking-one-by-one": {"pipelining": False, "chunking": True},
}
each_kind = pytest.mark.parametrize("kind", KINDS)

STEPS = [
    (kind, step)
    for kind in KINDS
    for step in ("mail", "rcpt", "data", "message")
    if step != "data" or "chunking" not in kind  # where there is no DATA
]
each_step = pytest.mark.parametrize(("kind", "step"), STEPS)


def transport_to(server: FakeSmtp, connections: int = 3, **limits: float) -> SmtpTransport:
    """A transport to the fake server, with little patience where it is known to be silent."""
    silent = any(rule.do in SILENT for rule in server.rules)
    times = {"timeout": 0.8, "final_timeout": 1.0} if silent else {"timeout": 8.0}
    given = {**times, "connect_timeout": 4.0, **limits}
    return SmtpTransport(
        read_url(f"smtp://127.0.0.1:{server.port}"),
        Smtp(connections=connections, ehlo_name="client.example.org", **given),
        lambda _: "bounces@example.org",
        first_wait=0.01,
    )


def run(
    server: FakeSmtp,
    given: Iterable[Letter | None] | None = None,
    connections: int = 3,
    **limits: float,
) -> Sent:
    """Send, and compare every receipt with the truth."""
    sent = send(
        transport_to(server, connections, **limits), letters(ALL) if given is None else given
    )
    agrees(sent, server)
    return sent


def agrees(sent: Sent, server: FakeSmtp) -> None:
    """Nobody twice; taken means accepted or in doubt; accepted means taken; begun in time."""
    took = Counter(server.recipients())
    assert not took or max(took.values()) == 1
    taken = {int(address[6:].partition("@")[0]) for address in took}
    assert sent.ids(Outcome.ACCEPTED) <= taken
    assert taken <= sent.ids(Outcome.ACCEPTED, Outcome.IN_DOUBT)
    assert sent.ids(Outcome.ACCEPTED, Outcome.IN_DOUBT) <= set(sent.begun)


def test_content_arrives_byte_for_byte() -> None:
    """What the server takes is what the letter holds, for small and for large messages."""
    for options in KINDS.values():
        with FakeSmtp(**options, size=5_000_000) as server:  # type: ignore[arg-type]
            sent = run(server, letters(8, size=900_000))
        assert sent.outcomes == {Outcome.ACCEPTED: 8}
        for message in server.taken:
            number = int(message.recipient[6:].partition("@")[0])
            assert message.content == message_for(number, 900_000)
            assert message.sender == "bounces@example.org"


@pytest.mark.parametrize(
    ("kind", "step"),
    [*STEPS, *((kind, at) for kind in KINDS for at in ("connect", "ehlo", "quit"))],
)
def test_421_at_every_step(kind: str, step: str) -> None:
    """The connection is replaced; the one letter a 421 answers is put off, and no other."""
    with FakeSmtp([Rule(step, "421 4.3.2 Closing", nth=2)], **KINDS[kind]) as server:  # type: ignore[arg-type]
        sent = run(server)
    put_off = 1 if step == "message" else 0
    assert sent.outcomes == Counter({Outcome.ACCEPTED: ALL - put_off, Outcome.RETRY: put_off})
    assert not sent.error


_CODES = {
    "450 4.2.1 Later": Outcome.RETRY,
    "451 4.7.1 Greylisted": Outcome.RETRY,
    "452 4.2.2 Mailbox full": Outcome.RETRY,
    "450 Later": Outcome.RETRY,
    "550 5.1.1 No such user": Outcome.REJECTED,
    "550 5.1.2 No such domain": Outcome.REJECTED,
    "553 5.1.3 Bad syntax": Outcome.REJECTED,
    "551 5.1.6 Moved": Outcome.REJECTED,
    "556 5.1.10 Null MX": Outcome.REJECTED,
    "550 5.2.1 Disabled": Outcome.REJECTED,
    "552 5.2.2 Mailbox full": Outcome.REJECTED,
    "550 No": Outcome.REJECTED,
}


@each_kind
@pytest.mark.parametrize("step", ["rcpt", "message"])
@pytest.mark.parametrize("reply", _CODES)
def test_a_refusal_concerns_its_own_letter(kind: str, step: str, reply: str) -> None:
    """One letter is refused or put off, its neighbours in the pipeline are accepted."""
    rule = Rule(step, reply, recipient="reader7@example.org")
    with FakeSmtp([rule], **KINDS[kind]) as server:  # type: ignore[arg-type]
        sent = run(server)
    assert sent.outcomes == {Outcome.ACCEPTED: ALL - 1, _CODES[reply]: 1}
    receipt = sent.of(7)
    assert receipt.outcome is _CODES[reply]
    dead = {"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"}
    assert receipt.dead is (receipt.code in dead)
    assert receipt.code in reply
    assert reply.rpartition(".")[2][2:] in receipt.detail


_OURS = (
    "550 5.7.1 Relaying denied",
    "550 5.7.515 Access denied",
    "530 5.7.0 Authentication required",
    "530 Authentication required",
    "552 5.3.4 Too big",
)


@each_step
@pytest.mark.parametrize("reply", _OURS)
def test_our_own_fault_stops_and_blames_nobody(kind: str, step: str, reply: str) -> None:
    """No address is rejected; every letter in hand has its receipt; the error shows the reply."""
    with FakeSmtp([Rule(step, reply, since=6)], **KINDS[kind]) as server:  # type: ignore[arg-type]
        sent = run(server, letters(500))
    assert reply in sent.error
    assert set(sent.outcomes) <= {Outcome.ACCEPTED, Outcome.RETRY, Outcome.UNSENT}
    assert len(sent.receipts) < 30  # it did not go on taking letters


_BREAKS = ("drop", "hang", "garbage", "endless", "surplus", "reply-drop")


@each_step
@pytest.mark.parametrize("do", _BREAKS)
def test_a_broken_conversation_costs_at_most_its_own_letter(kind: str, step: str, do: str) -> None:
    """A connection breaks in one way or another at one step, and only a message may be in doubt."""
    with FakeSmtp([Rule(step, do, nth=5)], **KINDS[kind]) as server:  # type: ignore[arg-type]
        sent = run(server)
    doubt = sent.ids(Outcome.IN_DOUBT)
    assert sent.outcomes[Outcome.ACCEPTED] == ALL - len(doubt)
    assert not sent.error
    last_before = "rcpt" if "chunking" in kind else "data"
    if step == last_before and do == "reply-drop":
        assert len(doubt) <= 1  # the whole body left before the drop was seen, or it did not
    else:
        ambiguous = step == "message" and do in {"drop", "hang", "garbage", "endless"}
        assert len(doubt) == (1 if ambiguous else 0)


@each_kind
@pytest.mark.parametrize("do", ["take-drop", "take-hang", "drip"])
def test_taken_but_not_answered_is_in_doubt(kind: str, do: str) -> None:
    """The server took a message and its answer never came whole: in doubt, and not sent again."""
    with FakeSmtp([Rule("message", do, nth=5)], **KINDS[kind]) as server:  # type: ignore[arg-type]
        sent = run(server)
    assert len(server.taken) == ALL
    assert sent.outcomes == {Outcome.ACCEPTED: ALL - 1, Outcome.IN_DOUBT: 1}


@pytest.mark.parametrize("step", ["mail", "rcpt", "data"])
def test_a_missing_reply_moves_no_other_to_its_place(step: str) -> None:
    """Where one reply of a group is left out, the next is not taken for it."""
    with FakeSmtp([Rule(step, "silent", nth=5)]) as server:
        sent = run(server)
    assert sent.outcomes == {Outcome.ACCEPTED: ALL}


@each_kind
def test_replies_byte_by_byte(kind: str) -> None:
    """Every byte of every reply in a packet of its own changes nothing."""
    rule = Rule("rcpt", "550 5.1.1 No", recipient="reader9@example.org")
    with FakeSmtp([rule], split=True, **KINDS[kind]) as server:  # type: ignore[arg-type]
        sent = run(server)
    assert sent.ids(Outcome.REJECTED) == {9}
    assert sent.outcomes[Outcome.ACCEPTED] == ALL - 1


@each_kind
@pytest.mark.parametrize("cap_says", ["", "421 4.7.0 Too many messages"])
def test_a_cap_on_messages_a_connection(kind: str, cap_says: str) -> None:
    """A server that drops after some messages, with a word or without, is connected to again."""
    with FakeSmtp(cap=4, cap_says=cap_says, **KINDS[kind]) as server:  # type: ignore[arg-type]
        sent = run(server)
        assert server.connections >= ALL // 4
    assert sent.outcomes == {Outcome.ACCEPTED: ALL}


def test_a_cap_of_our_own() -> None:
    """No connection carries more messages than the setting allows; each used ends with QUIT."""
    with FakeSmtp() as server:
        sent = run(server, messages_per_connection=4)
    assert sent.outcomes == {Outcome.ACCEPTED: ALL}
    carried = Counter(message.connection for message in server.taken)
    assert max(carried.values()) == 4
    assert server.commands.count("QUIT") >= len(carried)


def test_data_that_begins_without_a_recipient_is_ended_empty() -> None:
    """RFC 2920, 3.1: a lone dot, no message; and the connection goes on."""
    rule = Rule("rcpt", "550 5.1.1 No", recipient="reader9@example.org")
    with FakeSmtp([rule], late_refusal="554 5.5.1 No valid recipients") as server:
        sent = run(server, connections=1)
        assert server.connections == 1
    assert sent.ids(Outcome.REJECTED) == {9}
    assert sent.outcomes[Outcome.ACCEPTED] == ALL - 1


def test_an_empty_message_that_is_taken_ends_the_connection() -> None:
    """A server that answers the lone dot with 250 is left, and no letter suffers."""
    rule = Rule("rcpt", "550 5.1.1 No", recipient="reader9@example.org")
    with FakeSmtp([rule], late_refusal="250 2.0.0 Ok") as server:
        sent = run(server, connections=1)
        assert server.connections > 1
    assert sent.ids(Outcome.REJECTED) == {9}
    assert sent.outcomes[Outcome.ACCEPTED] == ALL - 1


@each_kind
def test_everything_at_once_by_chance(kind: str) -> None:
    """Many faults at random places: each letter has one receipt, and it is true."""
    rules = [
        Rule("connect", "421 4.3.2 Busy", chance=0.05),
        Rule("mail", "drop", chance=0.01),
        Rule("rcpt", "550 5.1.1 No", chance=0.05),
        Rule("rcpt", "451 4.7.1 Later", chance=0.05),
        Rule("data", "drop", chance=0.01),
        Rule("data", "421 4.3.2 Closing", chance=0.01),
        Rule("message", "take-drop", chance=0.02),
        Rule("message", "drop", chance=0.02),
        Rule("message", "reply-drop", chance=0.02),
        Rule("message", "452 4.3.1 Full", chance=0.02),
    ]
    with FakeSmtp(rules, **KINDS[kind]) as server:  # type: ignore[arg-type]
        sent = run(server, letters(600, size=20_000), connections=8)
    assert not sent.error
    assert len(sent.receipts) == 600
    assert sent.outcomes[Outcome.ACCEPTED] > 400


def test_a_letter_under_which_every_connection_breaks_is_put_off() -> None:
    """One letter cannot hold the others up for ever."""
    rule = Rule("rcpt", "drop", recipient="reader7@example.org")
    with FakeSmtp([rule]) as server:
        sent = run(server)
    assert sent.of(7).outcome is Outcome.RETRY
    assert sent.outcomes[Outcome.ACCEPTED] == ALL - 1


@pytest.mark.parametrize(
    ("step", "do"),
    [
        ("connect", "421 4.3.2 Busy"),
        ("connect", "554 5.7.1 Blocked"),
        ("connect", "drop"),
        ("connect", "hang"),
        ("connect", "drip"),
        ("ehlo", "550 No"),
        ("mail", "drop"),
        ("message", "drop"),
    ],
)
def test_a_server_that_is_of_no_use_is_given_up(step: str, do: str) -> None:
    """After some attempts there is an error that says why, and few letters are in doubt."""
    with FakeSmtp([Rule(step, do)]) as server:
        sent = run(server, letters(200), connect_timeout=0.2, timeout=0.2)
        assert server.connections < 20
    assert f"127.0.0.1:{server.port}" in sent.error or "in time" in sent.error
    assert set(sent.outcomes) <= {Outcome.UNSENT, Outcome.IN_DOUBT, Outcome.RETRY}
    assert sent.outcomes[Outcome.IN_DOUBT] <= (10 if step == "message" else 0)


def test_nobody_there() -> None:
    """A port where nobody listens: an error that names it, and every letter unsent."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    transport = SmtpTransport(
        read_url(f"smtp://127.0.0.1:{port}"), Smtp(), lambda _: "", first_wait=0.01
    )
    sent = send(transport, letters(5))
    assert f"127.0.0.1:{port} cannot be reached: Connection refused" in sent.error
    assert set(sent.outcomes) == {Outcome.UNSENT}


def test_fewer_connections_than_asked_for_will_do() -> None:
    """Where the server refuses more than two connections, two carry everything."""
    with FakeSmtp([Rule("connect", "421 4.7.0 Too many connections", since=3)]) as server:
        sent = run(server, letters(200), connections=6)
    assert sent.outcomes == {Outcome.ACCEPTED: 200}


def test_a_letter_that_does_not_fit_an_offer() -> None:
    """No SMTPUTF8: that letter is refused. No address at all: refused, and nothing slips in."""
    odd = [
        letter(1, "käthe@example.org"),
        letter(2, "a@example.org>\r\nRCPT TO:<b@example.org"),
        letter(3),
    ]
    with FakeSmtp() as server:
        sent = send(transport_to(server), odd)
    assert sent.of(1).code == "5.6.7"
    assert sent.of(2).code == "5.1.3"
    assert sent.outcomes == {Outcome.REJECTED: 2, Outcome.ACCEPTED: 1}
    assert server.recipients() == ["reader3@example.org"]
    with FakeSmtp(utf8=True) as server:
        sent = send(transport_to(server), [odd[0]])
    assert server.recipients() == ["käthe@example.org"]
    assert sent.outcomes == {Outcome.ACCEPTED: 1}


def test_a_message_too_big_for_the_server_stops_before_it_is_sent() -> None:
    """SIZE is heeded: nothing is handed over, and nobody's address is to blame."""
    with FakeSmtp(size=3_000) as server:
        sent = run(server, letters(9, size=4_000))
    assert "the server takes 3,000" in sent.error
    assert set(sent.outcomes) <= {Outcome.RETRY, Outcome.UNSENT}
    assert not server.taken


def test_text_that_is_not_ascii_is_declared() -> None:
    """BODY=8BITMIME is said where it is true, and such a message is not sent without the offer."""
    raw = "Subject: x\r\n\r\nGrüße\r\n".encode()
    with FakeSmtp() as server:
        sent = send(transport_to(server), [letter(1, content=raw), letter(2)])
    assert sent.outcomes == {Outcome.ACCEPTED: 2}
    mails = sorted(line for line in server.commands if line.startswith("MAIL"))
    assert mails == [
        "MAIL FROM:<bounces@example.org>",
        "MAIL FROM:<bounces@example.org> BODY=8BITMIME",
    ]
    with FakeSmtp(eight_bit=False) as server:
        sent = send(transport_to(server), [letter(1, content=raw)])
    assert "8BITMIME" in sent.error
    assert not server.taken


def test_letters_that_come_slowly() -> None:
    """Where none is ready the transport goes on with what it has, and asks again soon."""

    def slowly() -> Iterator[Letter | None]:
        for number in range(1, 6):
            yield letter(number)
            yield None
            yield None

    with FakeSmtp() as server:
        sent = run(server, slowly())
    assert sent.outcomes == {Outcome.ACCEPTED: 5}


def test_closing_early_leaves_nothing_open(tmp_path: Path) -> None:
    """Whoever stops listening gets no more receipts, and nothing leaves that was not begun."""
    begun: list[int] = []

    def begin(*numbers: int) -> None:
        begun.extend(numbers)

    with FakeSmtp(truth=tmp_path / "truth") as server:
        said = transport_to(server).send(letters(1_000), begin)
        got = list(islice(chain.from_iterable(said), 20))
        said.close()  # type: ignore[attr-defined]
    taken = (tmp_path / "truth").read_bytes().count(b"\n")
    assert {one.outcome for one in got} == {Outcome.ACCEPTED}
    assert taken <= len(begun)
