"""The `outbox` transport: one `.eml` file a delivery, and nothing leaves the machine."""

import contextlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from newsletter_mailer.errors import TransportError
from newsletter_mailer.sending.transports.contract import (
    Begin,
    Capabilities,
    Letter,
    Outcome,
    Receipt,
)

_DRAFT = ".part"
_GROUP = 50
"""Letters written between two waits for the disk."""

_ASK_AGAIN = 0.05
"""Seconds until letters are asked for again, where none is ready and nothing is to be done."""


class Outbox:
    """Writes messages into one folder a campaign.

    A file appears under its final name only when it is whole and on disk. The name
    comes from the delivery, so writing one again replaces it: the folder can never hold
    two messages of one delivery.
    """

    name = "outbox"
    capabilities = Capabilities(largest_batch=_GROUP)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, letters: Iterator[Letter | None], begin: Begin) -> Iterator[Sequence[Receipt]]:
        """Write each letter to its file, a group at a time; see the contract.

        Raises:
            TransportError: the folder cannot be written, or the disk is full.
        """
        for group in _groups(letters):
            if not group:
                time.sleep(_ASK_AGAIN)
                yield ()
                continue
            try:
                self._write(group, begin)
            except Exception as error:
                yield self._broken_off(group)
                if not isinstance(error, OSError):
                    raise
                raise TransportError(
                    f"The outbox {self.folder} cannot be written: {error.strerror}. "
                    "Mend that and run the same command again: nobody will get it twice."
                ) from error
            yield [Receipt(letter.subscriber_id, Outcome.ACCEPTED) for letter in group]

    def _write(self, group: list[Letter], begin: Begin) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        paths = [self.path(letter.subscriber_id) for letter in group]
        drafts = [path.with_suffix(_DRAFT) for path in paths]
        for draft, letter in zip(drafts, group, strict=True):
            draft.write_bytes(letter.content())
        # Together after all are written, a group's files cost the disk little more than one.
        for draft in drafts:
            _make_durable(draft)
        for draft, path, letter in zip(drafts, paths, group, strict=True):
            begin(letter.subscriber_id)
            draft.replace(path)
        _make_durable(self.folder)

    def _broken_off(self, group: list[Letter]) -> list[Receipt]:
        """What became of a group whose writing failed: a file that is there is a letter sent."""
        taken = self.taken([letter.subscriber_id for letter in group])
        return [
            Receipt(id_, Outcome.ACCEPTED if there else Outcome.UNSENT)
            for id_, there in taken.items()
        ]

    def taken(self, subscriber_ids: Iterable[int]) -> Mapping[int, bool]:
        """Whose file is there. Drafts left by a dead process are removed."""
        found = {}
        for subscriber_id in subscriber_ids:
            path = self.path(subscriber_id)
            with contextlib.suppress(OSError):
                path.with_suffix(_DRAFT).unlink()
            found[subscriber_id] = path.is_file()
        return found

    def path(self, subscriber_id: int) -> Path:
        """The file of a delivery."""
        return self.folder / f"{subscriber_id:07d}.eml"


def _groups(letters: Iterator[Letter | None]) -> Iterator[list[Letter]]:
    """Letters in groups; one is shorter, or empty, where no more are ready yet."""
    group: list[Letter] = []
    try:
        for letter in letters:
            if letter is not None:
                group.append(letter)
            if len(group) == _GROUP or letter is None:
                yield group
                group = []
    except Exception:
        if group:
            yield group  # letters that came before the failure
        raise
    if group:
        yield group


def _make_durable(path: Path) -> None:
    """Wait until a file, or a folder's list of files, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
