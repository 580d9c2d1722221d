"""The local journal: what this process has handed over, letter by letter.

The ledger is written a group at a time. When a process dies in between, the journal tells
which letters of its last groups were never begun, which were answered, and which one of
each connection was on its way. It is not synced: it outlives the process, not the machine,
and is believed only in the same uptime of the same machine.

A line is a sign, the number of a subscriber and that of the attempt: `C 17 1` where the
letter was claimed, `S 17 1` begun, `A 17 1` accepted, `N 17 1` surely not gone, `D 17 1`
in doubt. The last line of a letter counts.
"""

import contextlib
import errno
import mmap
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from newsletter_mailer.errors import SendingError
from newsletter_mailer.sending.transports.contract import Outcome, Receipt

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

_ROOM = 1 << 20
"""Bytes of a journal: many times what a few claimed groups need."""

_FULL = _ROOM // 2
"""Bytes from which it is written anew, without what the ledger holds by now."""

_CLAIMED = b"C %d %d\n"
_BEGUN = b"S"
_ACCEPTED = b"A"
_DOUBTFUL = b"D"
_NOT_GONE = b"N"
_OUTCOMES = {
    Outcome.ACCEPTED: _ACCEPTED,
    Outcome.REJECTED: _NOT_GONE,
    Outcome.RETRY: _NOT_GONE,
    Outcome.UNSENT: _NOT_GONE,
    Outcome.IN_DOUBT: _DOUBTFUL,
}


def this_uptime() -> str:
    """What names this machine since it was started; empty where the system does not tell."""
    with contextlib.suppress(OSError):
        return BOOT_ID.read_text(encoding="ascii").strip()
    return ""


class Journal:
    """The journal of one owner of batches, open for writing, its lock held.

    It is written through a mapping of a file whose room was reserved at the start: no
    write can fail half-way, and none waits for the disk.
    """

    def __init__(self, folder: Path, owner: str, uptime: Callable[[], str] = this_uptime) -> None:
        """Begin a journal.

        Raises:
            SendingError: its file cannot be made, or the disk has no room for it.
        """
        self._path = _file(folder, owner)
        self._head = f"H {uptime()}\n".encode("ascii")
        self._told: dict[int, bytes] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = _lock(self._path)
            self._lock.acquire(timeout=0)
            self._pages = _reserve(self._path, self._head)
        except OSError as error:
            with contextlib.suppress(OSError):
                _remove(self._path)
            raise _unwritable(self._path, error) from error
        self._end = len(self._head)

    def expect(self, attempts: Sequence[tuple[int, int]]) -> None:
        """Note that a group was claimed: its letters, each with its attempt."""
        lines = {attempt[0]: _CLAIMED % attempt for attempt in attempts}
        self._told.update(lines)
        self._append(lines.values())

    def begin(self, *subscriber_ids: int) -> None:
        """Note that letters are about to be handed over whole."""
        told, lines = self._told, []
        for number in subscriber_ids:
            line = told[number] = _BEGUN + told[number][1:]
            lines.append(line)
        self._append(lines)

    def answer(self, receipts: Iterable[Receipt]) -> None:
        """Note what became of letters."""
        told, lines, accepted = self._told, [], Outcome.ACCEPTED
        for receipt in receipts:
            number, outcome = receipt[:2]
            # Nearly all are; and an outcome's hash, for the look into a dict, is slow.
            sign = _ACCEPTED if outcome is accepted else _OUTCOMES[outcome]
            line = told[number] = sign + told[number][1:]
            lines.append(line)
        self._append(lines)

    def has_begun(self, subscriber_id: int) -> bool:
        """Whether a letter was begun, and not answered."""
        return self._told.get(subscriber_id, b"").startswith(_BEGUN)

    def forget(self, subscriber_ids: Iterable[int]) -> None:
        """Drop letters whose fate stands in the ledger by now.

        Raises:
            SendingError: the file was full and could not be made anew.
        """
        for number in subscriber_ids:
            self._told.pop(number, None)
        if self._end > _FULL:
            self._begin_anew()

    def close(self, *, done: bool) -> None:
        """Close it; where all it tells stands in the ledger, `done`, it is removed."""
        self._pages.close()
        if done:
            _remove(self._path)
        self._lock.release()

    def _append(self, lines: Iterable[bytes]) -> None:
        content = b"".join(lines)
        end = self._end + len(content)
        self._pages[self._end : end] = content
        self._end = end

    def _begin_anew(self) -> None:
        """Write a new file with only what is not in the ledger yet, and put it in its place."""
        content = b"".join([self._head, *self._told.values()])
        draft = self._path.with_suffix(".draft")
        try:
            pages = _reserve(draft, content)
            draft.replace(self._path)
        except OSError as error:
            raise _unwritable(self._path, error) from error
        self._pages.close()
        self._pages, self._end = pages, len(content)


@dataclass(frozen=True, slots=True)
class Testimony:
    """What the journal of an owner who is gone tells of deliveries, by number and attempt."""

    told: Mapping[tuple[int, int], bytes]

    def knows(self, subscriber_id: int, attempt: int) -> bool:
        """Whether this owner had claimed the delivery."""
        return (subscriber_id, attempt) in self.told

    def outcome(self, subscriber_id: int, attempt: int) -> Outcome:
        """What became of a claimed delivery: accepted, in doubt, or never left."""
        sign = self.told.get((subscriber_id, attempt))
        if sign == _ACCEPTED:
            return Outcome.ACCEPTED
        return Outcome.IN_DOUBT if sign in {_BEGUN, _DOUBTFUL} else Outcome.UNSENT

    @classmethod
    def of(cls, content: bytes) -> Self:
        """Read a journal. A last line that was cut off was not written: nothing hung on it yet."""
        told: dict[tuple[int, int], bytes] = {}
        whole = content.partition(b"\0")[0]
        for line in whole[: whole.rfind(b"\n") + 1].splitlines()[1:]:
            sign, number, attempt = line.split()
            told[int(number), int(attempt)] = sign
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
        if not path.is_file():  # another worker has settled it meanwhile
            _remove(path)
            yield None
            return
        content = path.read_bytes()
        now = uptime()
        believed = bool(now) and content.startswith(f"H {now}\n".encode("ascii"))
        yield Testimony.of(content) if believed else None
        _remove(path)
    finally:
        lock.release()


def owners_in(folder: Path, beginning: str) -> set[str]:
    """The owners of whom there is a journal, and whose names begin so."""
    return {path.stem for path in folder.glob(f"{beginning}*.journal")}


def _file(folder: Path, owner: str) -> Path:
    return folder / f"{owner}.journal"


def _reserve(path: Path, content: bytes) -> mmap.mmap:
    """A new file that begins with `content`, with all its room on the disk, mapped."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        if os.write(handle, bytes(_ROOM)) < _ROOM:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        pages = mmap.mmap(handle, _ROOM)
    finally:
        os.close(handle)
    pages[: len(content)] = content
    return pages


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
