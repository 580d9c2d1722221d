"""The HTTP side: a thread a connection, so that misbehaving is one plain line where it happens."""

import contextlib
import gzip
import json
import secrets
import socket
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.fake_sendgrid.checks import LARGEST, Error, wrong_with
from tests.fake_sendgrid.events import Signer, events_of, tell
from tests.fake_sendgrid.provider import Message, Provider
from tests.fake_sendgrid.rules import Moods, Rule

KEY = "SG.fake"
SCOPES = (
    "mail.send",
    "mail.batch.create",
    "mail.batch.read",
    "user.scheduled_sends.create",
    "user.scheduled_sends.read",
    "user.scheduled_sends.update",
    "user.scheduled_sends.delete",
)

_SCHEDULED = "/v3/user/scheduled_sends"


@dataclass
class FakeSendgrid:
    """The server; a context manager that serves on `port` of 127.0.0.1.

    `refused` are addresses to which the provider objects, `limit` how many requests it
    takes in `window` seconds, of which it tells where `tells_limits`. `largest` is the most
    bytes of a request. Without `checks` it believes what it is given. `latency` is how
    many seconds each Mail Send takes. `truth` is a file that gets a line for each mail
    that was taken, before that is answered. `webhook` is told of deliveries.
    """

    rules: Sequence[Rule] = ()
    port: int = 0
    key: str = KEY
    scopes: Sequence[str] = SCOPES
    refused: Sequence[str] = ()
    limit: int | None = None
    window: float = 60.0
    tells_limits: bool = True
    largest: int = LARGEST
    checks: bool = True
    keep: bool = True
    latency: float = 0.0
    truth: Path | None = None
    webhook: str = ""
    seed: int = 1
    errors: list[list[Error]] = field(default_factory=list)
    """What was wrong with requests."""

    sizes: list[int] = field(default_factory=list)
    """How many people each Mail Send that was read had."""

    sandboxed: int = 0
    broken_off: int = 0
    """How many requests were closed before their body was read."""

    def __enter__(self) -> Self:
        self.lock = threading.Lock()
        self.stopped = threading.Event()
        self.provider = Provider(time.time, self.keep)
        self.signer = Signer()
        self.moods = Moods(self.rules, self.seed)
        self._window_began = 0.0
        self._in_window = 0
        self._file = self.truth.open("a", encoding="utf-8") if self.truth else None
        if self.webhook:
            self.provider.on_delivery = self._announce
        self._server = _Server(("127.0.0.1", self.port), partial(_Handler, self))
        self.port = self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        if self._file:
            self._file.close()

    @property
    def url(self) -> str:
        """Where the API is."""
        return f"http://127.0.0.1:{self.port}"

    def recipients(self) -> Counter[str]:
        """How often each address was delivered to, by now."""
        with self.lock:
            self.provider.pass_time()
            return Counter(self.provider.counted)

    def messages(self) -> list[Message]:
        """The messages that were delivered."""
        with self.lock:
            self.provider.pass_time()
            return list(self.provider.delivered)

    def jump(self, seconds: float) -> None:
        """Let so much time pass at the provider."""
        with self.lock:
            self.provider.ahead += seconds
            self.provider.pass_time()

    def tell_events(self, url: str, kinds: Sequence[str]) -> int:
        """Post events of these kinds, of all that was delivered, to a webhook."""
        events = events_of(self.messages(), kinds, self.provider.now())
        return tell(url, events, self.signer, self.provider.now())

    def limited(self) -> dict[str, str] | None:
        """Count one request: the X-RateLimit headers; None where it is one too many."""
        if self.limit is None:
            return {}
        now = time.time()
        if now >= self._window_began + self.window:
            self._window_began, self._in_window = now, 0
        if self._in_window >= self.limit:
            return None
        self._in_window += 1
        return self.limit_headers(self.limit - self._in_window) if self.tells_limits else {}

    def limit_headers(self, remaining: int) -> dict[str, str]:
        """The X-RateLimit headers; the reset is in seconds since 1970, the next whole one."""
        reset = (self._window_began or time.time() - self.window + 1) + self.window
        return {
            "X-RateLimit-Limit": str(self.limit or 600),
            "X-RateLimit-Remaining": str(remaining),
            "X-RateLimit-Reset": str(int(reset) + 1),
        }

    def take(self, mail: dict[str, Any], people: list[dict[str, Any]]) -> str:
        """Take a mail, and write that down before anybody is told."""
        with self.lock:
            message_id = self.provider.take(mail, people)
            if self._file:
                for one in people:
                    line = {
                        "recipient": one["to"][0]["email"],
                        "batch_id": mail.get("batch_id", ""),
                        "message_id": message_id,
                        **one.get("custom_args", {}),
                    }
                    self._file.write(json.dumps(line) + "\n")
                self._file.flush()
        return message_id

    def _announce(self, messages: list[Message]) -> None:
        """Tell the webhook, from a thread of its own: the lock is held."""

        def run() -> None:
            events = events_of(messages, ("processed", "delivered"), time.time())
            for at in range(0, len(events), 500):
                with contextlib.suppress(OSError):
                    tell(self.webhook, events[at : at + 500], self.signer, time.time())

        threading.Thread(target=run, daemon=True).start()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the signature is the library's
        """A client that went away is no news; anything else is a mistake here."""
        import sys  # noqa: PLC0415

        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, server_side: FakeSendgrid, *about: Any) -> None:  # noqa: ANN401 - the library's
        self.server_side = server_side
        super().__init__(*about)

    def log_message(self, *_args: object) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        fake, path = self.server_side, urlsplit(self.path).path
        if path == "/v3/mail/send":
            self._send_mail()
        elif path == "/v3/mail/batch":
            if self._as_it_should("batch"):
                with fake.lock:
                    made = fake.provider.new_batch()
                self._answer(201, {"batch_id": made})
        elif path == _SCHEDULED:
            if self._as_it_should("schedule"):
                body = self._json()
                self._stop(str(body.get("batch_id")), str(body.get("status")), known=False)
        elif path == "/_fake/clock":
            fake.jump(float(self._json()["ahead"]))
            self._answer(200, {"now": fake.provider.now()})
        elif path == "/_fake/events":
            body = self._json()
            self._answer(200, {"status": fake.tell_events(body["url"], body["events"])})
        else:
            self._answer(404, {"errors": [{"message": "not found", "field": None}]})

    def do_PATCH(self) -> None:
        if self._as_it_should("schedule"):
            self._stop(self.path.rpartition("/")[2], str(self._json().get("status")), known=True)

    def do_DELETE(self) -> None:
        if self._as_it_should("schedule"):
            fake = self.server_side
            with fake.lock:
                found = fake.provider.go_on(self.path.rpartition("/")[2])
            self._answer(204 if found else 404, None if found else _errors("not found"))

    def do_GET(self) -> None:
        fake = self.server_side
        parts = urlsplit(self.path)
        asked = parse_qs(parts.query)
        if parts.path == "/v3/scopes":
            if self._as_it_should("scopes"):
                self._answer(200, {"scopes": list(fake.scopes)})
        elif parts.path.startswith(_SCHEDULED):
            if self._as_it_should("schedule"):
                one = parts.path.removeprefix(_SCHEDULED).strip("/")
                with fake.lock:
                    found = [
                        {"batch_id": id_, "status": status}
                        for id_, status in fake.provider.stopped.items()
                        if one in {"", id_}
                    ]
                self._answer(200, found)
        elif parts.path == "/v3/user/webhooks/event/settings/signed":
            self._answer(200, {"public_key": fake.signer.public_key})
        elif parts.path == "/_fake/truth":
            delivered = fake.recipients()
            with fake.lock:
                held, discarded = fake.provider.held, fake.provider.discarded
            twice = sorted(email for email, times in delivered.items() if times > 1)
            self._answer(
                200,
                {
                    "delivered": delivered.total(),
                    "people": len(delivered),
                    "twice": twice,
                    "held": held,
                    "discarded": discarded,
                    "sandboxed": fake.sandboxed,
                },
            )
        elif parts.path == "/_fake/recipients":
            self._answer(200, fake.recipients())
        elif parts.path == "/_fake/messages":
            to = asked.get("to", [""])[0]
            shown: list[dict[str, object]] = [
                {
                    "to": each.to,
                    "subject": each.subject,
                    "headers": each.headers,
                    "custom_args": each.args,
                    "text": each.part("text/plain"),
                    "html": each.part("text/html"),
                }
                for each in fake.messages()
                if to in {"", each.to}
            ]
            self._answer(200, shown[:100])
        else:
            self._answer(404, _errors("not found"))

    # Mail Send

    def _send_mail(self) -> None:
        fake = self.server_side
        with fake.lock:
            do = fake.moods.at("send")
            limits = fake.limited()
        if do.endswith("-unread"):
            fake.broken_off += 1
            if not do.startswith("drop"):
                self._answer(int(do[:3]), _errors("Internal error"))
            self._hang_up()
            return
        length = int(self.headers.get("Content-Length", 0))
        if length > fake.largest:
            self._drain(length)
            self._answer(413, _errors("Payload too large"))
            return
        raw = self.rfile.read(length)
        if len(raw) < length:
            self._hang_up()
            return
        if fake.latency:
            time.sleep(fake.latency)
        if not self._let_in():
            return
        if limits is None:
            headers = fake.limit_headers(0) if fake.tells_limits else {}
            self._answer(429, _errors("too many requests"), headers)
            return
        mail = self._read_mail(raw)
        if mail is None:
            return
        fake.sizes.append(len(mail["personalizations"]))
        if do:
            self._misbehave(do, mail)
            return
        self._accept(mail, limits)

    def _read_mail(self, raw: bytes) -> dict[str, Any] | None:
        """The request where it is right; else it is answered."""
        fake = self.server_side
        if not str(self.headers.get("Content-Type")).startswith("application/json"):
            self._answer(415, _errors("Unsupported Media Type"))
            return None
        if self.headers.get("Content-Encoding") == "gzip":
            raw = gzip.decompress(raw)
        try:
            mail: dict[str, Any] = json.loads(raw)
        except ValueError:
            self._answer(400, _errors("Bad Request"))
            return None
        if fake.checks:
            wrong = wrong_with(mail, fake.provider.now())
            if not wrong and fake.refused:
                wrong = _refused(mail, fake.refused)
            if not wrong and "batch_id" in mail and mail["batch_id"] not in fake.provider.batches:
                wrong = [("The batch_id is not valid.", "batch_id")]
            if wrong:
                fake.errors.append(wrong)
                found = [{"message": words, "field": at, "help": None} for words, at in wrong]
                self._answer(400, {"errors": found})
                return None
        return mail

    def _accept(self, mail: dict[str, Any], headers: dict[str, str]) -> None:
        fake = self.server_side
        people = mail["personalizations"]
        if mail.get("mail_settings", {}).get("sandbox_mode", {}).get("enable"):
            fake.sandboxed += len(people)
            self._answer(200, None, headers)
            return
        message_id = fake.take(mail, people)
        self._answer(202, None, {"X-Message-Id": message_id, **headers})

    def _misbehave(self, do: str, mail: dict[str, Any]) -> None:
        fake = self.server_side
        people = mail["personalizations"]
        if do.endswith("-taken"):
            fake.take(mail, people)
        elif do == "half":
            fake.take(mail, people[: len(people) // 2])
        if do == "slow":
            time.sleep(1)
            self._accept(mail, {})
        elif do.startswith("hang"):
            fake.stopped.wait(600)
            self._hang_up()
        elif do.startswith(("drop", "half")):
            self._hang_up()
        elif do == "429":
            self._answer(429, _errors("too many requests"), fake.limit_headers(0))
        else:
            self._answer(int(do[:3]), _errors(_WORDS.get(do[:3], "Internal error")))

    # The rest

    def _as_it_should(self, call: str) -> bool:
        """Let a call in and have it go well; else it is answered, or never will be."""
        fake = self.server_side
        with fake.lock:
            fake.provider.pass_time()
            do = fake.moods.at(call)
        if not self._let_in():
            return False
        if not do:
            return True
        if do.startswith("hang"):
            fake.stopped.wait(600)
        elif do[:3].isdigit():
            self._answer(int(do[:3]), _errors(_WORDS.get(do[:3], "Internal error")))
        self._hang_up()
        return False

    def _stop(self, batch_id: str, status: str, *, known: bool) -> None:
        fake = self.server_side
        why = "status must be pause or cancel"
        if status in {"pause", "cancel"}:
            with fake.lock:
                why = fake.provider.stop(batch_id, status, known=known)
        if why:
            self._answer(400, _errors(why))
        elif known:
            self._answer(204, None)
        else:
            self._answer(201, {"batch_id": batch_id, "status": status})

    def _let_in(self) -> bool:
        given = str(self.headers.get("Authorization"))
        if secrets.compare_digest(given, f"Bearer {self.server_side.key}"):
            return True
        self._answer(401, _errors(_WORDS["401"]))
        return False

    def _json(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(
            self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}"
        )
        return body

    def _drain(self, length: int) -> None:
        while length > 0 and (read := self.rfile.read(min(length, 1 << 20))):
            length -= len(read)

    def _answer(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if body is not None:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


_WORDS = {
    "400": "The from address does not match a verified Sender Identity.",
    "401": "The provided authorization grant is invalid, expired, or revoked",
    "403": "access forbidden",
    "413": "Payload too large",
    "429": "too many requests",
}


def _errors(message: str) -> dict[str, object]:
    return {"errors": [{"message": message, "field": None, "help": None}]}


def _refused(mail: dict[str, Any], refused: Sequence[str]) -> list[Error]:
    return [
        ("Does not contain a valid address.", f"personalizations.{at}.to.0.email")
        for at, one in enumerate(mail["personalizations"])
        if one["to"][0]["email"] in refused
    ]
