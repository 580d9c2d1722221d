"""One SMTP conversation: bytes in become answers about letters, letters become bytes out.

Nothing here touches a socket or a clock. With PIPELINING (RFC 2920) the end of a body and
the next envelope go out together, so that a message costs one round trip:

    [MAIL RCPT DATA]  [body 1 . MAIL RCPT DATA]  [body 2 . MAIL RCPT DATA]  …

With CHUNKING (RFC 3030) a body follows `BDAT … LAST`, and no DATA has to be answered.
Every reply is matched to the command it answers. What does not fit is a fault, after
which the connection can only be closed.
"""

import re
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from newsletter_mailer.sending.transports.smtp.post import Offer, Post
from newsletter_mailer.sending.transports.smtp.replies import Reply, Step, read_reply

_LONGEST_LINE = 4096
"""Bytes of a reply's line. RFC 5321 (4.5.3.1.5) has 512; some servers write more."""

_MOST_LINES = 100
_GROUP = rb"(?P<message>250 .{0,500})\r\n250 .{0,500}\r\n250 .{0,500}\r\n"
_SMOOTH = re.compile(_GROUP + rb"354 .{0,500}\r\n")
_SMOOTH_CHUNKED = re.compile(_GROUP)
"""What a server says nearly every time: it took the message, and the next may follow. It is
read in one go, which spares most of the work that a reply takes."""

_PORTION = 262_144
"""Bytes offered to the socket at a time while the end of a body is further off than that."""


class Answer(NamedTuple):
    """The reply that decides a letter's fate, and the step it came at."""

    post: Post
    step: Step
    reply: Reply


class Conversation:
    """The conversation after EHLO, and after TLS and AUTH if there are any.

    `fault` says what did not fit, and is empty while all is well. `closing` says that the
    server takes nothing more. After either, only `abandoned` may be called.
    """

    def __init__(self, offer: Offer) -> None:
        self.offer = offer
        self.fault = ""
        self.closing = False
        self._last_step = Step.RCPT if offer.chunking else Step.DATA
        self._envelope_steps = [Step.MAIL, Step.RCPT, *([] if offer.chunking else [Step.DATA])]
        self._group_steps = deque([Step.MESSAGE, *self._envelope_steps])
        self._smooth = _SMOOTH_CHUNKED if offer.chunking else _SMOOTH
        self._awaiting: deque[Step] = deque()
        self._commands: deque[tuple[Step, bytes]] = deque()
        self._ahead: Post | None = None
        self._refusal: Answer | None = None
        self._body: Post | None = None
        self._begun = False
        self._to_end = 0
        self._unwritten = 0
        self._unclean = False
        self._out: list[bytes | memoryview] = []
        self._lines: list[bytes] = []
        self._partial = b""

    @property
    def wants(self) -> bool:
        """Whether the next letter may be given."""
        return self._ahead is None and (self._body is None or self.offer.pipelining)

    @property
    def idle(self) -> bool:
        """Whether no letter is under way and no reply is due."""
        return self._ahead is None and self._body is None and not self._awaiting

    @property
    def waiting_for(self) -> Step | None:
        """The step whose reply is due next."""
        return self._awaiting[0] if self._awaiting else None

    def post(self, post: Post) -> None:
        """Take the next letter; its envelope goes out with what is sent next."""
        self._ahead = post
        self._refusal = None
        steps = self._envelope_steps
        lines = [*post.commands(self.offer)]
        if not self.offer.chunking:
            lines.append(b"DATA\r\n")
        if self._unclean:
            self._unclean = False
            steps, lines = [Step.RSET, *steps], [b"RSET\r\n", *lines]
        if self.offer.pipelining:
            self._awaiting.extend(steps)
            self._say(b"".join(lines))
        else:
            self._commands.extend(zip(steps, lines, strict=True))

    def outgoing(self) -> tuple[Sequence[bytes | memoryview], Post | None]:
        """What may be written now, and the letter whose end is in it for the first time.

        Call `begin` for that letter before a byte is written, and `wrote` after.
        """
        if self._commands and not self._awaiting:
            step, line = self._commands.popleft()
            self._awaiting.append(step)
            self._say(line)
        if self._to_end > _PORTION:
            return _first(self._out, _PORTION), None
        if self._to_end and not self._begun:
            self._begun = True
            return self._out, self._body
        return self._out, None

    def wrote(self, count: int) -> bool:
        """So many bytes of `outgoing` have been written; whether that was all there is to say."""
        self._to_end = max(0, self._to_end - count)
        self._unwritten -= count
        if not self._unwritten:
            self._out.clear()
            return not self._commands or bool(self._awaiting)
        for at, part in enumerate(self._out):
            if count < len(part):
                self._out[: at + 1] = [memoryview(part)[count:]]
                break
            count -= len(part)
        return False

    def received(self, data: bytes) -> list[Answer]:
        """Take bytes from the server, and give the answers that are now complete."""
        smooth = self._smooth.fullmatch(data)
        if smooth and self._awaiting == self._group_steps:
            body, ahead = self._body, self._ahead
            half_way = self._unwritten or self._partial or self._lines or self._refusal
            if body is not None and ahead is not None and not half_way:
                self._awaiting.clear()
                self._send_body(ahead)
                return [Answer(body, Step.MESSAGE, read_reply([smooth["message"]]))]
        answers: list[Answer] = []
        *lines, self._partial = (self._partial + data).split(b"\n")
        for raw in lines:
            if self.fault or self.closing:
                break
            line = raw.removesuffix(b"\r")
            if not self._fits(line):
                self.fault = f"{_quoted(line)} is not a line of a reply"
            else:
                self._lines.append(line)
                if line[3:4] != b"-":
                    self._take(int(line[:3]), answers)
                    self._lines.clear()
        if len(self._partial) > _LONGEST_LINE:
            self._partial = b""
            self.fault = self.fault or "a line of a reply does not end"
        return answers

    def _fits(self, line: bytes) -> bool:
        before = self._lines
        return (
            len(line) <= _LONGEST_LINE
            and line[:3].isdigit()
            and b"2" <= line[:1] <= b"5"
            and line[3:4] in (b"", b" ", b"-")
            and (not before or (line[:3] == before[0][:3] and len(before) < _MOST_LINES))
        )

    def _take(self, code: int, answers: list[Answer]) -> None:
        """Match a whole reply, which `_lines` holds, to the command it answers."""
        if code == 421:  # noqa: PLR2004 - the server closes, whatever was asked (RFC 5321, 3.8)
            self.closing = True
        if not self._awaiting:
            if not self.closing:
                self.fault = f"{_quoted(self._lines[0])} answers nothing"
            return
        step = self._awaiting.popleft()
        # 354 answers DATA and nothing else does, and every other reply is 2yz, 4yz or 5yz.
        fits = code == 354 or code >= 400 if step is Step.DATA else code // 100 != 3  # noqa: PLR2004
        if not fits:
            self.fault = f"{_quoted(self._lines[0])} is no answer to {step}"
            return
        positive = code < 400  # noqa: PLR2004
        if step is Step.MESSAGE:
            self._finish(answers, positive=positive)
        elif step is Step.RSET:
            if not positive and not self.closing:
                self.fault = f"{_quoted(self._lines[0])} is no answer to RSET"
        elif step is Step.NOTHING:
            # It has no recipient; a server that takes it all the same is not to be trusted.
            if positive:
                self.fault = "an empty message without a recipient was taken"
        else:
            self._envelope(step, answers, positive=positive)

    def _finish(self, answers: list[Answer], *, positive: bool) -> None:
        """The reply to a whole message."""
        if self._to_end:
            if positive:
                self.fault = f"{_quoted(self._lines[0])} came before the message had ended"
                return
            self.closing = True  # the rest of the body is spared
        if self._body is not None:
            answers.append(Answer(self._body, Step.MESSAGE, read_reply(self._lines)))
            self._body = None

    def _envelope(self, step: Step, answers: list[Answer], *, positive: bool) -> None:
        """A reply to MAIL, RCPT or DATA of the letter ahead."""
        post = self._ahead
        if post is None:  # withdrawn; a body that the server now waits for never comes
            self.closing = self.closing or (step is Step.DATA and positive)
            return
        if not positive and self._refusal is None:
            self._refusal = Answer(post, step, read_reply(self._lines))
        last = step is self._last_step
        if self._refusal is None:
            if last:
                self._send_body(post)
        elif last or self.closing or not self.offer.pipelining:
            answers.append(self._refusal)
            self._ahead = self._refusal = None
            self._commands.clear()
            self._unclean = True
            if step is Step.DATA and positive:
                self._awaiting.append(Step.NOTHING)
                self._say(b".\r\n")

    def _send_body(self, post: Post) -> None:
        self._ahead, self._body = None, post
        self._begun = False
        if self.offer.chunking:
            self._say(b"BDAT %d LAST\r\n" % post.message.size)
        self._out += post.message.pieces
        self._unwritten += post.message.size
        if not self.offer.chunking:
            self._say(b".\r\n")
        self._to_end = self._unwritten
        self._awaiting.append(Step.MESSAGE)

    def _say(self, line: bytes) -> None:
        self._out.append(line)
        self._unwritten += len(line)

    def withdraw(self) -> list[Post]:
        """Give back what has surely not been sent: the letter ahead, or one yet to be begun.

        The message under way may still be answered; then the connection is to be closed.
        """
        posts = [] if self._ahead is None else [self._ahead]
        if self._body is not None and not self._begun:
            posts.append(self._body)
            self._body, self._to_end, self._unwritten = None, 0, 0
            self._out.clear()
            self._awaiting.clear()
            self.closing = True  # the server waits for a body, so that QUIT would not be heard
        self._ahead = self._refusal = None
        self._commands.clear()
        return posts

    def abandoned(self, *, exact: bool) -> tuple[Post | None, list[Post]]:
        """What a connection leaves behind: a letter in doubt, and those that surely did not leave.

        `exact` says that `wrote` counts every byte that can have left; where TLS lies
        between, a write that was refused may still be on its way.
        """
        unsent = [post for post in (self._ahead,) if post is not None]
        body = self._body
        self._ahead = self._body = None
        if body is not None and not (self._begun and (not self._to_end or not exact)):
            return None, [body, *unsent]
        return body, unsent


def _first(parts: Sequence[bytes | memoryview], count: int) -> Sequence[bytes | memoryview]:
    """The first `count` bytes of them, which hold more."""
    found: list[bytes | memoryview] = []
    for part in parts:
        if len(part) >= count:
            return [*found, memoryview(part)[:count]]
        found.append(part)
        count -= len(part)
    return found


def _quoted(text: str | bytes) -> str:
    shown = text.decode("ascii", "replace") if isinstance(text, bytes) else text
    return ascii(shown[:80])
