"""What the provider has: batches, what waits in its queue, and what it has delivered.

This is the truth that a ledger is held against. No sockets here; the clock is passed in.
"""

import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

TOO_LATE = 600.0
"""Seconds before `send_at` from which a batch cannot be paused or cancelled any more."""

EXPIRES = 72 * 3_600.0
"""Seconds after `send_at` at which what is still paused is thrown away."""

MOST_STOPPED = 10
"""Batches that may be paused or cancelled at a time."""


@dataclass(frozen=True, slots=True)
class Message:
    """One mail to one person: what all of its request share, and what is its own."""

    mail: dict[str, Any]
    own: dict[str, Any]
    message_id: str

    @property
    def to(self) -> str:
        """The recipient's address."""
        address: str = self.own["to"][0]["email"]
        return address

    @property
    def headers(self) -> dict[str, str]:
        """The header fields that were asked for."""
        return {**self.mail.get("headers", {}), **self.own.get("headers", {})}

    @property
    def args(self) -> dict[str, str]:
        """The custom arguments, as events carry them."""
        return {**self.mail.get("custom_args", {}), **self.own.get("custom_args", {})}

    @property
    def subject(self) -> str:
        """The subject with its tags replaced."""
        return self._merged(self.own.get("subject") or self.mail["subject"])

    def part(self, kind: str) -> str:
        """The part of this type, such as `text/html`, with its tags replaced."""
        found = [part["value"] for part in self.mail["content"] if part["type"] == kind]
        return self._merged(found[0])

    def _merged(self, text: str) -> str:
        for tag, value in self.own.get("substitutions", {}).items():
            text = text.replace(tag, value)
        return text


@dataclass
class _Held:
    """Messages of one batch, or of none, with one `send_at`."""

    batch_id: str
    send_at: float
    messages: list[Message]


@dataclass
class Provider:
    """The state behind the API. Callers hold a lock."""

    clock: Callable[[], float]
    keep: bool = True
    """Whether messages are kept, or only counted by address."""

    ahead: float = 0.0
    batches: set[str] = field(default_factory=set)
    stopped: dict[str, str] = field(default_factory=dict)
    """Batches that are paused or cancelled."""

    delivered: list[Message] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)
    """How often each address was delivered to."""

    discarded: int = 0
    on_delivery: Callable[[list[Message]], None] = lambda _messages: None
    _held: list[_Held] = field(default_factory=list)

    def now(self) -> float:
        """The provider's time, in seconds since 1970."""
        return self.clock() + self.ahead

    def take(self, mail: dict[str, Any], people: list[dict[str, Any]]) -> str:
        """Take a mail for these people; the id of the request."""
        message_id = secrets.token_urlsafe(16)
        messages = [Message(mail, own, message_id) for own in people]
        send_at, batch_id = mail.get("send_at", 0), mail.get("batch_id", "")
        if send_at > self.now() or batch_id in self.stopped:
            self._held.append(_Held(batch_id, send_at, messages))
        else:
            self._deliver(messages)
        return message_id

    def new_batch(self) -> str:
        """A batch id."""
        made = secrets.token_hex(16)
        self.batches.add(made)
        return made

    def stop(self, batch_id: str, status: str, *, known: bool) -> str:
        """Pause or cancel a batch; why not, or nothing. `known`: its status is to be changed."""
        if batch_id not in self.batches:
            return "the batch id is not valid"
        if known != (batch_id in self.stopped):
            return "a status is set already" if not known else "no status is set"
        mine = [each for each in self._held if each.batch_id == batch_id]
        if any(each.send_at - self.now() < TOO_LATE for each in mine):
            return "it is less than 10 minutes until send_at"
        if len({*self._still_stopped(), batch_id}) > MOST_STOPPED:
            return f"more than {MOST_STOPPED} batches cannot be paused or cancelled at a time"
        self.stopped[batch_id] = status
        return ""

    def go_on(self, batch_id: str) -> bool:
        """Take away the pause or the cancelling of a batch; False where there was none."""
        found = self.stopped.pop(batch_id, None) is not None
        self.pass_time()
        return found

    def pass_time(self) -> None:
        """Deliver what is due, and throw away what was cancelled or has expired."""
        now, left = self.now(), []
        for each in self._held:
            status = self.stopped.get(each.batch_id, "")
            if each.send_at > now or (status == "pause" and now - each.send_at < EXPIRES):
                left.append(each)
            elif status:
                self.discarded += len(each.messages)
            else:
                self._deliver(each.messages)
        self._held = left

    @property
    def held(self) -> int:
        """Messages that wait in the queue."""
        return sum(len(each.messages) for each in self._held)

    def _still_stopped(self) -> set[str]:
        waiting = {each.batch_id for each in self._held}
        return {id_ for id_, status in self.stopped.items() if status == "pause" or id_ in waiting}

    def _deliver(self, messages: list[Message]) -> None:
        self.counted.update(message.to for message in messages)
        if self.keep:
            self.delivered += messages
        self.on_delivery(messages)
