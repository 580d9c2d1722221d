"""Batches that the provider holds back: made, paused, released, recalled.

Sources: the provider's pages "Cancel Scheduled Sends" and "Stopping a Scheduled Send". What is
paused stays in its queue past `send_at`, and is thrown away after 72 hours; what is cancelled
is thrown away at `send_at`. Neither can be asked for in the last 10 minutes before `send_at`,
nor for more than 10 batches at a time.
"""

import json
import time
from collections.abc import Callable

from newsletter_mailer.errors import TransportError
from newsletter_mailer.sending.transports.sendgrid.answers import explained
from newsletter_mailer.sending.transports.sendgrid.client import Account, Answer, Client

_SCHEDULED = "user/scheduled_sends"
_TRIES = 4
_FIRST_WAIT = 0.25
_TOO_MANY = 429
_SERVER = 500
_CREATED = 201
_OK = 200
_DONE = 204
_NONE = 404


class Holding:
    """What the provider is asked about batches. Each call is tried a few times.

    Every method raises a TransportError where the provider cannot be asked, or refuses us.
    """

    def __init__(self, account: Account, sleep: Callable[[float], None] = time.sleep) -> None:
        self._account = account
        self._client = Client(account)
        self._sleep = sleep

    def new_batch(self) -> str:
        """An id for a batch."""
        answer = self._call("post", "mail/batch")
        if answer.status == _CREATED:
            try:
                return str(json.loads(answer.content)["batch_id"])
            except (ValueError, KeyError, TypeError):
                pass
        raise self._refused("make a batch", answer)

    def pause(self, batch_id: str) -> None:
        """Have nothing of a batch leave until it is released."""
        answer = self._call("post", _SCHEDULED, {"batch_id": batch_id, "status": "pause"})
        # Refused may mean that an earlier try arrived after all.
        if answer.status != _CREATED and self.status(batch_id) != "pause":
            raise self._refused("hold a batch back", answer)

    def release(self, batch_id: str) -> None:
        """Let a batch leave at its time, or at once where that has passed. May be repeated."""
        answer = self._call("delete", f"{_SCHEDULED}/{batch_id}")
        if answer.status not in {_DONE, _NONE} and self.status(batch_id):
            raise self._refused("release a batch", answer)

    def recall(self, batch_id: str) -> bool:
        """See that nothing of a batch leaves; False where it is too late for that."""
        status = self.status(batch_id)
        if status == "cancel":
            return True
        if status == "pause":
            # If it is refused, the batch stays paused until it expires, and is as safe so.
            self._call("patch", f"{_SCHEDULED}/{batch_id}", {"status": "cancel"})
            return bool(self.status(batch_id))
        answer = self._call("post", _SCHEDULED, {"batch_id": batch_id, "status": "cancel"})
        return answer.status == _CREATED or self.status(batch_id) == "cancel"

    def status(self, batch_id: str) -> str:
        """`pause`, `cancel`, or nothing where the batch leaves at its time or has left."""
        answer = self._call("get", f"{_SCHEDULED}/{batch_id}")
        if answer.status == _NONE:
            return ""
        try:
            found = json.loads(answer.content)
            mine = [str(each["status"]) for each in found if each["batch_id"] == batch_id]
        except (ValueError, KeyError, TypeError) as error:
            raise self._refused("look at a batch", answer) from error
        return mine[0] if mine else ""

    def _call(self, method: str, path: str, body: object = None) -> Answer:
        answer = self._client.call(method, path, body)
        for times in range(1, _TRIES):
            if answer.lasting or not (answer.status in {0, _TOO_MANY} or answer.status >= _SERVER):
                break
            self._sleep(_FIRST_WAIT * 2**times)
            answer = self._client.call(method, path, body)
        if answer.status in {0, _TOO_MANY, 401, 403} or answer.status >= _SERVER:
            raise self._refused(f"answer {method} {path.partition('/')[2] or path}", answer)
        return answer

    def _refused(self, what: str, answer: Answer) -> TransportError:
        return TransportError(
            f"{self._account} does not {what}: {explained(answer)}. Mend that, and run the same "
            "command again: nobody will get it twice."
        )
