"""A name server on this machine, which knows what a test tells it, and falls silent on command."""

import socketserver
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

SILENT = "silent"
"""In the place of a name's records: no answer to any question about it."""

REFUSED = "refused"
"""In the place of a name's records: SERVFAIL."""

Zone = Mapping[str, Mapping[str, Sequence[str]] | str]
"""Names, and for each its records by kind, as a zone file has them."""


def quoted(text: str) -> str:
    """A TXT record as a zone file has it: strings of at most 255 characters."""
    pieces = [text[at : at + 255] for at in range(0, len(text), 255)] or [""]
    return " ".join('"' + piece.replace("\\", "\\\\").replace('"', '\\"') + '"' for piece in pieces)


class _Server(socketserver.ThreadingUDPServer):
    daemon_threads = True

    def __init__(self, zone: Zone) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.zone = {name.lower(): records for name, records in zone.items()}
        self.asked: list[tuple[str, str]] = []


class _Handler(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        packet, socket = self.request
        query = dns.message.from_wire(packet)
        answer = self._answer(query)
        if answer:
            socket.sendto(answer.to_wire(max_size=65_535), self.client_address)

    def _answer(self, query: dns.message.Message) -> dns.message.Message | None:
        (question,) = query.question
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.server.asked.append((name, kind))
        records = self.server.zone.get(name)
        if records == SILENT:
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if records == REFUSED:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif isinstance(records, Mapping):
            lines = [quoted(line) if kind == "TXT" else line for line in records.get(kind, ())]
            if lines:
                response.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *lines))
        elif not any(known.endswith(f".{name}") for known in self.server.zone):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response


class FakeDns:
    """A running name server; `asked` holds the questions that it got, with their kinds."""

    def __init__(self, server: _Server) -> None:
        self._server = server
        self.address = "127.0.0.1"
        self.port: int = server.server_address[1]

    @property
    def asked(self) -> list[tuple[str, str]]:
        """Every question so far."""
        return self._server.asked


@contextmanager
def fake_dns(zone: Zone) -> Iterator[FakeDns]:
    """A name server that knows `zone`, for as long as the context lasts."""
    with _Server(zone) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield FakeDns(server)
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def dead_dns() -> Iterator[int]:
    """The port of a name server that takes every question and answers none."""

    class _Silent(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            pass

    with socketserver.UDPServer(("127.0.0.1", 0), _Silent) as server:
        port: Any = server.server_address[1]
        yield port
