"""An SMTP server that takes everything and keeps nothing: `python -m benchmarks.sink`.

It prints its port, then serves any number of connections until its standard input ends,
and prints what it counted as JSON. `--delay` is the seconds until each reply is sent;
replies to pipelined commands leave together. It counts from when the bytes came, as Linux says,
and elsewhere from when they were noticed.
"""

import argparse
import heapq
import json
import select
import socket
import struct
import sys
import time

_READ_AT_ONCE = 1_048_576
_LONGEST_GROUP = 4096
_END = b"\r\n.\r\n"
_GREETING = b"220 sink.example.org ESMTP\r\n"
_EHLO = b"250-sink.example.org\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
_ANSWERS = {
    b"MAIL": b"250 2.1.0 Ok\r\n",
    b"RCPT": b"250 2.1.5 Ok\r\n",
    b"DATA": b"354 End data with <CR><LF>.<CR><LF>\r\n",
    b"RSET": b"250 2.0.0 Ok\r\n",
    b"NOOP": b"250 2.0.0 Ok\r\n",
    b"EHLO": _EHLO,
    b"HELO": b"250 sink.example.org\r\n",
    b"QUIT": b"221 2.0.0 Bye\r\n",
}
_LINUX = sys.platform == "linux"
_TIMESTAMPS = 35
"""SO_TIMESTAMPNS of Linux: the kernel says when bytes came, so that the delay is not longer by
the time that it takes to notice them. Python has no name for it."""

_TIME = struct.Struct("@ll")
_ROOM_FOR_TIME = socket.CMSG_SPACE(_TIME.size)

_TAKEN = b"250 2.0.0 Ok: queued\r\n"


class Client:
    """One connection: whether it is in the middle of a message, and what is not yet read."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.in_message = False
        self.tail: bytes | bytearray = b""
        self.messages = 0
        self.bytes = 0

    def heard(self, buffer: bytearray, count: int) -> bytes:
        """What to answer to the first `count` bytes of the buffer."""
        start, answer = 0, b""
        if self.in_message:
            start = self._after_message(buffer, count)
            if start < 0:
                return b""
            answer = _TAKEN
        *lines, self.tail = (self.tail + buffer[start:count]).split(b"\r\n")
        for line in lines:
            verb = line[:4].upper()
            answer += _ANSWERS.get(bytes(verb), b"502 5.5.1 Unknown\r\n")
            if verb == b"DATA":
                self.in_message = True
                self.tail = b"\r\n"  # so that the end of an empty message is found
        return answer

    def _after_message(self, buffer: bytearray, count: int) -> int:
        """Where that begins which follows the message; -1 where its end has not come yet.

        A client has to wait for the answer to DATA before it sends a body, so that nothing
        but one group of commands can follow the end: it is near, or not here.
        """
        at = buffer.rfind(_END, max(0, count - _LONGEST_GROUP), count)
        if at < 0:
            # `tail` holds the bytes before these, in which the end may have begun.
            seam = self.tail + bytes(buffer[: min(count, len(_END) - 1)])
            at = seam.find(_END)
            if at < 0:
                kept = seam if count < len(_END) else bytes(buffer[count - len(_END) : count])
                self.tail = kept[1 - len(_END) :]
                self.bytes += count
                return -1
            at -= len(self.tail)
        after = at + len(_END)
        self.bytes += after
        self.messages += 1
        self.in_message = False
        self.tail = b""
        return after


class Sink:
    """All connections, in one thread."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._late: list[tuple[float, int, Client, bytes]] = []
        self._number = 0
        self._buffer = bytearray(_READ_AT_ONCE)
        self._clients: list[Client] = []
        self._poll = select.epoll()
        self._by_number: dict[int, Client] = {}
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.listener.setblocking(False)
        self._poll.register(self.listener, select.EPOLLIN)
        self._poll.register(sys.stdin, select.EPOLLIN)

    def serve(self) -> None:
        """Serve until standard input ends."""
        clients = self._by_number
        while True:
            if self._late:
                # `poll` goes by whole milliseconds; `select` on it wakes in time.
                left = max(0.0, self._late[0][0] - time.monotonic())
                select.select([self._poll], [], [], left)
            for number, _ in self._poll.poll(0 if self._late else None):
                client = clients.get(number)
                if client is not None:
                    self._hear(client)
                elif number == self.listener.fileno():
                    self._accept()
                else:
                    return
            if self._late:
                now = time.monotonic()
                while self._late and self._late[0][0] <= now:
                    _, _, client, answer = heapq.heappop(self._late)
                    self._say(client, answer)

    def counted(self) -> dict[str, int]:
        """How many messages came whole, and their bytes."""
        return {
            "messages": sum(client.messages for client in self._clients),
            "bytes": sum(client.bytes for client in self._clients),
        }

    def _accept(self) -> None:
        connection, _ = self.listener.accept()
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._delay and _LINUX:
            connection.setsockopt(socket.SOL_SOCKET, _TIMESTAMPS, 1)
        client = Client(connection)
        self._clients.append(client)
        self._by_number[connection.fileno()] = client
        self._poll.register(connection, select.EPOLLIN)
        self._answer(client, _GREETING)

    def _hear(self, client: Client) -> None:
        came = 0.0
        try:
            if self._delay and _LINUX:
                count, told, _, _ = client.connection.recvmsg_into([self._buffer], _ROOM_FOR_TIME)
                came = _came(told)
            else:
                count = client.connection.recv_into(self._buffer)
        except BlockingIOError:
            return
        except OSError:
            count = 0
        if not count:
            del self._by_number[client.connection.fileno()]
            client.connection.close()
            return
        answer = client.heard(self._buffer, count)
        if answer:
            self._answer(client, answer, came)

    def _answer(self, client: Client, answer: bytes, came: float = 0.0) -> None:
        if self._delay:
            self._number += 1
            due = (came or time.monotonic()) + self._delay
            heapq.heappush(self._late, (due, self._number, client, answer))
        else:
            self._say(client, answer)

    @staticmethod
    def _say(client: Client, answer: bytes) -> None:
        if client.connection.fileno() >= 0:
            client.connection.send(answer)


def _came(told: list[tuple[int, int, bytes]]) -> float:
    """When the last bytes read had come, on the monotonic clock; 0 where the system did not say."""
    for level, kind, data in told:
        if (level, kind) == (socket.SOL_SOCKET, _TIMESTAMPS):
            seconds, nanoseconds = _TIME.unpack(data)
            ago = time.time() - float(seconds) - float(nanoseconds) / 1e9
            return time.monotonic() - ago
    return 0.0


def main() -> None:
    """Serve, and print the port at the start and the counts at the end."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sink", description=__doc__)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds until each reply (0)")
    sink = Sink(parser.parse_args().delay)
    print(sink.listener.getsockname()[1], flush=True)
    sink.serve()
    print(json.dumps(sink.counted()), flush=True)


if __name__ == "__main__":
    main()
