"""One SMTP conversation, byte by byte: whatever the packets, each reply finds its command."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import cycle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter_mailer.sending.transports.contract import Message, Outcome
from newsletter_mailer.sending.transports.smtp.conversation import Answer, Conversation
from newsletter_mailer.sending.transports.smtp.post import Offer, Post
from newsletter_mailer.sending.transports.smtp.replies import (
    Fate,
    Reply,
    Step,
    judged,
    read_reply,
    receipt,
)
from tests.letters import letter, message_for

SENDER = "bounces@example.org"


def post(number: int, content: bytes = b"") -> Post:
    """A letter made ready."""
    return Post(letter(number), SENDER, Message.of(content or message_for(number)))


@dataclass
class Model:
    """A well-behaved server from bytes to bytes; `plans` are its replies by letter."""

    plans: dict[int, tuple[str, str]]
    chunking: bool
    late: bool
    taken: list[tuple[int, bytes]] = field(default_factory=list)
    _input: bytes = b""
    _number: int = 0
    _in_data: bool = False
    _mail: bool = False

    def hears(self, data: bytes) -> bytes:
        """What it says to these bytes."""
        self._input += data
        said = b""
        while True:
            reply = self._message() if self._in_data else self._command()
            if reply is None:
                return said
            said += reply

    def _message(self) -> bytes | None:
        whole = b"\r\n" + self._input
        end = whole.find(b"\r\n.\r\n")
        if end < 0:
            return None
        self._in_data = False
        body, self._input = whole[2 : end + 2], whole[end + 5 :]
        return self._end(body)

    def _end(self, body: bytes) -> bytes:
        self._mail, number, self._number = False, self._number, 0
        if not number:
            return b"554 5.5.1 No valid recipients\r\n"
        reply = self.plans[number][1]
        if reply.startswith("2"):
            self.taken.append((number, body))
        return reply.encode() + b"\r\n"

    def _command(self) -> bytes | None:
        line, found, rest = self._input.partition(b"\r\n")
        if not found:
            return None
        verb = line[:4]
        if verb == b"BDAT":
            size = int(line.split()[1])
            if len(rest) < size:
                return None
            self._input = rest[size:]
            return self._end(rest[:size])
        self._input = rest
        if verb == b"MAIL":
            assert not self._mail
            self._mail = True
            return b"250-2.1.0 Sender\r\n250 2.1.0 Ok\r\n"
        if verb == b"RCPT":
            number = int(line.partition(b"reader")[2].partition(b"@")[0])
            reply = self.plans[number][0]
            self._number = number if reply.startswith("2") else 0
            return reply.encode() + b"\r\n"
        if verb == b"RSET":
            self._mail, self._number = False, 0
            return b"250 Ok\r\n"
        assert verb == b"DATA"
        if not self._number and not self.late:
            return b"503 5.5.1 No valid recipients\r\n"
        self._in_data = True
        return b"354 Go on\r\n"


_RCPT = ("250 2.1.5 Ok", "250 2.1.5 Ok", "550 5.1.1 No", "451 4.7.1 Later")
_FINAL = ("250 2.0.0 queued as A1", "250 2.0.0 queued as A1", "452 4.2.2 Full", "554 5.6.0 No")


def _small(number: int) -> bytes:
    return f"Subject: {number}\r\n\r\nHello =2E\r\n\r\n".encode("ascii")


@settings(deadline=None)
@given(data=st.data())
def test_packets_may_be_cut_anywhere(data: st.DataObject) -> None:
    """Both ways, at any byte: each letter gets its own answer, and the server the right bytes."""
    offer = Offer(pipelining=data.draw(st.booleans()), chunking=data.draw(st.booleans()))
    plan = st.tuples(st.sampled_from(_RCPT), st.sampled_from(_FINAL))
    plans = dict(enumerate(data.draw(st.lists(plan, min_size=1, max_size=6)), start=1))
    server = Model(plans, offer.chunking, late=data.draw(st.booleans()))
    conversation = Conversation(offer)
    waiting = [post(number, _small(number)) for number in plans]
    sizes = st.lists(st.integers(1, 60), min_size=1, max_size=30)
    written, heard = cycle(data.draw(sizes)), cycle(data.draw(sizes))
    answers: list[Answer] = []
    begun: list[int] = []
    to_server = b""
    for _ in range(5_000):
        if waiting and conversation.wants:
            conversation.post(waiting.pop(0))
        buffers, ending = conversation.outgoing()
        if ending is not None:
            begun.append(ending.letter.subscriber_id)
        out = b"".join(buffers)
        if out:
            count = min(next(written), len(out))
            conversation.wrote(count)
            to_server += out[:count]
        said, to_server = server.hears(to_server), b""
        while said:
            count = next(heard)
            answers += conversation.received(said[:count])
            said = said[count:]
        assert not conversation.fault
        if not waiting and conversation.idle:
            break
    else:
        pytest.fail("the conversation does not end")
    assert [answer.post.letter.subscriber_id for answer in answers] == list(plans)
    for answer, (at_rcpt, at_end) in zip(answers, plans.values(), strict=True):
        refused = not at_rcpt.startswith("2")
        assert str(answer.reply) == (at_rcpt if refused else at_end)
        assert answer.step is (Step.RCPT if refused else Step.MESSAGE)
    for number, body in server.taken:
        assert body == _small(number)
    assert begun == [number for number, plan in plans.items() if plan[0].startswith("2")]


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=30), st.booleans(), st.booleans())
def test_no_bytes_can_upset_it(packets: list[bytes], pipelining: bool, chunking: bool) -> None:
    """Any bytes at all give answers or a fault, never an exception, and no letter two answers."""
    conversation = Conversation(Offer(pipelining=pipelining, chunking=chunking))
    given_out = 0
    answers: list[Answer] = []
    for packet in packets:
        if conversation.wants:
            given_out += 1
            conversation.post(post(given_out))
        buffers, _ = conversation.outgoing()
        conversation.wrote(sum(map(len, buffers)))
        answers += conversation.received(packet)
        if conversation.fault or conversation.closing:
            break
    doubtful, unsent = conversation.abandoned(exact=True)
    left = [*unsent, *([doubtful] if doubtful else [])]
    settled = [answer.post.letter.subscriber_id for answer in answers]
    settled += [post.letter.subscriber_id for post in left]
    assert sorted(settled) == list(range(1, given_out + 1))


def _pipelined(*replies: bytes) -> tuple[Conversation, list[Answer]]:
    """A pipelined conversation with two letters given as there is room, after these packets."""
    conversation = Conversation(Offer(pipelining=True))
    waiting = [post(1), post(2)]
    answers: list[Answer] = []
    for packet in (b"", *replies):
        answers += conversation.received(packet)
        while waiting and conversation.wants:
            conversation.post(waiting.pop(0))
        buffers, _ = conversation.outgoing()
        conversation.wrote(sum(map(len, buffers)))
    return conversation, answers


def test_a_body_goes_out_with_the_next_envelope() -> None:
    """One write holds body 1, its dot, and MAIL, RCPT and DATA of letter 2: one round trip."""
    conversation = Conversation(Offer(pipelining=True))
    conversation.post(post(1))
    buffers, ending = conversation.outgoing()
    assert ending is None
    assert b"".join(buffers) == (
        b"MAIL FROM:<bounces@example.org>\r\nRCPT TO:<reader1@example.org>\r\nDATA\r\n"
    )
    conversation.wrote(sum(map(len, buffers)))
    conversation.received(b"250 Ok\r\n250 Ok\r\n354 Go on\r\n")
    conversation.post(post(2))
    buffers, ending = conversation.outgoing()
    assert ending is not None
    assert ending.letter.subscriber_id == 1
    assert b"".join(buffers) == message_for(1) + (
        b".\r\nMAIL FROM:<bounces@example.org>\r\nRCPT TO:<reader2@example.org>\r\nDATA\r\n"
    )


@pytest.mark.parametrize(
    "packet",
    [
        b"250 Ok\r\n354 Go on\r\n354 Go on\r\n",  # a 354 that answers RCPT
        b"250 Ok\r\n250 Ok\r\n250 Ok\r\n",  # a 250 that answers DATA
        b"354 Go on\r\n",
        b"334 VXNlcg==\r\n",
        b"250 Ok\r\n250-Ok\r\n251 Ok\r\n",  # one reply with two codes
        b"200\xff\r\n",
        b"999 Ok\r\n",
        b"\r\n",
        b"250-" * 2000,
        b"250-Ok\r\n" * 200,
    ],
)
def test_a_reply_that_does_not_fit_is_a_fault(packet: bytes) -> None:
    """Nothing is guessed, and neither letter counts as handed over."""
    conversation, answers = _pipelined(packet)
    assert conversation.fault
    assert not answers
    doubtful, unsent = conversation.abandoned(exact=True)
    assert doubtful is None
    assert [one.letter.subscriber_id for one in unsent] == [1]


def test_a_break_is_laid_at_the_right_door() -> None:
    """With body 1 written, letter 1 is in doubt; letter 2, only announced, surely has not left."""
    conversation, _ = _pipelined(b"250 Ok\r\n250 Ok\r\n354 Go on\r\n")
    doubtful, unsent = conversation.abandoned(exact=True)
    assert doubtful is not None
    assert doubtful.letter.subscriber_id == 1
    assert [one.letter.subscriber_id for one in unsent] == [2]


def _half_written(count: Callable[[int], int]) -> Conversation:
    conversation = Conversation(Offer(pipelining=True))
    conversation.post(post(1, b"x: y\r\n\r\n" + b"z" * 1000 + b"\r\n"))
    conversation.wrote(sum(map(len, conversation.outgoing()[0])))
    conversation.received(b"250 Ok\r\n250 Ok\r\n354 Go on\r\n")
    total = sum(map(len, conversation.outgoing()[0]))
    conversation.wrote(count(total))
    return conversation


def test_a_body_without_its_last_byte_has_not_left() -> None:
    """Where every byte is counted, a message is in doubt from its last byte on, not before."""
    doubtful, unsent = _half_written(lambda total: total - 1).abandoned(exact=True)
    assert (doubtful, len(unsent)) == (None, 1)
    doubtful, unsent = _half_written(lambda total: total).abandoned(exact=True)
    assert (doubtful is not None, len(unsent)) == (True, 0)
    doubtful, unsent = _half_written(lambda _: 5).abandoned(exact=False)
    assert (doubtful is not None, len(unsent)) == (True, 0)


def test_a_long_body_begins_to_count_with_its_end() -> None:
    """The end of a long message is only offered for writing when it is near."""
    conversation = Conversation(Offer(pipelining=True))
    conversation.post(post(1, b"x: y\r\n\r\n" + b"z\r\n" * 300_000))
    conversation.wrote(sum(map(len, conversation.outgoing()[0])))
    conversation.received(b"250 Ok\r\n250 Ok\r\n354 Go on\r\n")
    written = 0
    while True:
        buffers, ending = conversation.outgoing()
        if ending is not None:
            break
        written += sum(map(len, buffers))
        conversation.wrote(sum(map(len, buffers)))
    assert 600_000 < written < 900_000


def test_an_answer_before_the_end() -> None:
    """A refusal in mid-body counts and ends the connection; a 250 there is not believed."""
    conversation = _half_written(lambda _: 5)
    (answer,) = conversation.received(b"552 5.2.3 Too long\r\n")
    assert judged(answer.step, answer.reply) is Fate.REFUSED
    assert conversation.closing
    conversation = _half_written(lambda _: 5)
    assert not conversation.received(b"250 Ok\r\n")
    assert conversation.fault


@pytest.mark.parametrize(
    ("line", "step", "fate"),
    [
        ("250 2.0.0 Ok", Step.MESSAGE, Fate.TAKEN),
        ("251 2.1.5 Will forward", Step.RCPT, Fate.TAKEN),
        ("450 5.1.1 Mixed", Step.RCPT, Fate.LATER),
        ("550 4.2.1 Mixed", Step.RCPT, Fate.REFUSED),
        ("550 5.1.1 No", Step.RCPT, Fate.DEAD),
        ("550 5.1.10 No", Step.MESSAGE, Fate.DEAD),
        ("550 5.1.100 No", Step.RCPT, Fate.REFUSED),
        ("550 5.5.0 Mailbox unavailable", Step.RCPT, Fate.REFUSED),
        ("553 5.1.8 Sender", Step.RCPT, Fate.OURS),
        ("550 5.7.515 DMARC", Step.MESSAGE, Fate.OURS),
        ("535 5.7.8 Log in", Step.MAIL, Fate.OURS),
        ("552 5.3.4 Too big", Step.MESSAGE, Fate.OURS),
        ("552 Full", Step.RCPT, Fate.REFUSED),
        ("552 Too big", Step.MAIL, Fate.OURS),
        ("553 5.6.7 No SMTPUTF8", Step.MAIL, Fate.REFUSED),
        ("503 5.5.1 Order", Step.RCPT, Fate.OURS),
        ("554 No", Step.MESSAGE, Fate.REFUSED),
    ],
)
def test_what_a_reply_means(line: str, step: Step, fate: Fate) -> None:
    """The table of replies."""
    assert judged(step, read_reply([line.encode()])) is fate


@pytest.mark.parametrize(
    ("text", "id_"),
    [
        ("Ok: queued as 4bYfR21xyz", "4bYfR21xyz"),
        ("OK id=1tABcd-0000000abc-1XyZ", "1tABcd-0000000abc-1XyZ"),
        ("<a@b> [InternalId=12345, Hostname=x] Queued mail for delivery", "12345"),
        ("5ALBx001 Message accepted for delivery", "5ALBx001"),
        ("Ok 0102018f0000abcd-12ab34cd-0000", "0102018f0000abcd-12ab34cd-0000"),
        ("Thank you", ""),
    ],
)
def test_the_servers_name_for_a_message(text: str, id_: str) -> None:
    """Queue ids are read from the replies of common servers."""
    found = receipt(1, Step.MESSAGE, Reply(250, "2.0.0", text), Fate.TAKEN)
    assert (found.outcome, found.provider_id) == (Outcome.ACCEPTED, id_)


def test_a_reply_is_shown_on_one_clean_line() -> None:
    """Several lines are joined, enhanced codes left out, and nothing unprintable is kept."""
    reply = read_reply([b"550-5.7.1 One\x1b[31m", b"550-5.7.1  two", b"550 5.7.1 three \xff"])
    assert reply == Reply(550, "5.7.1", "One\ufffd[31m two three \ufffd")
