"""The `outbox` transport: one `.eml` file a delivery, and nothing leaves the machine."""

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
            for message in messages:
                path = self.path(message.subscriber_id)
                draft = path.with_suffix(_DRAFT)
                with draft.open("wb") as file:
                    file.write(message.content)
                    file.flush()
                    os.fsync(file.fileno())
                draft.replace(path)
            self._sync_folder()
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
            path.with_suffix(_DRAFT).unlink(missing_ok=True)
            if path.is_file():
                found.add(subscriber_id)
        return found

    def path(self, subscriber_id: int) -> Path:
        """The file of a delivery."""
        return self.folder / f"{subscriber_id:07d}.eml"

    def _sync_folder(self) -> None:
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
