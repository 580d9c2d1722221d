"""Threads that post requests and hand back the answers."""

import queue
import threading

from newsletter_mailer.sending.transports.sendgrid.client import Account, Answer, Client
from newsletter_mailer.sending.transports.sendgrid.requests import Request

_PATH = "mail/send"


class Posters:
    """So many threads, each with a request of its own under way."""

    def __init__(self, account: Account, number: int) -> None:
        self._number = number
        self._given: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[Request, Answer]] = queue.SimpleQueue()
        self._clients = [Client(account) for _ in range(number)]
        self.under_way = 0
        for client in self._clients:
            threading.Thread(target=self._run, args=(client,), daemon=True).start()

    @property
    def idle(self) -> bool:
        """Whether one more request may be given."""
        return self.under_way < self._number

    def post(self, request: Request) -> None:
        """Post a request."""
        self.under_way += 1
        self._given.put(request)

    def answer(self, wait: float) -> tuple[Request, Answer] | None:
        """The next answer; None where there is none within so many seconds."""
        try:
            found = self._answers.get(timeout=wait) if wait else self._answers.get_nowait()
        except queue.Empty:
            return None
        self.under_way -= 1
        return found

    def close(self) -> None:
        """Let the threads end once their request is answered."""
        for _ in self._clients:
            self._given.put(None)

    def _run(self, client: Client) -> None:
        while (request := self._given.get()) is not None:
            self._answers.put((request, client.call("post", _PATH, request.body())))
