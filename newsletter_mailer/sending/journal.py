"""The local journal: what this process has handed over, letter by letter.

The ledger is written a group at a time. When a process dies in between, the journal tells
which letters of its last groups were never begun, which were answered, and which one of
each connection was on its way. It is not synced: it outlives the process, not the machine,
and is believed only in the same uptime of the same machine.

A line is a sign, the number of a subscriber and that of the attempt: `S 17 1` where the
letter was begun, `A 17 1` accepted, `N 17 1` surely not gone, `D 17 1` in doubt.
"""

import contextlib
import errno
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from newsletter_mailer.errors import SendingError
from newsletter_mailer.sending.transports.contract import Outcome, Receipt

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

_LARGEST = 1_000_000
"""Bytes from which a journal is written anew without what the ledger holds by now."""

_BEGUN = "S"
_OUTCOMES = {
    Outcome.ACCEPTED: "A",
    Outcome.REJECTED: "N",
    Outcome.RETRY: "N",
    Outcome.UNSENT: "N",
    Outcome.IN_DOUBT: "D",
}


def this_uptime() -> str:
    """What names this machine since it was started; empty where the system does not tell."""
    with contextlib.suppress(OSError):
        return BOOT_ID.read_text(encoding="ascii").strip()
    return ""


class Journal:
    """The journal of one owner of batches, open for writing, its lock held.

    Two threads use it: one hands letters over, the other writes the ledger.
    """

    def __init__(self, folder: Path, owner: str, uptime: Callable[[], str] = this_uptime) -> None:
        """Begin a journal.

        Raises:
            SendingError: its file cannot be written.
        """
        self._path = _file(folder, owner)
        self._head = f"H {uptime()}\n"
        self._turn = threading.Lock()
        self._attempts: dict[int, int] = {}
        self._told: dict[int, str] = {}
        self._size = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = _lock(self._path)
            self._lock.acquire(timeout=0)
            self._handle = _create(self._path)
        except OSError as error:
            raise _unwritable(self._path, error) from error
        self._write(self._head)

    def expect(self, attempts: Mapping[int, int]) -> None:
        """Learn at which attempt the letters of a claimed group are."""
        with self._turn:
            self._attempts.update(attempts)

    def begin(self, subscriber_id: int, /) -> None:
        """Note that a letter is about to be handed over whole.

        Raises:
            SendingError: it cannot be noted, so the letter must not go.
        """
        self._note(_BEGUN, subscriber_id)

    def answer(self, receipt: Receipt) -> None:
        """Note what became of a letter.

        Raises:
            SendingError: it cannot be noted.
        """
        self._note(_OUTCOMES[receipt.outcome], receipt.subscriber_id)

    def has_begun(self, subscriber_id: int) -> bool:
        """Whether a letter was begun, and not answered."""
        with self._turn:
            return self._told.get(subscriber_id, "").startswith(_BEGUN)

    def forget(self, subscriber_ids: Iterable[int]) -> None:
        """Drop letters whose fate stands in the ledger by now."""
        with self._turn:
            for number in subscriber_ids:
                self._attempts.pop(number, None)
                self._told.pop(number, None)
            if self._size > _LARGEST:
                self._shrink()

    def close(self, *, done: bool) -> None:
        """Close it; where all it tells stands in the ledger, `done`, it is removed."""
        os.close(self._handle)
        if done:
            _remove(self._path)
        self._lock.release()

    def _note(self, sign: str, number: int) -> None:
        with self._turn:
            line = f"{sign} {number} {self._attempts[number]}\n"
            self._told[number] = line
            self._write(line)

    def _write(self, line: str) -> None:
        data = line.encode("ascii")
        try:
            written = os.write(self._handle, data)
        except OSError as error:
            raise _unwritable(self._path, error) from error
        if written < len(data):  # the disk is full, and says so only at the next attempt
            raise _unwritable(self._path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        self._size += written

    def _shrink(self) -> None:
        """Write it anew with only what is not in the ledger yet."""
        draft = self._path.with_suffix(".draft")
        try:
            handle = _create(draft)
            old, self._handle, self._size = self._handle, handle, 0
            self._write("".join([self._head, *self._told.values()]))
            draft.replace(self._path)
            os.close(old)
        except OSError as error:
            raise _unwritable(self._path, error) from error


@dataclass(frozen=True, slots=True)
class Testimony:
    """What the journal of an owner who is gone tells of deliveries, by number and attempt."""

    told: Mapping[tuple[int, int], str]

    def outcome(self, subscriber_id: int, attempt: int) -> Outcome:
        """What became of a claimed delivery: accepted, in doubt, or never left."""
        match self.told.get((subscriber_id, attempt)):
            case "A":
                return Outcome.ACCEPTED
            case "S" | "D":
                return Outcome.IN_DOUBT
            case _:
                return Outcome.UNSENT

    @classmethod
    def of(cls, lines: Iterator[bytes]) -> Self:
        """Read the lines of a journal; a last one that is cut off does not count as written."""
        told: dict[tuple[int, int], str] = {}
        for line in lines:
            match line.split():
                case [sign, number, attempt] if line.endswith(b"\n"):
                    told[int(number), int(attempt)] = sign.decode("ascii")
                case _:
                    pass
        return cls(told)


@contextlib.contextmanager
def journal_of(
    folder: Path, owner: str, uptime: Callable[[], str] = this_uptime
) -> Iterator[Testimony | None]:
    """What the journal of an owner tells; None where it cannot be believed.

    It is believed where the owner is surely gone (its lock is free), and the machine is
    the same and was not started anew since. It is removed at the end of the block, unless
    that ends with an exception: by then what it tells stands in the ledger.
    """
    path = _file(folder, owner)
    if not owner or not path.is_file():
        yield None
        return
    lock = _lock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield None
        return
    try:
        with path.open("rb") as file:
            head = file.readline().decode("ascii", "replace").split()
            believed = bool(uptime()) and head == ["H", uptime()]
            found = Testimony.of(file) if believed else None
        yield found
        _remove(path)
    finally:
        lock.release()


def _file(folder: Path, owner: str) -> Path:
    return folder / f"{owner}.journal"


def _create(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)


def _lock(path: Path) -> FileLock:
    return FileLock(path.with_suffix(".lock"))


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.with_suffix(".lock").unlink(missing_ok=True)


def _unwritable(path: Path, error: OSError) -> SendingError:
    return SendingError(
        f"The journal {path} cannot be written: {error.strerror}. Nothing more was sent. Make "
        "room or let this user write there, and run the same command again: nobody gets it twice."
    )
