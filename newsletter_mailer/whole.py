"""Files and folders that appear whole or not at all."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from newsletter_mailer.errors import UsageError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A draft beside a file, which takes its place when the block ends without an exception.

    A file that is there keeps its permissions.

    Raises:
        OSError: it cannot be written.
    """
    # A name that no other process uses, and at which nobody can have left a link.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        yield draft
        if path.exists():
            shutil.copymode(path, draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def whole_folder(folder: Path, what: str, mark: str) -> Iterator[Path]:
    """A draft of a folder, which takes its place when the block ends without an exception.

    `what` says what is written, and `mark` is the file by which an earlier one is known:
    nothing else is written over.

    Raises:
        UsageError: the folder holds something else, or cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or _holds_something_else(folder, mark)):
        raise UsageError(f"{folder} holds other things than {what}. Name a new or an empty folder.")
    target = folder.absolute()
    draft, old = (target.with_name(f".{target.name}.{end}") for end in ("part", "old"))
    try:
        for path in (draft, old):
            shutil.rmtree(path, ignore_errors=True)
        draft.mkdir(parents=True)
        yield draft
        if target.exists():
            target.rename(old)
        draft.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}.") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _holds_something_else(folder: Path, mark: str) -> bool:
    return any(folder.iterdir()) and not (folder / mark).is_file()
