"""One connection at work: a socket that does not block, and the conversation on it."""

import ssl

from newsletter_mailer.sending.transports.contract import Begin
from newsletter_mailer.sending.transports.smtp.connecting import Opened
from newsletter_mailer.sending.transports.smtp.conversation import Answer, Conversation
from newsletter_mailer.sending.transports.smtp.replies import Step

_READ_AT_ONCE = 16_384
_ENCRYPT_AT_ONCE = 65_536
_MOST_PARTS = 1000
"""Pieces that a system call takes at a time; Linux and macOS allow 1024."""

_FLOOD = 1_000_000
"""Bytes read in one go that no server has to say."""


class Channel:
    """Moves bytes between the socket and the conversation.

    `lost` says why the connection can no longer be used, and is empty while it can.
    """

    def __init__(self, opened: Opened, now: float) -> None:
        self.connection = opened.connection
        self.conversation = Conversation(opened.offer)
        self.early = opened.early
        self.lost = ""
        self.given = 0
        self.answered = False
        self.leaving = False
        self.blocked = False
        self.since = now
        self._tls = isinstance(opened.connection, ssl.SSLSocket)

    def receive(self) -> bytes:
        """Take what has come, up to the end if the other side has closed."""
        data, self.early = self.early, b""
        try:
            if self._tls:
                # Decrypted bytes that are left lying would wake nobody.
                while len(data) < _FLOOD and (more := self.connection.recv(_READ_AT_ONCE)):
                    data += more
            else:
                more = self.connection.recv(_READ_AT_ONCE)
                data += more
            if not more:
                self.lost = "the server closed the connection"
            elif len(data) >= _FLOOD:
                self.lost = "the server does not stop talking"
        except (BlockingIOError, ssl.SSLWantReadError):
            pass
        except ssl.SSLWantWriteError:
            self.blocked = True
        except OSError as error:
            self.lost = _broken(error)
        return data

    def understand(self, data: bytes, now: float) -> list[Answer]:
        """The answers that are complete with what has come."""
        if not data:
            return []
        conversation = self.conversation
        before = conversation.waiting_for
        answers = conversation.received(data)
        if answers or conversation.waiting_for is not before:
            self.since = now  # half a reply is none: a drip does not put the limit off
        if conversation.fault:
            self.lost = f"the server does not keep to the protocol: {conversation.fault}"
        elif conversation.closing:
            self.lost = "the server closes the connection (421)"
        return answers

    def write(self, begin: Begin, now: float) -> None:
        """Write what there is to say, as far as the socket takes it."""
        conversation = self.conversation
        self.blocked = False
        if conversation.waiting_for is None:
            self.since = now
        while True:
            buffers, ending = conversation.outgoing()
            if not buffers:
                return
            if ending is not None:
                begin(ending.letter.subscriber_id)
            try:
                if self._tls:
                    # A record that was refused must be offered again with the same bytes,
                    # and these are: what is written next only ever follows them.
                    written = self.connection.send(b"".join(buffers)[:_ENCRYPT_AT_ONCE])
                else:
                    written = self.connection.sendmsg(buffers[:_MOST_PARTS])
            except (BlockingIOError, ssl.SSLWantWriteError):
                self.blocked = True
                return
            except ssl.SSLWantReadError:
                return  # tried again after what comes next
            except OSError as error:
                self.lost = self.lost or _broken(error)
                return
            if conversation.wrote(written):
                return

    def overdue(self, now: float, reply: float, final: float) -> bool:
        """Whether the server has had long enough: `final` seconds for a message, else `reply`."""
        waiting = self.conversation.waiting_for
        if waiting is None:
            return False
        return now - self.since > (final if waiting is Step.MESSAGE else reply)

    def leave(self, now: float) -> None:
        """Say QUIT, where nothing is under way any more and it would be heard."""
        self.leaving, self.since = True, now
        if self.conversation.closing:
            self.lost = "given up"
            return
        try:
            self.connection.send(b"QUIT\r\n")
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            pass
        except OSError as error:
            self.lost = _broken(error)

    @property
    def exact(self) -> bool:
        """Whether every byte that can have left is counted; see `Conversation.abandoned`."""
        return not self._tls

    def last_words(self, now: float) -> list[Answer]:
        """What is still to be read after a write has failed."""
        answers: list[Answer] = []
        why = self.lost
        try:
            data = self.connection.recv(_FLOOD)
            answers = self.understand(data, now)
        except OSError:
            pass
        self.lost = why
        return answers


def _broken(error: OSError) -> str:
    return f"the connection broke: {error.strerror or error}"
