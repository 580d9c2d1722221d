"""The HTTP side: a thread a connection, so that misbehaving is one plain line where it happens."""

import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.fake_sendgrid.api import Api
from tests.fake_sendgrid.checks import LARGEST, Error
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
        self._server = _Server(("127.0.0.1", self.port), partial(Api, self))
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
