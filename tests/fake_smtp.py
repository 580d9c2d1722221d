"""An SMTP server that knows the truth, and misbehaves on command.

It follows RFC 5321 with PIPELINING, CHUNKING, SIZE, 8BITMIME, SMTPUTF8, STARTTLS and AUTH,
over blocking sockets with a thread a connection: to misbehave is then one plain line at
the place where it happens. What aiosmtpd does not do (PIPELINING as an offer, CHUNKING,
half a reply, silence) is most of what is needed here; where it can, it is the second
server of the contract tests.

What it takes is written down before the reply is sent, so that whatever the client came to
know, the truth is never behind it.

As a process of its own: `python -m tests.fake_smtp --truth FILE [--rule STEP:WHEN:DO …]`.
It prints its port, and appends a line of JSON to FILE for every message it takes.
"""

import argparse
import base64
import contextlib
import datetime as dt
import hashlib
import ipaddress
import json
import os
import random
import socket
import ssl
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

STEPS = ("connect", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "message", "rset", "quit")


@dataclass(frozen=True)
class Rule:
    """What to do at a step instead of the normal thing.

    `do` is a reply such as `451 4.3.0 Later` (a 421 also closes), or one of

        drop        close without a word; nothing is taken
        take-drop   take the message, and close without a word
        reply-drop  do the normal thing, and close after the reply
        hang        never say anything again
        take-hang   take the message, and never say anything again
        silent      leave this one reply out
        surplus     send a second reply
        garbage     say something that is no reply
        drip        send the reply so slowly that it never ends
        endless     send a line without an end

    `nth` counts the times the step was met in all connections, from 1; `since` is the first
    of all those for which the rule holds; `chance` is the share that it strikes by chance;
    `recipient` limits it to one address.
    """

    step: str
    do: str
    nth: int | None = None
    since: int | None = None
    chance: float | None = None
    recipient: str | None = None

    @classmethod
    def read(cls, text: str) -> Self:
        """A rule such as `message:0.01:take-drop`, `rcpt:#3:550 5.1.1 No` or `mail:3+:hang`."""
        step, when, do = text.split(":", 2)
        if step not in STEPS:
            message = f"{step} is not one of {', '.join(STEPS)}"
            raise ValueError(message)
        if when.startswith("#"):
            return cls(step, do, nth=int(when[1:]))
        if when.endswith("+"):
            return cls(step, do, since=int(when[:-1]))
        return cls(step, do, chance=float(when) if when else None)


@dataclass(frozen=True)
class Taken:
    """A message that the server has taken."""

    sender: str
    recipient: str
    content: bytes
    connection: int


@dataclass
class FakeSmtp:
    """The server; a context manager that serves on `port` of 127.0.0.1.

    `cap` is how many messages a connection may carry; the next MAIL meets `cap_says`, or
    a closed connection where that is empty. `split` sends every byte in a packet of its
    own. `logins` are the numbers of connections, from 1, whose log-in is accepted.
    `late_refusal` lets DATA begin without a recipient, and answers so at its end.
    """

    rules: Sequence[Rule] = ()
    pipelining: bool = True
    chunking: bool = False
    eight_bit: bool = True
    utf8: bool = False
    size: int | None = None
    tls: ssl.SSLContext | None = None
    implicit_tls: bool = False
    login: tuple[str, str] | None = None
    logins: range = range(1, 1_000_000)
    split: bool = False
    cap: int | None = None
    cap_says: str = ""
    late_refusal: str = ""
    truth: Path | None = None
    with_bodies: bool = True
    seed: int = 1
    taken: list[Taken] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    commands: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self.stopped = threading.Event()
        self.lock = threading.Lock()
        self.connections = 0
        self._random = random.Random(self.seed)  # noqa: S311 - chance, not secrecy
        self._sessions: list[_Session] = []
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        self._file = os.open(self.truth, flags, 0o644) if self.truth else -1
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stopped.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for session in self._sessions:
            session.close()
        for session in self._sessions:
            session.thread.join()
        if self._file >= 0:
            os.close(self._file)

    def _accept(self) -> None:
        while not self.stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1  # first: the session may be over before it is listed
            self._sessions.append(_Session(self, connection, self.connections))

    def what_to_do(self, step: str, recipient: str) -> str:
        """What the rules ask for at this step; empty for the normal thing."""
        with self.lock:
            self.seen[step] += 1
            count = self.seen[step]
            for rule in self.rules:
                if (
                    rule.step == step
                    and rule.nth in (None, count)
                    and (rule.since is None or count >= rule.since)
                    and rule.recipient in (None, recipient)
                    and (rule.chance is None or self._random.random() < rule.chance)
                ):
                    return rule.do
        return ""

    def take(self, message: Taken) -> None:
        """Write the truth down: in memory, or in the file where there is one."""
        if self._file < 0:
            with self.lock:
                self.taken.append(message)
            return
        line = {
            "recipient": message.recipient,
            "sender": message.sender,
            "sha256": hashlib.sha256(message.content).hexdigest(),
            "bytes": len(message.content),
        }
        if self.with_bodies:
            line["content"] = base64.b64encode(message.content).decode("ascii")
        os.write(self._file, json.dumps(line).encode() + b"\n")

    def recipients(self) -> list[str]:
        """Everybody for whom a message was taken, in order; one who got two stands twice."""
        return [message.recipient for message in self.taken]


class _GoneError(Exception):
    """The connection is over."""


class _Session:
    """One connection."""

    def __init__(self, server: FakeSmtp, connection: socket.socket, number: int) -> None:
        self._server = server
        self._connection = connection
        self._number = number
        self._input = bytearray()
        self._output = bytearray()
        self._sender: str | None = None
        self._recipient = ""
        self._chunks = bytearray()
        self._carried = 0
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def close(self) -> None:
        """End it from outside."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        try:
            if self._server.implicit_tls:
                self._secure()
            self._normal("connect", "220 fake.example.org ESMTP")
            while True:
                self._command(self._line())
        except (_GoneError, OSError):
            pass
        finally:
            self._connection.close()

    # Bytes

    def _more(self) -> None:
        self._flush()
        data = self._connection.recv(65_536)
        if not data:
            raise _GoneError
        self._input += data

    def _line(self) -> str:
        while b"\r\n" not in self._input:
            self._more()
        line, _, rest = bytes(self._input).partition(b"\r\n")
        self._input = bytearray(rest)
        return line.decode("utf-8")

    def _exactly(self, count: int) -> bytes:
        while len(self._input) < count:
            self._more()
        data = bytes(self._input[:count])
        del self._input[:count]
        return data

    def _body(self) -> bytes:
        """A message up to its lone dot, doubled dots made single."""
        data = bytearray(b"\r\n")
        searched = 0
        while True:
            data += self._input
            self._input.clear()
            end = data.find(b"\r\n.\r\n", searched)
            if end >= 0:
                self._input += data[end + 5 :]
                return bytes(data[2 : end + 2]).replace(b"\r\n..", b"\r\n.")
            searched = max(0, len(data) - 4)
            self._more()

    def _say(self, reply: str) -> None:
        """Queue a reply: those to pipelined commands leave in one packet."""
        self._output += reply.encode() + b"\r\n"

    def _flush(self) -> None:
        data, self._output = bytes(self._output), bytearray()
        if self._server.split:
            for at in range(len(data)):
                self._connection.sendall(data[at : at + 1])
        elif data:
            self._connection.sendall(data)

    def _secure(self) -> None:
        context = self._server.tls
        assert context is not None
        self._connection = context.wrap_socket(self._connection, server_side=True)

    # Behaviour

    def _misbehave(self, do: str, normal: str) -> None:
        if do[0].isdigit():
            self._say(do)
            if do.startswith("421"):
                self._end()
            return
        match do:
            case "drop":
                self._end()
            case "reply-drop":
                self._say(normal)
                self._end()
            case "hang":
                self._flush()
                self._hang()
            case "surplus":
                self._say(normal)
                self._say("250 2.0.0 And another")
            case "garbage":
                self._say("Hello there")
            case "endless":
                self._flush()
                with contextlib.suppress(OSError):
                    while not self._server.stopped.is_set():
                        self._connection.sendall(b"250-" + b"x" * 4096)
                raise _GoneError
            case "drip":
                self._flush()
                for byte in normal.encode() + b"\r\n":
                    self._connection.sendall(bytes([byte]))
                    self._server.stopped.wait(0.1)
            case "silent":
                pass
            case _:
                raise AssertionError(do)

    def _end(self) -> None:
        self._flush()
        raise _GoneError

    def _hang(self) -> None:
        while not self._server.stopped.is_set() and self._connection.recv(65_536):
            pass
        raise _GoneError

    # Commands

    def _command(self, line: str) -> None:
        verb, _, words = line.partition(" ")
        self._server.commands.append(line[:200])
        match verb.upper():
            case "EHLO":
                self._ehlo()
            case "STARTTLS" if self._server.tls and not self._secured:
                if self._normal("starttls", "220 2.0.0 Go ahead"):
                    self._flush()
                    self._input.clear()
                    self._secure()
            case "AUTH":
                self._auth(words)
            case "MAIL":
                self._mail(words)
            case "RCPT":
                self._rcpt(words)
            case "DATA":
                self._data()
            case "BDAT" if self._server.chunking:
                self._bdat(words)
            case "RSET":
                self._sender, self._recipient = None, ""
                self._chunks.clear()
                self._normal("rset", "250 2.0.0 Ok")
            case "QUIT":
                self._normal("quit", "221 2.0.0 Bye")
                self._end()
            case _:
                self._say("500 5.5.1 Unknown command")

    def _normal(self, step: str, reply: str) -> bool:
        """Give the normal reply unless the rules want another; True where it was given."""
        do = self._server.what_to_do(step, self._recipient)
        if do:
            self._misbehave(do, reply)
        else:
            self._say(reply)
        return do in {"", "surplus", "drip"}

    @property
    def _secured(self) -> bool:
        return isinstance(self._connection, ssl.SSLSocket)

    def _ehlo(self) -> None:
        server = self._server
        offers = [
            "fake.example.org",
            *(["PIPELINING"] if server.pipelining else []),
            *(["CHUNKING"] if server.chunking else []),
            *(["8BITMIME"] if server.eight_bit else []),
            *(["SMTPUTF8"] if server.utf8 else []),
            *([f"SIZE {server.size}"] if server.size is not None else []),
            *(["STARTTLS"] if server.tls and not self._secured else []),
            *(["AUTH PLAIN LOGIN"] if server.login else []),
            "ENHANCEDSTATUSCODES",
        ]
        *before, last = offers
        self._normal("ehlo", "\r\n".join([*(f"250-{offer}" for offer in before), f"250 {last}"]))

    def _auth(self, words: str) -> None:
        do = self._server.what_to_do("auth", "")
        if do:
            self._misbehave(do, "235 2.7.0 Welcome")
            return
        kind, _, given = words.partition(" ")
        if kind.upper() == "PLAIN":
            _, user, password = base64.b64decode(given).decode().split("\0")
        else:
            user = base64.b64decode(given).decode()
            self._say("334 UGFzc3dvcmQ6")
            password = base64.b64decode(self._line()).decode()
        if (user, password) == self._server.login and self._number in self._server.logins:
            self._say("235 2.7.0 Welcome")
        else:
            self._say("535 5.7.8 Wrong user or password")

    def _mail(self, words: str) -> None:
        server = self._server
        if server.cap is not None and self._carried >= server.cap:
            if server.cap_says:
                self._say(server.cap_says)
            self._end()
        if self._sender is not None:
            self._say("503 5.5.1 Nested MAIL")
            return
        address, _, parameters = words.removeprefix("FROM:<").partition(">")
        for name in parameters.split():
            size = name.removeprefix("SIZE=")
            known = (
                (size.isdigit() and server.size is not None)
                or (name == "BODY=8BITMIME" and server.eight_bit)
                or (name == "SMTPUTF8" and server.utf8)
            )
            if not known:
                self._say(f"555 5.5.4 {name}")
                return
            if server.size and size.isdigit() and int(size) > server.size:
                self._say("552 5.3.4 Too big")
                return
        if self._normal("mail", "250 2.1.0 Ok"):
            self._sender = address

    def _rcpt(self, words: str) -> None:
        if self._sender is None:
            self._say("503 5.5.1 MAIL first")
            return
        address = words.removeprefix("TO:<").partition(">")[0]
        self._recipient, before = address, self._recipient
        if not self._normal("rcpt", "250 2.1.5 Ok"):
            self._recipient = before

    def _data(self) -> None:
        server = self._server
        if not self._recipient and not server.late_refusal:
            self._say("554 5.5.1 No valid recipients")
        elif self._normal("data", "354 Go on"):
            self._message(self._body())

    def _bdat(self, words: str) -> None:
        count, _, last = words.partition(" ")
        self._chunks += self._exactly(int(count))
        if not self._recipient:
            self._say("503 5.5.1 No valid recipients")
        elif last.upper() != "LAST":
            self._say("250 2.0.0 More")
        else:
            content = bytes(self._chunks)
            self._chunks.clear()
            self._message(content)

    def _message(self, content: bytes) -> None:
        """A whole message has come: take it, then answer."""
        server = self._server
        taken = Taken(self._sender or "", self._recipient, content, self._number)
        self._sender, self._recipient = None, ""
        if not taken.recipient:
            self._say(server.late_refusal)
            return
        reply = f"250 2.0.0 Ok: queued as Q{self._number}.{self._carried}"
        do = server.what_to_do("message", taken.recipient)
        if do and do not in {"take-drop", "take-hang", "reply-drop", "surplus", "drip"}:
            self._misbehave(do, reply)
            return
        self._carried += 1
        server.take(taken)
        if do == "take-drop":
            self._end()
        elif do == "take-hang":
            self._flush()
            self._hang()
        elif do:
            self._misbehave(do, reply)
        else:
            self._say(reply)


def certificate(folder: Path, *names: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A throw-away certificate for these names: the server's side, and a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fake.example.org")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    chain = folder / f"{'-'.join(names)}.pem"
    chain.write_bytes(private + public)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain)
    client = ssl.create_default_context(cadata=public.decode("ascii"))
    return server, client


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@contextlib.contextmanager
def relay(truth: Path, *options: str, inside: Sequence[str] = ()) -> Iterator[int]:
    """The server in a process of its own, which keeps no bodies; its port.

    `inside` is a command that runs another, and `options` are those of `main`.
    """
    command = [*inside, sys.executable, "-m", "tests.fake_smtp", "--truth", str(truth)]
    with subprocess.Popen(
        [*command, "--no-bodies", *options],
        cwd=Path(__file__).parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.kill()


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(prog="python -m tests.fake_smtp")
    parser.add_argument("--truth", type=Path, required=True, help="file for what is taken")
    parser.add_argument("--rule", type=Rule.read, action="append", default=[], metavar="RULE")
    parser.add_argument("--no-pipelining", action="store_true")
    parser.add_argument("--chunking", action="store_true")
    parser.add_argument("--cap", type=int, help="messages a connection may carry")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-bodies", action="store_true", help="keep digests only")
    given = parser.parse_args()
    server = FakeSmtp(
        rules=given.rule,
        pipelining=not given.no_pipelining,
        chunking=given.chunking,
        cap=given.cap,
        truth=given.truth,
        with_bodies=not given.no_bodies,
        seed=given.seed,
    )
    with server:
        sys.stdout.write(f"{server.port}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
