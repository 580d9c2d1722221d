"""The `outbox` transport: one `.eml` file a delivery, and nothing leaves the machine."""

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from newsletter_mailer.errors import TransportError
from newsletter_mailer.sending.transports.contract import Message, Outcome, Receipt

_DRAFT = ".part"


class Outbox:
    """Writes messages into one folder a campaign.

    A file appears under its final name only when it is whole and on disk. The name
    comes from the delivery, so writing one again replaces it: the folder can never hold
    two messages of one delivery.
    """

    name = "outbox"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, messages: Sequence[Message]) -> Iterator[Receipt]:
        """Write each message to its file, then make the folder itself durable.

        Raises:
            TransportError: the folder cannot be written, or the disk is full.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            paths = [self.path(message.subscriber_id) for message in messages]
            drafts = [path.with_suffix(_DRAFT) for path in paths]
            for draft, message in zip(drafts, messages, strict=True):
                draft.write_bytes(message.content)
            # Together after all are written, a group's files cost the disk little more than one.
            for draft in drafts:
                _make_durable(draft)
            for draft, path in zip(drafts, paths, strict=True):
                draft.replace(path)
            _make_durable(self.folder)
        except OSError as error:
            raise TransportError(
                f"The outbox {self.folder} cannot be written: {error.strerror}. "
                "Mend that and run the same command again: nobody will get it twice."
            ) from error
        for message in messages:
            yield Receipt(message.subscriber_id, Outcome.ACCEPTED)

    def accepted(self, subscriber_ids: Iterable[int]) -> set[int]:
        """The deliveries whose file is there. Drafts left by a dead process are removed."""
        found = set()
        for subscriber_id in subscriber_ids:
            path = self.path(subscriber_id)
            with contextlib.suppress(OSError):
                path.with_suffix(_DRAFT).unlink()
            if path.is_file():
                found.add(subscriber_id)
        return found

    def path(self, subscriber_id: int) -> Path:
        """The file of a delivery."""
        return self.folder / f"{subscriber_id:07d}.eml"


def _make_durable(path: Path) -> None:
    """Wait until a file, or a folder's list of files, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
