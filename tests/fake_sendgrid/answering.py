"""How any call is answered: in JSON, or not at all."""

import contextlib
import json
import secrets
import socket
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.fake_sendgrid.server import FakeSendgrid

WORDS = {
    "400": "The from address does not match a verified Sender Identity.",
    "401": "The provided authorization grant is invalid, expired, or revoked",
    "403": "access forbidden",
    "413": "Payload too large",
    "429": "too many requests",
}
"""What the provider says with a status."""


def errors(message: str) -> dict[str, object]:
    """The provider's shape of a refusal."""
    return {"errors": [{"message": message, "field": None, "help": None}]}


class Answering(BaseHTTPRequestHandler):
    """One connection of the fake."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, server_side: "FakeSendgrid", *about: Any) -> None:  # noqa: ANN401 - the library's
        self.server_side = server_side
        super().__init__(*about)

    def log_message(self, *_args: object) -> None:
        """Quiet."""

    def as_it_should(self, call: str) -> bool:
        """Let a call in and have it go well; else it is answered, or never will be."""
        fake = self.server_side
        with fake.lock:
            fake.provider.pass_time()
            do = fake.moods.at(call)
        if not self.let_in():
            return False
        if not do:
            return True
        if do.startswith("hang"):
            fake.stopped.wait(600)
        elif do[:3].isdigit():
            self.answer(int(do[:3]), errors(WORDS.get(do[:3], "Internal error")))
        self.hang_up()
        return False

    def let_in(self) -> bool:
        """Whether the key is right; else it is answered."""
        given = str(self.headers.get("Authorization"))
        if secrets.compare_digest(given, f"Bearer {self.server_side.key}"):
            return True
        self.answer(401, errors(WORDS["401"]))
        return False

    def json(self) -> dict[str, Any]:
        """The body."""
        body: dict[str, Any] = json.loads(
            self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}"
        )
        return body

    def drain(self, length: int) -> None:
        """Read so much, and forget it."""
        while length > 0 and (read := self.rfile.read(min(length, 1 << 20))):
            length -= len(read)

    def answer(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        """Answer with a status, a body in JSON where there is one, and these headers."""
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if body is not None:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def hang_up(self) -> None:
        """Close the connection without a word."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
